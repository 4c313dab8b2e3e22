"""Exact tails."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_api.fingerprint.probability import log10_of_matches, log10_of_misses, p_text


def exact_matches(trials: int, matches: int) -> Fraction:
    return Fraction(sum(math.comb(trials, each) for each in range(matches, trials + 1)), 2**trials)


def exact_misses(population: int, special: int, drawn: int, found: int) -> Fraction:
    ways = sum(math.comb(special, each) * math.comb(population - special, drawn - each) for each in range(found + 1))
    return Fraction(ways, math.comb(population, drawn))


def log10(number: Fraction) -> float:
    return (math.log(number.numerator) - math.log(number.denominator)) / math.log(10)


@settings(max_examples=200, deadline=None)
@given(trials=st.integers(0, 400), data=st.data())
def test_the_tail_of_matches_is_the_exact_sum(trials: int, data: st.DataObject) -> None:
    matches = data.draw(st.integers(0, trials))
    assert log10_of_matches(trials, matches) == pytest.approx(log10(exact_matches(trials, matches)), abs=1e-10)


@settings(max_examples=200, deadline=None)
@given(population=st.integers(0, 300), data=st.data())
def test_the_tail_of_misses_is_the_exact_sum(population: int, data: st.DataObject) -> None:
    special, drawn = data.draw(st.integers(0, population)), data.draw(st.integers(0, population))
    found = data.draw(st.integers(max(0, drawn + special - population), min(special, drawn)))
    exact = log10(exact_misses(population, special, drawn, found))
    assert log10_of_misses(population, special, drawn, found) == pytest.approx(exact, abs=1e-10)


def test_tails_of_the_specification_are_met() -> None:
    assert log10_of_matches(258, 258) == pytest.approx(math.log10(2e-78), abs=0.1)
    assert log10_of_misses(50_000, 250, 5_000, 0) == pytest.approx(math.log10(3e-12), abs=0.2)
    assert log10_of_misses(50_000, 250, 2_500, 0) == pytest.approx(math.log10(3e-6), abs=0.2)


def test_a_million_marks_are_weighed_at_once() -> None:
    assert log10_of_matches(1_000_000, 1_000_000) == pytest.approx(-1_000_000 * math.log10(2), rel=1e-12)
    assert 10 ** log10_of_matches(1_000_000, 500_000) == pytest.approx(0.5, abs=1e-3)
    assert log10_of_matches(1_000_000, 0) == 0
    normal = math.log10(math.erfc(10 / math.sqrt(2)) / 2)
    assert log10_of_matches(1_000_000, 505_000) == pytest.approx(normal, abs=0.01)


def test_numbers_that_do_not_fit_together_are_refused() -> None:
    for trials, matches in ((10, 11), (10, -1)):
        with pytest.raises(ValueError, match="matches of"):
            log10_of_matches(trials, matches)
    for numbers in ((10, 11, 5, 0), (10, 5, 11, 0), (10, 5, 5, 6), (10, 6, 6, 1)):
        with pytest.raises(ValueError, match="found of"):
            log10_of_misses(*numbers)


def test_a_probability_is_written_beyond_the_smallest_float() -> None:
    assert p_text(-30_000.5) == "3.2e-30001"
    assert p_text(0.0) == "1.0e+00"
    assert p_text(-0.0001) == "1.0e+00"
    assert p_text(math.log10(2.34e-78)) == "2.3e-78"
