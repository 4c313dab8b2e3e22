"""The market's database: SQLite by default, PostgreSQL by its address; the same tables and the same rules on both.

Every transaction is durable when it ends. On SQLite a writing one takes the write lock at once, so that two writers
wait instead of failing; on PostgreSQL rows are locked as they are read, in one order (see `states`).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from market_api.problems import Problem
from vault.durable import lock

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST_REVISION = "0001"
BUSY_SECONDS = 30
ATTEMPTS_MAX = 6
FIRST_WAIT_SECONDS = 0.02
RETRIED_STATES = frozenset({"40001", "40P01"})
"""PostgreSQL's serialization failure and deadlock: the same transaction may succeed when it is tried again."""

Result = TypeVar("Result")


def engine_of(url: str) -> sa.Engine:
    """An engine for the market's database. Raises ValueError for one that is neither SQLite nor PostgreSQL."""
    backend = sa.make_url(url).get_backend_name()
    if backend == "sqlite":
        engine = sa.create_engine(
            url, connect_args={"timeout": BUSY_SECONDS}, pool_size=20, max_overflow=30, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if backend == "postgresql":
        return sa.create_engine(url, pool_size=20, max_overflow=30, pool_pre_ping=True, hide_parameters=True)
    raise ValueError(f"the market runs on SQLite and PostgreSQL, not on {backend}")


def migrate(engine: sa.Engine) -> None:
    """Bring the database to its newest form. Two processes that start together do it one after the other."""
    with engine.execution_options(begins_with_write=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("select pg_advisory_xact_lock(7061)")
        if _revision(connection) != NEWEST_REVISION:
            _upgrade(connection)


def in_transaction(engine: sa.Engine, do: Callable[[sa.Connection], Result]) -> Result:
    """Run `do` in one writing transaction, again from the start where the database asks for it.

    Raises Problem `unavailable` where the database is gone or stays busy.
    """
    writing = engine.execution_options(begins_with_write=True)
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            with _turn(engine), writing.begin() as connection:
                return do(connection)
        except sa.exc.DBAPIError as error:
            if not _is_passing(error):
                raise
            if attempt == ATTEMPTS_MAX or _is_gone(error):
                raise unavailable() from error
            time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
    raise AssertionError("unreachable")


@contextmanager
def _turn(engine: sa.Engine) -> Iterator[None]:
    """On SQLite, one's turn to write: the kernel wakes the next in line at once, where SQLite itself has writers look
    again after ever longer pauses. It ends with the process, however that ends. Raises Problem `unavailable`."""
    path = engine.url.database if engine.dialect.name == "sqlite" else None
    if path is None:
        yield
        return
    with ExitStack() as turn:
        try:
            turn.enter_context(lock(Path(f"{path}-turn")))
        except OSError as error:
            raise unavailable() from error
        yield


def unavailable() -> Problem:
    """The refusal while the database does not answer."""
    return Problem("unavailable", "The market's database does not answer; nothing was done. Try again in a moment.")


def _is_passing(error: sa.exc.DBAPIError) -> bool:
    """Whether a later attempt may succeed: the database was busy, gave way to another, or is gone for now."""
    state = getattr(error.orig, "sqlstate", None)
    return state in RETRIED_STATES or "database is locked" in str(error.orig) or _is_gone(error)


def _is_gone(error: sa.exc.DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None) or ""
    is_operational = isinstance(error, sa.exc.OperationalError)
    return (
        error.connection_invalidated
        or state[:2] in ("08", "57")
        or (is_operational and ("unable to open" in str(error.orig) or "connection" in str(error.orig).lower()))
    )


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver would otherwise begin transactions in its own, later place
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "journal_mode = wal",
        "synchronous = full",
        "foreign_keys = on",
    ):
        connection.execute(f"pragma {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    is_write = connection.get_execution_options().get("begins_with_write", False)
    connection.exec_driver_sql("begin immediate" if is_write else "begin")


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("select version_num from alembic_version")).scalar()
    return found


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # only where there is something to migrate: it takes half a second to import
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def guard(connection: sa.Connection, table: str) -> None:
    """Have a table refuse every change and removal of a row that is there: what is written stays.

    It stops mistakes; whoever may drop a trigger is found by the black box.
    """
    if connection.dialect.name == "sqlite":
        for change in ("update", "delete"):
            connection.exec_driver_sql(
                f"create trigger {table}_never_{change} before {change} on {table} "
                f"begin select raise(abort, '{table} is never changed'); end"
            )
        connection.exec_driver_sql(
            f"create trigger {table}_never_replace before insert on {table} "
            f"when exists (select 1 from {table} where {_is_new_row(_as_it_is(connection, table))}) "
            f"begin select raise(abort, '{table} is never changed'); end"
        )
        return
    connection.exec_driver_sql(
        "create or replace function market_never_changed() returns trigger language plpgsql as "
        "$$ begin raise exception '%% is never changed', tg_table_name; end $$"
    )
    for events, each in (("update or delete", "row"), ("truncate", "statement")):
        connection.exec_driver_sql(
            f"create trigger {table}_never_{events.split()[0]} before {events} on {table} "
            f"for each {each} execute function market_never_changed()"
        )


def _as_it_is(connection: sa.Connection, table: str) -> sa.Table:
    """A table as the database has it now: an early migration knows nothing of what later ones add."""
    return sa.Table(table, sa.MetaData(), autoload_with=connection)


def _is_new_row(table: sa.Table) -> str:
    """Whether a row is in the way of the one to be inserted: SQLite's `insert or replace` would delete it, and asks no
    trigger of deletions."""
    unique = [each for each in table.constraints if isinstance(each, sa.PrimaryKeyConstraint | sa.UniqueConstraint)]
    keys = [[f"{column.name} = new.{column.name}" for column in each.columns] for each in unique]
    for index in table.indexes:
        if index.unique:
            where = index.dialect_options["sqlite"]["where"]
            told = [] if where is None else [str(where.compile(compile_kwargs={"literal_binds": True}))]
            keys.append([*(f"{column.name} = new.{column.name}" for column in index.columns), *told])
    return " or ".join(f"({' and '.join(key)})" for key in sorted([["rowid = new.rowid"], *keys]))
