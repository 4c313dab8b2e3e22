"""Small tables and expectations shared by these tests."""

from typing import Any

import duckdb

from expectations.engine import TableUnderTest, evaluate
from expectations.results import ExpectationResult
from vault.contract import Expectation

RUN = "run-1"
MARK = "MARKED-7f3a-VALUE"
"""A value that must never be seen outside the database."""


def expect(type_name: str, **arguments: Any) -> Expectation:
    """An expectation; severity, dimension and weight may stand among the arguments."""
    own = {name: arguments.pop(name) for name in ("severity", "dimension", "weight") if name in arguments}
    return Expectation(type=type_name, arguments=arguments, reason="a test", **own)


def warehouse(statement: str = "select 1 as a", name: str = "readings") -> duckdb.DuckDBPyConnection:
    """A connection with a catalog `warehouse`, a schema `base` and one table made by a statement."""
    connection = duckdb.connect(":memory:")
    connection.execute("attach ':memory:' as warehouse")
    connection.execute("create schema warehouse.base")
    connection.execute(f"create table warehouse.base.{name} as {statement}")
    return connection


def table(name: str = "readings", **changes: Any) -> TableUnderTest:
    return TableUnderTest(f"base/{name}", "warehouse", "base", name, **changes)


def evaluated(
    statement: str, *expectations: Expectation, public: tuple[str, ...] = ()
) -> tuple[ExpectationResult, ...]:
    """The results of expectations on a table made by a statement."""
    with warehouse(statement) as connection:
        return evaluate(connection, table(public_columns=frozenset(public)), expectations, RUN)


def one(statement: str, expectation: Expectation, public: tuple[str, ...] = ()) -> ExpectationResult:
    """The only result."""
    (result,) = evaluated(statement, expectation, public=public)
    return result
