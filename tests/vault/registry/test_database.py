"""The registry is brought to its newest form before it is used, by migrations that make what the modules declare."""

from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from vault.errors import JinkuError
from vault.home import Home, prepare
from vault.registry.database import MIGRATIONS, NEWEST_REVISION, open_registry, registry_path
from vault.registry.tables import METADATA

DECLARING = (
    "review.records",
    "review.sign_off",
    "vault.black_box.tables",
    "vault.disclosure.budgets",
    "vault.disclosure.draws",
    "vault.disclosure.ledger",
    "vault.releases.register",
    "vault.rights.tables",
)
"""The modules that declare tables of the registry."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    prepare(Home(tmp_path))
    return Home(tmp_path)


def test_the_newest_revision_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [NEWEST_REVISION]


def test_the_migrations_make_what_the_modules_declare(home: Home) -> None:
    for module in DECLARING:
        import_module(module)
    with open_registry(home).begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_every_table_of_records_refuses_changes(home: Home) -> None:
    with open_registry(home).begin() as connection:
        guarded = set(connection.exec_driver_sql("select tbl_name from sqlite_master where type = 'trigger'").scalars())
        assert set(sa.inspect(connection).get_table_names()) - guarded == {"alembic_version", "reviewer"}


def test_opening_again_changes_nothing(home: Home) -> None:
    open_registry(home)
    before = registry_path(home).read_bytes()
    open_registry(home)
    assert registry_path(home).read_bytes() == before


def test_a_migration_that_fails_leaves_the_old_form(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alembic.op.create_index", _fails)
    with pytest.raises(RuntimeError):
        open_registry(home)
    monkeypatch.undo()
    with open_registry(home).begin() as connection:
        assert connection.execute(sa.text("select version_num from alembic_version")).scalar() == NEWEST_REVISION


def test_a_file_that_is_no_registry_is_told(home: Home) -> None:
    registry_path(home).write_bytes(b"not a database" * 100)
    with pytest.raises(JinkuError, match="registry_unusable"):
        open_registry(home)


def _fails(*arguments: object, **options: object) -> None:
    raise RuntimeError("killed here")
