"""Append-only SQLite files: rows are added, never changed or removed; several processes may write and read at once."""

import errno
import shutil
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event

from vault.errors import JinkuError
from vault.home import storage_error

BUSY_SECONDS = 30
FREE_BYTES_NEEDED = 2**20
"""With less than this left, SQLite may call a full disk an input or output error."""


def never_changed(metadata: sa.MetaData, name: str) -> None:
    """Have every table of the metadata refuse updates and deletions, with a message that names the file's content."""
    for table in metadata.sorted_tables:
        for change in ("update", "delete"):
            event.listen(
                table,
                "after_create",
                sa.DDL(  # type: ignore[no-untyped-call]
                    f"create trigger {table.name}_never_{change} before {change} on {table.name} "
                    f"begin select raise(abort, '{name} is never changed'); end"
                ).execute_if(dialect="sqlite"),
            )


def for_writing(path: Path, metadata: sa.MetaData) -> sa.Engine:
    """An engine whose transactions take the write lock at once, so that two writers wait instead of failing.

    Missing folders and tables are made. Raises OSError and sqlalchemy's DBAPIError where the file cannot be used.
    """
    engine = sqlite_engine(f"file:{quote(str(path))}", ("pragma journal_mode = wal", "pragma synchronous = normal"))
    engine = engine.execution_options(begins_with_write=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with engine.begin() as connection:
        metadata.create_all(connection)
    return engine


def for_reading(path: Path) -> sa.Engine:
    """An engine that only reads a file that is there and waits for no writer; each transaction sees one state."""
    return sqlite_engine(f"file:{quote(str(path))}?mode=ro", ())


def cause_of(error: Exception) -> str:
    """What SQLite or the system says of a failure."""
    return str(getattr(error, "orig", None) or error)


def storage_failure(error: Exception, path: Path) -> JinkuError | None:
    """The clean form of a failure to use a file where the disk or its rights are the cause: disk full, not writable.

    None where the file itself is at fault.
    """
    cause = cause_of(error)
    if isinstance(error, OSError):
        return storage_error(error, path)
    if "full" in cause or shutil.disk_usage(path.parent).free < FREE_BYTES_NEEDED:
        return storage_error(OSError(errno.ENOSPC, cause), path)
    if "readonly" in cause or "unable to open" in cause:
        return storage_error(OSError(errno.EACCES, cause), path)
    return None


def sqlite_engine(address: str, pragmas: tuple[str, ...]) -> sa.Engine:
    """An engine on a SQLite file, `address` being its URI.

    Connections are closed after use, so that the file is whole again when its last writer has left.
    """

    def connection_to_file() -> sqlite3.Connection:
        return sqlite3.connect(address, timeout=BUSY_SECONDS, uri=True)

    engine = sa.create_engine("sqlite://", creator=connection_to_file, poolclass=sa.NullPool)

    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver would otherwise begin transactions in its own, later place
        for pragma in (f"pragma busy_timeout = {BUSY_SECONDS * 1000}", *pragmas, "pragma foreign_keys = on"):
            connection.execute(pragma)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: sa.Connection) -> None:
    is_write = connection.get_execution_options().get("begins_with_write", False)
    connection.exec_driver_sql("begin immediate" if is_write else "begin")
