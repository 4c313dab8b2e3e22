"""Rows that the database itself does not let be changed: a mistake of the code is refused, whoever makes it.

It stops mistakes, not whoever may drop a trigger: what was changed so is found by the black box.
"""

from collections.abc import Iterable

import sqlalchemy as sa

CHANGES = ("update", "delete")
FUNCTION = "registry_never_changed"


def never_changed(
    connection: sa.Connection, table: str, message: str, changes: Iterable[str] = CHANGES, when: str = ""
) -> None:
    """Have a table refuse changes of its rows, with a message; once for each table and change.

    when: a condition on the row, `old`, without which all are refused. Raises ValueError for a database other than
    SQLite and PostgreSQL.
    """
    guard = {"sqlite": _sqlite_guard, "postgresql": _postgresql_guard}.get(connection.dialect.name)
    if guard is None:
        raise ValueError(f"the registry has no guards for {connection.dialect.name}")
    condition = f"when ({when})" if when else ""
    for change in changes:
        head = f'create trigger {table}_never_{change} before {change} on "{table}"'
        for statement in guard(head, condition, message):
            connection.exec_driver_sql(statement)


def _sqlite_guard(head: str, condition: str, message: str) -> list[str]:
    return [f"{head} {condition} begin select raise(abort, '{message}'); end"]


def _postgresql_guard(head: str, condition: str, message: str) -> list[str]:
    return [
        f"create or replace function {FUNCTION}() returns trigger language plpgsql as "
        "$$ begin raise exception using message = tg_argv[0]; end $$",
        f"{head} for each row {condition} execute function {FUNCTION}('{message}')",
    ]
