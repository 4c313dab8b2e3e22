"""What a failure of the database is, as clients are told and the log has it: gone, busy, or unfit for what was asked.

It is read off the driver's own code (SQLite's result code, PostgreSQL's SQLSTATE, the system's errno), never off a
message, which may hold a statement or a value. Where the database is gone or busy, asking again helps; where it is
full, read-only, damaged or lacks a table, only the operator does. What is none of these is a fault of the market.
"""

import errno
import os
import re
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NoReturn

import sqlalchemy as sa

from market_api.problems import Problem
from market_api.schema import METADATA
from market_api.web.log_lines import LOG
from vault.black_box import tables

Cause = Literal["gone", "busy", "full", "read_only", "table_missing", "damaged"]

FREE_BYTES_NEEDED = 2**20
"""With less than this left, SQLite may call a full disk an input or output error."""
WORD = re.compile(r"[a-z_0-9]+")
MANY_CLIENTS = ("too many clients", "too many connections", "connection slots")
"""PostgreSQL's words for having no place left, which come without a SQLSTATE while a connection is made."""

SQLITE: Mapping[int, Cause] = MappingProxyType(
    {
        sqlite3.SQLITE_BUSY: "busy",
        sqlite3.SQLITE_LOCKED: "busy",
        sqlite3.SQLITE_PROTOCOL: "busy",
        sqlite3.SQLITE_NOMEM: "busy",
        sqlite3.SQLITE_FULL: "full",
        sqlite3.SQLITE_READONLY: "read_only",
        sqlite3.SQLITE_PERM: "read_only",
        sqlite3.SQLITE_CANTOPEN: "gone",
        sqlite3.SQLITE_IOERR: "damaged",
        sqlite3.SQLITE_CORRUPT: "damaged",
        sqlite3.SQLITE_NOTADB: "damaged",
    }
)
"""By the primary result code, the lower eight bits. Source: sqlite.org/rescode.html."""

POSTGRESQL: Mapping[str, Cause] = MappingProxyType(
    {
        "40001": "busy",
        "40P01": "busy",
        "55P03": "busy",
        "57014": "busy",
        "25P03": "busy",
        "53200": "busy",
        "53300": "busy",
        "53400": "busy",
        "53100": "full",
        "25006": "read_only",
        "42P01": "table_missing",
        "58030": "damaged",
        "58P01": "damaged",
        "XX001": "damaged",
        "XX002": "damaged",
    }
)
"""By SQLSTATE; those of the classes 08 and 57 are gone else. Source: PostgreSQL's manual, appendix A."""

SYSTEM: Mapping[int, Cause] = MappingProxyType(
    {
        errno.ENOSPC: "full",
        errno.EDQUOT: "full",
        errno.EFBIG: "full",
        errno.EROFS: "read_only",
        errno.EACCES: "read_only",
        errno.EPERM: "read_only",
    }
)
"""By errno; any other is gone."""

PASSING: Mapping[Cause, tuple[str, str]] = MappingProxyType(
    {"gone": ("unavailable", "does not answer"), "busy": ("busy", "is busy")}
)
"""The code and the words of what passes by itself."""
LASTING: Mapping[Cause, str] = MappingProxyType(
    {
        "full": "has no space left",
        "read_only": "cannot be written",
        "table_missing": "lacks a table",
        "damaged": "cannot be read whole",
    }
)
"""The words of what does not."""


def raise_failure(error: Exception, engine: sa.Engine) -> NoReturn:
    """Refuse what failed in the database, with its cause in the log; where the database is not at fault, raise the
    error itself. error: SQLAlchemy's, the driver's, or the system's.

    Raises Problem `unavailable`, `busy`, `database_unfit`, and the error.
    """
    problem = failure(error, engine)
    if problem is None:
        raise error
    raise problem from error


def failure(error: Exception, engine: sa.Engine) -> Problem | None:
    """The refusal of what failed in the database, and its cause in the log; None where the database is not at fault."""
    cause = cause_of(error, engine)
    if cause is None:
        return None
    code, words = PASSING.get(cause) or ("database_unfit", LASTING[cause])
    LOG.error("the database failed", extra={"code": code, "error": f"{cause}: {condition_of(error)}"})
    if cause in PASSING:
        return Problem(code, f"The market's database {words}; nothing was done. Try again in a moment.")
    return Problem(
        code, f"The market's database {words}; nothing was done. The operator has to see to it.", cause=cause
    )


def cause_of(error: BaseException, engine: sa.Engine) -> Cause | None:
    """Why the database failed; None where what it was asked was wrong."""
    if isinstance(error, sa.exc.TimeoutError):
        return "busy"
    original = getattr(error, "orig", None) or error
    if isinstance(original, OSError):
        return SYSTEM.get(original.errno or 0, "gone")
    if isinstance(original, sqlite3.Error):
        return _cause_of_sqlite(original, Path(engine.url.database or ""))
    if isinstance(original, engine.dialect.loaded_dbapi.Error):
        return _cause_of_postgresql(original, engine, is_cut=getattr(error, "connection_invalidated", False))
    return None


def condition_of(error: BaseException) -> str:
    """The driver's own name of what happened, without a statement, a message or a value."""
    original = getattr(error, "orig", None) or error
    if isinstance(original, OSError):
        return errno.errorcode.get(original.errno or 0, type(original).__name__)
    code = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None)
    return type(original).__name__ if code is None else f"{code} {type(original).__name__}"


def _cause_of_sqlite(error: sqlite3.Error, path: Path) -> Cause | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # the driver's own, such as of a connection that was closed
        return "gone" if isinstance(error, sqlite3.OperationalError) else None
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_ERROR:
        return "table_missing" if _names_table(error, "no such table") else None
    found = SQLITE.get(primary)
    if found == "gone" and path.exists() and not os.access(path.parent, os.W_OK):
        return "read_only"  # it cannot make the files beside the database
    if primary == sqlite3.SQLITE_IOERR and _is_full(path):
        return "full"
    return found


def _cause_of_postgresql(error: Exception, engine: sa.Engine, *, is_cut: bool) -> Cause | None:
    state = getattr(error, "sqlstate", None) or ""
    found = POSTGRESQL.get(state)
    if found == "table_missing":
        return found if _names_table(error, "") else None
    if found is not None:
        return found
    if not state and any(words in str(error) for words in MANY_CLIENTS):
        return "busy"
    driver = engine.dialect.loaded_dbapi
    is_connection = not state and isinstance(error, driver.OperationalError | driver.InterfaceError)
    return "gone" if is_cut or state[:2] in ("08", "57") or is_connection else None


def _names_table(error: Exception, words: str) -> bool:
    """Whether a table of the market's own is missing, rather than one that it never had."""
    known = {*METADATA.tables, *(table.name for table in tables.TABLES)}
    return words in str(error) and bool(known & set(WORD.findall(str(error))))


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < FREE_BYTES_NEEDED
    except OSError:
        return False
