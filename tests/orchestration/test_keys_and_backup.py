"""The commands for keys and backups: what they say, what they put on record, and whom they wait for."""

import io
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from rich.console import Console

from orchestration.commands.backup import check_backup, put_back, save_home
from orchestration.commands.keys import rotate_keys, show_keys
from orchestration.recovery import sole
from tests.builders import NOON, fresh_vault, opened
from vault.black_box.tables import entries
from vault.errors import JinkuError
from vault.keys import master_key
from vault.keys.master import master_id, master_path
from vault.layers import Vault
from vault.registry.database import open_registry


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    monkeypatch.setenv("JINKU_HOME", str(tmp_path / "home"))
    return fresh_vault(tmp_path / "home", {})


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=200, highlight=False, file=io.StringIO())


def uses(vault: Vault) -> list[str]:
    """What the keys were used for, as the black box says."""
    with closing(open_registry(vault.home).connect()) as connection:
        own = entries.c
        chosen = sa.select(own.subject).where(own.kind == "key_use").order_by(own.leaf_index)
        return list(connection.execute(chosen).scalars())


def test_keys_are_shown_by_their_ids_only(vault: Vault, console: Console) -> None:
    show_keys(console)
    told, key = console.export_text(), master_key(vault.home)
    assert master_id(key) in told and str(master_path(vault.home)) in told and "raw" in told
    assert key.hex() not in told and vault.master.hex() not in told


def test_a_rotation_is_on_record_before_it_is_done(vault: Vault, console: Console) -> None:
    before, layer = master_id(master_key(vault.home)), vault.layer_key("raw")
    rotate_keys(console, True, NOON, "person:keeper")
    after = master_id(master_key(vault.home))
    assert f"{before} is replaced by {after}" in console.export_text() and vault.layer_key("raw") != layer
    assert uses(vault) == ["rotation of the layers' keys", "rotation of the master key"]


def test_layers_are_not_given_keys_while_a_run_is_at_work(vault: Vault, console: Console) -> None:
    key = master_key(vault.home)
    with sole(vault.home, "run"), pytest.raises(JinkuError, match="`jinku run` is at work"):
        rotate_keys(console, True, NOON, "person:keeper")
    assert master_key(vault.home) == key
    with sole(vault.home, "run"):
        rotate_keys(console, False, NOON, "person:keeper")
    assert master_key(vault.home) != key, "the master key is changed under a run"


def test_a_backup_is_made_checked_and_put_back(
    vault: Vault, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_home(console, tmp_path / "saved", True, NOON, "jinku")
    check_backup(console, tmp_path / "saved")
    told = console.export_text(clear=True)
    assert "saved" in told and "whole" in told and told.count("whoever has the file can read everything") == 2
    monkeypatch.setenv("JINKU_HOME", str(tmp_path / "again"))
    put_back(console, tmp_path / "saved", NOON, "jinku")
    assert "its keys open" in console.export_text(clear=True)
    again = opened(tmp_path / "again")
    assert uses(again) == [*uses(vault), "restored from a backup"] == ["backup", "restored from a backup"]


def test_a_home_that_was_put_back_without_its_master_key_says_where_it_belongs(
    vault: Vault, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_home(console, tmp_path / "saved", False, NOON, "jinku")
    assert "nothing opens without it" in console.export_text(clear=True)
    monkeypatch.setenv("JINKU_HOME", str(tmp_path / "again"))
    put_back(console, tmp_path / "saved", NOON, "jinku")
    told = console.export_text()
    assert str(tmp_path / "again" / "keys" / "master.key") in told and master_id(master_key(vault.home)) in told


def test_no_backup_while_a_run_is_at_work_and_no_run_while_one_is_made(
    vault: Vault, console: Console, tmp_path: Path
) -> None:
    with sole(vault.home, "run"), pytest.raises(JinkuError, match="`jinku run` is at work"):
        save_home(console, tmp_path / "saved", False, NOON, "jinku")
    with (
        sole(vault.home, "run", by="jinku backup"),
        pytest.raises(JinkuError, match="`jinku backup` is at work"),
        sole(vault.home, "run"),
    ):
        pass
    assert not (tmp_path / "saved").exists()
