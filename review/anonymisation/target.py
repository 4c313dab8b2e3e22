"""What an anonymised table must keep, and which of its groups keep it. Source: models §7 (R).

A group smaller than k, or one whose sensitive values are too few, too uneven or too far from those of all rows, is left
out. What stays is then judged once more by itself, as a review of the component will do.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from review.anonymisation.coded_table import CodedTable, Codes, Grouping, SensitiveCounts, counts_by_group

TOLERANCE = 1e-9
"""Sums of shares are exact to far less than this."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Target:
    """k: fewest rows of a group; distinct_l: fewest values of each sensitive column in it, no value not counted;
    entropy_l: fewest values in effect, 2 to the entropy in bits; t: largest distance (half the sum of differences) of
    its values' shares from those of all rows; inference_advantage_max: of guessing a value by the group rather than
    blindly, (V(group) - V) / (1 - V); suppression_limit: largest share of rows that may be left out.

    l, t and advantage of 1 ask for nothing. Raises ValueError for k below 2 and for what is out of its range.
    """

    k: int
    distinct_l: int = 1
    entropy_l: float = 1.0
    t: float = 1.0
    inference_advantage_max: float = 1.0
    suppression_limit: float = 0.0

    def __post_init__(self) -> None:
        if self.k < 2:
            raise ValueError(f"k must be 2 or more, not {self.k}: a group of one hides nobody")
        if not (self.distinct_l >= 1 and self.entropy_l >= 1):
            raise ValueError("l must be 1 or more")
        if not (0 <= self.t <= 1 and 0 <= self.inference_advantage_max <= 1):
            raise ValueError("t and the advantage must be from 0 to 1")
        if not 0 <= self.suppression_limit < 1:
            raise ValueError("the suppression limit must be from 0 to less than 1")

    def rows_suppressed_max(self, rows: int) -> int:
        """How many of `rows` may be left out."""
        return math.floor(self.suppression_limit * rows + TOLERANCE)

    @property
    def has_entropy_or_t(self) -> bool:
        """Whether it asks more of a group than counts of rows and of distinct values."""
        return self.entropy_l > 1 or self.t < 1


def kept_groups(table: CodedTable, grouping: Grouping, target: Target) -> Mask | None:
    """Which groups stay; None where too many rows would be left out, or what stays does not meet the target."""
    kept: Mask = grouping.rows >= target.k
    counted = [counts_by_group(grouping, column) for column in table.sensitive]
    for column, counts in zip(table.sensitive, counted, strict=True):
        kept = kept & _is_diverse(grouping, column, counts, target)
    if table.rows - int(grouping.rows[kept].sum()) > target.rows_suppressed_max(table.rows):
        return None
    for column, counts in zip(table.sensitive, counted, strict=True):
        if target.t < 1 and np.any(_distance(grouping, column, counts, kept)[kept] > target.t + TOLERANCE):
            return None
        if _inference_advantage(grouping, column, counts, kept) > target.inference_advantage_max + TOLERANCE:
            return None
    return kept


Counts = tuple[Codes, Codes, Codes]
"""Group, value and rows of each pair of both that occurs."""


def _is_diverse(grouping: Grouping, column: SensitiveCounts, counts: Counts, target: Target) -> Mask:
    group, value, rows = counts
    groups = len(grouping.rows)
    is_value = value != (-1 if column.no_value is None else column.no_value)
    is_diverse: Mask = np.bincount(group[is_value], minlength=groups) >= target.distinct_l
    if target.entropy_l > 1:
        shares = rows / grouping.rows[group]
        bits = -np.bincount(group, weights=shares * np.log2(shares), minlength=groups)
        is_diverse = is_diverse & (bits >= math.log2(target.entropy_l) - TOLERANCE)
    if target.t < 1:
        everything = np.ones(groups, dtype=np.bool_)
        is_diverse = is_diverse & (_distance(grouping, column, counts, everything) <= target.t + TOLERANCE)
    return is_diverse


def _distance(grouping: Grouping, column: SensitiveCounts, counts: Counts, among: Mask) -> NDArray[np.float64]:
    """For each group half the sum of the differences between its shares of values and those of the groups `among`."""
    group, value, rows = counts
    overall = _rows_by_value(column, counts, among)
    shares_of_all = overall / max(float(overall.sum()), 1.0)
    shares = rows / grouping.rows[group]
    groups = len(grouping.rows)
    differences = np.bincount(group, weights=np.abs(shares - shares_of_all[value]), minlength=groups)
    lacking = 1 - np.bincount(group, weights=shares_of_all[value], minlength=groups)
    distance: NDArray[np.float64] = (differences + lacking) / 2
    return distance


def _inference_advantage(grouping: Grouping, column: SensitiveCounts, counts: Counts, among: Mask) -> float:
    """How much better a value is guessed by the most frequent one of its group; 0 where all rows have one value."""
    group, _, rows = counts
    guessed = np.zeros(len(grouping.rows), dtype=np.int64)
    np.maximum.at(guessed, group, rows)
    overall = _rows_by_value(column, counts, among)
    total, blindly = float(overall.sum()), float(overall.max())
    return (float(guessed[among].sum()) - blindly) / (total - blindly) if total > blindly else 0.0


def _rows_by_value(column: SensitiveCounts, counts: Counts, among: Mask) -> NDArray[np.float64]:
    group, value, rows = counts
    shown = np.where(among[group], rows, 0)
    return np.bincount(value, weights=shown, minlength=column.values).astype(np.float64)
