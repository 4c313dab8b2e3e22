"""The migrations make the very tables that the market's modules declare, on both databases."""

from importlib import import_module
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from market_api.database import MIGRATIONS, NEWEST_REVISION, engine_of, migrate
from market_api.features import GUARDED, TABLES
from market_api.schema import METADATA
from market_api.settings import sqlite_url
from vault.registry.tables import METADATA as BLACK_BOX


def migrated(folder: Path, database_url: str | None) -> sa.Engine:
    engine = engine_of(database_url or sqlite_url(folder / "market.sqlite"))
    migrate(engine)
    return engine


def of_the_market(_: object, name: str | None, kind: str, *__: object) -> bool:
    """The black box's tables are the vault's own, as is Alembic's."""
    return kind != "table" or (name not in BLACK_BOX.tables and name != "alembic_version")


def test_what_is_migrated_is_what_is_declared(tmp_path: Path, database_url: str | None) -> None:
    for module in TABLES:
        import_module(module)
    with migrated(tmp_path, database_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": of_the_market, "compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_every_table_that_only_grows_is_guarded(tmp_path: Path, database_url: str | None) -> None:
    engine = migrated(tmp_path, database_url)
    statement = "select name from sqlite_master where type = 'trigger'"
    if engine.dialect.name == "postgresql":
        statement = "select tgname from pg_trigger where not tgisinternal"
    with engine.connect() as connection:
        triggers = set(connection.execute(sa.text(statement)).scalars())
    assert [table for table in GUARDED if f"{table}_never_update" not in triggers] == []


def test_the_newest_revision_is_the_last_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == NEWEST_REVISION


def test_a_second_start_changes_nothing(tmp_path: Path, database_url: str | None) -> None:
    engine = migrated(tmp_path, database_url)
    migrate(engine)
    with engine.connect() as connection:
        assert connection.execute(sa.text("select count(*) from accounts")).scalar_one() == 7
