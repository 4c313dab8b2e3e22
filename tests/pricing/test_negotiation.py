"""Negotiation: the band, offers by turns that only approach each other, and how it ends."""

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.clearance import Clearance
from pricing.negotiation import (
    Band,
    Negotiation,
    Party,
    Rules,
    accepted,
    as_of,
    deliverable_fen,
    negotiation_band,
    offered,
    rejected,
    withdrawn,
)
from tests.pricing.markets import (
    CLEARED,
    NOON,
    NOT_FINITE,
    after,
    amounts_fen,
    minutes,
    negotiation,
    offer,
    unhurried,
)

LATER = NOON + minutes(60)
moves = st.lists(st.tuples(st.sampled_from(["buyer", "seller"]), st.integers(80_000, 120_000)), max_size=30)


@unhurried
@given(amounts_fen, amounts_fen, st.none() | amounts_fen)
def test_the_band_covers_cost_and_keeps_to_the_ceiling(cost: int, price: int, ceiling: int | None) -> None:
    lowest, highest = max(Fraction(cost), Fraction(85, 100) * price), Fraction(115, 100) * price
    highest = highest if ceiling is None else min(highest, Fraction(ceiling))
    if lowest > highest:
        with pytest.raises(ValueError, match="no price is left"):
            negotiation_band(cost, price, ceiling_fen=ceiling)
    else:
        assert negotiation_band(cost, price, ceiling_fen=ceiling) == Band(lowest, highest)


def test_a_band_holds_exactly_the_whole_fen_inside() -> None:
    band = negotiation_band(0, 33)
    assert (band.lowest, band.highest) == (Fraction("28.05"), Fraction("37.95"))
    assert (band.lowest_fen, band.highest_fen) == (29, 37)
    assert [band.holds(price) for price in (28, 29, 37, 38)] == [False, True, True, False]


@unhurried
@given(moves)
def test_whatever_is_tried_the_parties_only_approach_and_agree_on_a_price_once_offered(
    tried: list[tuple[Party, int]],
) -> None:
    standing = negotiation()
    for minute, (party, price_fen) in enumerate(tried):
        try:
            standing = offered(standing, offer(party, price_fen, minute), CLEARED)
        except ValueError:
            continue
    asked = [made.price_fen for made in standing.offers if made.party == "seller"]
    bid = [made.price_fen for made in standing.offers if made.party == "buyer"]
    assert asked == sorted(asked, reverse=True)
    assert bid == sorted(bid)
    assert len(standing.offers) <= 20
    if standing.agreed_fen is not None:
        assert standing.agreed_fen == standing.offers[-2].price_fen
        assert standing.band.holds(standing.agreed_fen)


def test_accepting_takes_the_counterparts_standing_price() -> None:
    countered = after(negotiation(), [("seller", 110_000), ("buyer", 95_000)])
    assert countered.state == "counter"
    assert accepted(countered, "buyer", LATER, CLEARED).agreed_fen == 110_000
    assert accepted(countered, "seller", LATER, CLEARED).agreed_fen == 95_000
    assert accepted(countered, "seller", LATER, CLEARED).state == "agreed"


@pytest.mark.parametrize(
    ("crossing", "agreed_fen"),
    [
        ([("seller", 100_000), ("buyer", 105_000)], 100_000),
        ([("buyer", 105_000), ("seller", 100_000)], 105_000),
        ([("buyer", 100_000), ("seller", 100_000)], 100_000),
    ],
)
def test_offers_that_cross_close_at_the_earlier_one(crossing: list[tuple[Party, int]], agreed_fen: int) -> None:
    closed = after(negotiation(), crossing)
    assert (closed.state, closed.agreed_fen) == ("agreed", agreed_fen)


def test_a_step_is_half_a_percent_of_ones_own_last_price_or_none() -> None:
    opened = after(negotiation(), [("seller", 110_000), ("buyer", 90_000)])
    assert offered(opened, offer("seller", 110_000, 9), CLEARED).state == "counter"
    assert offered(opened, offer("seller", 109_450, 9), CLEARED).state == "counter"
    with pytest.raises(ValueError, match="a step must be 550 fen or more, not 549"):
        offered(opened, offer("seller", 109_451, 9), CLEARED)


def test_a_smaller_step_may_close_the_gap() -> None:
    near = after(negotiation(), [("seller", 100_000), ("buyer", 99_900)])
    assert offered(near, offer("seller", 99_900, 9), CLEARED).agreed_fen == 99_900


def test_a_party_may_not_go_back_on_its_price() -> None:
    opened = after(negotiation(), [("seller", 110_000), ("buyer", 90_000)])
    with pytest.raises(ValueError, match="the seller offered 110000 fen before and may not go back"):
        offered(opened, offer("seller", 112_000, 9), CLEARED)
    countered = offered(opened, offer("seller", 105_000, 9), CLEARED)
    with pytest.raises(ValueError, match="the buyer offered 90000 fen before and may not go back"):
        offered(countered, offer("buyer", 89_000, 10), CLEARED)


def test_the_parties_take_turns() -> None:
    with pytest.raises(ValueError, match="it is the buyer's turn"):
        after(negotiation(), [("seller", 110_000), ("seller", 105_000)])


def test_after_ten_rounds_only_an_answer_is_left() -> None:
    full = after(negotiation(), [("seller", 110_000), ("buyer", 90_000)] * 10)
    with pytest.raises(ValueError, match="all 10 rounds are used"):
        offered(full, offer("seller", 105_000, 60), CLEARED)
    assert accepted(full, "seller", LATER, CLEARED).agreed_fen == 90_000


def test_a_price_outside_the_band_needs_a_waiver() -> None:
    for price_fen in (84_999, 115_001):
        with pytest.raises(ValueError, match="outside the band 85000 to 115000 fen, which needs a regulator's waiver"):
            offered(negotiation(), offer("seller", price_fen), CLEARED)
        waived = offered(negotiation(), offer("seller", price_fen, waiver_id="W-7"), CLEARED)
        assert accepted(waived, "buyer", LATER, CLEARED).agreed_fen == price_fen


def test_changed_terms_start_a_new_negotiation() -> None:
    with pytest.raises(ValueError, match="a new negotiation must be opened"):
        offered(negotiation(), offer("buyer", 90_000, terms_sha256="b" * 64), CLEARED)


def test_an_offer_lives_for_72_hours() -> None:
    made = after(negotiation(), [("seller", 110_000)])
    last = made.offers[-1].made_at + timedelta(hours=72)
    assert accepted(made, "buyer", last, CLEARED).state == "agreed"
    assert as_of(made, last).state == "counter"
    expired = as_of(made, last + timedelta(seconds=1))
    assert expired.state == "expired"
    for late in (
        lambda: accepted(made, "buyer", last + timedelta(seconds=1), CLEARED),
        lambda: offered(made, replace(offer("buyer", 90_000), made_at=last + timedelta(seconds=1)), CLEARED),
        lambda: rejected(made, "buyer", last + timedelta(seconds=1)),
    ):
        with pytest.raises(ValueError, match="expired at 2026-11-27T12:01"):
            late()


def test_a_negotiation_that_nobody_begins_expires() -> None:
    assert as_of(negotiation(), NOON + timedelta(hours=73)).state == "expired"


def test_it_ends_by_rejecting_or_withdrawing() -> None:
    made = after(negotiation(), [("seller", 110_000)])
    assert rejected(made, "buyer", LATER).state == "rejected"
    assert withdrawn(made, LATER).state == "withdrawn"
    assert withdrawn(negotiation(), LATER).agreed_fen is None


@pytest.mark.parametrize("state", ["agreed", "rejected", "expired", "withdrawn"])
def test_what_is_over_stays_over(state: Any) -> None:
    over = replace(after(negotiation(), [("seller", 110_000)]), state=state)
    for act in (
        lambda: offered(over, offer("buyer", 90_000, 9), CLEARED),
        lambda: accepted(over, "buyer", LATER, CLEARED),
        lambda: rejected(over, "buyer", LATER),
        lambda: withdrawn(over, LATER),
    ):
        with pytest.raises(ValueError, match=f"the negotiation is over: {state}"):
            act()
    assert as_of(over, NOON + timedelta(days=365)) == over


@pytest.mark.parametrize(
    ("missing", "reason"),
    [(Clearance(False, True), r"S\(X\) = 0"), (Clearance(True, False), "the quality gate is closed")],
)
def test_nothing_is_agreed_or_delivered_without_clearance(missing: Clearance, reason: str) -> None:
    made = after(negotiation(), [("seller", 110_000)])
    agreed = accepted(made, "buyer", LATER, CLEARED)
    for act in (
        lambda: accepted(made, "buyer", LATER, missing),
        lambda: offered(made, offer("buyer", 110_000, 9), missing),
        lambda: deliverable_fen(agreed, missing),
    ):
        with pytest.raises(ValueError, match=reason):
            act()
    assert deliverable_fen(agreed, CLEARED) == 110_000


def test_nothing_is_delivered_that_was_not_agreed() -> None:
    with pytest.raises(ValueError, match="nothing is agreed: the negotiation is open"):
        deliverable_fen(negotiation(), CLEARED)


@pytest.mark.parametrize("wrong", [-0.01, *NOT_FINITE])
def test_a_value_outside_its_domain_is_refused(wrong: float) -> None:
    for refused in (
        lambda: negotiation_band(wrong, 1),
        lambda: negotiation_band(1, wrong),
        lambda: negotiation_band(1, 1, tolerance=wrong),
        lambda: negotiation_band(1, 1, ceiling_fen=wrong),
        lambda: Rules(least_step=wrong),
    ):
        with pytest.raises(ValueError, match="must be"):
            refused()


def test_refusals_say_what_is_wrong() -> None:
    opened = negotiation()
    with pytest.raises(ValueError, match="the seller has no offer standing to accept"):
        accepted(opened, "buyer", LATER, CLEARED)
    with pytest.raises(ValueError, match="the buyer has no offer standing to reject"):
        rejected(opened, "seller", LATER)
    with pytest.raises(ValueError, match="is before the last event"):
        offered(opened, offer("buyer", 90_000, -1), CLEARED)
    with pytest.raises(ValueError, match="price_fen must be a whole number of fen, 1 or more"):
        offer("buyer", 0)
    with pytest.raises(ValueError, match="party must be buyer or seller"):
        offer("broker", 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs a time zone"):
        offer("buyer", 1, made_at=datetime(2026, 11, 24))
    with pytest.raises(ValueError, match="needs a time zone"):
        Negotiation(opened.band, opened.terms_sha256, datetime(2026, 11, 24))
    with pytest.raises(ValueError, match="most_rounds must be 1 or more"):
        Rules(most_rounds=0)
    with pytest.raises(ValueError, match="time_to_live must be above 0"):
        Rules(time_to_live=timedelta(0))
