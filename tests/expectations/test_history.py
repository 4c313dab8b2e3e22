"""The quality history: rows are added and read back as they were, by several processes, quickly."""

import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from expectations.history import FILE_NAME, latest, latest_of_all, open_history, record, trend, trends
from expectations.results import ExpectationResult, RowReference
from expectations.vector import QualityVector
from expectations.waivers import Waiver
from pricing.quality import DIMENSIONS
from tests.builders import NOON, PROJECT
from vault.errors import JinkuError

RESULT = ExpectationResult(
    run_id="run-1", asset="base/readings", batch_hash="ab", expectation_id="0123", type="expect_column_to_exist",
    columns=("id", "word"), dimension="normativity", severity="critical", weight=1.0, element_count=10,
    missing_count=None, unexpected_count=2, table_rows=10, rate=0.8, status="failed", seconds=0.1, cause=None,
    row_references=(RowReference("ab", 3), RowReference("cd", 4)), observed="7",
)  # fmt: skip
WAIVER = Waiver(asset="base/readings", dimension="timeliness", reason="static", who="Li", until=date(2027, 1, 1))
SCORES = dict.fromkeys(DIMENSIONS, 0.9)
VECTOR = QualityVector("vector", "standard-2026q4", {**SCORES, "timeliness": None}, 0.81, (WAIVER,))


def test_what_is_recorded_is_read_back(tmp_path: Path) -> None:
    engine = open_history(tmp_path)
    errors = replace(RESULT, status="error", rate=0.0, cause="the table has no column 'id'", row_references=())
    number = record(engine, "base/readings", "run-1", NOON, [RESULT, errors], VECTOR)
    found = latest(open_history(tmp_path), "base/readings")
    assert found is not None
    assert found.results == (RESULT, errors)
    assert found.vector == VECTOR
    assert (found.evaluation_id, found.run_id, found.evaluated_at, found.gate_closed) == (number, "run-1", NOON, True)
    assert latest(engine, "base/other") is None


def test_an_attempt_without_results_is_kept_too(tmp_path: Path) -> None:
    engine = open_history(tmp_path)
    record(engine, "base/readings", "run-1", NOON, [])
    found = latest(engine, "base/readings")
    assert found is not None and found.results == () and found.vector is None


def test_the_later_attempt_of_a_run_counts_and_both_are_kept(tmp_path: Path) -> None:
    engine = open_history(tmp_path)
    record(engine, "base/readings", "run-1", NOON, [RESULT], VECTOR)
    record(engine, "base/readings", "run-1", NOON, [replace(RESULT, status="passed", rate=1.0)], VECTOR)
    assert [point.gate_closed for point in trend(engine, "base/readings")] == [True, False]
    found = latest(engine, "base/readings")
    assert found is not None and found.results[0].status == "passed"


def test_results_of_another_table_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    engine = open_history(tmp_path)
    with pytest.raises(ValueError, match="another asset"):
        record(engine, "base/other", "run-1", NOON, [RESULT])
    with pytest.raises(ValueError, match="without a zone"):
        record(engine, "base/readings", "run-1", datetime(2026, 1, 1), [RESULT])
    assert latest_of_all(engine) == {}


def test_rows_are_never_changed_or_removed(tmp_path: Path) -> None:
    record(open_history(tmp_path), "base/readings", "run-1", NOON, [RESULT], VECTOR)
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        for table in ("evaluations", "results", "vectors", "waivers_applied"):
            for statement in (f"delete from {table}", f"update {table} set evaluation_id = 7"):
                with pytest.raises(sqlite3.IntegrityError, match="never changed"):
                    connection.execute(statement)
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    program = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.expectations.test_history import NOON, RESULT, VECTOR, open_history, record
engine = open_history(Path(sys.argv[1]))
for number in range(50):
    run = f"{sys.argv[2]}-{number}"
    record(engine, "base/readings", run, NOON, [replace(RESULT, run_id=run)], VECTOR)
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name], cwd=PROJECT, stderr=subprocess.PIPE)
        for name in ("one", "two")
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors.decode()
    points = trend(open_history(tmp_path), "base/readings")
    assert len({point.run_id for point in points}) == 100


def test_a_thousand_runs_are_read_back(tmp_path: Path) -> None:
    engine = open_history(tmp_path)
    assets = [f"base/readings{number}" for number in range(5)]
    for run in range(1000):
        moment = NOON + timedelta(hours=run)
        asset = assets[run % 5]
        record(engine, asset, "run-1", moment, [replace(RESULT, asset=asset)] * 12, VECTOR)
    points, last = trends(engine), latest_of_all(engine)
    assert [len(points[asset]) for asset in assets] == [200] * 5
    assert len(last) == 5 and all(len(each.results) == 12 for each in last.values())
    assert points["base/readings0"][-1].evaluated_at == NOON + timedelta(hours=995)
    assert [len(each) for each in trends(engine, length=10).values()] == [10] * 5


def test_times_are_kept_in_one_zone(tmp_path: Path) -> None:
    from datetime import timezone

    engine = open_history(tmp_path)
    local = datetime(2026, 11, 24, 20, tzinfo=timezone(timedelta(hours=8)))
    record(engine, "base/readings", "run-1", local, [RESULT])
    found = latest(engine, "base/readings")
    assert found is not None and found.evaluated_at == NOON and found.evaluated_at.tzinfo == UTC


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(JinkuError, match="history_unwritable"):
        open_history(tmp_path / "taken")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / FILE_NAME).write_bytes(b"this is no database" * 100)
    with pytest.raises(JinkuError, match="history_unwritable"):
        open_history(tmp_path / "bad")
    assert stat.S_ISREG((tmp_path / "taken").stat().st_mode)
