"""Every cell that a set of rules calls wrong, as a table in the database."""

from collections.abc import Sequence

import duckdb

from expectations.engine import TableUnderTest, failing_rows, has_failing_rows
from expectations.results import ExpectationResult
from tests.cleaning.suites import Rule

FLAGGED = "memory.main.flagged"
"""Where flagged cells are collected: asset, rule (its number), dimension, column, _batch, _row."""


def prepare_flagged(connection: duckdb.DuckDBPyConnection) -> None:
    """An empty table of flagged cells."""
    connection.execute(
        f"create or replace table {FLAGGED} "
        '(asset varchar, rule integer, dimension varchar, "column" varchar, _batch varchar, _row bigint)'
    )


def flag(
    connection: duckdb.DuckDBPyConnection,
    table: TableUnderTest,
    rules: Sequence[Rule],
    results: Sequence[ExpectationResult],
) -> None:
    """Add the cells of all rows that fail; rules that judge a column or a table as one flag no cell.

    results: what the rules gave on this table, in their order; what found nothing is not asked again.
    """
    asked = [
        (number, rule, result.dimension)
        for number, (rule, result) in enumerate(zip(rules, results, strict=True))
        if result.unexpected_count and rule.columns and has_failing_rows(rule.expectation)
    ]
    relations = failing_rows(connection, table, [rule.expectation for _, rule, _ in asked])
    for (number, rule, dimension), relation in zip(asked, relations, strict=True):
        columns = ", ".join(f"'{column}'" for column in rule.columns)
        relation.project(
            f"'{table.asset}' as asset, {number} as rule, '{dimension}' as dimension, "
            f'unnest([{columns}]) as "column", _batch, _row'
        ).insert_into(FLAGGED)
