"""The guide price: its factors, its anchor between history and cost, and the axioms it must keep."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.comparables import Factors
from pricing.guide import (
    HALF_LIVES_DAYS,
    Assessment,
    GuideParameters,
    Override,
    anchor_price,
    assessed_price,
    bootstrap_reference,
    coverage,
    credibility,
    factor_adjustment,
    guide_price,
    market_factor,
    timeliness,
)
from tests.pricing.markets import NOT_FINITE, factors, shares, unhurried

REFERENCE = bootstrap_reference(10**6)
A_MILLIONTH = Fraction(1, 10**6)

prices = st.integers(1, 10**9)
trade_counts = st.integers(0, 100)
factor_values = st.builds(Factors, shares, shares, st.integers(0, 10**9), shares)
betas = st.fractions(Fraction(8, 10), Fraction(12, 10), max_denominator=1000)


def assessed(
    cost: Fraction | float = 39800.5,
    comparable: Fraction | float | None = 60000,
    trades: int = 5,
    of: Factors = REFERENCE,
) -> Assessment:
    return assessed_price(cost, comparable, trades, of, REFERENCE)


@unhurried
@given(prices, prices, trade_counts, factor_values, factor_values)
def test_a_better_component_is_never_guided_lower(
    cost: int, comparable: int, trades: int, one: Factors, other: Factors
) -> None:
    worse = Factors(*map(min, zip(values(one), values(other), strict=True)))
    better = Factors(*map(max, zip(values(one), values(other), strict=True)))
    assert assessed(cost, comparable, trades, better).price >= assessed(cost, comparable, trades, worse).price


@unhurried
@given(prices, prices, trade_counts, factor_values, st.integers(0, 10**9))
def test_dearer_comparables_or_costs_never_guide_lower(
    cost: int, comparable: int, trades: int, of: Factors, more: int
) -> None:
    price = assessed(cost, comparable, trades, of).price
    assert assessed(cost, comparable + more, trades, of).price >= price - A_MILLIONTH
    assert assessed(cost + more, comparable, trades, of).price >= price - A_MILLIONTH


@unhurried
@given(prices, prices | st.none(), trade_counts, factor_values, st.integers(1, 1000))
def test_the_unit_of_money_does_not_matter(
    cost: int, comparable: int | None, trades: int, of: Factors, unit: int
) -> None:
    in_units = assessed(cost * unit, None if comparable is None else comparable * unit, trades, of).price
    assert abs(in_units - unit * assessed(cost, comparable, trades, of).price) <= A_MILLIONTH


@unhurried
@given(factor_values, factor_values)
def test_factors_move_a_price_by_no_more_than_three_times(of: Factors, reference: Factors) -> None:
    if all(values(reference)):
        assert Fraction(1, 3) <= factor_adjustment(of, reference) <= 3


@unhurried
@given(prices, prices | st.none(), trade_counts, factor_values, betas)
def test_the_market_factor_never_breaks_cost(
    cost: int, comparable: int | None, trades: int, of: Factors, beta: Fraction
) -> None:
    price = assessed(cost, comparable, trades, of).price
    assert Fraction(8, 10) * price >= cost
    assert guide_price(price, beta) >= cost


@unhurried
@given(prices, trade_counts)
def test_a_typical_component_is_guided_at_its_base(cost: int, trades: int) -> None:
    assert assessed(cost, Fraction(5, 4) * cost, trades).price == Fraction(5, 4) * cost


def test_one_factor_alone_moves_a_price_by_no_more_than_four_to_its_exponent() -> None:
    many, endless = (factor_adjustment(factors(records=count), REFERENCE) for count in (4 * 10**6, 10**12))
    assert many == endless == pytest.approx(4**0.15)
    assert factor_adjustment(factors(records=0), REFERENCE) == pytest.approx(4**-0.15)


def test_the_anchor_goes_from_cost_to_history_as_trades_arrive() -> None:
    anchors = [assessed(trades=count).anchor for count in range(200)]
    assert anchors[0] == Fraction("49750.625")
    assert anchors == sorted(anchors)
    assert 59700 < anchors[-1] < 60000
    steps = [later - earlier for earlier, later in pairwise(anchors)]
    assert max(steps) == steps[0] < 1700


def test_without_history_trades_have_no_weight() -> None:
    assert assessed(comparable=None, trades=2).theta == 0
    assert credibility(5) == Fraction(1, 2)


def test_the_floor_binds_where_history_is_below_cost() -> None:
    found = assessed(comparable=1000, trades=50)
    assert found.floor_binds
    assert found.price == Fraction("49750.625")
    assert guide_price(found.price * 100, market_factor(0, 4)) == 4235469


def test_a_tie_of_half_a_fen_rounds_up() -> None:
    assert guide_price(assessed(comparable=None).price * 100, 1) == 4975063


@pytest.mark.parametrize(
    ("age_days", "update_period_days", "half_life_days", "expected"),
    [(0, 0, 1, 1), (30, 30, 60, 1), (90, 30, 60, 0.5), (150, 30, 60, 0.25), (10**9, 0, 1, 0), (10**9, 0, None, 1)],
)
def test_data_ages_only_after_its_promised_period(
    age_days: int, update_period_days: int, half_life_days: int | None, expected: float
) -> None:
    assert timeliness(age_days, update_period_days, half_life_days) == expected


def test_data_updated_more_often_ages_faster() -> None:
    ages = [timeliness(100, 0, half_life_days) for half_life_days in HALF_LIVES_DAYS.values()]
    assert ages == sorted(ages)
    assert ages[-1] == 1


def test_coverage_is_completeness_of_the_part_covered() -> None:
    assert coverage(0.98, 0.5) == Fraction("0.49")


@unhurried
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 100))
def test_more_demand_raises_and_more_supply_lowers_beta_within_its_bounds(demand: int, supply: int, more: int) -> None:
    beta = market_factor(demand, supply)
    assert Fraction(8, 10) <= beta <= Fraction(12, 10)
    assert market_factor(demand + more, supply) >= beta >= market_factor(demand, supply + more)


@unhurried
@given(st.integers(0, 10**6), st.integers(0, 10**6), betas)
def test_beta_moves_by_at_most_a_twentieth_in_an_epoch(demand: int, supply: int, before: Fraction) -> None:
    assert abs(market_factor(demand, supply, before) / before - 1) <= Fraction(1, 20)


def test_demand_equal_to_supply_leaves_the_price_alone() -> None:
    assert market_factor(7, 7) == 1
    assert market_factor(7, 7, before=1.2) == Fraction("1.14")


def test_the_regulator_sets_beta_by_a_signed_record_within_the_bounds() -> None:
    assert market_factor(0, 0, before=1.2, override=Override(0.8, "order 2026/7")) == Fraction("0.8")
    with pytest.raises(ValueError, match="needs the id of its signed record"):
        market_factor(0, 0, override=Override(0.9, ""))
    with pytest.raises(ValueError, match="β of the regulator must be 4/5 or more"):
        market_factor(0, 0, override=Override(0.7, "order 2026/7"))


@pytest.mark.parametrize("wrong", [-0.01, *NOT_FINITE])
def test_a_value_outside_its_domain_is_refused(wrong: float) -> None:
    for refused in (
        lambda: timeliness(wrong, 1, 1),
        lambda: timeliness(1, wrong, 1),
        lambda: timeliness(1, 1, wrong),
        lambda: coverage(wrong, 1),
        lambda: coverage(1, wrong),
        lambda: Factors(wrong, 1, 1, 1),
        lambda: Factors(1, wrong, 1, 1),
        lambda: Factors(1, 1, wrong, 1),
        lambda: Factors(1, 1, 1, wrong),
        lambda: anchor_price(wrong, 1, 0),
        lambda: anchor_price(1, wrong, 0),
        lambda: anchor_price(1, 1, wrong),
        lambda: assessed(cost=wrong),
        lambda: assessed(comparable=wrong),
        lambda: market_factor(1, 1, before=wrong),
        lambda: guide_price(wrong, 1),
        lambda: guide_price(1, wrong),
        lambda: GuideParameters(kappa=wrong),
        lambda: GuideParameters(eta=wrong),
        lambda: GuideParameters(margin=wrong),
        lambda: GuideParameters(exponent_records=wrong),
    ):
        with pytest.raises(ValueError, match="must be"):
            refused()


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="must sum to 1"):
        GuideParameters(exponent_records=0.2)
    with pytest.raises(ValueError, match="could take a price below cost"):
        GuideParameters(margin=0.2)
    with pytest.raises(ValueError, match="upper bound of Φ must be 1 or more"):
        GuideParameters(most_adjustment=0.5)
    with pytest.raises(ValueError, match="P' must be above 0"):
        assessed(cost=0)
    with pytest.raises(ValueError, match="n must be 0 or more"):
        credibility(-1)
    with pytest.raises(ValueError, match="reference of a factor must be above 0"):
        factor_adjustment(REFERENCE, factors(scarcity=0))
    with pytest.raises(ValueError, match="half_life_days must be above 0"):
        timeliness(1, 1, 0)
    with pytest.raises(ValueError, match="W must be 1 or less"):
        factors(coverage=1.01)
    with pytest.raises(ValueError, match="demand must be 0 or more"):
        market_factor(-1, 0)
    with pytest.raises(ValueError, match="N_ref must be above 0"):
        bootstrap_reference(0)


def values(of: Factors) -> tuple[Fraction, ...]:
    return tuple(Fraction(value) for value in (of.scarcity, of.timeliness, of.records, of.coverage))
