"""Bins for numeric columns, so that their entropy depends neither on their unit nor on the number of rows.

A declared resolution comes first; else a grid of an eighth of the interquartile range about the median. Quantiles are
of type 7, as `quantile_cont` of DuckDB and `numpy.quantile` give them. Source: models §2.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pricing.domain import finite, positive

BINS_PER_IQR = 8
GRID_BINS = (-32, 31)
EQUAL_BINS = 64
EDGE_TOLERANCE = 1e-9
"""In bins. A value on an edge belongs to the bin above it, also where its division by the width falls just short."""

Method = Literal["resolution", "iqr_grid", "equal_width", "distinct", "constant"]


@dataclass(frozen=True)
class Binning:
    """How a column is binned: bin = clip(floor((x - origin) / width), lowest, highest).

    `distinct`: every value is its own bin; `constant`: all are one. Neither has a width.
    """

    method: Method
    origin: float = 0.0
    width: float | None = None
    lowest: int | None = None
    highest: int | None = None

    def bins(self, values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """The bin of each value, as whole numbers; of `distinct` the values themselves.

        Raises ValueError for a value that is not finite: nulls are left out before. Source: models §2.3.
        """
        points = np.asarray(values, dtype=np.float64)
        if not np.isfinite(points).all():
            raise ValueError("values must be finite numbers")
        if self.method == "distinct":
            return points
        if self.width is None:
            return np.zeros_like(points)
        bins = np.floor((points - self.origin) / self.width + EDGE_TOLERANCE)
        return bins if self.lowest is None else np.clip(bins, self.lowest, self.highest)


@dataclass(frozen=True)
class Quantiles:
    """The quantiles a binning follows from, in the column's unit, and how many distinct values the column has.

    Raises ValueError where they are not finite, do not ascend, or nothing is there to be binned.
    """

    q001: float
    q25: float
    median: float
    q75: float
    q999: float
    distinct_values: int

    def __post_init__(self) -> None:
        ascending = [self.q001, self.q25, self.median, self.q75, self.q999]
        for value in ascending:
            finite("a quantile", value)
        if ascending != sorted(ascending):
            raise ValueError(f"quantiles must ascend, not be {', '.join(map(str, ascending))}")
        if self.distinct_values < 1:
            raise ValueError(f"distinct_values must be 1 or more, not {self.distinct_values}")


def declared_binning(resolution: float) -> Binning:
    """bin = floor(x / δ): δ is what a decision can tell apart, in the column's unit, above 0.

    Raises ValueError else. Source: models §2.3 (1).
    """
    return Binning("resolution", width=positive("resolution", resolution))


def default_binning(quantiles: Quantiles) -> Binning:
    """bin = clip(floor((x - median) / (IQR / 8)), -32, 31).

    Where IQR = 0: each value its own bin up to 64 of them, else 64 equal bins on [q.001, q.999]; where these two are
    equal, one bin, since what is left is rarer than 2 in 1000. Source: models §2.3 (2).
    """
    width = (quantiles.q75 - quantiles.q25) / BINS_PER_IQR
    if width > 0:
        return Binning("iqr_grid", quantiles.median, width, *GRID_BINS)
    if quantiles.distinct_values <= EQUAL_BINS:
        return Binning("distinct")
    width = (quantiles.q999 - quantiles.q001) / EQUAL_BINS
    if width > 0:
        return Binning("equal_width", quantiles.q001, width, 0, EQUAL_BINS - 1)
    return Binning("constant")


def binning(quantiles: Quantiles, resolution: float | None = None) -> Binning:
    """The declared resolution where there is one, else the default. Source: models §2.3."""
    return default_binning(quantiles) if resolution is None else declared_binning(resolution)
