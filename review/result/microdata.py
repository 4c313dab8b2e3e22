"""Tables of which each row is someone: how alike rows are, and what the classes of alike rows give away.

The engine groups the rows twice, into classes and then into the values of each class; all else is computed from these
groups. Counts are whole numbers, so the figures are the same on DuckDB and on Spark. A null is a value of its own,
before all others. No value of the data comes back. Source: models §7 (R).
"""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction

import ibis
import ibis.expr.types as ir

from review.result.classes import ClassSizes, PopulationFigures, Unmeasurable
from vault.discretising import only_row
from vault.ibis_tables import stored

GRID_MAX = 20_000_000
"""Classes times values of an ordered column that are held at once."""


@dataclass(frozen=True)
class SensitiveColumn:
    """A column whose values are not to be learnt. is_ordered: values lie nearer or farther from each other, as numbers
    do, so that the ordered distance measures t."""

    name: str
    is_ordered: bool = False


@dataclass(frozen=True)
class SensitiveFigures:
    """What the classes give away of one sensitive column.

    values: different ones in the table; distinct_l: fewest in a class; entropy_l: 2 ^ least entropy of a class in bits;
    recursive_c: greatest r_1 / (r_l + ... + r_m) of a class, its counts r descending and l as asked, infinite where
    a class has fewer than l values: the table is recursive (c, l)-diverse for every c above it; alpha: greatest share
    of one value in a class; basic_beta: greatest (q - p) / p; enhanced_beta: the lesser of it and -ln of the least p;
    delta: greatest |ln(q / p)|; p and q being shares in the table and in a class. t_equal: greatest 1/2 sum |p - q|;
    t_ordered: greatest sum |cumulative p - q| / (m - 1), None where the values have no order; guessed and
    guessed_blindly: rows whose value is guessed by the most frequent one of their class, and of the table.
    """

    name: str
    values: int
    distinct_l: int
    entropy_l: float
    recursive_c: float
    alpha: float
    basic_beta: float
    enhanced_beta: float
    delta: float
    t_equal: float
    t_ordered: float | None
    guessed: int
    guessed_blindly: int
    rows: int

    @property
    def t(self) -> float:
        """t by the distance that fits the column."""
        return self.t_equal if self.t_ordered is None else self.t_ordered

    @property
    def inference_advantage(self) -> Fraction:
        """(V(c|out) - V(c)) / (1 - V(c)), V being the chance to guess right; 0 where all rows have one value."""
        unknown = self.rows - self.guessed_blindly
        return Fraction(self.guessed - self.guessed_blindly, unknown) if unknown else Fraction(0)


@dataclass(frozen=True)
class Microdata:
    """All figures of a table: the sizes of its classes, those by each quasi-identifier alone, the population's where
    one was given, and those of each sensitive column."""

    sizes: ClassSizes
    sizes_alone: tuple[tuple[str, ClassSizes], ...]
    population: PopulationFigures | None
    sensitive: tuple[SensitiveFigures, ...]


def measure_microdata(
    table: ir.Table,
    quasi_identifiers: Sequence[str],
    sensitive: Sequence[SensitiveColumn],
    *,
    recursive_l: int = 2,
    population: ir.Table | None = None,
) -> Microdata:
    """All figures of a table of any size; no rows have no classes and no sensitive figures.

    recursive_l: the l of recursive_c; population: a table with the same quasi-identifiers, generalised alike. Raises
    Unmeasurable without a quasi-identifier, and where classes times ordered values exceed GRID_MAX. Source: models §7.
    """
    if not quasi_identifiers:
        raise Unmeasurable("without a quasi-identifier nothing can be measured")
    with stored(_classes(table, quasi_identifiers)) as classes:
        sizes, sizes_alone = _sizes(classes, quasi_identifiers)
        known = None if population is None else _population(classes, population, quasi_identifiers)
        figures: tuple[SensitiveFigures, ...] = ()
        if sensitive and sizes.rows:
            groups = _groups(table, classes, quasi_identifiers, sensitive)
            with stored(groups) if len(sensitive) > 1 else nullcontext(groups) as groups:
                figures = tuple(
                    _sensitive(_cells(groups, place, len(sensitive)), column, sizes, recursive_l)
                    for place, column in enumerate(sensitive)
                )
    return Microdata(sizes, sizes_alone, known, figures)


def _classes(table: ir.Table, quasi_identifiers: Sequence[str]) -> ir.Table:
    """The classes: their quasi-identifiers (quasi_0, ...), their size, and a number of their own."""
    quasi = {_quasi(place): table[name] for place, name in enumerate(quasi_identifiers)}
    sized = table.group_by(**quasi).agg(size=table.count())
    return sized.mutate(number=ibis.row_number().over(order_by=list(quasi)))


def _groups(
    table: ir.Table, classes: ir.Table, quasi_identifiers: Sequence[str], sensitive: Sequence[SensitiveColumn]
) -> ir.Table:
    """The rows by class and sensitive values: number, size, value_0, ..., rows."""
    same = [table[name].identical_to(classes[_quasi(place)]) for place, name in enumerate(quasi_identifiers)]
    values = {_value(place): table[column.name] for place, column in enumerate(sensitive)}
    joined = table.join(classes, same).select(classes["number"], classes["size"], **values)
    return joined.group_by(joined.columns).agg(rows=joined.count())


def _sizes(
    classes: ir.Table, quasi_identifiers: Sequence[str]
) -> tuple[ClassSizes, tuple[tuple[str, ClassSizes], ...]]:
    """The sizes of the classes, and of those by each quasi-identifier alone, in one query on the classes."""
    asked = [classes.select(part=ibis.literal(-1, "int32"), size=classes["size"])]
    for place in range(len(quasi_identifiers)):
        alone = classes.group_by(_quasi(place)).agg(size=_summed(classes["size"]))
        asked.append(alone.select(part=ibis.literal(place, "int32"), size=alone["size"]))
    told = ibis.union(*(each.group_by("part", "size").agg(classes=each.count()) for each in asked)).to_pyarrow()
    found: dict[int, list[tuple[int, int]]] = {}
    for part, size, number in zip(*(told[name].to_pylist() for name in ("part", "size", "classes")), strict=True):
        found.setdefault(part, []).append((size, number))
    sizes = {part: ClassSizes(tuple(sorted(pairs))) for part, pairs in found.items()}
    none = ClassSizes(())
    return sizes.get(-1, none), tuple((name, sizes.get(place, none)) for place, name in enumerate(quasi_identifiers))


def _population(classes: ir.Table, population: ir.Table, quasi_identifiers: Sequence[str]) -> PopulationFigures:
    """The classes beside those of the population; a class that the population lacks has none of it there."""
    keys = {f"known_{place}": population[name] for place, name in enumerate(quasi_identifiers)}
    known = population.group_by(**keys).agg(known=population.count())
    same = [classes[_quasi(place)].identical_to(known[f"known_{place}"]) for place in range(len(keys))]
    joined = classes.left_join(known, same).select("size", "known").mutate(known=lambda each: each.known.fill_null(0))
    with stored(joined) as beside:
        told = only_row(
            beside.aggregate(
                smallest=beside.known.min(),
                presence=(beside["size"] / beside.known.nullif(0)).max(),
                astray=(beside.known < beside["size"]).sum(),
            )
        )
        by_size = beside.group_by("known").agg(rows=beside["size"].sum()).order_by("known").to_pyarrow()
    pairs = zip(by_size["known"].to_pylist(), map(int, by_size["rows"].to_pylist()), strict=True)
    return PopulationFigures(
        told["smallest"] or 0,
        tuple((known, rows) for known, rows in pairs if known),
        float(told["presence"] or 0),
        int(told["astray"] or 0),
    )


def _cells(groups: ir.Table, place: int, of_columns: int) -> ir.Table:
    """The rows of each class by the values of one column; of the only one the groups are that already."""
    value = groups[_value(place)]
    if of_columns == 1:
        return groups.select("number", "size", "rows", value=value)
    return groups.group_by(groups.number, groups["size"], value=value).agg(rows=_summed(groups.rows))


def _sensitive(cells: ir.Table, column: SensitiveColumn, sizes: ClassSizes, recursive_l: int) -> SensitiveFigures:
    """The figures of one column."""
    with stored(cells) as counted:
        totals = counted.group_by("value").agg(total=_summed(counted.rows))
        ranked = totals.mutate(rank=ibis.row_number().over(order_by=[ibis.asc("value", nulls_first=True)]))
        with stored(ranked) as values:
            of_values = only_row(
                values.aggregate(values=values.count(), largest=values.total.max(), least=values.total.min())
            )
            found = only_row(_of_classes(_by_class(counted, values, sizes.rows, recursive_l), sizes.rows))
            t_ordered = _t_ordered(counted, values, of_values["values"], sizes) if column.is_ordered else None
    basic_beta = found["highest_lift"] - 1
    return SensitiveFigures(
        name=column.name,
        values=of_values["values"],
        distinct_l=found["different"],
        entropy_l=2 ** max(0.0, found["bits"]),
        recursive_c=found["recursive_c"],
        alpha=found["alpha"],
        basic_beta=basic_beta,
        enhanced_beta=min(basic_beta, math.log(sizes.rows / of_values["least"])),
        delta=max(math.log(found["highest_lift"]), -math.log(found["lowest_lift"])),
        t_equal=found["t"],
        t_ordered=t_ordered,
        guessed=int(found["guessed"]),
        guessed_blindly=of_values["largest"],
        rows=sizes.rows,
    )


def _by_class(cells: ir.Table, values: ir.Table, rows: int, recursive_l: int) -> ir.Table:
    """What each class says of a column, from its counts n of size rows and the totals N of all rows.

    Distances are kept as whole numbers |n * rows - N * size|, so that they are divided once, at the end.
    """
    place = ibis.row_number().over(group_by="number", order_by=ibis.desc("rows"))
    placed = cells.mutate(place=place)
    known = values.select(known_value=values.value, total=values.total)
    beside = placed.join(known, [placed.value.identical_to(known.known_value)])
    share_out, share_in = beside.total * beside["size"], beside.rows * rows
    lift = share_in / share_out
    return beside.group_by("number").agg(
        size=beside["size"].max(),
        different=beside.count(),
        weighted=(beside.rows * beside.rows.log2()).sum(),
        largest=beside.rows.max(),
        tail=(beside.place >= recursive_l - 1).ifelse(beside.rows, 0).sum(),
        distance=(share_in - share_out).abs().sum(),
        present=beside.total.sum(),
        highest_lift=lift.max(),
        lowest_lift=lift.min(),
    )


def _of_classes(classes: ir.Table, rows: int) -> ir.Table:
    """The worst of all classes. The values that a class lacks are as far from it as their share in all rows."""
    size = classes["size"]
    distance = classes.distance + (rows - classes.present) * size
    recursive = (classes.tail > 0).ifelse(classes.largest / classes.tail.nullif(0), _infinite())
    return classes.aggregate(
        different=classes.different.min(),
        bits=(size.log2() - classes.weighted / size).min(),
        alpha=(classes.largest / size).max(),
        guessed=classes.largest.sum(),
        recursive_c=recursive.max(),
        highest_lift=classes.highest_lift.max(),
        lowest_lift=classes.lowest_lift.min(),
        t=(distance / (size * (2 * rows))).max(),
    )


def _t_ordered(cells: ir.Table, values: ir.Table, number_of_values: int, sizes: ClassSizes) -> float:
    """t by the ordered distance: every class beside every value, counts added up in the order of the values.

    Raises Unmeasurable where that are more than GRID_MAX.
    """
    if number_of_values == 1:
        return 0.0
    if number_of_values * sizes.classes > GRID_MAX:
        raise Unmeasurable(f"{sizes.classes} classes of {number_of_values} ordered values: bring them into bands")
    up_to = values.total.sum().over(order_by=values.rank, rows=(None, 0))
    scale = values.select(scale_value=values.value, rank=values.rank, up_to=up_to)
    classes = cells.select(class_number=cells.number, class_size=cells["size"]).distinct()
    grid = classes.cross_join(scale)
    filled = grid.left_join(
        cells, [grid.class_number == cells.number, grid.scale_value.identical_to(cells.value)]
    ).select("class_number", "class_size", "rank", "up_to", own=cells.rows.fill_null(0))
    own_up_to = filled.own.sum().over(group_by=filled.class_number, order_by=filled.rank, rows=(None, 0))
    apart = filled.select(
        "class_number", "class_size", apart=(own_up_to * sizes.rows - filled.up_to * filled.class_size).abs()
    )
    summed = apart.group_by("class_number", "class_size").agg(apart=apart.apart.sum())
    greatest = (summed.apart / (summed.class_size * (sizes.rows * (number_of_values - 1)))).max()
    return float(only_row(summed.aggregate(t=greatest))["t"])


def _summed(counts: ir.IntegerColumn) -> ir.IntegerScalar:
    """A sum as a 64-bit number: DuckDB adds up to 128 bits, which Ibis does not know and would not cast back."""
    return counts.sum().cast("decimal(38, 0)").cast("int64")


def _infinite() -> ir.FloatingScalar:
    """Infinity as text, which both engines read."""
    return ibis.literal("Infinity").cast("float64")


def _quasi(place: int) -> str:
    return f"quasi_{place}"


def _value(place: int) -> str:
    return f"value_{place}"
