"""The black box's tables. They stand in the registry, and in any other database that keeps a log of its own."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from vault.registry.tables import METADATA

DECIDED = sa.text("kind in ('decision', 'grant', 'consent')")
"""Entries of people's decisions. Written out, as the index of them is used only by a condition of the same words."""

entries = sa.Table(
    "black_box_entries",
    METADATA,
    sa.Column("leaf_index", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("payload_hash", sa.Text, nullable=False),
    sa.Index("black_box_decided", "subject", "at", sqlite_where=DECIDED, postgresql_where=DECIDED),
)

payloads = sa.Table(
    "black_box_payloads",
    METADATA,
    sa.Column("leaf_index", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
)

nodes = sa.Table(
    "black_box_nodes",
    METADATA,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

checkpoints = sa.Table(
    "black_box_checkpoints",
    METADATA,
    sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("line", sa.Text, nullable=False),
)

TABLES = (entries, payloads, nodes, checkpoints)
KEYS = {table.name: table.primary_key.columns[0].name for table in TABLES}
ERASABLE = frozenset({payloads.name})
ROWS_IN_STATEMENT = 40


def create(connection: sa.Connection) -> None:
    """Make the tables in a database that has none, guarded. The registry's own come from its migrations."""
    METADATA.create_all(connection, tables=TABLES, checkfirst=False)
    guard(connection)


def mark(connection: sa.Connection) -> str:
    """How a driver wants the place of a value to be marked in a statement."""
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


def run(connection: sa.Connection, statement: str, values: Sequence[Any] = ()) -> Any:
    """Run a statement within the connection's transaction, over the driver itself; gives the driver's cursor.

    SQLAlchemy takes several times longer to prepare the small statements of an append than SQLite takes to run them,
    and as long to make rows of a long result as it takes to hash them. Raises sqlalchemy's DBAPIError.
    """
    return _over_driver(connection, "execute", statement, values)


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows, their values in the order of the columns. Raises sqlalchemy's DBAPIError.

    A few rows go to PostgreSQL in one statement, which costs it and its driver a fraction of one for each.
    """
    if connection.dialect.name == "postgresql" and 0 < len(rows) <= ROWS_IN_STATEMENT:
        statement = insert_into(table, mark(connection), len(rows))
        _over_driver(connection, "execute", statement, [value for row in rows for value in row])
    else:
        _over_driver(connection, "executemany", insert_into(table, mark(connection)), rows)


def _over_driver(connection: sa.Connection, method: str, statement: str, values: Sequence[Any]) -> Any:
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        getattr(cursor, method)(statement, values)
    except connection.dialect.loaded_dbapi.Error as error:
        kinds = connection.dialect.loaded_dbapi
        raise sa.exc.DBAPIError.instance(statement, None, error, kinds.Error, hide_parameters=True) from error
    return cursor


@cache
def insert_into(table: sa.Table, mark: str, count: int = 1) -> str:
    """The statement that adds so many rows to a table, with a place for each value."""
    names, marks = ", ".join(table.columns.keys()), ", ".join(mark for _ in table.columns)
    return f"insert into {table.name} ({names}) values {', '.join([f'({marks})'] * count)}"


def guard(connection: sa.Connection) -> None:
    """Have the tables refuse every change of a row that is there; payloads alone may be deleted.

    It stops mistakes, not whoever may drop a trigger: those are found by verification.
    Raises ValueError for a database other than SQLite and PostgreSQL.
    """
    statements = {"sqlite": _sqlite_guards, "postgresql": _postgresql_guards}.get(connection.dialect.name)
    if statements is None:
        raise ValueError(f"the black box has no guards for {connection.dialect.name}")
    for statement in statements():
        connection.exec_driver_sql(statement)


def _sqlite_guards() -> list[str]:
    """`insert or replace` deletes without asking the trigger of deletions: an insert of a row that is there is refused
    by a trigger of its own."""
    refusal = "begin select raise(abort, 'the black box is never changed'); end"
    guards = []
    for name, key in KEYS.items():
        guards.append(f"create trigger {name}_never_update before update on {name} {refusal}")
        guards.append(
            f"create trigger {name}_never_replace before insert on {name} "
            f"when exists (select 1 from {name} where {key} = new.{key}) {refusal}"
        )
        if name not in ERASABLE:
            guards.append(f"create trigger {name}_never_delete before delete on {name} {refusal}")
    return guards


def _postgresql_guards() -> list[str]:
    guards = [
        "create function black_box_never_changed() returns trigger language plpgsql as "
        "$$ begin raise exception 'the black box is never changed'; end $$"
    ]
    for name in KEYS:
        changes = "update" if name in ERASABLE else "update or delete"
        for event, each in ((changes, "row"), ("truncate", "statement")):
            guards.append(
                f"create trigger {name}_never_{event.split()[0]} before {event} on {name} "
                f"for each {each} execute function black_box_never_changed()"
            )
    return guards
