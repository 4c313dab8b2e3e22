"""The English auction: limits that the house bids for, an end that late bids move, and a sealed last call."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.auction import Award, Outcome, SealedBid
from pricing.english import (
    EnglishRules,
    ProxyBid,
    Refusal,
    Standing,
    after_last_call,
    english_outcome,
    english_price,
    english_standing,
    least_bid,
)
from tests.pricing.markets import DRAW, NOON, minutes, unhurried

RULES = EnglishRules(reserve_fen=1000, increment_fen=100, opens_at=NOON, closes_at=NOON + minutes(60))
bidders = st.sampled_from(["ada", "bo", "chen", "dee"])
limits = st.integers(5, 40).map(lambda hundreds: hundreds * 100)
logs = st.lists(st.tuples(bidders, limits, st.integers(0, 9)), max_size=12)


def log(*entries: tuple[str, int, float]) -> list[ProxyBid]:
    """Bids by bidder, limit and minute."""
    return [
        ProxyBid(f"bid{number}", bidder, limit_fen, NOON + minutes(minute))
        for number, (bidder, limit_fen, minute) in enumerate(entries)
    ]


def spaced(entries: list[tuple[str, int, int]]) -> list[ProxyBid]:
    """A log with the drawn numbers as the minutes between bids, to the end and past it."""
    clock, timed = 0, []
    for bidder, limit_fen, gap in entries:
        clock += gap
        timed.append((bidder, limit_fen, clock))
    return log(*timed)


def taken(standing: Standing, bids: list[ProxyBid]) -> list[ProxyBid]:
    refused = {refusal.bid_id for refusal in standing.refusals}
    return [bid for bid in bids if bid.bid_id not in refused]


@unhurried
@given(logs)
def test_the_price_is_the_best_losing_limit_and_a_step_or_the_reserve_and_no_more_than_the_winners_limit(
    entries: list[tuple[str, int, int]],
) -> None:
    bids = spaced(entries)
    standing = english_standing(RULES, bids)
    if standing.leader is None:
        assert taken(standing, bids) == []
        return
    winner = standing.leader
    highest = max(bid.limit_fen for bid in taken(standing, bids))
    losing = [bid.limit_fen for bid in taken(standing, bids) if bid.bidder_id != winner.bidder_id]
    assert winner.amount_fen == highest
    assert standing.price_fen == english_price(highest, max(losing, default=None), 1000, 100)


@unhurried
@given(logs)
def test_every_bid_is_taken_or_refused_and_the_standing_price_never_falls(
    entries: list[tuple[str, int, int]],
) -> None:
    bids = spaced(entries)
    prices = [english_standing(RULES, bids[:count]).price_fen for count in range(len(bids) + 1)]
    assert prices == sorted(prices)
    standing = english_standing(RULES, bids)
    assert standing.bidders == {bid.bidder_id for bid in taken(standing, bids)}


@pytest.mark.parametrize(
    ("limit_fen", "second_fen", "price_fen"),
    [(3000, None, 1000), (3000, 500, 1000), (3000, 2000, 2100), (3000, 2950, 3000), (3000, 3000, 3000)],
)
def test_the_price_lies_between_the_reserve_and_the_limit(
    limit_fen: int, second_fen: int | None, price_fen: int
) -> None:
    assert english_price(limit_fen, second_fen, reserve_fen=1000, increment_fen=100) == price_fen


def test_a_sole_bidder_pays_the_reserve() -> None:
    outcome = english_outcome(english_standing(RULES, log(("ada", 3000, 1))))
    assert outcome == Outcome((Award("bid0", "ada", 1000),))


def test_the_leader_pays_one_step_above_the_second() -> None:
    outcome = english_outcome(english_standing(RULES, log(("ada", 3000, 1), ("bo", 2000, 2))))
    assert outcome.awards == (Award("bid0", "ada", 2100),)


@unhurried
@given(st.lists(st.integers(10, 16), min_size=1, max_size=4))
def test_no_bidder_gains_more_than_a_step_by_another_limit_than_its_value(hundreds: list[int]) -> None:
    """All deviations of each bidder: a proxy makes the format truthful but for the increment it steps by."""

    def gain(limits: list[int], bidder: int, value_fen: int) -> int:
        entries = [(f"bidder{place}", limit * 100, place) for place, limit in enumerate(limits)]
        won = english_outcome(english_standing(RULES, log(*entries)))
        return value_fen - won.payment_fen(f"bidder{bidder}") if f"bidder{bidder}" in won.winners else 0

    for bidder, honest in enumerate(hundreds):
        truthful = gain(hundreds, bidder, honest * 100)
        assert truthful >= 0
        for other in range(9, 19):
            deviating = [*hundreds[:bidder], other, *hundreds[bidder + 1 :]]
            assert gain(deviating, bidder, honest * 100) <= truthful + RULES.increment_fen


def test_of_equal_limits_the_earlier_leads_and_pays_all_of_it() -> None:
    outcome = english_outcome(english_standing(RULES, log(("ada", 2000, 1), ("bo", 2000, 2))))
    assert outcome.awards == (Award("bid0", "ada", 2000),)


def test_raising_ones_own_limit_does_not_raise_the_price() -> None:
    standing = english_standing(RULES, log(("ada", 2000, 1), ("ada", 3000, 2), ("bo", 2500, 3)))
    assert english_outcome(standing).awards == (Award("bid1", "ada", 2600),)
    assert english_standing(RULES, log(("ada", 2000, 1), ("ada", 3000, 2))).price_fen == 1000


def test_a_leader_whose_limit_capped_the_price_pays_the_whole_step_when_it_raises_it() -> None:
    standing = english_standing(RULES, log(("ada", 1100, 1), ("bo", 1100, 2), ("ada", 1500, 3)))
    assert english_outcome(standing).awards == (Award("bid2", "ada", 1200),)


def test_without_a_bid_at_the_reserve_nothing_is_sold() -> None:
    standing = english_standing(RULES, log(("ada", 900, 1)))
    assert english_outcome(standing) == Outcome(())
    assert standing.refusals == (Refusal("bid0", "too_low"),)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (("bo", 1000, 2), "too_low"),
        (("ada", 2000, 2), "too_low"),
        (("bo", 1550, 2), "not_a_multiple"),
        (("bo", 2000, 60), "late"),
    ],
)
def test_a_bid_against_the_rules_is_refused(entry: tuple[str, int, float], reason: Any) -> None:
    standing = english_standing(RULES, log(("ada", 2000, 1), entry))
    assert standing.refusals == (Refusal("bid1", reason),)
    assert standing.price_fen == 1000


def test_a_bid_before_the_opening_is_refused() -> None:
    assert english_standing(RULES, log(("ada", 2000, -1))).refusals == (Refusal("bid0", "early"),)


def test_the_least_bid_is_a_multiple_even_where_the_reserve_is_none() -> None:
    odd = EnglishRules(1050, 100, NOON, NOON + minutes(60))
    first = english_standing(odd, log(("ada", 2000, 1)))
    assert least_bid(Standing(odd.closes_at), odd) == 1100
    assert (first.price_fen, least_bid(first, odd)) == (1050, 1200)


def test_a_bid_in_the_last_five_minutes_moves_the_end() -> None:
    assert english_standing(RULES, log(("ada", 2000, 55))).closes_at == NOON + minutes(60)
    moved = english_standing(RULES, log(("ada", 2000, 57)))
    assert (moved.closes_at, moved.extensions) == (NOON + minutes(62), 1)
    again = english_standing(RULES, log(("ada", 2000, 57), ("bo", 3000, 61.5), ("chen", 4000, 66.5)))
    assert (again.closes_at, again.extensions) == (NOON + minutes(66.5), 2)
    assert again.refusals == (Refusal("bid2", "late"),)


def test_a_bid_before_the_window_does_not_move_the_end_however_long_the_extension() -> None:
    rules = EnglishRules(1000, 100, NOON, NOON + minutes(60), window=minutes(1), extension=minutes(10))
    assert english_standing(rules, log(("ada", 2000, 58))).closes_at == NOON + minutes(60)
    assert english_standing(rules, log(("ada", 2000, 59))).closes_at == NOON + minutes(69)


def test_a_refused_bid_does_not_move_the_end() -> None:
    standing = english_standing(RULES, log(("ada", 2000, 1), ("bo", 1000, 59)))
    assert (standing.closes_at, standing.extensions) == (NOON + minutes(60), 0)


def sniped(count: int) -> list[ProxyBid]:
    """A bid every four minutes from minute 57 on, two bidders in turn, each 100 fen above the other."""
    return log(*((["ada", "bo"][turn % 2], 1000 + 100 * turn, 57 + 4 * turn) for turn in range(count)))


def test_after_24_extensions_a_sealed_last_call_is_due() -> None:
    before, due = english_standing(RULES, sniped(23)), english_standing(RULES, sniped(24))
    assert (before.extensions, before.last_call_due) == (23, False)
    assert (due.extensions, due.last_call_due) == (24, True)
    beyond = english_standing(RULES, sniped(25))
    assert (beyond.closes_at, beyond.extensions) == (due.closes_at, 24)
    with pytest.raises(ValueError, match="a sealed last call is due"):
        english_outcome(due)


last_calls = st.permutations(["ada", "bo"]).flatmap(
    lambda names: st.tuples(*(st.tuples(st.just(name), limits) for name in names))
)


@unhurried
@given(last_calls, st.randoms())
def test_the_last_call_does_not_depend_on_who_was_last(calls: Any, order: random.Random) -> None:
    due = english_standing(RULES, sniped(24))
    sealed = [SealedBid(f"call of {name}", name, amount) for name, amount in calls]
    shuffled = order.sample(sealed, len(sealed))
    closed, other = (after_last_call(due, RULES, these, DRAW) for these in (sealed, shuffled))
    assert english_outcome(closed) == english_outcome(other)
    assert due.leader is not None
    assert english_outcome(closed).revenue_fen >= due.price_fen


def test_the_last_call_goes_to_the_highest_limit_at_a_step_above_the_second() -> None:
    due = english_standing(RULES, sniped(24))
    calls = [SealedBid("call1", "ada", 5000), SealedBid("call2", "bo", 4000), SealedBid("call3", "dee", 9000)]
    closed = after_last_call(due, RULES, calls, DRAW)
    assert english_outcome(closed).awards == (Award("call1", "ada", 4100),)
    assert Refusal("call3", "no_earlier_bid") in closed.refusals


def test_a_last_call_that_nobody_answers_leaves_the_standing_bid() -> None:
    due = english_standing(RULES, sniped(24))
    assert due.leader is not None
    outcome = english_outcome(after_last_call(due, RULES, [], DRAW))
    assert outcome.awards == (Award(due.leader.bid_id, due.leader.bidder_id, due.price_fen),)


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="not in order of time"):
        english_standing(RULES, log(("ada", 2000, 2), ("bo", 3000, 1)))
    with pytest.raises(ValueError, match="an id comes twice"):
        english_standing(RULES, log(("ada", 2000, 2)) * 2)
    with pytest.raises(ValueError, match="no last call is due"):
        after_last_call(english_standing(RULES, []), RULES, [], DRAW)
    due = english_standing(RULES, sniped(24))
    with pytest.raises(ValueError, match="an id comes twice"):
        after_last_call(due, RULES, [SealedBid("1", "ada", 1), SealedBid("2", "ada", 2)], DRAW)
    with pytest.raises(ValueError, match="limit_fen must be a whole number of fen, 1000 or more"):
        english_price(999, None, 1000, 100)
    with pytest.raises(ValueError, match="the second limit, 2001 fen, is above the first"):
        english_price(2000, 2001, 1000, 100)
    with pytest.raises(ValueError, match="limit_fen must be a whole number of fen"):
        ProxyBid("bid", "ada", -1, NOON)
    with pytest.raises(ValueError, match="made_at needs a time zone"):
        ProxyBid("bid", "ada", 1, datetime(2026, 11, 24))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"reserve_fen": -1}, "reserve_fen must be a whole number of fen"),
        ({"increment_fen": 0}, "increment_fen must be a whole number of fen, 1 or more"),
        ({"closes_at": NOON}, "closes_at must be after opens_at"),
        ({"opens_at": datetime(2026, 11, 24)}, "need a time zone"),
        ({"window": timedelta(minutes=-1)}, "must be 0 or more"),
        ({"most_extensions": -1}, "must be 0 or more"),
    ],
)
def test_rules_that_cannot_be_are_refused(changes: dict[str, Any], reason: str) -> None:
    values = {"reserve_fen": 0, "increment_fen": 1, "opens_at": NOON, "closes_at": NOON + minutes(1), **changes}
    with pytest.raises(ValueError, match=reason):
        EnglishRules(**values)
