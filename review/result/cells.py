"""Tables of which each row is a cell: how many subjects stand behind it, whether a few of them make up most of it, and
what published totals give away of the cells that were left out.

Everything is counted by the engine, written once in Ibis. Source: models §7 (R, aggregates).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

import ibis
import ibis.expr.types as ir

from vault.disclosure.linear_queries import ATOMS_MAX, Atom, TooLarge
from vault.discretising import only_row

DETERMINED = 2
"""Cells left out are told apart one by one: a combination of totals that reaches fewer than two determines one."""


@dataclass(frozen=True)
class CountFigures:
    """A column that counts subjects. filled: cells of at least 1; small: of these the ones of fewer than the minimum;
    unknown: cells without a count or with one below 0; smallest: the least count above 0, None where there is none;
    total: of all counts."""

    column: str
    cells: int
    filled: int
    small: int
    unknown: int
    smallest: int | None
    total: int


@dataclass(frozen=True)
class DominanceRule:
    """(n, k): sensitive where the `largest` largest contributors make up more than share_percent of a cell.
    p %: sensitive where the others than the two largest make up less than p_percent of the largest."""

    largest: int
    share_percent: Decimal
    p_percent: Decimal


@dataclass(frozen=True)
class DominanceFigures:
    """Contributions to one measure. uncovered: cells of the table without any; dominated and estimable: cells that are
    sensitive by (n, k) and by p %; fewest_contributors: of any cell; greatest_share: of the n largest in a cell."""

    measure: str
    cells: int
    uncovered: int
    dominated: int
    estimable: int
    fewest_contributors: int
    greatest_share: float


@dataclass(frozen=True)
class Margin:
    """A published table of totals over the cells of another: name; table; by: the columns of its cells, which are some
    of the other's; count: its column of totals."""

    name: str
    table: ir.Table
    by: tuple[str, ...]
    count: str


@dataclass(frozen=True)
class MarginFigures:
    """A margin less the cells that it covers. exposed: groups of which at least 1 and fewer than the minimum remain;
    contradictory: of which less than nothing remains, so that the counts are not additive along these columns."""

    margin: str
    groups: int
    exposed: int
    contradictory: int


def measure_counts(table: ir.Table, columns: Sequence[str], group_minimum: int) -> tuple[CountFigures, ...]:
    """Each column of counts, in one scan. Source: models §7."""
    asked = {"cells": table.count()}
    for place, name in enumerate(columns):
        count = table[name]
        asked[f"filled_{place}"] = (count > 0).sum()
        asked[f"small_{place}"] = ((count > 0) & (count < group_minimum)).sum()
        asked[f"unknown_{place}"] = (count.isnull() | (count < 0)).sum()
        asked[f"smallest_{place}"] = (count > 0).ifelse(count, None).min()
        asked[f"total_{place}"] = count.cast("int64").sum()
    told = only_row(table.aggregate(**asked))
    return tuple(
        CountFigures(
            name,
            told["cells"],
            int(told[f"filled_{place}"] or 0),
            int(told[f"small_{place}"] or 0),
            int(told[f"unknown_{place}"] or 0),
            None if told[f"smallest_{place}"] is None else int(told[f"smallest_{place}"]),
            int(told[f"total_{place}"] or 0),
        )
        for place, name in enumerate(columns)
    )


def measure_dominance(
    table: ir.Table, grain: Sequence[str], measure: str, contributions: ir.Table, rule: DominanceRule
) -> DominanceFigures:
    """One measure by its contributions: a table with the columns of the grain, `contributor` and `value`.

    Contributions of one contributor to a cell are added up first; one below 0 weighs by its size, and a cell whose
    contributions are all 0 is not sensitive. Those to cells that the table leaves out do not matter. Source: models §7.
    """
    shown = table.select(**{f"shown_{name}": table[name] for name in grain})
    contributions = contributions.semi_join(
        shown, [contributions[name].identical_to(shown[f"shown_{name}"]) for name in grain]
    )
    summed = contributions.group_by([*grain, "contributor"]).agg(value=contributions.value.sum())
    amount = summed.value.abs().fill_null(0)
    place = ibis.row_number().over(group_by=list(grain), order_by=[amount.desc()])
    placed = summed.select(*grain, amount=amount, place=place)
    cells = placed.group_by(list(grain)).agg(
        total=placed.amount.sum(),
        most=(placed.place < rule.largest).ifelse(placed.amount, 0).sum(),
        first=(placed.place == 0).ifelse(placed.amount, 0).sum(),
        second=(placed.place == 1).ifelse(placed.amount, 0).sum(),
        contributors=placed.count(),
    )
    remainder = cells.total - cells["first"] - cells.second
    told = only_row(
        cells.aggregate(
            cells=cells.count(),
            dominated=((cells.total > 0) & (cells.most * 100 > cells.total * _number(rule.share_percent))).sum(),
            estimable=((cells.total > 0) & (remainder * 100 < cells["first"] * _number(rule.p_percent))).sum(),
            contributors=cells.contributors.min(),
            share=(cells.most / cells.total.nullif(0)).max(),
        )
    )
    renamed = cells.select(**{f"known_{name}": cells[name] for name in grain})
    uncovered = table.anti_join(renamed, [table[name].identical_to(renamed[f"known_{name}"]) for name in grain])
    return DominanceFigures(
        measure,
        told["cells"],
        int(uncovered.count().to_pyarrow().as_py()),
        int(told["dominated"] or 0),
        int(told["estimable"] or 0),
        int(told["contributors"] or 0),
        float(told["share"] or 0),
    )


def measure_margin(table: ir.Table, count: str, margin: Margin, group_minimum: int) -> MarginFigures:
    """What remains of each group of a margin when the published cells are taken off. Source: models §7."""
    left = _remainders(table, count, margin)
    remains = left.remains
    told = only_row(
        left.aggregate(
            groups=left.count(),
            exposed=((remains > 0) & (remains < group_minimum)).sum(),
            contradictory=(remains < 0).sum(),
        )
    )
    return MarginFigures(margin.name, told["groups"], int(told["exposed"] or 0), int(told["contradictory"] or 0))


def cells_left_out(table: ir.Table, grain: Sequence[str], count: str, margins: Sequence[Margin]) -> tuple[Atom, ...]:
    """The cells that the table leaves out, those together that the same totals cover, as far as something remains.

    A cell that could be there is any combination of the values that the columns of the grain have. Raises TooLarge
    where more are left out than combinations of totals can be searched for.
    """
    columns = [table.select(name).distinct() for name in grain]
    all_cells = reduce(lambda one, other: one.cross_join(other), columns)
    published = table.select(**{f"known_{name}": table[name] for name in grain})
    absent = all_cells.anti_join(
        published, [all_cells[name].identical_to(published[f"known_{name}"]) for name in grain]
    )
    for place, margin in enumerate(margins):
        left = _remainders(table, count, margin)
        numbered = left.filter(left.remains > 0).select(
            **{f"of_{place}_{name}": left[name] for name in margin.by},
            **{f"query_{place}": ibis.row_number().over(order_by=list(margin.by))},
        )
        same = [absent[name].identical_to(numbered[f"of_{place}_{name}"]) for name in margin.by]
        absent = absent.left_join(numbered, same).drop(*(f"of_{place}_{name}" for name in margin.by))
    queries = [f"query_{place}" for place in range(len(margins))]
    covered = absent.filter([reduce(lambda one, other: one | other, [absent[name].notnull() for name in queries])])
    alike = covered.group_by(queries).agg(cells=covered.count())
    told = alike.limit(ATOMS_MAX + 1).to_pyarrow().to_pylist()
    if len(told) > ATOMS_MAX:
        raise TooLarge(f"more than {ATOMS_MAX} groups of cells are left out under published totals")
    width = len(margins)
    return tuple(
        Atom(
            frozenset(row[name] * width + place for place, name in enumerate(queries) if row[name] is not None),
            row["cells"],
        )
        for row in told
    )


def _remainders(table: ir.Table, count: str, margin: Margin) -> ir.Table:
    """The groups of a margin, and of each what remains of its total when the published cells are taken off."""
    summed = table.group_by(**{f"own_{name}": table[name] for name in margin.by}).agg(covered=table[count].sum())
    totals = margin.table.select(*margin.by, total=margin.table[margin.count])
    joined = totals.left_join(summed, [totals[name].identical_to(summed[f"own_{name}"]) for name in margin.by])
    return joined.select(*margin.by, remains=joined.total - joined.covered.fill_null(0))


def _number(value: Decimal) -> int | float:
    """A threshold as the engine is told it: whole where it is."""
    return int(value) if value == value.to_integral_value() else float(value)
