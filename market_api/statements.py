"""Statements that every trade runs: compiled once for each kind of database, and run over the driver itself.

SQLAlchemy takes several times longer to prepare these small statements than a database takes to run them. They run
within the connection's transaction, and their errors are SQLAlchemy's.
"""

from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import sqlalchemy as sa

from vault.black_box import tables

Values = Mapping[str, Any]


def run(connection: sa.Connection, statement: sa.UpdateBase | sa.Select[Any], values: Values) -> Any:
    """Run a statement; gives the driver's cursor. values: for every parameter. Raises sqlalchemy's DBAPIError."""
    text, order = _compiled(statement, connection.dialect)
    return _over_driver(connection, "execute", text, _ordered(values, order))


def rows_of(connection: sa.Connection, statement: sa.Select[Any], values: Values) -> list[Any]:
    """The rows of a query, their columns by name."""
    found = run(connection, statement, values).fetchall()
    row_type = _row_type(tuple(statement.selected_columns.keys()))
    return [row_type(*row) for row in found]


def row_of(table: sa.Table, values: Values) -> Any:
    """A row as a query of the whole table gives it."""
    names = tuple(column.name for column in table.columns)
    return _row_type(names)(*(values[name] for name in names))


def filled(table: sa.Table, values: Values) -> dict[str, Any]:
    """Values for every column of a table: those given, else the column's default, else null."""
    return {column.name: values.get(column.name, _default(column)) for column in table.columns}


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Values]) -> None:
    """Add rows, each with a value for every column. Raises sqlalchemy's DBAPIError."""
    names = [column.name for column in table.columns]
    tables.insert(connection, table, [tuple(row[name] for name in names) for row in rows])


def add_to_each(connection: sa.Connection, table: sa.Table, column: sa.Column[int], changes: Mapping[str, int]) -> None:
    """Add to a column of rows that are locked already, each found by its key. Raises sqlalchemy's DBAPIError."""
    key = table.primary_key.columns[0].name
    mark, values = tables.mark(connection), [(name, change) for name, change in sorted(changes.items())]
    if connection.dialect.name == "postgresql":
        told = ", ".join([f"({mark}, {mark}::bigint)"] * len(values))
        text = (
            f"update {table.name} set {column.name} = {column.name} + changes.change "
            f"from (values {told}) changes (name, change) where {key} = changes.name"
        )
        tables.run(connection, text, [part for each in values for part in each])
        return
    for name, change in values:
        text = f"update {table.name} set {column.name} = {column.name} + {mark} where {key} = {mark}"
        tables.run(connection, text, (change, name))


@contextmanager
def together(connection: sa.Connection) -> Iterator[None]:
    """Send the statements of a block at once where the driver can, instead of waiting for each. None of them may ask
    for an answer; what is wrong with one is told at the end of the block."""
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.driver_connection
    try:
        with driver.pipeline():
            yield
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, "", error) from error


def _ordered(values: Values, order: Sequence[str] | None) -> Any:
    return values if order is None else [values[name] for name in order]


@cache
def _compiled(statement: sa.ClauseElement, dialect: sa.Dialect) -> tuple[str, Sequence[str] | None]:
    """The text of a statement, and the order of its parameters where the driver takes them by place."""
    compiled: Any = statement.compile(dialect=dialect)
    return str(compiled), tuple(compiled.positiontup) if compiled.positional else None


@cache
def _row_type(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names)


def _default(column: sa.Column[Any]) -> Any:
    return column.default.arg if isinstance(column.default, sa.ColumnDefault) and column.default.is_scalar else None


def _over_driver(connection: sa.Connection, method: str, text: str, values: Any) -> Any:
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        getattr(cursor, method)(text, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, text, error) from error
    return cursor


def _told(connection: sa.Connection, text: str, error: Exception) -> sa.exc.DBAPIError:
    """The error as SQLAlchemy tells it, without the values; a connection that is gone is not used again."""
    dialect = connection.dialect
    is_gone = dialect.is_disconnect(error, connection.connection.driver_connection, None)  # type: ignore[arg-type]
    if is_gone:
        connection.invalidate(error)
    told: Any = sa.exc.DBAPIError.instance(
        text, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, connection_invalidated=is_gone
    )
    return told  # type: ignore[no-any-return]
