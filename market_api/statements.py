"""Statements that every trade runs: compiled once for each kind of database, and run over the driver itself.

SQLAlchemy takes several times longer to prepare these small statements than a database takes to run them. They run
within the connection's transaction, and their errors are SQLAlchemy's.

What nobody waits for is not sent to PostgreSQL by itself: it goes in one statement with the next question, or with the
commit, so that rows that many want are locked for as few round trips as can be. Nothing is read before what was to be
written first.
"""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.sql.visitors import iterate

from vault.black_box import tables

Values = Mapping[str, Any]
UNSENT = "unsent statements"
MERGED_KEPT = 512


class Statement(NamedTuple):
    """A statement with its values, by name on PostgreSQL and by place on SQLite. tables: all that it is about."""

    text: str
    values: Any
    tables: frozenset[str]


def run(connection: sa.Connection, statement: sa.UpdateBase | sa.Select[Any], values: Values) -> Any:
    """Run a statement; gives the driver's cursor. values: for every parameter. Raises sqlalchemy's DBAPIError."""
    return _sent(connection, _prepared(connection, statement, values))


def run_later(connection: sa.Connection, statement: sa.UpdateBase, values: Values) -> None:
    """Run a statement before the next one that is waited for, at the latest before the commit; what is wrong with it is
    told then."""
    _put(connection, _prepared(connection, statement, values))


def send(connection: sa.Connection) -> None:
    """Send what waits. Raises what is wrong with it."""
    if connection.info.get(UNSENT):
        _sent(connection, None)


def send_unsent_first(engine: sa.Engine) -> None:
    """Have an engine's connections send what waits before whatever else they run, and forget it with a rollback."""
    if engine.dialect.name != "postgresql":
        return
    event.listen(engine, "before_cursor_execute", lambda connection, *_: send(connection))
    event.listen(engine, "commit", send)
    event.listen(engine, "rollback", _forget)


def rows_of(connection: sa.Connection, statement: sa.Select[Any], values: Values) -> list[Any]:
    """The rows of a query, their columns by name."""
    found = run(connection, statement, values).fetchall()
    row_type = _row_type(tuple(statement.selected_columns.keys()))
    return [row_type(*row) for row in found]


def row_of(table: sa.Table, values: Values) -> Any:
    """A row as a query of the whole table gives it."""
    return _row_type(_names(table))(**values)


def filled(table: sa.Table, values: Values) -> dict[str, Any]:
    """Values for every column of a table: those given, else the column's default, else null."""
    return {**_defaults(table), **values}


def insert_later(connection: sa.Connection, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows, their values in the order of the columns, as `run_later` does."""
    for start in range(0, len(rows), tables.ROWS_IN_STATEMENT):
        together = rows[start : start + tables.ROWS_IN_STATEMENT]
        values = [value for row in together for value in row]
        _put(connection, _numbered(connection, table, _inserting(table, len(together)), values))


def add_to_each_later(
    connection: sa.Connection, table: sa.Table, column: sa.Column[int], changes: Mapping[str, int]
) -> None:
    """Add to a column of rows that are locked already, each found by its key, as `run_later` does."""
    key, ordered = table.primary_key.columns[0].name, sorted(changes.items())
    text = f"update {table.name} set {column.name} = {column.name} + "
    if connection.dialect.name == "postgresql":
        told = ", ".join(["({}, {}::bigint)"] * len(ordered))
        text += f"changes.change from (values {told}) changes (name, change) where {key} = changes.name"
        values = [part for each in ordered for part in each]
        _put(connection, _numbered(connection, table, text, values))
        return
    for name, change in ordered:
        _put(connection, Statement(f"{text}? where {key} = ?", (change, name), frozenset([table.name])))


def _prepared(connection: sa.Connection, statement: sa.UpdateBase | sa.Select[Any], values: Values) -> Statement:
    text, order, about = _compiled(statement, connection.dialect)
    return Statement(text, values if order is None else [values[name] for name in order], about)


def _numbered(connection: sa.Connection, table: sa.Table, text: str, values: Sequence[Any]) -> Statement:
    """A statement whose text has {} for each value, as the driver wants it."""
    if connection.dialect.name != "postgresql":
        return Statement(_marked(text, "?", len(values)), values, frozenset([table.name]))
    by_name = {f"v{place}": value for place, value in enumerate(values)}
    return Statement(_marked(text, "%(v{})s", len(values)), by_name, frozenset([table.name]))


@lru_cache(maxsize=MERGED_KEPT)
def _marked(text: str, mark: str, count: int) -> str:
    return text.format(*(mark.format(place) for place in range(count)))


@cache
def _inserting(table: sa.Table, count: int) -> str:
    return tables.insert_into(table, "{}", count)


def _forget(connection: sa.Connection) -> None:
    if not connection.invalidated:
        connection.info.pop(UNSENT, None)


def _put(connection: sa.Connection, statement: Statement) -> None:
    if connection.dialect.name == "postgresql":
        connection.info.setdefault(UNSENT, []).append(statement)
    else:
        _over_driver(connection, statement.text, statement.values)


def _sent(connection: sa.Connection, question: Statement | None) -> Any:
    """Send what waits and a question, in one statement where none sees what another writes; gives the last cursor."""
    waiting: list[Statement] = connection.info.pop(UNSENT, [])
    together: list[Statement] = []
    about: set[str] = set()
    for each in waiting if question is None else [*waiting, question]:
        if not about.isdisjoint(each.tables):
            _over_driver(connection, *_merged(together))
            together, about = [], set()
        together.append(each)
        about |= each.tables
    return _over_driver(connection, *_merged(together))


def _merged(statements: Sequence[Statement]) -> tuple[str, Any]:
    """Several statements as one: all but the last are named parts of it, which PostgreSQL runs once each."""
    if len(statements) == 1:
        return statements[0].text, statements[0].values
    values = {f"{part}_{name}": value for part, each in enumerate(statements) for name, value in each.values.items()}
    return _merged_text(tuple(each.text for each in statements)), values


@lru_cache(maxsize=MERGED_KEPT)
def _merged_text(texts: tuple[str, ...]) -> str:
    *parts, last = [text.replace("%(", f"%({part}_") for part, text in enumerate(texts)]
    return f"with {', '.join(f'part_{number} as ({text})' for number, text in enumerate(parts))} {last}"


@cache
def _compiled(statement: sa.ClauseElement, dialect: sa.Dialect) -> tuple[str, Sequence[str] | None, frozenset[str]]:
    """The text of a statement, the order of its parameters where the driver takes them by place, and its tables."""
    compiled: Any = statement.compile(dialect=dialect)
    about = frozenset(each.name for each in iterate(statement) if isinstance(each, sa.Table))
    return str(compiled), tuple(compiled.positiontup) if compiled.positional else None, about


@cache
def _names(table: sa.Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)


@cache
def _row_type(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names)


@cache
def _defaults(table: sa.Table) -> Mapping[str, Any]:
    return {column.name: _default(column) for column in table.columns}


def _default(column: sa.Column[Any]) -> Any:
    return column.default.arg if isinstance(column.default, sa.ColumnDefault) and column.default.is_scalar else None


def _over_driver(connection: sa.Connection, text: str, values: Any) -> Any:
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        cursor.execute(text, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise told(connection, text, error) from error
    return cursor


def told(connection: sa.Connection, text: str, error: Exception) -> sa.exc.DBAPIError:
    """The error as SQLAlchemy tells it, without the values; a connection that is gone is not used again."""
    dialect = connection.dialect
    is_gone = dialect.is_disconnect(error, connection.connection.driver_connection, None)  # type: ignore[arg-type]
    if is_gone:
        connection.invalidate(error)
    told: Any = sa.exc.DBAPIError.instance(
        text, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, connection_invalidated=is_gone
    )
    return told  # type: ignore[no-any-return]
