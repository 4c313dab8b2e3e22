"""The search for the transformation of least loss: one level for each quasi-identifier, the same for all rows.

It is exact. Rows in groups smaller than k only become fewer as levels rise, because groups only grow together; so a
transformation that leaves out too many of them fails with all that are finer, and one that does not passes with all
that are coarser (predictive tagging along chains of the lattice, after Kohlmayer et al., Flash, PASSAT 2012).
Diversity and closeness have no such law once rows may be left out: they are judged for one transformation after the
other, in the order of the least that each can lose, until that is more than the best one found.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from review.anonymisation.coded_table import CodedTable, Grouping, finest, rolled_up
from review.anonymisation.losses import Loss
from review.anonymisation.target import Target, kept_groups
from vault.errors import JinkuError

TRANSFORMATIONS_AT_MOST = 1_000_000
GROUPINGS_KEPT_AT_MOST = 256
CELLS_KEPT_AT_MOST = 50_000_000
"""What is kept to make coarser groupings from: at 8 bytes a cell, 0.4 GB."""

Levels = tuple[int, ...]


@dataclass(frozen=True)
class Solution:
    """The transformation found: a level for each quasi-identifier, in the order of the table.

    loss_max: the loss of the coarsest one; groups: how many are shown; smallest_group: rows of the smallest of them;
    transformations: how many there are; checked: of how many the rows were grouped.
    """

    levels: Levels
    loss: float
    loss_max: float
    rows: int
    rows_suppressed: int
    groups: int
    smallest_group: int
    transformations: int
    checked: int


def search(table: CodedTable, target: Target, loss: Loss) -> Solution:
    """The transformation of least loss that meets the target; of several, the one that leaves out the fewest rows.

    Raises JinkuError `lattice_too_large`, and `no_generalisation` where even the coarsest one does not meet it.
    """
    transformations = math.prod(height + 1 for height in table.heights)
    if transformations > TRANSFORMATIONS_AT_MOST:
        raise JinkuError(
            "lattice_too_large",
            f"there are {transformations} ways to generalise, and {TRANSFORMATIONS_AT_MOST} can be searched",
            f"{len(table.heights)} quasi-identifiers",
            "Give fewer levels, or leave out a column.",
        )
    lattice = _Lattice(table, target)
    best: tuple[float, int, Levels] | None = None
    shown = np.zeros(0, dtype=np.int64)
    for levels, floor in _cheapest_first(loss, lattice.shape):
        if best is not None and floor > best[0]:
            break
        if not lattice.hides(levels):
            continue
        grouping = lattice.grouping(levels)
        if best is not None and loss.least_above(grouping) > best[0]:
            lattice.leave_out_above(levels)
            continue
        kept = kept_groups(table, grouping, target)
        if kept is not None:
            found = (loss.of(grouping, kept), table.rows - int(grouping.rows[kept].sum()), levels)
            if best is None or found < best:
                best, shown = found, grouping.rows[kept]
    if best is None:
        raise JinkuError(
            "no_generalisation",
            f"even in the coarsest form that the contract allows its {table.rows} rows do not meet the target",
            f"{len(table.heights)} quasi-identifiers",
            "Generalise more columns, show sensitive ones in other bands, leave out more rows, or aggregate.",
        )
    top = lattice.grouping(table.heights)
    loss_max = loss.of(top, np.ones(len(top.rows), dtype=np.bool_))
    value, suppressed, levels = best
    return Solution(
        levels, value, loss_max, table.rows, suppressed, len(shown), int(shown.min()), transformations, lattice.checked
    )


def _cheapest_first(loss: Loss, shape: Levels) -> Iterator[tuple[Levels, float]]:
    """All transformations with their floors, in the order of these; among equals the finer ones first."""
    floors: NDArray[np.float64] = np.zeros(())
    heights: NDArray[np.int64] = np.zeros((), dtype=np.int64)
    for own, size in zip(loss.floors, shape, strict=True):
        floors = np.add.outer(floors, own)
        heights = np.add.outer(heights, np.arange(size))
    order = np.lexsort((heights.ravel(), floors.ravel()))
    levels = zip(*(each.tolist() for each in np.unravel_index(order, shape)), strict=True)
    return zip(levels, floors.ravel()[order].tolist(), strict=True)


class _Lattice:
    """What is known of all transformations, and the groupings that the next ones are made from."""

    def __init__(self, table: CodedTable, target: Target) -> None:
        self.shape = tuple(height + 1 for height in table.heights)
        self.checked = 0
        self._table = table
        self._k = target.k
        self._rows_suppressed_max = target.rows_suppressed_max(table.rows)
        self._passes = np.zeros(self.shape, dtype=np.bool_)
        self._fails = np.zeros(self.shape, dtype=np.bool_)
        self._groupings: dict[Levels, Grouping] = {}
        self._cells = 0
        self._finest = finest(table)

    def hides(self, levels: Levels) -> bool:
        """Whether few enough rows stand in groups smaller than k. Finds out for as many others as follow from it."""
        if not self._passes[levels] and not self._fails[levels]:
            self._settle(self._chain_to_top(levels))
        return bool(self._passes[levels] and not self._fails[levels])

    def leave_out_above(self, levels: Levels) -> None:
        """These and all coarser ones lose more than what was found."""
        self._fails[tuple(slice(level, None) for level in levels)] = True

    def grouping(self, levels: Levels) -> Grouping:
        """The groups of a transformation, made from the fewest finer ones at hand."""
        if levels in self._groupings:
            return self._groupings[levels]
        made = rolled_up(self._table, self._nearest_finer(levels), levels)
        self.checked += 1
        self._keep(made)
        return made

    def _nearest_finer(self, levels: Levels) -> Grouping:
        """Of the groupings at hand the one with the fewest groups that these levels only coarsen."""
        known = list(self._groupings.values())
        if not known:
            return self._finest
        is_finer = np.all(np.array([each.levels for each in known]) <= np.array(levels), axis=1)
        finer = [known[place] for place in np.flatnonzero(is_finer)]
        return min(finer, key=lambda each: len(each.rows), default=self._finest)

    def _settle(self, chain: list[Levels]) -> None:
        """Bisect a chain of ever coarser transformations: those that fail come before those that pass."""
        low, high = 0, len(chain)
        while low < high:
            middle = (low + high) // 2
            levels = chain[middle]
            if not self._passes[levels] and not self._fails[levels]:
                self._check(levels)
            if self._passes[levels]:
                high = middle
            else:
                low = middle + 1

    def _check(self, levels: Levels) -> None:
        rows = self.grouping(levels).rows
        if int(rows[rows < self._k].sum()) <= self._rows_suppressed_max:
            self._passes[tuple(slice(level, None) for level in levels)] = True
        else:
            self._fails[tuple(slice(0, level + 1) for level in levels)] = True

    def _chain_to_top(self, levels: Levels) -> list[Levels]:
        """Raise one column after the other, always the one that is lowest in its own levels."""
        chain, current = [levels], list(levels)
        heights = self._table.heights
        while tuple(current) != heights:
            lowest = min(
                (column for column, height in enumerate(heights) if current[column] < height),
                key=lambda column: current[column] / heights[column],
            )
            current[lowest] += 1
            chain.append(tuple(current))
        return chain

    def _keep(self, grouping: Grouping) -> None:
        self._groupings[grouping.levels] = grouping
        self._cells += _cells_of(grouping)
        while len(self._groupings) > GROUPINGS_KEPT_AT_MOST or self._cells > CELLS_KEPT_AT_MOST:
            self._cells -= _cells_of(self._groupings.pop(next(iter(self._groupings))))


def _cells_of(grouping: Grouping) -> int:
    return grouping.codes.size + grouping.group_of.size
