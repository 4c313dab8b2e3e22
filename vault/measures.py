"""Measures of a table: the information its records hold, column by column and together.

The engine counts, the formulas of `pricing` are applied to its counts. Written once in Ibis, for DuckDB and for Spark.
Nothing that comes back holds a value of the data. Source: models §2.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import ibis.expr.types as ir

from pricing.application import TargetInformation, target_information
from pricing.density import RecordEntropy, chow_liu
from pricing.discretisation import Method as BinningMethod
from pricing.entropy import Basis, Estimator
from vault.contract import Column
from vault.counting import (
    Frequencies,
    Pair,
    PairFrequencies,
    pair_frequencies,
    record_frequencies,
    target_codes,
)
from vault.discretising import CodedColumn, Profile, coded_columns, codes_of, profiles_of
from vault.estimating import Whole, record_entropy_of, undersampled_pairs
from vault.ibis_tables import stored
from vault.measured_columns import LeftOut, form_of, reason_counted, reason_declared
from vault.sampling import drawn, number_of, row_key, share_for

Method = Literal["value", "grain"] | BinningMethod
"""value: by its values; grain: timestamps by their day; else by bins, as `pricing.discretisation` names them."""

SAMPLE_ABOVE_ROWS = 10_000_000
SAMPLE_ROWS = 1_000_000
TARGET_ROWS_MAX = 100_000


@dataclass(frozen=True)
class ColumnMeasure:
    """One informative column.

    bits: H of its non-null rows; null_rate: share of rows without a value, non-finite ones among them;
    distinct_values: of values, days or bins; non_finite_rows: NaN and infinities; coverage: the share of the whole that
    the values seen make up, 1 but for samples; undersampled: too little of it to rely on.
    """

    name: str
    bits: float
    null_rate: float
    distinct_values: int
    method: Method
    non_finite_rows: int
    estimator: Estimator
    coverage: float
    undersampled: bool


@dataclass(frozen=True)
class TableMeasures:
    """What a table holds, in bits.

    rows: of the table; measured_rows: of them counted; sample_seed: of the sample and the label permutations, None
    where there were none; entropy: E by the dependence tree, the joint one beside it as a diagnostic; flags: what a
    reader has to know; target: what the other columns tell about the column of role target, counted in target_rows.
    """

    rows: int
    measured_rows: int
    basis: Basis
    sample_seed: str | None
    columns: tuple[ColumnMeasure, ...]
    left_out: tuple[LeftOut, ...]
    entropy: RecordEntropy
    flags: tuple[str, ...]
    target: TargetInformation | None
    target_rows: int = 0


def measure(
    table: ir.Table,
    columns: Sequence[Column],
    *,
    seed: str,
    grain: Sequence[str] = (),
    sample_above: int = SAMPLE_ABOVE_ROWS,
    sample_rows: int = SAMPLE_ROWS,
) -> TableMeasures:
    """E(X) of a table by the best dependence tree of its informative columns, and E_app where one is a target.

    Left out are identifiers, their tokens, row numbers, free text and nearly unique codes, each with its reason. A
    table of more than sample_above rows is measured by a sample of about sample_rows, drawn by the seed and the row's
    grain: the names of the columns that tell rows apart, by default the primary key, else all, which takes longest. No
    rows, or no informative column, hold 0 bits and are flagged. Raises ValueError where the table lacks a declared
    column or holds no number where one is declared. Source: models §2.
    """
    missing = [column.name for column in columns if column.name not in table.columns]
    if missing:
        raise ValueError(f"the table lacks the columns {', '.join(missing)}")
    table = table.select([column.name for column in columns])
    rows = table.count().to_pyarrow().as_py()
    asked = _Asked(
        table, columns, rows, "population" if rows <= sample_above else "sample", row_key(columns, grain), seed
    )
    if asked.basis == "population":
        return _measured(table, asked)
    with stored(table.filter(drawn(table, asked.key, sample_rows / rows, seed))) as sample:
        found = _measured(sample, asked)
    # 6 standard deviations: rows that differ are never drawn so unevenly
    if abs(found.measured_rows - sample_rows) > 6 * math.sqrt(sample_rows):
        return replace(found, flags=("uneven sample: rows repeat", *found.flags))
    return found


@dataclass(frozen=True)
class _Asked:
    """A whole table, its declared columns and rows, and how it is measured."""

    table: ir.Table
    columns: Sequence[Column]
    rows: int
    basis: Basis
    key: tuple[str, ...]
    seed: str


def _measured(table: ir.Table, asked: _Asked) -> TableMeasures:
    """The measures by a table that is the whole one or a sample of it."""
    rows, informative, left_out = _sorted_out(table, asked)
    whole = Whole(asked.basis, asked.rows, rows)
    if not informative or not rows:
        return _nothing(whole, left_out)
    coded = coded_columns(table, informative, rows)
    targets = [place for place, each in enumerate(coded) if each.column.role == "target"]
    share = share_for(TARGET_ROWS_MAX, asked.rows) if targets and rows > TARGET_ROWS_MAX else 1.0
    with stored(codes_of(table, coded, drawn=drawn(table, asked.key, share, asked.seed))) as codes:
        counted = pair_frequencies(codes, [each.codes_max for each in coded], rows)
        records = record_frequencies(codes, len(coded))
        target, target_rows = _target(codes, coded, targets, asked.seed)
    entropy = record_entropy_of([each.column.name for each in coded], counted, records, whole)
    measured = tuple(
        _column_measure(each, profile, counted[place, place].joint, entropy.columns[place].bits, whole)
        for place, (each, (_, profile)) in enumerate(zip(coded, informative, strict=True))
    )
    return TableMeasures(
        rows=asked.rows,
        measured_rows=rows,
        basis=asked.basis,
        sample_seed=asked.seed if asked.basis == "sample" or targets else None,
        columns=measured,
        left_out=left_out,
        entropy=entropy,
        flags=_flags(measured, entropy, counted, whole, [coded[place].column.name for place in targets]),
        target=target,
        target_rows=target_rows,
    )


def _nothing(whole: Whole, left_out: tuple[LeftOut, ...]) -> TableMeasures:
    flag = "no informative column" if whole.measured_rows else "no rows"
    entropy = chow_liu((), ())
    return TableMeasures(
        whole.rows, whole.measured_rows, whole.basis, None, (), left_out, entropy, (flag,), target=None
    )


def _sorted_out(table: ir.Table, asked: _Asked) -> tuple[int, list[tuple[Column, Profile]], tuple[LeftOut, ...]]:
    """The rows, the informative columns with their profiles, and the others with why they are left out."""
    reasons = {column.name: reason_declared(column) for column in asked.columns}
    candidates = [column for column in asked.columns if reasons[column.name] is None]
    rows, profiles = profiles_of(table, candidates)
    suspected = [column for column, profile in zip(candidates, profiles, strict=True) if _reason(column, profile)]
    if suspected and asked.basis == "sample":  # which shows fewer repeats than the whole has
        reasons |= _reasons(suspected, profiles_of(asked.table, suspected)[1])
    else:
        reasons |= _reasons(candidates, profiles)
    informative = [each for each in zip(candidates, profiles, strict=True) if reasons[each[0].name] is None]
    return rows, informative, tuple(LeftOut(name, reason) for name, reason in reasons.items() if reason is not None)


def _reasons(columns: Sequence[Column], profiles: Sequence[Profile]) -> dict[str, str | None]:
    return {column.name: _reason(column, profile) for column, profile in zip(columns, profiles, strict=True)}


def _reason(column: Column, profile: Profile) -> str | None:
    return reason_counted(column, profile.filled_rows, profile.distinct_values or 0)


def _target(
    codes: ir.Table, coded: Sequence[CodedColumn], targets: Sequence[int], seed: str
) -> tuple[TargetInformation | None, int]:
    """What the columns that are no target tell about the first that is one, and by how many rows. Models §2.2.

    A null beside the target is a value of its own here: that something is missing may tell about it, and no masking
    that is blind to the target can add to it.
    """
    if not targets:
        return None, 0
    others = [place for place in range(len(coded)) if place not in targets]
    record, target = target_codes(codes, others, targets[0])
    return target_information(record, target, number_of(seed)), len(target)


def _column_measure(
    coded: CodedColumn, profile: Profile, frequencies: Frequencies, bits: float, whole: Whole
) -> ColumnMeasure:
    by_value: Method = "grain" if form_of(coded.column) == "day" else "value"
    return ColumnMeasure(
        name=coded.column.name,
        bits=bits,
        null_rate=whole.null_rate(frequencies),
        distinct_values=frequencies.distinct_values,
        method=by_value if coded.binning is None else coded.binning.method,
        non_finite_rows=profile.non_finite_rows,
        estimator=whole.estimator(frequencies),
        coverage=whole.coverage(frequencies),
        undersampled=whole.undersampled(frequencies),
    )


def _flags(
    columns: Sequence[ColumnMeasure],
    entropy: RecordEntropy,
    counted: Mapping[Pair, PairFrequencies],
    whole: Whole,
    targets: Sequence[str],
) -> tuple[str, ...]:
    """What a reader has to know; names only."""
    pairs = undersampled_pairs([column.name for column in columns], counted, entropy.tree, whole)
    return (
        *(f"non-finite values in {column.name}" for column in columns if column.non_finite_rows),
        *(f"undersampled: {column.name}" for column in columns if column.undersampled),
        *(f"undersampled: {one} with {other}" for one, other in pairs),
        *(f"a further target, not measured: {name}" for name in targets[1:]),
    )
