"""A price apart from its like is flagged, prices within what is usual are not, and few prices tell nothing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.screens.price_outliers import off_guide, price_outliers, robust_z
from tests.market_api.screens.patterns import honest_trades, kinds, trade
from tests.pricing.markets import unhurried


@pytest.mark.parametrize("seed", range(10))
def test_usual_prices_are_no_outliers(seed: int) -> None:
    assert list(price_outliers(honest_trades(seed))) == []


def test_chance_flags_few_usual_prices_however_wide_they_spread() -> None:
    dice = random.Random(7)
    trades = [trade(f"t{number}", price_fen=round(dice.lognormvariate(12.4, 0.5))) for number in range(4_000)]
    flagged = len(list(price_outliers(trades)))
    assert flagged <= 8, "2 of 4,000 lie beyond 3.5 by chance; more than 8 come in less than 1 of 1000 such tests"


@pytest.mark.parametrize(("price_fen", "side"), [(2_500_000, "above"), (25_000, "below")])
def test_a_price_ten_times_apart_is_flagged_with_its_trade(price_fen: int, side: str) -> None:
    planted = trade("x", price_fen=price_fen, seller="dev_5", buyer="app_6")
    (flag,) = [each for each in price_outliers([*honest_trades(1), planted]) if "Trade x " in each.explanation]
    assert (flag.kind, flag.threshold) == ("price_outlier", 3.5) and flag.measure > 3.5
    assert flag.subjects == ("zone_hourly_mobility", "dev_5", "app_6") and side in flag.explanation


def test_a_few_odd_prices_cannot_hide_each_other() -> None:
    usual = [trade(f"t{number}", price_fen=100_000 + number * 1_000) for number in range(20)]
    odd = [trade(f"x{number}", price_fen=5_000_000) for number in range(8)]
    assert len(list(price_outliers([*usual, *odd]))) == 8


def test_where_most_prices_are_the_same_one_within_the_band_is_none() -> None:
    same = [trade(f"t{number}", price_fen=100_000) for number in range(20)]
    assert list(price_outliers(same)) == []
    assert list(price_outliers([*same, trade("x", price_fen=130_000)])) == []
    assert len(list(price_outliers([*same, trade("x", price_fen=140_000)]))) == 1


def test_few_prices_tell_nothing_and_each_group_is_by_itself() -> None:
    few = [trade(f"t{number}", price_fen=10**number) for number in range(7)]
    found = list(price_outliers(few))
    assert kinds(found) == {"not_enough"} and found[0].subjects == ("governance/aggregate",)
    apart = [trade(f"d{number}", price_fen=9_000_000, comparable_group="development/person") for number in range(8)]
    assert list(price_outliers([*honest_trades(3)[:60], *apart])) == list(price_outliers(honest_trades(3)[:60]))


def test_what_is_free_of_charge_is_not_compared() -> None:
    assert list(price_outliers([trade(f"t{number}", price_fen=0) for number in range(20)])) == []


@pytest.mark.parametrize(
    ("price_fen", "guide_fen", "is_flagged"),
    [
        (200_000, 100_000, False),
        (200_001, 100_000, True),
        (50_000, 100_000, False),
        (49_999, 100_000, True),
        (0, 100_000, False),
        (100_000, None, False),
        (100_000, 0, False),
    ],
)
def test_a_price_off_its_guide_price_by_more_than_twice_is_flagged(
    price_fen: int, guide_fen: int | None, is_flagged: bool
) -> None:
    found = list(off_guide([trade("x", price_fen=price_fen, guide_fen=guide_fen)]))
    assert bool(found) is is_flagged
    assert all(flag.measure > 2 and "guide price" in flag.explanation for flag in found)


@unhurried
@given(st.lists(st.floats(-20, 20), min_size=1, max_size=40), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_score_depends_on_neither_unit_nor_origin(values: list[float], unit: float, origin: float) -> None:
    moved = robust_z([value * unit + origin for value in values])
    spread = max(values) - min(values)
    if spread > 1e-3:
        assert moved == pytest.approx(robust_z(values), rel=1e-3, abs=1e-3)
