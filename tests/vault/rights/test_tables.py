"""The tables that the migration makes are those that the code declares."""

from pathlib import Path

import sqlalchemy as sa

from tests.vault.rights.people import bare_vault
from vault.registry.database import open_registry
from vault.rights import tables

DECLARED = [each for each in vars(tables).values() if isinstance(each, sa.Table)]


def test_columns_and_indexes_are_the_same(tmp_path: Path) -> None:
    made = sa.inspect(open_registry(bare_vault(tmp_path / "home").home))
    for table in DECLARED:
        columns = {each["name"]: each["nullable"] for each in made.get_columns(table.name)}
        assert columns == {each.name: bool(each.nullable) for each in table.columns}, table.name
        indexes = {each["name"]: each["column_names"] for each in made.get_indexes(table.name)}
        assert indexes == {each.name: [column.name for column in each.columns] for each in table.indexes}, table.name


def test_every_table_refuses_changes(tmp_path: Path) -> None:
    with open_registry(bare_vault(tmp_path / "home").home).connect() as connection:
        triggers = set(connection.exec_driver_sql("select name from sqlite_master where type = 'trigger'").scalars())
    assert {f"{table.name}_never_{change}" for table in DECLARED for change in ("update", "delete")} <= triggers
