"""Counts, sums and means that are differentially private: bounded by the engine, made noisy by OpenDP and nobody else.

Neighbouring tables differ by all rows of one entity. Its part is bounded before anything is added up: to so many cells,
and in each cell to one, or to a range. Noise: discrete Laplace of scale sensitivity / epsilon, pure epsilon (delta 0).
The cells come from outside the data, so that which cells there are tells nothing; an empty one gets noise like any
other. The budget is spent first: `vault.disclosure.draws`. Source: models §7; Ghosh et al. 2009 as OpenDP 0.16
has it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import ibis
import ibis.expr.types as ir
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

WHOLE = "i64"
WHOLE_MAX = 2**53


@dataclass(frozen=True)
class Cells:
    """How a table is divided. entity: the column that names whose rows they are; by: the columns that tell cells
    apart; known: a table of all cells, from outside the data; most_of_entity: the cells in which one entity counts at
    most, the first ones in the order of `by`. Raises ValueError for fewer than 1."""

    entity: str
    by: tuple[str, ...]
    known: ir.Table
    most_of_entity: int

    def __post_init__(self) -> None:
        if self.most_of_entity < 1:
            raise ValueError(f"an entity counts in 1 cell or more, not {self.most_of_entity}")


@dataclass(frozen=True)
class Range:
    """What one entity may add to one cell: its sum there is brought into [low, high] and rounded to steps.

    Raises ValueError for a range that is empty, not finite, or of more than 2^53 steps.
    """

    low: float
    high: float
    step: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.low, self.high, self.step))) or self.low >= self.high or self.step <= 0:
            raise ValueError(f"no range: [{self.low}, {self.high}] in steps of {self.step}")
        if self.steps_most > WHOLE_MAX:
            raise ValueError(f"[{self.low}, {self.high}] has too many steps of {self.step}")

    @property
    def steps_most(self) -> int:
        """The most steps from 0 that one entity can move a sum."""
        return max(1, math.ceil(max(abs(self.low), abs(self.high)) / self.step))


def noisy_counts(table: ir.Table, cells: Cells, epsilon: Decimal) -> pa.Table:
    """How many entities each known cell has: the columns of the cells and `count`, a whole number that may be below 0.

    One entity changes the counts by at most cells.most_of_entity together. Raises ValueError for an epsilon that is not
    above 0.
    """
    counts = _bounded(table.select(cells.entity, *cells.by).distinct(), cells)
    per_cell = counts.group_by(list(cells.by)).agg(exact=counts.count())
    return _noisy(_of_known(per_cell, cells), cells, "count", cells.most_of_entity, epsilon)


def noisy_sums(table: ir.Table, cells: Cells, value: str, within: Range, epsilon: Decimal) -> pa.Table:
    """The sum of a column over each known cell: the columns of the cells and `sum`, in whole steps of the range.

    Nulls add nothing. One entity changes the sums by at most max(|low|, |high|) * cells.most_of_entity together. Raises
    ValueError for an epsilon that is not above 0.
    """
    steps = _noisy(
        _of_known(_steps(table, cells, value, within), cells),
        cells,
        "sum",
        within.steps_most * cells.most_of_entity,
        epsilon,
    )
    sums = pc.multiply(steps["sum"].cast(pa.float64()), within.step)
    return steps.set_column(steps.column_names.index("sum"), "sum", sums)


def noisy_means(table: ir.Table, cells: Cells, value: str, within: Range, epsilon: Decimal) -> pa.Table:
    """The mean over the entities of each known cell of what one adds: the columns of the cells, `count` and `mean`.

    Half of epsilon goes to the counts and half to the sums, the rest is arithmetic; the mean is null where the noisy
    count is below 1, and else brought into the range.
    """
    counts = noisy_counts(table, cells, epsilon / 2)
    sums = noisy_sums(table, cells, value, within, epsilon / 2)["sum"]
    some = pc.if_else(pc.greater(counts["count"], 0), counts["count"], None)
    means = pc.divide(sums, some.cast(pa.float64()))
    low, high = (pc.min_element_wise, pc.max_element_wise)
    bounded = high(low(means, within.high, skip_nulls=False), within.low, skip_nulls=False)
    return counts.append_column("mean", bounded)


def _steps(table: ir.Table, cells: Cells, value: str, within: Range) -> ir.Table:
    """Per cell the sum of the entities' parts, each in whole steps of the range."""
    filled = table.filter(table[value].notnull())
    parts = filled.group_by([cells.entity, *cells.by]).agg(part=filled[value].cast("float64").sum())
    clipped = parts.part.clip(within.low, within.high)
    bounded = _bounded(parts.mutate(part=(clipped / within.step).round().cast("int64")), cells)
    return bounded.group_by(list(cells.by)).agg(exact=bounded.part.sum())


def _bounded(of_entities: ir.Table, cells: Cells) -> ir.Table:
    """One row for each entity and cell, of each entity no more cells than it may count in; rows of nobody left out."""
    named = of_entities.filter(of_entities[cells.entity].notnull())
    place = ibis.row_number().over(group_by=cells.entity, order_by=list(cells.by))
    return named.mutate(place=place).filter(lambda each: each.place < cells.most_of_entity)


def _of_known(per_cell: ir.Table, cells: Cells) -> pa.Table:
    """The exact value of each known cell, 0 where the data has none; a null tells cells apart as any value does."""
    known = cells.known.select(*cells.by).distinct()
    renamed = per_cell.rename({f"own_{name}": name for name in cells.by})
    same = [known[name].identical_to(renamed[f"own_{name}"]) for name in cells.by]
    joined = known.left_join(renamed, same)
    exact = joined.exact.cast("int64").fill_null(0)
    return joined.select(*cells.by, exact=exact).order_by(list(cells.by)).to_pyarrow()


def _noisy(exact: pa.Table, cells: Cells, name: str, sensitivity: int, epsilon: Decimal) -> pa.Table:
    """The cells with noise in place of the exact values."""
    noise = _laplace(sensitivity, epsilon)
    values = pa.array(noise(exact["exact"].to_pylist()), pa.int64())
    return exact.select(list(cells.by)).append_column(name, values)


def _laplace(sensitivity: int, epsilon: Decimal) -> Callable[[list[int]], list[int]]:
    """OpenDP's mechanism for whole numbers, of the least noise that loses no more than epsilon by its own account."""
    import opendp.prelude as dp

    if not (epsilon.is_finite() and epsilon > 0):
        raise ValueError(f"epsilon must be above 0, not {epsilon}")
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=WHOLE)), dp.l1_distance(T=WHOLE)
    return dp.binary_search_chain(
        lambda scale: dp.m.make_laplace(*space, scale=scale), d_in=sensitivity, d_out=float(epsilon)
    )
