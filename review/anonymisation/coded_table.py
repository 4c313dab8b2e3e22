"""A table as counts: its rows grouped once, in the engine, by their quasi-identifiers, each value a number.

Only numbers leave the engine: which label a value has at each level, how many rows each combination of values has, and
how often each value of a sensitive column stands among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from review.anonymisation.levels import Level
from vault.errors import JinkuError

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class QuasiIdentifier:
    """A column by its name in the component, its name in the table, and its levels."""

    name: str
    origin: str
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class Sensitive:
    """A column by its name in the component, its name in the table, and the one level that it is shown at."""

    name: str
    origin: str
    level: Level


@dataclass(frozen=True)
class SensitiveCounts:
    """How often each value of a sensitive column stands in each class.

    of_class, value, rows: one entry for each pair that occurs; values: how many values there are; no_value: the number
    that stands for no value, None where every row has one.
    """

    of_class: Codes
    value: Codes
    rows: Codes
    values: int
    no_value: int | None


@dataclass(frozen=True)
class CodedTable:
    """The counts of a table.

    labels: for each column, by level and value, the number of the label (level 0: of the value itself); classes: by
    column and class the number of the value; class_rows: rows of each class.
    """

    labels: tuple[Codes, ...]
    classes: Codes
    class_rows: Codes
    sensitive: tuple[SensitiveCounts, ...]

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return int(self.class_rows.sum())

    @property
    def heights(self) -> tuple[int, ...]:
        """The last level of each column."""
        return tuple(len(labels) - 1 for labels in self.labels)

    def value_rows(self, column: int) -> Codes:
        """Rows of each value of a column."""
        return _summed(self.classes[column], self.class_rows, self.labels[column].shape[1])

    def translated(self, column: int, fine: int, coarse: int) -> Codes:
        """For each label of the level `fine` of a column its label at the level `coarse`."""
        labels = self.labels[column]
        translation = np.zeros(int(labels[fine].max()) + 1, dtype=np.int64)
        translation[labels[fine]] = labels[coarse]
        return translation


@dataclass(frozen=True)
class Grouping:
    """The classes of a table, grouped by the labels of certain levels.

    codes: by column and group the number of the label; rows: of each group; group_of: the group of each class.
    """

    levels: tuple[int, ...]
    codes: Codes
    rows: Codes
    group_of: Codes


def finest(table: CodedTable) -> Grouping:
    """Every class a group of its own: the values themselves."""
    classes = len(table.class_rows)
    return Grouping((0,) * len(table.labels), table.classes, table.class_rows, np.arange(classes, dtype=np.int64))


def rolled_up(table: CodedTable, grouping: Grouping, levels: tuple[int, ...]) -> Grouping:
    """The groups at coarser levels, made from those of a finer grouping."""
    codes = grouping.codes.copy()
    for column, (fine, coarse) in enumerate(zip(grouping.levels, levels, strict=True)):
        if fine < coarse:
            codes[column] = table.translated(column, fine, coarse)[codes[column]]
    spans = [int(table.labels[column][level].max()) + 1 for column, level in enumerate(levels)]
    one_of_each, group = _numbered(*_joint(codes, spans))
    rows = _summed(group, grouping.rows, len(one_of_each))
    return Grouping(levels, codes[:, one_of_each], rows, group[grouping.group_of])


def counts_by_group(grouping: Grouping, column: SensitiveCounts) -> tuple[Codes, Codes, Codes]:
    """Group, value and rows of each pair of both that occurs."""
    pairs = grouping.group_of[column.of_class] * column.values + column.value
    one_of_each, place = _numbered(pairs, len(grouping.rows) * column.values)
    found = pairs[one_of_each]
    return found // column.values, found % column.values, _summed(place, column.rows, len(found))


def coded_table(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    quasi_identifiers: Sequence[QuasiIdentifier],
    sensitive: Sequence[Sensitive],
) -> CodedTable:
    """Count a table of an open connection; relation: its full name.

    Raises JinkuError `hierarchy_invalid` where a value has no label, and `not_built` without rows.
    """
    columns: list[tuple[str, str, tuple[Level, ...]]] = [
        *((f"q{place}", each.name, each.levels) for place, each in enumerate(quasi_identifiers)),
        *((f"s{place}", each.name, (each.level,)) for place, each in enumerate(sensitive)),
    ]
    origins = [*(each.origin for each in quasi_identifiers), *(each.origin for each in sensitive)]
    selected = ", ".join(f'"{origin}" as {key}' for (key, _, _), origin in zip(columns, origins, strict=True))
    connection.execute(
        f"create or replace temp table counted as select {selected}, count(*) as rows from {relation} group by all"
    )
    labels = {key: _labels(connection, key, name, levels) for key, name, levels in columns}
    joins = " ".join(f"join labels_{key} on counted.{key} is not distinct from labels_{key}.value" for key in labels)
    codes = ", ".join(f"labels_{key}.level_0 as {key}" for key in labels)
    connection.execute(
        f"create or replace temp table coded as "
        f"select {codes}, sum(rows)::bigint as rows from counted {joins} group by all"
    )
    keys = [key for key in labels if key.startswith("q")]
    classes = _classes(connection, keys)
    if len(classes["rows"]) == 0:
        raise JinkuError("not_built", "the table has no rows", relation, "Run the pipeline first.")
    counts = [_sensitive_counts(connection, key, labels[key], keys) for key in labels if key.startswith("s")]
    for name in ("counted", "coded", "classes", *(f"labels_{key}" for key in labels)):
        connection.execute(f"drop table temp.{name}")
    return CodedTable(
        tuple(labels[key] for key in keys),
        np.stack([classes[key] for key in keys]).astype(np.int64),
        classes["rows"].astype(np.int64),
        tuple(counts),
    )


def _labels(connection: duckdb.DuckDBPyConnection, key: str, name: str, levels: Sequence[Level]) -> Codes:
    """By level and value the numbers of the labels, in the order of the labels, no value last."""
    texts = ", ".join(f"{level.sql('value', 'varchar')} as text_{place}" for place, level in enumerate(levels))
    connection.execute(
        f"create or replace temp table texts as "
        f"select value, {texts} from (select distinct {key} as value from counted)"
    )
    unknown = " or ".join(f"text_{place} is null" for place in range(len(levels)))
    (lacking,) = connection.execute(
        f"select count(*) from texts where value is not null and ({unknown})"
    ).fetchone() or (0,)
    if lacking:
        raise JinkuError(
            "hierarchy_invalid",
            f"{lacking} values of the column have no place in its hierarchy",
            name,
            "Add them to the hierarchy's file.",
        )
    places = range(len(levels))
    numbers = ", ".join(f"dense_rank() over (order by text_{place}) - 1 as level_{place}" for place in places)
    connection.execute(f"create or replace temp table labels_{key} as select value, {numbers} from texts")
    codes = ", ".join(f"level_{place}" for place in range(len(levels)))
    found = connection.execute(f"select distinct {codes} from labels_{key} order by level_0").fetchnumpy()
    connection.execute("drop table temp.texts")
    return np.stack([found[f"level_{place}"] for place in range(len(levels))]).astype(np.int64)


def _classes(connection: duckdb.DuckDBPyConnection, keys: Sequence[str]) -> dict[str, Codes]:
    names = ", ".join(keys)
    connection.execute(
        f"create or replace temp table classes as select row_number() over (order by {names}) - 1 as class, * "
        f"from (select {names}, sum(rows)::bigint as rows from coded group by all)"
    )
    found: dict[str, Codes] = connection.execute("select * from classes order by class").fetchnumpy()
    return found


def _sensitive_counts(
    connection: duckdb.DuckDBPyConnection, key: str, labels: Codes, keys: Sequence[str]
) -> SensitiveCounts:
    found = connection.execute(
        f"select class, {key} as value, sum(coded.rows)::bigint as rows "
        f"from coded join classes using ({', '.join(keys)}) group by all order by all"
    ).fetchnumpy()
    empty = connection.execute(f"select level_0 from labels_{key} where value is null").fetchone()
    return SensitiveCounts(
        found["class"].astype(np.int64),
        found["value"].astype(np.int64),
        found["rows"].astype(np.int64),
        int(labels[0].max()) + 1,
        None if empty is None else int(empty[0]),
    )


def _joint(codes: Codes, spans: Sequence[int]) -> tuple[Codes, int]:
    """One number for each combination, and a bound of them; they are counted anew before they run over 64 bits."""
    joint, span = np.zeros(codes.shape[1], dtype=np.int64), 1
    for own, numbers in zip(spans, codes, strict=True):
        if own == 1:
            continue
        if span * own > 2**62:
            joint = np.unique(joint, return_inverse=True)[1].astype(np.int64)
            span = int(joint.max()) + 1
        joint = joint * own + numbers
        span *= own
    return joint, span


def _numbered(numbers: Codes, span: int) -> tuple[Codes, Codes]:
    """Numbers below `span`, counted from 0 in their order: a place of each different one, and the new number of all."""
    if span > max(4 * len(numbers), 2**16):
        _, one_of_each, place = np.unique(numbers, return_index=True, return_inverse=True)
        return one_of_each, place
    is_there = np.zeros(span, dtype=np.bool_)  # a table instead of sorting, where it is small
    is_there[numbers] = True
    table = np.cumsum(is_there) - 1
    place = table[numbers]
    one_of_each = np.empty(int(table[-1]) + 1, dtype=np.int64)
    one_of_each[place] = np.arange(len(numbers))
    return one_of_each, place


def _summed(places: Codes, rows: Codes, length: int) -> Codes:
    """Rows added up by place; exact up to 2^53."""
    return np.bincount(places, weights=rows, minlength=length).astype(np.int64)
