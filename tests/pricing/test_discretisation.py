"""Bins: a declared resolution, else a grid that depends neither on the unit nor on the number of rows."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pricing.discretisation import Binning, Quantiles, binning, declared_binning, default_binning
from pricing.entropy import plug_in
from tests.pricing.markets import NOT_FINITE, unhurried

columns = st.lists(st.integers(-1000, 1000), min_size=2, max_size=60).map(lambda values: np.array(values, dtype=float))


def quantiles(values: NDArray[np.float64]) -> Quantiles:
    """As an engine gives them: type 7, which is numpy's and that of `quantile_cont`."""
    found = [float(each) for each in np.quantile(values, [0.001, 0.25, 0.5, 0.75, 0.999])]
    return Quantiles(*found, distinct_values=len(np.unique(values)))


def entropy_of(values: NDArray[np.float64], chosen: Binning) -> float:
    return plug_in(np.unique(chosen.bins(values), return_counts=True)[1].tolist())


def bin_of(value: float, chosen: Binning) -> float:
    return float(chosen.bins([value])[0])


def test_a_declared_resolution_is_the_width() -> None:
    chosen = declared_binning(0.5)
    assert [bin_of(value, chosen) for value in (-0.1, 0, 0.49, 0.5, 1.2, 1e6)] == [-1, 0, 0, 1, 2, 2_000_000]
    assert binning(quantiles(np.array([1.0, 2.0])), 0.5) == chosen
    assert bin_of(0.3, declared_binning(0.1)) == 3, "though 0.3 / 0.1 is just below 3 in double precision"


def test_the_grid_is_an_eighth_of_the_interquartile_range_about_the_median() -> None:
    chosen = default_binning(Quantiles(0, 6, 10, 14, 20, 500))
    assert chosen == Binning("iqr_grid", 10, 1.0, -32, 31)
    assert [bin_of(value, chosen) for value in (10, 10.99, 9.99, 41, 41.5, 1e9, -22, -1e9)] == [
        0, 0, -1, 31, 31, 31, -32, -32,
    ]  # fmt: skip


@unhurried
@given(columns, st.sampled_from([0.5, 2, 16]), st.integers(-8, 8))
def test_neither_unit_nor_origin_matter(values: NDArray[np.float64], unit: float, origin: int) -> None:
    chosen, other = default_binning(quantiles(values)), default_binning(quantiles(values * unit + origin))
    assume(chosen.method == other.method == "iqr_grid")
    assert (chosen.bins(values) == other.bins(values * unit + origin)).all()


@unhurried
@given(columns)
def test_the_grid_has_64_bins_and_keeps_the_order(values: NDArray[np.float64]) -> None:
    chosen = default_binning(quantiles(values))
    bins = chosen.bins(np.sort(values))
    assert (np.diff(bins) >= 0).all()
    if chosen.method != "distinct":
        assert len(np.unique(bins)) <= 64
        assert (bins == np.floor(bins)).all()


ROWS = (2_000, 200_000)


def drawn(name: str, rows: int) -> NDArray[np.float64]:
    return np.asarray(getattr(np.random.default_rng(5), name)(size=rows), dtype=float)


@pytest.mark.parametrize(
    ("name", "expected"), [("normal", 4.6), ("uniform", 4.0), ("lognormal", 4.4), ("exponential", 4.3)]
)
def test_the_bits_that_the_models_print_and_that_they_do_not_grow_with_the_rows(name: str, expected: float) -> None:
    """Models §2.3; with bins by the actual number of rows they would grow by 2.2 bits from 2e3 to 2e5."""
    few, many = (entropy_of(values, default_binning(quantiles(values))) for values in map(drawn, [name] * 2, ROWS))
    assert many == pytest.approx(expected, abs=0.05), "to the digit printed"
    assert few == pytest.approx(many, abs=0.1)


def test_equal_frequency_bins_say_the_same_of_every_column() -> None:
    """Why models §2.3 rejects them: 32 of them hold 5 bits whatever the column."""
    for name in ("normal", "uniform", "exponential"):
        values = np.sort(drawn(name, 3200))
        assert plug_in([len(part) for part in np.array_split(values, 32)]) == pytest.approx(5.0)


def test_a_column_that_is_mostly_one_value() -> None:
    few = np.array([0.0] * 90 + list(range(1, 11)))
    assert default_binning(quantiles(few)) == Binning("distinct")
    assert (default_binning(quantiles(few)).bins(few) == few).all()
    many = np.array([0.0] * 900 + list(range(1, 101)))
    chosen = default_binning(quantiles(many))
    assert (chosen.method, chosen.lowest, chosen.highest) == ("equal_width", 0, 63)
    q001, q999 = np.quantile(many, [0.001, 0.999])
    assert (chosen.origin, chosen.width) == (q001, (q999 - q001) / 64)
    assert bin_of(-5, chosen) == 0
    assert bin_of(1e9, chosen) == 63
    rare = default_binning(Quantiles(3, 3, 3, 3, 3, 65))
    assert rare == Binning("constant")
    assert set(rare.bins([3.0, 9.0])) == {0.0}
    assert default_binning(Quantiles(3, 3, 3, 3, 3, 1)).method == "distinct"


@pytest.mark.parametrize("wrong", NOT_FINITE)
def test_a_value_that_is_no_number_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="values must be finite"):
        declared_binning(1).bins([1.0, wrong])
    with pytest.raises(ValueError, match="a quantile must be a finite number"):
        Quantiles(0, 1, 2, 3, wrong, 9)
    for resolution in (wrong, 0, -1):
        with pytest.raises(ValueError, match="resolution must be finite and above 0"):
            declared_binning(resolution)


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="quantiles must ascend, not be 0, 2, 1, 3, 4"):
        Quantiles(0, 2, 1, 3, 4, 9)
    with pytest.raises(ValueError, match="distinct_values must be 1 or more, not 0"):
        Quantiles(0, 1, 2, 3, 4, 0)
    assert math.isfinite(bin_of(0, declared_binning(1e-300)))
