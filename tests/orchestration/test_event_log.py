"""Dagster's records are kept as Dagster keeps them, in fewer openings of their files."""

from pathlib import Path

import dagster as dg
import pytest

from orchestration.event_log import FILES_KEPT_OPEN, OpenSqliteEventLogStorage
from orchestration.running import instance
from tests.builders import copy_of
from vault.home import Home


@dg.asset
def number() -> int:
    return 1


@dg.asset_check(asset=number)
def is_one() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def recorded(root: Path, monkeypatch: pytest.MonkeyPatch, runs: int) -> dg.DagsterInstance:
    home = Home(root)
    home.dagster.mkdir(parents=True)
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    storage = instance(home)
    for _ in range(runs):
        assert dg.materialize([number, is_one], instance=storage).success
    return storage


def test_dagster_s_own_class_reads_what_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

    storage = recorded(tmp_path, monkeypatch, runs=2)
    ours = storage.event_log_storage
    assert isinstance(ours, OpenSqliteEventLogStorage)
    theirs = SqliteEventLogStorage(str(tmp_path / "dagster" / "history" / "runs"))
    for run in storage.get_runs():
        events = [record.dagster_event_type for record in theirs.get_logs_for_run(run.run_id)]
        assert events == [record.dagster_event_type for record in ours.get_logs_for_run(run.run_id)]
        assert len(events) > 10


def test_no_more_files_stay_open_than_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = recorded(tmp_path, monkeypatch, runs=FILES_KEPT_OPEN + 3)
    folder = tmp_path / "dagster" / "history" / "runs"
    assert 0 < len(held_open(folder)) <= FILES_KEPT_OPEN
    storage.dispose()
    assert held_open(folder) == set()


def held_open(folder: Path) -> set[str]:
    """Databases below a folder that this process holds open."""
    handles = Path("/proc/self/fd").iterdir()
    return {handle.readlink().name.split(".db")[0] for handle in handles if _leads_below(handle, folder)}


def _leads_below(handle: Path, folder: Path) -> bool:
    try:
        return str(handle.readlink()).startswith(f"{folder}/")
    except FileNotFoundError:
        return False


def test_a_copied_home_keeps_records_of_its_own(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copy_of(city, tmp_path)
    before = sorted(path.name for path in (city / "dagster" / "history" / "runs").glob("*.db"))
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    with dg.DagsterInstance.get() as storage:
        assert dg.materialize([number], instance=storage).success
    assert sorted(path.name for path in (city / "dagster" / "history" / "runs").glob("*.db")) == before
    assert len(list((home / "dagster" / "history" / "runs").glob("*.db"))) == len(before) + 1
