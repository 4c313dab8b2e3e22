"""Layers are opened for one caller at a time, and their files are closed when it is done."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tests.builders import fresh_vault
from vault import layers
from vault.errors import JinkuError
from vault.home import Settings
from vault.layers import Vault, connect


def open_files(vault: Vault) -> list[str]:
    """Files of the vault that this process holds open."""
    below = str(vault.home.root / "vault")
    found = []
    for handle in Path("/proc/self/fd").iterdir():
        try:
            target = str(handle.readlink())
        except FileNotFoundError:
            continue
        if target.startswith(below) and target.endswith(".duckdb"):
            found.append(target)
    return found


def test_the_file_is_closed_when_the_connection_ends(tmp_path: Path) -> None:
    vault = fresh_vault(tmp_path, {})
    with connect(vault, read=("raw",)) as connection:
        connection.execute("select count(*) from raw.vault.batches").fetchall()
        assert open_files(vault)
    assert open_files(vault) == []


def test_it_is_closed_after_a_failure_and_an_open_transaction_is_undone(tmp_path: Path) -> None:
    vault = fresh_vault(tmp_path, {})
    with pytest.raises(duckdb.Error):
        _fail_within_a_transaction(vault)
    assert open_files(vault) == []
    with connect(vault, read=("raw",)) as connection:
        assert connection.execute("select count(*) from raw.vault.quarantine").fetchone() == (0,)


def _fail_within_a_transaction(vault: Vault) -> None:
    with connect(vault, write="raw") as connection:
        connection.execute("begin transaction")
        connection.execute("insert into raw.vault.quarantine values ('b', 't', 1, 'r', 'o')")
        connection.execute("select * from nowhere")


def test_a_cursor_that_was_left_open_does_not_keep_the_file(tmp_path: Path) -> None:
    vault = fresh_vault(tmp_path, {})
    with connect(vault, read=("raw",)) as connection:
        left = connection.cursor()
        left.execute("begin transaction")
        left.execute("select * from raw.vault.batches")
    assert open_files(vault) == []
    with connect(vault, write="raw") as connection:
        connection.execute("insert into raw.vault.quarantine values ('b', 't', 1, 'r', 'o')")
    assert open_files(vault) == []


def test_nothing_of_one_caller_is_seen_by_the_next(tmp_path: Path) -> None:
    vault = fresh_vault(tmp_path, {})
    with connect(vault, read=("raw",)) as connection:
        connection.execute("create temp table mine as select 1")
        connection.execute("use raw.vault")
    with connect(vault) as connection:
        assert connection.execute("select count(*) from duckdb_tables() where table_name = 'mine'").fetchone() == (0,)
        assert connection.execute("select count(*) from duckdb_databases() where not internal").fetchone() == (1,)


def test_two_callers_in_one_process_may_read_at_once(tmp_path: Path) -> None:
    vault = fresh_vault(tmp_path, {})
    with connect(vault, read=("raw",)) as first, connect(vault, read=("raw",)) as second:
        for connection in (first, second):
            assert connection.execute("select count(*) from raw.vault.batches").fetchone() == (0,)


def test_threads_that_are_the_first_to_open_a_layer_do_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No engine is there yet that one of them could take, so that each makes its own."""
    vault = fresh_vault(tmp_path, {})
    monkeypatch.setattr(layers, "_idle", [])
    threads = 8
    start = threading.Barrier(threads)

    def counted(_: int) -> int:
        start.wait(timeout=10)
        with connect(vault, read=("raw",)) as connection:
            (number,) = connection.execute("select count(*) from raw.vault.batches").fetchone() or (-1,)
            return int(number)

    for _ in range(3):
        with ThreadPoolExecutor(threads) as pool:
            assert list(pool.map(counted, range(threads))) == [0] * threads
        layers._idle.clear()


def test_a_wrong_key_is_refused(tmp_path: Path) -> None:
    vault, other = fresh_vault(tmp_path / "one", {}), fresh_vault(tmp_path / "other", {})
    shutil.copyfile(other.home.layer("raw"), vault.home.layer("raw"))
    with pytest.raises(JinkuError, match="layer_locked"), connect(vault, read=("raw",)):
        pass


def test_what_does_not_fit_the_memory_is_encrypted_on_disk_too(tmp_path: Path) -> None:
    vault = replace(fresh_vault(tmp_path, {}), settings=Settings(memory_limit="100MiB", threads=1, settle_seconds=0))
    with connect(vault, write="warehouse") as connection:
        connection.execute(
            "create temporary table many as select 'MARKED-PERSON' || i || hash(i) as text from range(6000000) as n (i)"
        )
        spilled = [file for file in (vault.home.work / "spill").rglob("*") if file.is_file()]
        assert sum(file.stat().st_size for file in spilled) > 10_000_000, "it was meant to spill"
        assert not any(b"MARKED-PERSON" in file.read_bytes() for file in spilled)
