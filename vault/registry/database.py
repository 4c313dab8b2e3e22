"""Opening the registry: a SQL database that is brought to the newest form before it is used.

All that must stand or fall together (a grant and its entry in the black box, say) lies in this one database, so that
one transaction covers it. It is a SQLite file of the home, as no server stands beside the vault; its tables are made,
guarded and used the same way on PostgreSQL.
"""

from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from vault.append_only import sqlite_engine, storage_failure
from vault.errors import JinkuError
from vault.home import Home

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST_REVISION = "0007"
"""The last migration; a test compares it with Alembic's own head."""


def registry_path(home: Home) -> Path:
    """The registry's file."""
    return home.registry / "registry.sqlite"


def open_registry(home: Home) -> sa.Engine:
    """The registry, made or brought to its newest form where it is not. Every transaction is durable when it ends and
    takes the write lock at once, so that two writers wait instead of failing.

    Raises JinkuError `registry_unusable`, and what a full or unwritable disk raises.
    """
    path = registry_path(home)
    pragmas = ("pragma journal_mode = wal", "pragma synchronous = full")
    engine = sqlite_engine(f"file:{quote(str(path))}", pragmas).execution_options(begins_with_write=True)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with engine.begin() as connection:
            migrate(connection)
    except (OSError, sa.exc.DBAPIError) as error:
        raise storage_failure(error, path) or JinkuError(
            "registry_unusable",
            "the registry cannot be opened",
            str(path),
            "Restore it from your backup with `jinku restore`.",
        ) from None
    return engine


def migrate(connection: sa.Connection) -> None:
    """Bring a database to the newest form, within the connection's transaction; nothing where it has it."""
    if _revision(connection) == NEWEST_REVISION:
        return
    from alembic import command  # only where there is something to migrate: it takes half a second to import
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("select version_num from alembic_version")).scalar()
    return found
