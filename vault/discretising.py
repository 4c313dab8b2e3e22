"""Small whole numbers for the values of a table, given by the engine: what entropies are counted from.

The engine tells what the binning of `pricing.discretisation` needs to know, and applies it. A code stands for a value,
a day or a bin; null, NaN and infinities have none. Source: models §2.3.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import ibis
import ibis.expr.types as ir

from pricing.discretisation import EDGE_TOLERANCE, EQUAL_BINS, Binning, Quantiles, declared_binning, default_binning
from vault.contract import Column
from vault.measured_columns import form_of

QUANTILE_LEVELS = (0.001, 0.25, 0.5, 0.75, 0.999)
QUANTILE_VALUES_MAX = 20_000_000
"""Values the engine may hold at once for exact quantiles, 8 bytes each: it cannot spill them."""
BIN_FARTHEST = 2**53
"""Bins farther out are one: there a double no longer tells a bin from its neighbour."""
EPOCH = "1970-01-01"


@dataclass(frozen=True)
class Profile:
    """What one scan tells of a column.

    filled_rows: those neither null nor non-finite; distinct_values: of what is counted by value or day, else None;
    largest: the greatest distance from 0 of a whole number or of a bin of declared width, else None.
    """

    filled_rows: int
    non_finite_rows: int
    distinct_values: int | None
    largest: float | None


@dataclass(frozen=True)
class CodedColumn:
    """A column and how it is turned to codes; codes_max: the most there can be, null not counted."""

    column: Column
    profile: Profile
    binning: Binning | None
    codes_max: int
    largest_code: float


def counted_values(table: ir.Table, column: Column, profile: Profile) -> ir.Value:
    """A column in the form it is counted in: quantities as doubles, timestamps as days, NaN and infinities as null."""
    values = _in_form(table, column)
    return _not_finite(values).ifelse(None, values) if profile.non_finite_rows else values


def profiles_of(table: ir.Table, columns: Sequence[Column]) -> tuple[int, list[Profile]]:
    """The rows of a table and a profile of each column, in one scan; distinct values are counted exactly."""
    asked = {"rows": table.count()}
    for place, column in enumerate(columns):
        asked |= {f"{name}_{place}": each for name, each in _asked_of(table, column).items()}
    told = only_row(table.aggregate(**asked))
    profiles = [
        Profile(
            filled_rows=told[f"filled_{place}"] - (told.get(f"non_finite_{place}") or 0),
            non_finite_rows=told.get(f"non_finite_{place}") or 0,
            distinct_values=told.get(f"distinct_{place}"),
            largest=told.get(f"largest_{place}"),
        )
        for place in range(len(columns))
    ]
    return told["rows"], profiles


def coded_columns(table: ir.Table, columns: Sequence[tuple[Column, Profile]], rows: int) -> list[CodedColumn]:
    """How each column is turned to codes, quantities by their binning; rows: of the table. Source: models §2.3."""
    binnings = _binnings(table, columns, rows)
    return [_coded_column(column, profile, binnings.get(column.name)) for column, profile in columns]


def codes_of(table: ir.Table, columns: Sequence[CodedColumn], **beside: ir.Value) -> ir.Table:
    """The table as codes: one column for each, named by `code_name`, and beside them what else is to be kept.

    Whole numbers, truth values, days and bins are their own codes. All else is numbered in the order of its values by
    a dictionary that the table is joined with; it stays in the engine.
    """
    values = [counted_values(table, each.column, each.profile) for each in columns]
    direct = {
        code_name(place): code
        for place, (each, value) in enumerate(zip(columns, values, strict=True))
        if (code := _direct_code(each, value)) is not None
    }
    others = [place for place in range(len(columns)) if code_name(place) not in direct]
    base = table.select(**direct, **{f"value_{place}": values[place] for place in others}, **beside)
    joined = base
    for place in others:
        joined = joined.left_join(_dictionary(base, place, columns[place]), [(f"value_{place}", f"key_{place}")])
    return joined.select(*[code_name(place) for place in range(len(columns))], *beside)


def code_name(place: int) -> str:
    """The name of the column that holds the codes of the column at a place."""
    return f"code_{place}"


def bins(values: ir.FloatingValue, binning: Binning) -> ir.IntegerValue:
    """bin = clip(floor((x - origin) / width), lowest, highest) by the engine, to the same bins as `Binning.bins`.

    values: finite doubles or null. Not for `distinct`, which has no bins. Source: models §2.3.
    """
    if binning.width is None:
        return values.notnull().ifelse(ibis.literal(0, "int8"), None)
    lowest = -BIN_FARTHEST if binning.lowest is None else binning.lowest
    highest = BIN_FARTHEST if binning.highest is None else binning.highest
    steps = (values - _exactly(binning.origin)) / _exactly(binning.width) + _exactly(EDGE_TOLERANCE)
    within = ibis.least(ibis.greatest(steps, _exactly(lowest)), _exactly(highest))
    # clipped before floor, which gives whole numbers, and these have an end; least and greatest pass over nulls
    return values.notnull().ifelse(within.floor(), None)


def only_row(table: ir.Table) -> dict[str, Any]:
    """The one row of an aggregate."""
    (row,) = table.to_pyarrow().to_pylist()
    return dict(row)


def _in_form(table: ir.Table, column: Column) -> ir.Value:
    """The values as numbers, days or themselves. Raises ValueError where a declared number is none in the table."""
    values = table[column.name]
    if form_of(column) == "quantity":
        if not values.type().is_numeric():
            raise ValueError(f"{column.name} is declared a number, but the table holds {values.type()}")
        return values.cast("float64")
    return values.date() if values.type().is_timestamp() else values


def _not_finite(values: ir.FloatingValue) -> ir.BooleanValue:
    """NaN or infinite: both engines order NaN above all, and Ibis 12.0 with sqlglot 30 knows no infinity on Spark."""
    return values.abs() > _exactly(sys.float_info.max)


def _asked_of(table: ir.Table, column: Column) -> dict[str, ir.Scalar]:
    """What the profile of a column is made of."""
    values = _in_form(table, column)
    asked = {"filled": values.count()}
    if table[column.name].type().is_floating():
        asked["non_finite"] = _not_finite(values).sum()
    if form_of(column) != "quantity":
        asked["distinct"] = values.nunique()
        if values.type().is_signed_integer():
            asked["largest"] = values.cast("float64").abs().max()
    elif column.decision_resolution is not None:
        finite = _not_finite(values).ifelse(None, values)
        asked["largest"] = (finite / _exactly(column.decision_resolution)).abs().max()
    return asked


def _binnings(table: ir.Table, columns: Sequence[tuple[Column, Profile]], rows: int) -> dict[str, Binning]:
    """The binning of each quantity by its name: exact quantiles, of as many columns at once as memory allows."""
    found: dict[str, Binning] = {}
    undeclared = []
    for column, profile in columns:
        if form_of(column) != "quantity":
            continue
        if not profile.filled_rows:
            found[column.name] = Binning("constant")
        elif column.decision_resolution is not None:
            found[column.name] = declared_binning(column.decision_resolution)
        else:
            undeclared.append((column, profile))
    at_once = max(1, QUANTILE_VALUES_MAX // max(1, rows))
    for start in range(0, len(undeclared), at_once):
        found |= _default_binnings(table, undeclared[start : start + at_once])
    return found


def _default_binnings(table: ir.Table, columns: Sequence[tuple[Column, Profile]]) -> dict[str, Binning]:
    values = {column.name: counted_values(table, column, profile) for column, profile in columns}
    quantiles = only_row(
        table.aggregate(**{name: each.quantile(list(QUANTILE_LEVELS)) for name, each in values.items()})
    )
    level = [name for name, (_, q25, _, q75, _) in quantiles.items() if q25 == q75]
    distinct = only_row(table.aggregate(**{name: values[name].nunique() for name in level})) if level else {}
    return {name: default_binning(_ascending(quantiles[name], distinct.get(name, 1))) for name in values}


def _ascending(levels: Sequence[float], distinct_values: int) -> Quantiles:
    """The quantiles, which an engine may give off by their last digit and so out of order."""
    q001, q25, median, q75, q999 = accumulate(levels, max)
    return Quantiles(q001, q25, median, q75, q999, distinct_values)


def _coded_column(column: Column, profile: Profile, binning: Binning | None) -> CodedColumn:
    farthest = min(profile.largest or 0.0, float(BIN_FARTHEST)) + 1
    if binning is None:
        return CodedColumn(column, profile, None, profile.distinct_values or 0, farthest)
    if binning.method == "resolution":
        codes_max = min(profile.filled_rows, 2 * int(farthest) + 1)
        return CodedColumn(column, profile, binning, codes_max, farthest)
    return CodedColumn(column, profile, binning, EQUAL_BINS, EQUAL_BINS)


def _direct_code(coded: CodedColumn, values: ir.Value) -> ir.IntegerValue | None:
    """The code that follows from a value alone; None where the value has to be looked up."""
    if coded.binning is not None:
        return None if coded.binning.method == "distinct" else _narrow(bins(values, coded.binning), coded.largest_code)
    if values.type().is_boolean():
        return values.cast("int8")
    if values.type().is_signed_integer():
        return _narrow(values, coded.largest_code)
    if values.type().is_date():
        return values.delta(ibis.date(EPOCH), unit="day").cast("int32")
    return None


def _dictionary(base: ir.Table, place: int, coded: CodedColumn) -> ir.Table:
    """The different values of a column, numbered."""
    distinct = base.select(**{f"key_{place}": base[f"value_{place}"]}).distinct()
    number = ibis.row_number().over(order_by=f"key_{place}")
    return distinct.mutate(**{code_name(place): _narrow(number, coded.codes_max + 1)})


def _narrow(codes: ir.IntegerValue, largest: float) -> ir.IntegerValue:
    """Codes in the smallest type that holds them: small ones are counted in an array instead of by hashes."""
    return codes.cast(next(f"int{bits}" for bits in (8, 16, 32, 64) if largest < 2 ** (bits - 1) or bits == 64))


def _exactly(number: float) -> ir.FloatingScalar:
    """A double as text: engines read a plain literal as a decimal, which is now and then off by the last digit."""
    return ibis.literal(repr(float(number))).cast("float64")
