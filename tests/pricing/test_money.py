"""Money: whole fen, rounded once, allocated without losing one; powers that stay exact where they can."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.exact import above_zero, clipped, power, whole_fen, within
from pricing.money import allocate, exact, fen_to_yuan, format_fen, round_half_up, yuan_to_fen
from tests.pricing.markets import NOT_FINITE, amounts_fen, unhurried

drivers = st.lists(st.integers(0, 10**6) | st.fractions(0, 1000, max_denominator=97), min_size=1, max_size=12)


@unhurried
@given(amounts_fen, drivers.filter(any))
def test_what_is_allocated_is_the_total_and_each_share_within_a_fen(total: int, given_drivers: list[Fraction]) -> None:
    shares, whole = allocate(total, given_drivers), sum(map(Fraction, given_drivers))
    assert sum(shares) == total
    for share, driver in zip(shares, given_drivers, strict=True):
        assert share >= 0
        assert abs(share - total * Fraction(driver) / whole) < 1
        assert driver or not share, "a driver of 0 gets nothing"


@unhurried
@given(amounts_fen, drivers.filter(any), st.integers(1, 1000))
def test_only_the_ratio_of_drivers_matters(total: int, given_drivers: list[Fraction], unit: int) -> None:
    assert allocate(total, [driver * unit for driver in given_drivers]) == allocate(total, given_drivers)


@unhurried
@given(amounts_fen, drivers.filter(any))
def test_who_drives_more_gets_no_less(total: int, given_drivers: list[Fraction]) -> None:
    by_driver = sorted(zip(given_drivers, allocate(total, given_drivers), strict=True))
    for (driver, share), (more, larger) in pairwise(by_driver):
        assert more == driver or larger >= share


def test_of_equal_remainders_the_first_gets_the_fen() -> None:
    assert allocate(100, [1, 1, 1]) == (34, 33, 33)
    assert allocate(2, [1, 1, 1]) == (1, 1, 0)
    assert allocate(100_000, [3, 3, 1]) == (42857, 42857, 14286)
    assert allocate(1, [0.1, 0.2]) == (0, 1)
    assert allocate(0, [0, 0]) == (0, 0)
    assert allocate(0, []) == ()


@pytest.mark.parametrize(
    ("amount", "fen"),
    [
        (0.5, 1),
        (1.5, 2),
        (2.5, 3),
        (-0.5, -1),
        (-2.5, -3),
        (0.49999, 0),
        (Decimal("2.5"), 3),
        (Fraction(5, 2), 3),
        (7, 7),
    ],
)
def test_a_tie_goes_up(amount: float, fen: int) -> None:
    assert round_half_up(amount) == fen


@unhurried
@given(st.fractions(-(10**9), 10**9))
def test_rounding_moves_by_half_a_fen_at_most(amount: Fraction) -> None:
    assert abs(round_half_up(amount) - amount) <= Fraction(1, 2)
    assert round_half_up(-amount) == -round_half_up(amount)


def test_a_decimal_that_doubles_cannot_hold_means_what_is_written() -> None:
    assert yuan_to_fen(2.675) == 268, "2.675 * 100 is 267.49999999999994 in doubles"
    assert exact(0.1) == Fraction(1, 10)
    assert yuan_to_fen(Decimal("45770.575")) == 4577058


@unhurried
@given(st.integers(-(10**12), 10**12))
def test_fen_and_yuan_go_there_and_back(fen: int) -> None:
    assert yuan_to_fen(fen_to_yuan(fen)) == fen
    assert Decimal(format_fen(fen).replace("¥", "").replace(",", "")) == fen_to_yuan(fen)


def test_an_amount_as_people_read_it() -> None:
    assert format_fen(123_456) == "¥1,234.56"
    assert format_fen(-5) == "-¥0.05"
    assert fen_to_yuan(4577058) == Decimal("45770.58")


@unhurried
@given(st.fractions(0, 1000, max_denominator=50), st.fractions(0, 5, max_denominator=12))
def test_a_power_is_exact_for_whole_exponents_and_close_for_others(base: Fraction, exponent: Fraction) -> None:
    found = power(base, exponent)
    if exponent.denominator == 1:
        assert found == base**exponent.numerator
    else:
        assert float(found) == pytest.approx(float(base) ** float(exponent), rel=1e-12)
        assert found**exponent.denominator == pytest.approx(base**exponent.numerator, rel=1e-40)


def test_powers_at_the_edges() -> None:
    assert power(Fraction(0), Fraction(0)) == 1
    assert power(Fraction(0), Fraction(1, 2)) == 0
    assert power(Fraction(1), Fraction(1, 3)) == 1
    assert clipped(Fraction(5), Fraction(0), Fraction(3)) == 3
    assert clipped(Fraction(-5), Fraction(0), Fraction(3)) == 0
    with pytest.raises(ValueError, match="a base and an exponent of 0 or more"):
        power(Fraction(-1), Fraction(1, 2))


@pytest.mark.parametrize("wrong", NOT_FINITE)
def test_what_is_no_number_is_no_amount(wrong: float) -> None:
    for refused in (
        lambda: exact(wrong),
        lambda: exact(Decimal(str(wrong))),
        lambda: round_half_up(wrong),
        lambda: yuan_to_fen(wrong),
        lambda: allocate(1, [wrong]),
        lambda: within("x", wrong),
    ):
        with pytest.raises(ValueError, match="must be a finite number"):
            refused()


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="total_fen must be a whole number of fen, 0 or more, not -1"):
        allocate(-1, [1])
    with pytest.raises(ValueError, match="total_fen must be a whole number of fen"):
        allocate(1.5, [1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="drivers must be 0 or more"):
        allocate(1, [-1, 2])
    with pytest.raises(ValueError, match="1 fen to allocate and no driver above 0"):
        allocate(1, [0])
    with pytest.raises(ValueError, match="x must be 2 or more, not 1"):
        within("x", 1, 2)
    with pytest.raises(ValueError, match="x must be above 0"):
        above_zero("x", 0)
    for wrong in (True, 1.0, Decimal(1)):
        with pytest.raises(ValueError, match="x must be a whole number of fen, 0 or more"):
            whole_fen("x", wrong)  # type: ignore[arg-type]
