"""Trades that only show a price or a volume are flagged, and trades that look alike but move data are not."""

import random
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.screens.flags import ClearedTrade
from market_api.screens.wash_trades import circular_flows, round_trips, unpulled_repeats
from tests.market_api.screens.patterns import NOON, honest_trades, trade
from tests.pricing.markets import unhurried


def paid(trade_id: str, buyer: str, seller: str, day: float, price_fen: int = 100_000, **changes: str) -> ClearedTrade:
    return trade(trade_id, buyer=buyer, seller=seller, day=day, price_fen=price_fen, **changes)


@pytest.mark.parametrize("seed", range(5))
def test_an_honest_market_shows_none_of_the_patterns(seed: int) -> None:
    trades = honest_trades(seed)
    assert [*round_trips(trades), *unpulled_repeats(trades, NOON), *circular_flows(trades)] == []


def test_a_component_that_goes_forth_and_back_is_flagged_once_for_the_pair() -> None:
    planted = [paid("x1", "b", "a", 1), paid("x2", "a", "b", 5), paid("x3", "b", "a", 9)]
    (flag,) = round_trips([*honest_trades(1), *planted])
    assert (flag.kind, flag.subjects) == ("round_trip", ("a", "b", "zone_hourly_mobility"))
    assert flag.measure == 2 and "x1, x2, x3" in flag.explanation


def test_two_who_buy_different_components_of_each_other_make_no_round_trip() -> None:
    assert list(round_trips([paid("x1", "b", "a", 1), paid("x2", "a", "b", 2, component="other")])) == []


def test_a_way_back_after_the_window_is_none() -> None:
    trades = [paid("x1", "b", "a", 0), paid("x2", "a", "b", 60)]
    assert list(round_trips(trades, timedelta(days=59))) == []
    assert len(list(round_trips(trades, timedelta(days=60)))) == 1


def test_the_same_component_bought_again_is_no_round_trip() -> None:
    assert list(round_trips([paid("x1", "b", "a", 1), paid("x2", "b", "a", 2), paid("x3", "c", "b", 3)])) == []


def test_sales_that_nobody_pulls_are_flagged_from_the_third_on() -> None:
    planted = [trade(f"x{number}", buyer="b", seller="a", pulls=0, day=number) for number in range(3)]
    assert list(unpulled_repeats(planted[:2], NOON)) == []
    (flag,) = unpulled_repeats([*honest_trades(1), *planted], NOON)
    assert (flag.kind, flag.subjects, flag.measure, flag.threshold) == ("unpulled_repeats", ("a", "b"), 3, 3)


def test_sales_that_are_pulled_or_are_young_or_mostly_pulled_are_not_flagged() -> None:
    pulled = [trade(f"p{number}", buyer="b", seller="a", pulls=1) for number in range(4)]
    unpulled = [trade(f"x{number}", buyer="b", seller="a", pulls=0) for number in range(3)]
    young = [trade(f"y{number}", buyer="b", seller="a", pulls=0, day=67) for number in range(3)]
    assert list(unpulled_repeats(pulled, NOON)) == []
    assert list(unpulled_repeats([*pulled, *unpulled], NOON)) == []
    assert list(unpulled_repeats(young, NOON)) == []
    assert len(list(unpulled_repeats(young, NOON + timedelta(days=1)))) == 1


def test_pulls_are_counted_up_to_a_moment_with_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        list(unpulled_repeats([], NOON.replace(tzinfo=None)))


@pytest.mark.parametrize("members", [3, 4, 6])
def test_money_that_comes_back_through_others_is_flagged(members: int) -> None:
    names = [f"m{number}" for number in range(members)]
    planted = [
        paid(f"x{number}", names[number], names[(number + 1) % members], number, 100_000 - 2_000 * number)
        for number in range(members)
    ]
    (flag,) = circular_flows([*honest_trades(1), *planted])
    assert (flag.kind, flag.subjects, flag.measure) == ("circular_flow", tuple(names), 1)
    assert "went round" in flag.explanation


def test_a_circle_among_members_of_the_honest_market_is_found_in_it() -> None:
    planted = [paid("x1", "dev_1", "dev_2", 1), paid("x2", "dev_2", "dev_3", 2), paid("x3", "dev_3", "dev_1", 3)]
    (flag,) = circular_flows([*honest_trades(2), *planted])
    assert flag.subjects == ("dev_1", "dev_2", "dev_3")


def test_members_of_a_circle_who_pay_others_more_are_not_flagged() -> None:
    circle = [paid(f"x{n}", "abc"[n], "bca"[n], n) for n in range(3)]
    others = [paid(f"y{n}", "abc"[n], "dev_1", n) for n in range(3)]
    (flag,) = circular_flows([*circle, *others])
    assert flag.measure == flag.threshold == 0.5
    assert list(circular_flows([*circle, *others, paid("z", "a", "dev_1", 1, 1)])) == []


def test_where_many_trade_with_many_payments_meet_by_chance() -> None:
    dice = random.Random(3)
    names = [f"d{number}" for number in range(20)]
    trades = []
    for number in range(800):
        buyer, seller = dice.sample(names, 2)
        trades.append(paid(f"t{number}", buyer, seller, dice.uniform(0, 60), round(dice.lognormvariate(12, 0.5))))
    assert list(circular_flows(trades)) == []


def test_payments_against_time_or_of_other_amounts_or_too_late_make_no_circle() -> None:
    against = [paid("x1", "a", "b", 3), paid("x2", "b", "c", 2), paid("x3", "c", "a", 1)]
    assert list(circular_flows(against)) == []
    shrinking = [paid("x1", "a", "b", 1), paid("x2", "b", "c", 2, 70_000), paid("x3", "c", "a", 3, 70_000)]
    assert list(circular_flows(shrinking)) == []
    assert len(list(circular_flows(shrinking, tolerance=Fraction(3, 10)))) == 1
    late = [paid("x1", "a", "b", 0), paid("x2", "b", "c", 1), paid("x3", "c", "a", 40)]
    assert list(circular_flows(late, timedelta(days=39))) == []
    assert len(list(circular_flows(late, timedelta(days=40)))) == 1


def test_two_who_trade_with_each_other_and_what_is_free_make_no_circle() -> None:
    assert list(circular_flows([paid("x1", "a", "b", 1), paid("x2", "b", "a", 2)])) == []
    assert list(circular_flows([paid(f"x{n}", "abc"[n], "bca"[n], n, 0) for n in range(3)])) == []


@unhurried
@given(st.permutations(range(12)))
def test_the_order_in_which_trades_are_given_changes_nothing(order: list[int]) -> None:
    circle = [paid(f"x{n}", "abc"[n % 3], "bca"[n % 3], n) for n in range(6)]
    back = [paid("y1", "b", "a", 1), paid("y2", "a", "b", 2)]
    idle = [trade(f"z{n}", buyer="d", seller="a", pulls=0) for n in range(4)]
    trades = [*circle, *back, *idle]

    def found(given: list[ClearedTrade]) -> list[object]:
        return [*round_trips(given), *unpulled_repeats(given, NOON), *circular_flows(given)]

    assert found([trades[number] for number in order]) == found(trades) != []
