"""Negotiations: the rules refuse, an agreement places an order, and nobody else learns of it."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_api.negotiations import acting
from market_api.negotiations.acting import expire_negotiations
from market_api.problems import Problem
from market_api.trading.expiring import expire_orders
from tests.market_api.builders import a_participant, suspended
from tests.market_api.goods import ASKED, EXCLUSIVE, acted, is_proven, lose_clearance, move_listing, refused
from tests.market_api.negotiations.talks import Talks, talks


@pytest.fixture
def two(released: Path, tmp_path: Path) -> Talks:
    return talks(released, tmp_path)


def test_an_accepted_offer_is_an_order_that_the_buyer_pays(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    two = talks(released, tmp_path, database_url)
    name = two.opened()
    two.offer(name, two.buyer, 90_000)
    two.offer(name, two.seller, 110_000)
    agreed = two.accept(name, two.buyer, 110_000)
    assert (agreed["state"], agreed["agreed_fen"]) == ("agreed", 110_000)

    order_id = agreed["order_id"]
    paid = two.pay(order_id)
    assert (paid["state"], paid["price_fen"]) == ("settled", 110_000)
    assert two.funds_fen(two.buyer) == {"available": 890_000, "held": 0, "pending": 0}
    assert two.rows("select terms_hash from orders") == [(agreed["terms_hash"],)]
    assert two.rows("select order_id, state from entitlements") == [(order_id, "active")]
    assert is_proven(two.market)


def test_offers_that_cross_agree_on_the_earlier_one(two: Talks) -> None:
    name = two.opened()
    two.offer(name, two.seller, 100_000)
    agreed = two.offer(name, two.buyer, 104_000)
    assert (agreed["state"], agreed["agreed_fen"]) == ("agreed", 100_000)
    assert [each["price_fen"] for each in agreed["offers"]] == [100_000, 104_000]
    assert two.rows("select price_fen, state, origin, origin_id from orders") == [
        (100_000, "placed", "negotiation", name)
    ]


def test_what_breaks_a_rule_is_refused_with_its_cause_and_leaves_no_trace(two: Talks) -> None:
    name = two.opened()
    outside = refused("offer_refused", two.offer, name, two.buyer, 84_999)
    assert "outside the band 85000 to 115000 fen" in outside.detail
    refused("offer_refused", two.offer, name, two.buyer, 115_001)
    refused("offer_refused", two.offer, name, two.buyer, -1)
    refused("offer_refused", two.offer, name, two.buyer, 10**30)
    refused("offer_refused", two.accept, name, two.buyer, 90_000)
    refused("offer_refused", two.reject, name, two.buyer)
    two.offer(name, two.buyer, 90_000)
    assert "turn" in refused("offer_refused", two.offer, name, two.buyer, 95_000).detail
    two.offer(name, two.seller, 110_000)
    assert "go back" in refused("offer_refused", two.offer, name, two.buyer, 89_000).detail
    assert "450 fen or more" in refused("offer_refused", two.offer, name, two.buyer, 90_449).detail
    changed = refused("offer_refused", two.offer, name, two.buyer, 95_000, agreed_terms_hash="0" * 64)
    assert "terms changed" in changed.detail
    assert [each["price_fen"] for each in two.seen(name)["offers"]] == [90_000, 110_000]
    assert two.offer(name, two.buyer, 90_450)["state"] == "open"
    assert is_proven(two.market)


def test_a_seller_never_asks_for_more_than_before(two: Talks) -> None:
    name = two.opened()
    two.offer(name, two.seller, 110_000)
    two.offer(name, two.buyer, 90_000)
    refused("offer_refused", two.offer, name, two.seller, 111_000)


def test_after_ten_rounds_no_offer_is_taken_but_the_standing_one_can_be_accepted(two: Talks) -> None:
    name = two.opened()
    for step in range(10):
        two.offer(name, two.buyer, 86_000 + 500 * step)
        two.offer(name, two.seller, 114_000 - 700 * step)
    assert "all 10 rounds" in refused("offer_refused", two.offer, name, two.buyer, 92_000).detail
    assert two.accept(name, two.buyer, 107_700)["state"] == "agreed"


def test_what_is_accepted_is_what_was_seen(two: Talks) -> None:
    name = two.opened()
    two.offer(name, two.seller, 110_000)
    refused("price_changed", two.accept, name, two.buyer, 109_000)
    refused("offer_refused", two.accept, name, two.buyer, 110_000, agreed_terms_hash="0" * 64)
    assert two.rows("select count(*) from orders") == [(0,)]


def test_a_standing_offer_lives_for_72_hours_to_the_microsecond(two: Talks) -> None:
    first, buyer = two.opened(), a_participant(two.market)
    two.offer(first, two.seller, 100_000)
    second = two.opened(buyer=buyer)
    two.clock.move(hours=72, minutes=-1)
    two.offer(second, two.seller, 100_000)
    assert two.seen(first)["state"] == "open"
    assert two.accept(first, two.buyer, 100_000)["state"] == "agreed"

    two.clock.move(hours=72)
    assert two.seen(second)["state"] == "open"
    two.clock.move(microseconds=1)
    assert two.seen(second)["state"] == "expired"
    late = refused("wrong_state", two.accept, second, buyer, 100_000)
    assert "expired" in late.detail
    refused("wrong_state", two.withdraw, second, two.seller)


def test_housekeeping_expires_what_nobody_answered_and_nothing_else(two: Talks) -> None:
    early, buyer = two.opened(), a_participant(two.market)
    two.clock.move(hours=1)
    late = two.opened(buyer=buyer)
    two.clock.move(hours=71, microseconds=1)
    expire_negotiations(two.market)
    assert two.rows("select negotiation_id, state from negotiations order by 1") == [(early, "expired"), (late, "open")]
    expire_negotiations(two.market)
    assert is_proven(two.market)


def test_each_negotiation_ends_once(two: Talks) -> None:
    for end in (two.reject, two.withdraw):
        name = two.opened()
        two.offer(name, two.seller, 100_000)
        end(name, two.buyer)
        for again in (two.reject, two.withdraw):
            refused("wrong_state", again, name, two.buyer)
        refused("wrong_state", two.accept, name, two.buyer, 100_000)
        refused("wrong_state", two.offer, name, two.buyer, 90_000)


def test_other_terms_are_another_negotiation_after_the_first_is_left(two: Talks) -> None:
    first = two.opened()
    refused("wrong_state", two.opened, EXCLUSIVE)
    two.withdraw(first, two.buyer)
    second = two.opened(EXCLUSIVE)
    assert two.seen(second)["terms_hash"] != two.seen(first)["terms_hash"]


def test_a_window_of_ones_own_may_be_asked_for_and_nothing_else_beyond_the_offer(two: Talks) -> None:
    for wider in (
        replace(ASKED, purposes=("advertising",)),
        replace(ASKED, users=11),
        replace(ASKED, term_days=366),
        replace(ASKED, pulls=None),
    ):
        assert refused("invalid_request", two.opened, wider).field.startswith("terms.")
    assert two.seen(two.opened(EXCLUSIVE))["terms"]["exclusive_days"] == 90


def test_nobody_negotiates_with_itself_or_about_what_is_not_traded(two: Talks) -> None:
    refused("not_permitted", two.opened, buyer=two.seller)
    move_listing(two.market, two.listing_id, "freeze")
    refused("wrong_state", two.opened)


def test_a_free_component_is_not_negotiated(released: Path, tmp_path: Path) -> None:
    free = talks(released, tmp_path, regime="public_free", negotiated_fen=0, guide_fen=0, price_fen=0)
    assert "no price is left" in refused("wrong_state", free.opened).detail


def test_a_ceiling_ends_the_band(released: Path, tmp_path: Path) -> None:
    guided = talks(released, tmp_path, regime="public_guided", ceiling_fen=105_000)
    name = guided.opened()
    assert (guided.seen(name)["lowest_fen"], guided.seen(name)["highest_fen"]) == (85_000, 105_000)
    refused("offer_refused", guided.offer, name, guided.seller, 105_001)


def test_clearance_is_asked_at_every_offer_and_at_the_agreement(two: Talks) -> None:
    name = two.opened()
    two.offer(name, two.seller, 100_000)
    lose_clearance(two.market)
    refused("not_cleared", two.accept, name, two.buyer, 100_000)
    refused("not_cleared", two.offer, name, two.buyer, 90_000)
    assert two.withdraw(name, two.buyer)["state"] == "withdrawn"
    assert two.rows("select count(*) from orders") == [(0,)]


def test_a_frozen_listing_or_a_suspended_seller_agrees_on_nothing(two: Talks) -> None:
    name = two.opened()
    two.offer(name, two.seller, 100_000)
    move_listing(two.market, two.listing_id, "freeze")
    refused("wrong_state", two.accept, name, two.buyer, 100_000)
    move_listing(two.market, two.listing_id, "release")
    suspended(two.market, two.seller)
    refused("wrong_state", two.accept, name, two.buyer, 100_000)


def test_a_third_party_finds_nothing(two: Talks) -> None:
    name, third = two.opened(), a_participant(two.market)
    two.offer(name, two.seller, 100_000)
    refused("not_found", two.accept, name, third, 100_000)
    refused("not_found", two.offer, name, third, 90_000)
    for act in (two.reject, two.withdraw):
        refused("not_found", act, name, third)
    refused("not_found", acted, two.market, third, acting.withdraw, "neg_0000000000000000000000000000")


def test_offers_stay_as_they_were_made(two: Talks) -> None:
    name = two.opened()
    two.offer(name, two.seller, 100_000)
    for statement in ("update negotiation_offers set price_fen = 1", "delete from negotiation_offers"):
        with pytest.raises(sa.exc.DatabaseError, match="never changed"):
            two.market.act("market", lambda transaction, text=statement: transaction.connection.execute(sa.text(text)))  # type: ignore[misc]


def test_a_clock_that_goes_back_stops_no_one(two: Talks) -> None:
    name = two.opened()
    two.offer(name, two.seller, 110_000)
    two.clock.move(hours=-1)
    two.offer(name, two.buyer, 90_000)
    moments = [each["made_at"] for each in two.seen(name)["offers"]]
    assert moments == sorted(moments)


def test_an_agreed_order_can_be_left_once_and_not_by_others(two: Talks) -> None:
    name = two.opened()
    two.offer(name, two.seller, 100_000)
    order_id = two.accept(name, two.buyer, 100_000)["order_id"]
    for wrong in (two.pay, two.cancel):
        refused("not_found", wrong, order_id, two.seller)
    assert two.cancel(order_id)["state"] == "cancelled"
    for again in (two.pay, two.cancel):
        refused("wrong_state", again, order_id)
    assert is_proven(two.market)


def test_an_unpaid_order_expires_after_72_hours_and_costs_nothing(two: Talks) -> None:
    name = two.opened()
    two.offer(name, two.seller, 100_000)
    order_id = two.accept(name, two.buyer, 100_000)["order_id"]
    two.clock.move(hours=72)
    expire_orders(two.market)
    assert two.rows("select state from orders") == [("placed",)]
    two.clock.move(microseconds=1)
    refused("wrong_state", two.pay, order_id)
    expire_orders(two.market)
    assert two.rows("select state from orders") == [("expired",)]
    assert two.funds_fen(two.buyer) == {"available": 1_000_000, "held": 0, "pending": 0}


def test_a_frozen_listing_is_not_paid_for_and_a_retired_one_is(two: Talks) -> None:
    name = two.opened()
    two.offer(name, two.seller, 100_000)
    order_id = two.accept(name, two.buyer, 100_000)["order_id"]
    move_listing(two.market, two.listing_id, "freeze")
    refused("wrong_state", two.pay, order_id)
    move_listing(two.market, two.listing_id, "retire")
    assert two.pay(order_id)["state"] == "settled"


moves = st.lists(
    st.tuples(st.sampled_from(["buyer", "seller"]), st.sampled_from(["offer", "accept"]), st.integers(84_000, 116_000)),
    max_size=12,
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves)
def test_whatever_is_tried_an_agreement_lies_in_the_band_and_on_the_others_standing_price(
    one_market: Talks, tried: list[tuple[str, str, int]]
) -> None:
    two, name = one_market, one_market.opened()
    parties = {"buyer": two.buyer, "seller": two.seller}
    for party, act, price_fen in tried:
        before = two.seen(name)
        other = [each["price_fen"] for each in before["offers"] if each["party"] != party]
        try:
            after = (two.offer if act == "offer" else two.accept)(name, parties[party], price_fen)
        except Problem:
            assert two.seen(name) == before
            continue
        if after["state"] == "agreed":
            assert after["agreed_fen"] == other[-1]
            assert after["lowest_fen"] <= after["agreed_fen"] <= after["highest_fen"]
            assert two.rows(f"select count(*) from orders where origin_id = '{name}'") == [(1,)]
            return
    assert two.rows(f"select count(*) from orders where origin_id = '{name}'") == [(0,)]
    two.withdraw(name, two.buyer)


@pytest.fixture(scope="module")
def one_market(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Talks:
    return talks(released, tmp_path_factory.mktemp("market"))
