"""Comparables: what could replace a component, and what others like it sold for."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.comparables import (
    Comparable,
    Substitute,
    comparable_price,
    eligible,
    lower_weighted_median,
    moving_average,
    recency_weights,
    reference_factors,
    scarcity,
    scarcity_among,
    similarity,
    weighted_mean,
)
from tests.pricing.markets import NOT_FINITE, factors, sale, shares, unhurried

BITS = {"fare": 6.0, "line": 2.0, "constant": 0.0}
similarities = st.lists(shares.map(float), max_size=5)
prices = st.lists(st.integers(1, 10**6), min_size=1, max_size=9)


def substitute(*concepts: str, rows: float = 1, owner: str = "other") -> Substitute:
    return Substitute(owner, frozenset(concepts), rows)


def test_what_is_shared_counts_by_its_entropy_and_its_rows() -> None:
    assert similarity(BITS, substitute("fare", "weather")) == 0.75
    assert similarity(BITS, substitute("fare", rows=0.5)) == 0.375
    assert similarity(BITS, substitute("constant")) == 0
    assert similarity(BITS, substitute("fare", "line", "constant")) == 1


def test_every_full_substitute_divides_scarcity() -> None:
    assert [scarcity([1.0] * count) for count in range(4)] == [1, 1 / 2, 1 / 3, 1 / 4]


def test_ones_own_components_do_not_make_one_less_scarce() -> None:
    others = [substitute("fare", "line", owner="me"), substitute("fare", "line", owner="other")]
    assert scarcity_among("me", BITS, others) == 0.5


@unhurried
@given(similarities, shares.map(float))
def test_another_substitute_never_makes_a_component_scarcer(before: list[float], added: float) -> None:
    assert 0 < scarcity([*before, added]) <= scarcity(before) <= 1


def test_one_odd_sale_does_not_move_the_median_but_moves_the_mean() -> None:
    sales = [sale(58_000), sale(60_000), sale(61_000), sale(59_000), sale(400_000)]
    weights = recency_weights([one.age_days for one in sales])
    assert comparable_price(sales) == 60_000
    assert weighted_mean([one.unit_price for one in sales], weights) > 120_000
    assert moving_average([one.unit_price for one in sales], 0.3) > 120_000


def test_old_sales_count_less() -> None:
    assert recency_weights([0, 180, 360]) == (1, 0.5, 0.25)
    assert comparable_price([sale(100, 360), sale(101, 360), sale(102, 360), sale(200, 0)]) == 200
    assert comparable_price([sale(100, 0), sale(101, 0), sale(102, 0), sale(200, 0)]) == 101


def test_fewer_than_three_buyers_make_no_price() -> None:
    friends = [sale(100, buyer="friend") for _ in range(9)] + [sale(100, buyer="cousin")]
    assert comparable_price(friends) is None
    assert comparable_price([*friends, sale(1, buyer="sister", arms_length=False)]) is None
    assert comparable_price([*friends, sale(1, buyer="stranger")]) == 100
    assert eligible(friends) == ()


@unhurried
@given(prices, st.randoms())
def test_the_median_is_a_price_that_was_paid_whatever_the_order(paid: list[int], shuffle: object) -> None:
    ages = [float(price % 700) for price in paid]
    pairs = list(zip(paid, recency_weights(ages), strict=True))
    found = lower_weighted_median(*zip(*pairs, strict=True))
    shuffle.shuffle(pairs)  # type: ignore[attr-defined]
    assert found in paid
    assert lower_weighted_median(*zip(*pairs, strict=True)) == found


@unhurried
@given(prices)
def test_equal_weights_give_the_lower_of_two_medians(paid: list[int]) -> None:
    assert lower_weighted_median(paid, [1 / 3] * len(paid)) == sorted(paid)[(len(paid) - 1) // 2]


@unhurried
@given(prices, shares)
def test_an_average_lies_between_the_least_and_the_most(paid: list[int], alpha: Fraction) -> None:
    assert min(paid) <= moving_average(paid, alpha) <= max(paid)
    assert min(paid) <= weighted_mean(paid, [1.0] * len(paid)) <= max(paid)


def test_an_average_over_time_forgets_by_its_smoothing() -> None:
    assert moving_average([100, 200, 400], 0.5) == 275
    assert moving_average([100, 200, 400], 1) == 400
    assert moving_average([100, 200, 400], 0) == 100


def test_the_reference_is_the_typical_comparable_at_its_trade_date() -> None:
    sales = [sale(price, factors=factors(scarcity=price / 10)) for price in (2, 4, 9)]
    assert reference_factors(sales, factors()).scarcity == Fraction("0.4")
    assert reference_factors(sales[:2], factors()) == factors()
    assert reference_factors([], factors()) == factors()


@pytest.mark.parametrize("wrong", [-0.01, *NOT_FINITE])
def test_a_value_outside_its_domain_is_refused(wrong: float) -> None:
    for refused in (
        lambda: similarity({"fare": wrong}, substitute("fare")),
        lambda: substitute("fare", rows=wrong),
        lambda: scarcity([wrong]),
        lambda: sale(wrong),
        lambda: sale(1, age_days=wrong),
        lambda: recency_weights([wrong]),
        lambda: recency_weights([1], wrong),
        lambda: lower_weighted_median([1], [wrong]),
        lambda: weighted_mean([1], [wrong]),
        lambda: moving_average([1], wrong),
    ):
        with pytest.raises(ValueError, match="must be"):
            refused()


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="nothing that another could replace"):
        similarity({"constant": 0.0}, substitute("constant"))
    with pytest.raises(ValueError, match="sim must be 1 or less"):
        scarcity([1.1])
    with pytest.raises(ValueError, match="unit_price must be above 0"):
        Comparable(0, 0, "buyer")
    with pytest.raises(ValueError, match="2 values beside 1 weights"):
        lower_weighted_median([1, 2], [1])
    with pytest.raises(ValueError, match="no value has weight"):
        weighted_mean([1], [0])
    with pytest.raises(ValueError, match="an average needs a value"):
        moving_average([], 0.5)
    with pytest.raises(ValueError, match="value must be a finite number"):
        lower_weighted_median([float("nan")], [1])
