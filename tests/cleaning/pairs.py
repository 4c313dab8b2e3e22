"""The dirty/clean pairs: dirty.csv through the vault, its flagged cells, and the cells that clean.csv calls wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from expectations.engine import TableUnderTest, evaluate
from expectations.results import ExpectationResult
from tests.builders import REAL_DATA, collect_all, drop, fresh_vault
from tests.cleaning.accuracy import Accuracy
from tests.cleaning.flagging import FLAGGED, flag, prepare_flagged
from tests.cleaning.suites import Suite, load_suite
from vault.layers import connect
from vault.ledger import CollectedBatch

WRONG = "memory.main.wrong"
"""Where the cells that differ from the clean file stand: column, _row."""

CLEAN = "memory.main.clean"
RUN = "cleaning"


@dataclass(frozen=True)
class Pair:
    """A dirty file in raw and its clean one beside it, in one open connection."""

    name: str
    suite: Suite
    batch: CollectedBatch
    connection: duckdb.DuckDBPyConnection

    @property
    def table(self) -> TableUnderTest:
        """The table as received."""
        return TableUnderTest(f"raw/{self.name}", "raw", "raw", self.name)

    @property
    def columns(self) -> list[str]:
        """The columns in the order of both files."""
        return [column.name for column in self.suite.source.columns]


@dataclass(frozen=True)
class Agreement:
    """What a suite's flags are worth on one table.

    over_all: every cell once; by_column: the same by column; by_dimension: what the rules of one dimension flag,
    against all wrong cells; results: what the suite says of the table.
    """

    over_all: Accuracy
    by_column: tuple[Accuracy, ...]
    by_dimension: tuple[Accuracy, ...]
    results: tuple[ExpectationResult, ...]


def is_there(name: str) -> bool:
    """Whether the pair's files are on this machine."""
    return all(_file(name, side).is_file() for side in ("dirty", "clean"))


@contextmanager
def opened_pair(name: str, root: Path) -> Iterator[Pair]:
    """Collect the dirty file into a fresh vault below `root` and lay the clean one beside it."""
    suite = load_suite(name)
    vault = fresh_vault(root / name, {name: suite.source})
    drop(vault, f"{name}.csv", _file(name, "dirty").read_bytes(), name)
    (batch,) = collect_all(vault, {name: suite.source})
    with connect(vault, read=("raw",)) as connection:
        pair = Pair(name, suite, batch, connection)
        _lay_clean_beside(pair)
        yield pair


def agreement(pair: Pair, table: TableUnderTest) -> Agreement:
    """Evaluate the suite on a table of the pair's shape; compare every flagged cell with the clean file, by row."""
    results = evaluate(pair.connection, table, pair.suite.expectations, RUN)
    prepare_flagged(pair.connection)
    flag(pair.connection, table, pair.suite.rules, results)
    _find_wrong(pair, table)
    over_all = next(iter(_compared(pair, "'all'", "true")), Accuracy("all", 0, 0, 0))
    by_dimension = tuple(
        each
        for dimension in dict.fromkeys(result.dimension for result in results)
        for each in _compared(pair, f"'{dimension}'", f"dimension = '{dimension}'")
    )
    return Agreement(over_all, _compared(pair, '"column"', "true"), by_dimension, results)


def _compared(pair: Pair, name: str, condition: str) -> tuple[Accuracy, ...]:
    """Wrong cells beside those flagged under a condition, counted by the SQL expression `name`, in order of columns."""
    positions = ", ".join(f"'{column}'" for column in pair.columns)
    rows = pair.connection.execute(
        f"""
        with flagged as (select distinct "column", _row from {FLAGGED} where {condition}),
        cells as (
            select "column", flagged._row is not null as is_flagged, wrong._row is not null as is_wrong
            from flagged
            full join {WRONG} as wrong using ("column", _row)
        )
        select {name}, count_if(is_wrong), count_if(is_flagged), count_if(is_wrong and is_flagged)
        from cells
        group by 1
        order by min(list_position([{positions}], "column"))
        """
    ).fetchall()
    return tuple(Accuracy(*row) for row in rows)


def _lay_clean_beside(pair: Pair) -> None:
    """The clean file as text, under the names of the contract: its own header spells them differently."""
    types = ", ".join(f"'{column}': 'VARCHAR'" for column in pair.columns)
    pair.connection.execute(
        f"""
        create or replace table {CLEAN} as
        select *, row_number() over () as _row
        from read_csv('{_file(pair.name, "clean")}', header = true, auto_detect = false, columns = {{{types}}})
        """
    )


def _find_wrong(pair: Pair, table: TableUnderTest) -> None:
    differences = " union all ".join(
        f"select '{column}' as \"column\", _row from {table.qualified_name} as received "
        f"inner join {CLEAN} as clean using (_row) where received.{column} is distinct from clean.{column}"
        for column in pair.columns
    )
    pair.connection.execute(f"create or replace table {WRONG} as {differences}")


def _file(name: str, side: str) -> Path:
    return REAL_DATA / "dirty_clean" / name / f"{side}.csv"
