"""How much a transformation loses. Each loss adds up over columns as far as generalising goes, and never falls with it.

The search relies on two bounds: `floors`, what the levels alone cost, and `least_above`, below which no coarser
transformation can come.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from review.anonymisation.coded_table import CodedTable, Codes, Grouping

Numbers = NDArray[np.float64]


class Loss(Protocol):
    """A measure of information loss over one table."""

    @property
    def floors(self) -> tuple[Numbers, ...]:
        """For each column and level what it costs at least; the loss is never less than their sum."""
        ...

    def of(self, grouping: Grouping, kept: NDArray[np.bool_]) -> float:
        """The loss of a grouping of which only the kept groups are shown."""
        ...

    def least_above(self, grouping: Grouping) -> float:
        """What every coarser transformation loses at least, whichever groups it leaves out."""
        ...


@dataclass(frozen=True)
class NonUniformEntropy:
    """Non-uniform entropy, its monotonic variant, in bits.

    Over all cells the sum of log2(rows with the label / rows with the value), both counted in the whole table; rows
    that are left out count like the others, so that it depends on the levels alone.
    Source: de Waal, Willenborg, Netherlands Official Statistics 14 (1999); ARX's metric of that name.
    """

    floors: tuple[Numbers, ...]

    def of(self, grouping: Grouping, kept: NDArray[np.bool_]) -> float:
        """The sum over the columns."""
        return self.least_above(grouping)

    def least_above(self, grouping: Grouping) -> float:
        """The same."""
        return sum_of_floors(self.floors, grouping.levels)


@dataclass(frozen=True)
class NormalisedCertaintyPenalty:
    """Normalised certainty penalty, from 0 to 1.

    The mean over all cells of (values under the label - 1) / (values of the column - 1). Only values that
    occur count; a cell of a row that is left out counts 1.
    Source: Xu et al., KDD 2006.
    """

    floors: tuple[Numbers, ...]
    penalties: tuple[tuple[Numbers, ...], ...]
    """By column, level and label."""

    def of(self, grouping: Grouping, kept: NDArray[np.bool_]) -> float:
        """The mean over all cells, the ones left out among them."""
        columns, rows = len(self.penalties), int(grouping.rows.sum())
        kept_rows = grouping.rows[kept]
        lost = float(columns * (rows - int(kept_rows.sum())))
        for column, level in enumerate(grouping.levels):
            lost += float((self.penalties[column][level][grouping.codes[column, kept]] * kept_rows).sum())
        return lost / (rows * columns)

    def least_above(self, grouping: Grouping) -> float:
        """What the levels alone cost."""
        return sum_of_floors(self.floors, grouping.levels)


@dataclass(frozen=True)
class Discernibility:
    """Discernibility: for each row the number of rows that look like it; all rows for one that is left out.

    Source: Bayardo, Agrawal, ICDE 2005.
    """

    floors: tuple[Numbers, ...]

    def of(self, grouping: Grouping, kept: NDArray[np.bool_]) -> float:
        """The sum over all rows."""
        rows = int(grouping.rows.sum())
        shown = grouping.rows[kept].astype(np.float64)
        return float((shown**2).sum()) + float(rows - int(shown.sum())) * rows

    def least_above(self, grouping: Grouping) -> float:
        """The sum as if nothing were left out: groups only grow together."""
        return float((grouping.rows.astype(np.float64) ** 2).sum())


def sum_of_floors(floors: tuple[Numbers, ...], levels: tuple[int, ...]) -> float:
    """What certain levels cost."""
    return float(sum(own[level] for own, level in zip(floors, levels, strict=True)))


def non_uniform_entropy(table: CodedTable) -> NonUniformEntropy:
    """The loss of a table's columns and levels."""
    return NonUniformEntropy(
        tuple(_entropy_floors(labels, table.value_rows(column)) for column, labels in enumerate(table.labels))
    )


def normalised_certainty_penalty(table: CodedTable) -> NormalisedCertaintyPenalty:
    """The loss of a table's columns and levels."""
    penalties = tuple(tuple(_penalties(own) for own in labels) for labels in table.labels)
    cells = table.rows * len(table.labels)
    floors = tuple(
        np.array([float((table.value_rows(column) * of[own]).sum()) for own, of in zip(labels, each, strict=True)])
        / cells
        for column, (labels, each) in enumerate(zip(table.labels, penalties, strict=True))
    )
    return NormalisedCertaintyPenalty(floors, penalties)


def discernibility(table: CodedTable) -> Discernibility:
    """The loss of a table; the levels alone tell nothing of it."""
    return Discernibility(tuple(np.zeros(len(labels)) for labels in table.labels))


LOSSES: Mapping[str, Callable[[CodedTable], Loss]] = MappingProxyType(
    {
        "entropy": non_uniform_entropy,
        "certainty": normalised_certainty_penalty,
        "discernibility": discernibility,
    }
)
"""The losses by the names that a person gives them."""


def _entropy_floors(labels: Codes, value_rows: Codes) -> Numbers:
    lost = []
    for own in labels:
        label_rows = np.bincount(own, weights=value_rows)
        lost.append(float((value_rows * np.log2(label_rows[own] / value_rows)).sum()))
    return np.array(lost)


def _penalties(own: Codes) -> Numbers:
    values_under = np.bincount(own)
    return (values_under - 1) / max(len(own) - 1, 1)
