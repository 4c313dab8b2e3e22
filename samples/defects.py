"""Defects put into a clean sheet, at known rates, and the record of what the cells should have said.

A row carries at most one defect, so that a finding can be judged without asking which of two it found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb
import numpy as np

from samples.sheet import Array, Sheet

Kind = Literal["missing", "duplicate", "out_of_range", "wrong_code", "bad_format", "broken_reference", "late"]


@dataclass(frozen=True)
class Rule:
    """A share of rows whose `column` gets another text.

    spoilt: an SQL expression over `clean`, the text the cell should have; null leaves the cell empty.
    """

    column: str
    kind: Kind
    rate: float
    spoilt: str = "null::varchar"


@dataclass(frozen=True)
class Truth:
    """What was done to a sheet, one entry per defect; rows count the records of the file from 1.

    clean_values: the right text of the cell; for a duplicate, the row it repeats.
    """

    rows: Array
    columns: Array
    kinds: Array
    clean_values: Array

    @classmethod
    def of(cls, rows: Array, column: str, kind: Kind, clean_values: Array) -> "Truth":
        """Entries of one column and kind; `rows` count from 0."""
        texts = np.asarray(clean_values).astype(np.str_)
        return cls(rows + 1, np.full(len(rows), column), np.full(len(rows), kind), texts)

    @classmethod
    def joined(cls, parts: "Sequence[Truth]") -> "Truth":
        """All entries in the order of their rows."""
        parts = [part for part in parts if len(part.rows)] or list(parts[:1])
        order = np.argsort(np.concatenate([part.rows for part in parts]), kind="stable")
        fields = ("rows", "columns", "kinds", "clean_values")
        return cls(*(np.concatenate([getattr(part, field) for part in parts])[order] for field in fields))


@dataclass(frozen=True)
class Patch:
    """Texts that replace the spelt values of a column at rows that count from 0."""

    rows: Array
    texts: list[str | None]


@dataclass(frozen=True)
class SpoiltSheet:
    """A sheet as it arrives: copies among its rows, patches over its cells, and the truth about both."""

    sheet: Sheet
    patches: dict[str, Patch]
    truth: Truth


def count_at(rate: float, rows: int) -> int:
    """How many of `rows` a rate stands for: never none, or small samples would test nothing."""
    return max(1, round(rate * rows)) if rate > 0 else 0


def originals(rows: int, duplicate_rate: float) -> int:
    """How many different records a file of `rows` records has when the copies are among them."""
    return rows - count_at(duplicate_rate, rows)


def spoil(
    sheet: Sheet,
    rules: Sequence[Rule],
    chance: np.random.Generator,
    *,
    copies: int = 0,
    late: Array | None = None,
    late_column: str = "",
) -> SpoiltSheet:
    """The sheet with `copies` rows repeated and `rules` applied to the rest.

    late: rows whose time is right but older than the file they come in; their values stay as they are.
    """
    late_rows = np.empty(0, dtype=np.int64) if late is None else np.sort(late)
    free = np.delete(np.arange(sheet.rows), late_rows)
    counts = [copies, *(count_at(rule.rate, sheet.rows) for rule in rules)]
    chosen = chance.choice(free, size=sum(counts), replace=False)
    repeated, *picked = np.split(chosen, np.cumsum(counts)[:-1])
    order, is_copy = _with_copies(sheet.rows, repeated, chance)
    place = np.empty(sheet.rows, dtype=np.int64)
    place[order[~is_copy]] = np.flatnonzero(~is_copy)
    arrived = sheet.taken(order) if copies else sheet
    copied = np.flatnonzero(is_copy)
    truth = [Truth.of(copied, "", "duplicate", place[order[copied]] + 1)]
    patches: dict[str, Patch] = {}
    with duckdb.connect() as engine:
        if len(late_rows):
            rows, clean, _ = _texts(engine, arrived, late_column, np.sort(place[late_rows]), "null")
            truth.append(Truth.of(rows, late_column, "late", clean))
        for column in dict.fromkeys(rule.column for rule in rules):
            mine = [(rule, place[rows]) for rule, rows in zip(rules, picked, strict=True) if rule.column == column]
            patches[column], found = _patch(engine, arrived, mine)
            truth += found
    return SpoiltSheet(arrived, patches, Truth.joined(truth))


def _with_copies(rows: int, repeated: Array, chance: np.random.Generator) -> tuple[Array, Array]:
    """The order of rows once each repeated row comes again somewhere below itself, and which places are copies."""
    repeated = np.sort(repeated)
    after = chance.integers(repeated + 1, rows + 1)
    order = np.insert(np.arange(rows), after, repeated)
    return order, np.insert(np.zeros(rows, dtype=bool), after, True)


def _patch(
    engine: duckdb.DuckDBPyConnection, sheet: Sheet, picked: Sequence[tuple[Rule, Array]]
) -> tuple[Patch, list[Truth]]:
    """The new texts of one column; a row where the rule would change nothing keeps its value."""
    truth, rows, texts = [], [], []
    for rule, wanted in picked:
        changed, clean, spoilt = _texts(engine, sheet, rule.column, wanted, rule.spoilt)
        truth.append(Truth.of(changed, rule.column, rule.kind, clean))
        rows.append(changed)
        texts += spoilt
    return Patch(np.concatenate(rows), texts), truth


def _texts(
    engine: duckdb.DuckDBPyConnection, sheet: Sheet, column: str, rows: Array, spoilt: str
) -> tuple[Array, Array, list[str | None]]:
    """Of the given rows those that `spoilt` changes: their numbers, clean texts, and new texts."""
    small = Sheet({column: sheet.columns[column].taken(rows)})
    engine.register("cells", small.arrays() | {"row_at": rows})
    found = engine.execute(
        f"""
        select row_at, clean, spoilt
        from (
            select row_at, clean, {spoilt} as spoilt
            from (select row_at, {small.spellings()[column]} as clean from cells)
        )
        where clean is not null and clean is distinct from spoilt
        order by row_at
        """
    ).fetchall()
    engine.unregister("cells")
    numbers, clean, texts = zip(*found, strict=True) if found else ((), (), ())
    return np.array(numbers, dtype=np.int64), np.array(clean, dtype=np.str_), list(texts)
