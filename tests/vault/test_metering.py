"""The meter keeps what was used, whoever writes it and in whatever order, and nothing of it changes."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.builders import PROJECT
from vault.append_only import for_writing
from vault.errors import JinkuError
from vault.metering import (
    FILE_NAME,
    ComputeUse,
    StorageObservation,
    TableLineage,
    Task,
    metadata,
    metered,
    record,
)

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LINEAGE = TableLineage({"fare": ("raw/taps.fare",), "zone": None}, ("raw/taps.day",), ("raw/taps",))
RAW = TableLineage({"fare": ()})


def task(
    finished_at: datetime, seconds: float = 1.5, asset: str = "base/taps", lineage: TableLineage = LINEAGE
) -> Task:
    return Task("run", asset, seconds, finished_at, lineage)


def size(measured_at: datetime, size_bytes: int, asset: str = "base/taps") -> StorageObservation:
    return StorageObservation("run", asset, size_bytes, measured_at)


def test_what_is_recorded_is_read_back(tmp_path: Path) -> None:
    record(tmp_path / "new", [task(NOVEMBER)], [size(NOVEMBER, 100)])
    found = metered(tmp_path / "new", OCTOBER, DECEMBER)
    assert found.compute == (ComputeUse("base/taps", ("fare", "zone"), 1.5),)
    assert found.lineage == {"base/taps": LINEAGE} and not LINEAGE.is_resolved
    assert found.storage == (size(NOVEMBER, 100),)


def test_seconds_of_all_runs_of_the_period_are_added_and_no_others(tmp_path: Path) -> None:
    for moment in (OCTOBER - DAY, OCTOBER, NOVEMBER, DECEMBER):
        record(tmp_path, [task(moment)], [])
    assert metered(tmp_path, OCTOBER, DECEMBER).compute == (ComputeUse("base/taps", ("fare", "zone"), 3.0),)


def test_seconds_belong_to_the_columns_that_the_table_had(tmp_path: Path) -> None:
    record(tmp_path, [task(OCTOBER), task(NOVEMBER, lineage=RAW)], [])
    found = metered(tmp_path, OCTOBER, DECEMBER)
    assert [use.columns for use in found.compute] == [("fare", "zone"), ("fare",)]
    assert found.lineage == {"base/taps": RAW}, "the last one is in force"
    assert metered(tmp_path, OCTOBER, NOVEMBER).lineage == {"base/taps": LINEAGE}


def test_a_table_that_was_not_made_in_the_period_is_still_stored_and_made_of_something(tmp_path: Path) -> None:
    record(tmp_path, [task(OCTOBER)], [size(OCTOBER - DAY, 90), size(OCTOBER, 100), size(DECEMBER, 300)])
    found = metered(tmp_path, NOVEMBER, DECEMBER)
    assert found.compute == () and found.lineage == {"base/taps": LINEAGE}
    assert found.storage == (size(OCTOBER, 100),)


def test_where_the_clock_went_back_what_was_recorded_last_is_in_force(tmp_path: Path) -> None:
    record(tmp_path, [task(NOVEMBER)], [size(NOVEMBER, 100)])
    record(tmp_path, [task(NOVEMBER - DAY, lineage=RAW)], [size(NOVEMBER - DAY, 200)])
    found = metered(tmp_path, OCTOBER, DECEMBER)
    assert found.lineage == {"base/taps": RAW}
    assert [each.size_bytes for each in found.storage] == [100, 200], "in the order of their record"


def test_times_are_kept_in_utc(tmp_path: Path) -> None:
    record(tmp_path, [], [size(datetime(2026, 11, 1, 7, tzinfo=timezone(timedelta(hours=8))), 100)])
    assert metered(tmp_path, OCTOBER, DECEMBER).storage[0].measured_at == datetime(2026, 10, 31, 23, tzinfo=UTC)


def test_a_lineage_is_kept_once_however_often_its_task_runs(tmp_path: Path) -> None:
    for day in range(5):
        record(tmp_path, [task(OCTOBER + day * DAY)], [])
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        assert connection.execute("select count(*) from lineages").fetchone() == (1,)


@pytest.mark.parametrize("statement", ["update tasks set seconds = 0", "delete from storage", "delete from lineages"])
def test_nothing_on_record_can_be_changed(tmp_path: Path, statement: str) -> None:
    record(tmp_path, [task(NOVEMBER)], [size(NOVEMBER, 100)])
    with (
        sqlite3.connect(tmp_path / FILE_NAME) as connection,
        pytest.raises(sqlite3.IntegrityError, match="the meter is never changed"),
    ):
        connection.execute(statement)


def test_all_of_a_task_is_recorded_or_nothing(tmp_path: Path) -> None:
    record(tmp_path, [], [])
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("create trigger full before insert on storage begin select raise(abort, 'broken'); end")
    with pytest.raises(JinkuError, match="meter_unusable: the meter cannot be used: broken"):
        record(tmp_path, [task(NOVEMBER)], [size(NOVEMBER, 100)])
    assert metered(tmp_path, OCTOBER, DECEMBER).compute == ()


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from vault.metering import TableLineage, Task, record
for number in range(20):
    record(Path(sys.argv[1]), [Task("run", sys.argv[2], 1.0, datetime(2026, 11, 1, tzinfo=UTC), TableLineage({}))], [])
"""


def test_several_processes_write_one_meter(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "meter"), asset], cwd=PROJECT)
        for asset in ("base/a", "base/b")
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert [use.seconds for use in metered(tmp_path / "meter", OCTOBER, DECEMBER).compute] == [20.0, 20.0]


def test_reading_waits_for_no_writer(tmp_path: Path) -> None:
    record(tmp_path, [task(NOVEMBER)], [])
    with for_writing(tmp_path / FILE_NAME, metadata).begin() as connection:
        connection.exec_driver_sql("insert into lineages (asset, sha256, content) values ('base/b', '', '')")
        assert len(metered(tmp_path, OCTOBER, DECEMBER).compute) == 1


def test_a_meter_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 500)
    for use_it in (lambda: record(tmp_path, [], []), lambda: metered(tmp_path, OCTOBER, DECEMBER)):
        with pytest.raises(JinkuError, match=r"meter_unusable: .*not a database"):
            use_it()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JinkuError, match="storage: "):
        record(tmp_path / "file", [], [])


def test_nothing_metered_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(JinkuError, match=r"nothing_metered: .*make run"):
        metered(tmp_path, OCTOBER, DECEMBER)
    assert list(tmp_path.iterdir()) == [], "looking makes nothing"


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf")])
def test_seconds_that_cannot_be_are_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds of base/taps must be 0 or more"):
        task(NOVEMBER, seconds)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="size_bytes of base/taps must be 0 or more"):
        size(NOVEMBER, -1)
    for refused in (lambda: task(datetime(2026, 11, 1)), lambda: size(datetime(2026, 11, 1), 1)):
        with pytest.raises(ValueError, match="a time without a zone"):
            refused()
    with pytest.raises(ValueError, match="before it begins"):
        metered(tmp_path, DECEMBER, OCTOBER)
