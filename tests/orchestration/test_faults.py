"""Killed, out of space, not allowed to write: nothing is lost, nothing is doubled, and one line says why."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import (
    PROJECT,
    SMALL,
    copy_of,
    jinku,
    jinku_command,
    jinku_environment,
    opened,
    project_copy,
    rows,
)

pytestmark = pytest.mark.faults

ACCOUNTS = """
    select table_name, sum(received), sum(loaded), sum(quarantined), count(*)
    from raw.vault.batch_tables
    group by table_name
    order by table_name
"""
MOMENTS: dict[str, Callable[[Path], bool]] = {
    "while files land": lambda home: any((home / "landing").glob("*/*")),
    "while bytes are kept": lambda home: any((home / "vault" / "received").glob("*/*")),
    "while rows are collected": lambda home: len(list((home / "vault" / "received").glob("*/*"))) > 20,
    "while base is built": lambda home: _size(home, "warehouse") > 2_000_000,
    "while components are built": lambda home: _size(home, "components") > 500_000,
}


def _size(home: Path, layer: str) -> int:
    files = (home / "vault" / f"{layer}.duckdb", home / "vault" / f"{layer}.duckdb.wal")
    return sum(file.stat().st_size for file in files if file.exists())


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_the_next_run_finishes(city: Path, tmp_path: Path, moment: str) -> None:
    home = tmp_path / "home"
    _run_and_kill(home, MOMENTS[moment])
    finished = jinku(home, "run", *SMALL)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert rows(opened(home), ACCOUNTS) == rows(opened(city), ACCOUNTS)
    for table in ("base.taxi_trips", "base.clinic_visits", "resource.visit", "base.residents"):
        counted = f"select count(*) from warehouse.{table}"
        assert rows(opened(home), counted, "warehouse") == rows(opened(city), counted, "warehouse"), table
    assert list((home / "landing").glob("*/*")) == []


def _run_and_kill(home: Path, reached: Callable[[Path], bool]) -> None:
    process = subprocess.Popen(
        jinku_command("run", *SMALL),
        cwd=PROJECT,
        env=jinku_environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not reached(home) and process.poll() is None:
        time.sleep(0.02)
    assert process.poll() is None, "the run ended before the moment came"
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_failing_model_is_named_and_quotes_no_value(city: Path, tmp_path: Path) -> None:
    project, home = project_copy(tmp_path / "project"), copy_of(city, tmp_path)
    model = project / "dbt_project" / "models" / "base" / "residents.sql"
    model.write_text(model.read_text().replace("{{ as_integer('household_size') }}", "cast(name as integer)"))
    run = jinku(home, "run", *SMALL, project=project)
    assert run.returncode == 1
    assert "build_base: residents failed: Conversion Error: Could not convert string …" in run.stdout
    names = [name for (name,) in rows(opened(home), "select distinct trim(name) from raw.raw.residents") if name]
    assert len(names) > 100
    written = b"".join(file.read_bytes() for file in (home / "dagster").rglob("*") if file.is_file())
    written += b"".join(file.read_bytes() for file in (home / "dbt" / "logs").rglob("*") if file.is_file())
    said = (run.stdout + run.stderr).encode() + written
    for name in names:
        assert name.encode() not in said and json.dumps(name).strip('"').encode() not in said


def test_a_home_that_may_not_be_written_is_one_clear_line(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    run = _run_on_disk(home, "ro") if os.geteuid() == 0 else jinku(home / "jinku", "run", *SMALL)
    assert run.returncode == 1
    assert run.stderr.strip().startswith("error home_unwritable")
    assert len(run.stderr.strip().splitlines()) == 1 and "Traceback" not in run.stdout


def test_a_full_disk_is_one_clear_line_and_what_was_collected_stays(tmp_path: Path) -> None:
    outside = tmp_path / "after"
    run = _run_on_disk(tmp_path / "disk", "size=24m", kept_as=outside)
    assert run.returncode == 1, run.stdout
    assert "Traceback" not in run.stdout + run.stderr
    assert "disk_full" in run.stdout + run.stderr, run.stdout + run.stderr
    finished = jinku(outside, "run", *SMALL)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "all built" in finished.stdout


def _run_on_disk(disk: Path, options: str, kept_as: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`jinku run` with its home on a small disk of its own, mounted for this process alone."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here, so no disk was full or read-only")
    disk.mkdir(exist_ok=True)
    command = " ".join(jinku_command("run", *SMALL))
    copied = f"cp -a {disk}/home {kept_as};" if kept_as else ""
    script = f"mount -t tmpfs -o {options} tmpfs {disk} && {command}; status=$?; {copied} exit $status"
    environment = jinku_environment(disk / "home")
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
