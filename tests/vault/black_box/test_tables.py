"""The tables are those of the migration, and the log lives in any database that holds them."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.builders import NOON
from tests.vault.black_box.logs import empty_vault
from vault.append_only import sqlite_engine
from vault.black_box.checkpoints import add_line, checkpoint_line, state_of
from vault.black_box.entries import Event
from vault.black_box.log import append, frontier_of
from vault.black_box.tables import DECIDED, TABLES, create, entries, guard
from vault.black_box.verification import verify
from vault.registry.database import open_registry
from vault.signing import public_keys, signing_key

EVENTS = [Event("trade", f"order {number}", {"fen": number}, "market") for number in range(7)]


def test_the_migration_makes_the_tables_that_are_declared(tmp_path: Path) -> None:
    found = sa.MetaData()
    registry = open_registry(empty_vault(tmp_path).home)
    found.reflect(registry, only=[table.name for table in TABLES])
    for table in TABLES:
        made = found.tables[table.name]
        assert [(column.name, str(column.type), column.nullable) for column in made.columns] == [
            (column.name, str(column.type.compile(registry.dialect)), column.nullable) for column in table.columns
        ]
        assert made.primary_key.columns.keys() == table.primary_key.columns.keys()


def test_a_log_of_another_database_is_kept_and_verified_the_same_way(tmp_path: Path) -> None:
    vault = empty_vault(tmp_path)
    engine, key, lines = sqlite_engine(f"file:{tmp_path / 'market.sqlite'}", ()), signing_key(vault), []
    with engine.begin() as connection:
        create(connection)
    for size in (3, 7):
        with engine.begin() as connection:
            before, count = state_of(connection)
            frontier = frontier_of(connection, count)
            assert append(connection, frontier, EVENTS[count:size], NOON) == range(count, size)
            lines.append(checkpoint_line(key, size, frontier.root, NOON, before))
            assert add_line(connection, count, size, lines[-1])
    with engine.begin() as connection:
        assert verify(connection, iter(lines), public_keys(vault.home), is_copy=False).is_whole
        with pytest.raises(sa.exc.IntegrityError, match="never changed"):
            connection.exec_driver_sql("delete from black_box_entries")


def test_what_was_decided_is_found_without_reading_the_log(tmp_path: Path) -> None:
    last = sa.select(entries.c.subject, sa.func.max(entries.c.at)).where(DECIDED).group_by(entries.c.subject)
    with open_registry(empty_vault(tmp_path).home).begin() as connection:
        ((*_, plan),) = connection.exec_driver_sql(f"explain query plan {last}").all()
    assert plan == "SCAN black_box_entries USING INDEX black_box_decided", "the index holds decisions alone"


def test_a_database_that_cannot_guard_its_rows_gets_no_log() -> None:
    connection = sa.create_mock_engine("mysql://", lambda *_: None)
    with pytest.raises(ValueError, match="no guards for mysql"):
        guard(connection)  # type: ignore[arg-type]
