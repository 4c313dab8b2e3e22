"""The market's database: SQLite by default, PostgreSQL by its address; the same tables and the same rules on both.

Every transaction is durable when it ends. On SQLite a writing one takes the write lock at once, so that two writers
wait instead of failing; on PostgreSQL rows are locked as they are read, in one order (see `states`).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from market_api.failures import failure, raise_failure
from market_api.problems import Problem
from market_api.statements import send_unsent_first, told
from vault.durable import lock

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST_REVISION = "0001"
BUSY_SECONDS = 30
ATTEMPTS_MAX = 6
FIRST_WAIT_SECONDS = 0.02
CHECKPOINT_PAGES = 4_000
"""SQLite moves its write-ahead log into the file every 16 MiB: a sale writes some forty pages, mostly the same ones."""
IDLE_SECONDS = 1.0
ENGINES_KEPT = 2
"""A process has one market; whoever opens more does not keep all of their connections open."""
USED_AT = "used at"
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
        engine = sa.create_engine(url, pool_size=20, max_overflow=30, hide_parameters=True)
        event.listen(engine, "checkin", _note_use)
        event.listen(engine, "checkout", _require_alive(engine.dialect))
        send_unsent_first(engine)
        return engine
    raise ValueError(f"the market runs on SQLite and PostgreSQL, not on {backend}")


def migrate(engine: sa.Engine) -> None:
    """Bring the database to its newest form. Two processes that start together do it one after the other."""
    with _writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("select pg_advisory_xact_lock(7061)")
        if _revision(connection) != NEWEST_REVISION:
            _upgrade(connection)


def in_transaction(engine: sa.Engine, do: Callable[[sa.Connection], Result]) -> Result:
    """Run `do` in one writing transaction, again from the start where the database asks for it.

    Raises Problem `unavailable` where the database is gone, `busy` where it stays so, and `database_unfit` where it is
    full, read-only, damaged or lacks a table.
    """
    writing = _writing(engine)
    for attempt in range(1, ATTEMPTS_MAX + 1):
        is_done = False
        try:
            with _turn(engine), writing.begin() as connection:
                result = do(connection)
                is_done = True
            return result
        except sa.exc.TimeoutError as error:
            raise_failure(error, engine)  # no connection was free
        except sa.exc.DBAPIError as error:
            if not _is_passing(error):
                raise_failure(error, engine)
            is_kept_too_long = error.connection_invalidated and attempt == 1 and not is_done
            if attempt == ATTEMPTS_MAX or (_is_gone(error) and not is_kept_too_long):
                problem = failure(error, engine) or unavailable()
                raise (unknown() if is_done and problem.code == "unavailable" else problem) from error
            time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
    raise AssertionError("unreachable")


@lru_cache(maxsize=ENGINES_KEPT)
def _writing(engine: sa.Engine) -> sa.Engine:
    """The same engine, whose transactions begin with the lock for writing."""
    return engine.execution_options(begins_with_write=True)


@contextmanager
def _turn(engine: sa.Engine) -> Iterator[None]:
    """On SQLite, one's turn to write: the kernel wakes the next in line at once, where SQLite itself has writers look
    again after ever longer pauses. It ends with the process, however that ends. Raises Problem as `in_transaction`."""
    path = engine.url.database if engine.dialect.name == "sqlite" else None
    if path is None:
        yield
        return
    with ExitStack() as turn:
        try:
            turn.enter_context(lock(Path(f"{path}-turn")))
        except OSError as error:
            raise_failure(error, engine)
        yield


def unavailable() -> Problem:
    """The refusal while the database does not answer."""
    return Problem("unavailable", "The market's database does not answer; nothing was done. Try again in a moment.")


def unknown() -> Problem:
    """The answer where the database went while it was told to keep what was done: whether it did is not known."""
    return Problem(
        "unavailable",
        "The market's database was lost in the last moment, so it is not known whether this was done. Send it again "
        "with the same Idempotency-Key: it is done once at most.",
    )


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
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        "foreign_keys = on",
    ):
        connection.execute(f"pragma {pragma}")


def _note_use(_: Any, record: Any) -> None:
    record.info[USED_AT] = time.monotonic()


def _require_alive(dialect: sa.Dialect) -> Callable[[Any, Any, Any], None]:
    """A connection that lay idle is asked whether it still lives, and made anew where not. One that has just served is
    not asked, which takes as long as many a statement."""

    def require(connection: Any, record: Any, _: Any) -> None:
        if time.monotonic() - record.info.get(USED_AT, time.monotonic()) < IDLE_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise sa.exc.DisconnectionError from error

    return require


def _begin_sqlite(connection: sa.Connection) -> None:
    is_write = connection.get_execution_options().get("begins_with_write", False)
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute("begin immediate" if is_write else "begin")
    except connection.dialect.loaded_dbapi.Error as error:
        raise told(connection, "begin", error) from error


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
        is_there = _is_new_row(_as_it_is(connection, table), _has_rowid(connection, table))
        connection.exec_driver_sql(
            f"create trigger {table}_never_replace before insert on {table} "
            f"when exists (select 1 from {table} where {is_there}) "
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


def _has_rowid(connection: sa.Connection, table: str) -> bool:
    """Whether SQLite keeps a number of its own for each row of a table, by which a row can be replaced as well."""
    made = connection.exec_driver_sql("select sql from sqlite_master where type = 'table' and name = ?", (table,))
    return not str(made.scalar_one()).rstrip().lower().endswith("without rowid")


def _is_new_row(table: sa.Table, has_rowid: bool) -> str:
    """Whether a row is in the way of the one to be inserted: SQLite's `insert or replace` would delete it, and asks no
    trigger of deletions."""
    unique = [each for each in table.constraints if isinstance(each, sa.PrimaryKeyConstraint | sa.UniqueConstraint)]
    keys = [[f"{column.name} = new.{column.name}" for column in each.columns] for each in unique]
    for index in table.indexes:
        if index.unique:
            where = index.dialect_options["sqlite"]["where"]
            told = [] if where is None else [str(where.compile(compile_kwargs={"literal_binds": True}))]
            keys.append([*(f"{column.name} = new.{column.name}" for column in index.columns), *told])
    if has_rowid:
        keys.append(["rowid = new.rowid"])
    return " or ".join(f"({' and '.join(key)})" for key in sorted(keys))
