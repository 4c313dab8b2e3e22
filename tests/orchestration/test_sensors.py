"""The sensor on the landing zone: complete files ask for a collection once; half-written ones are left alone."""

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.city import City, found_city
from orchestration.jobs import daily_refresh
from orchestration.sensors import build_what_changed, new_sources

HEADER = "base_number,base_name,dba,dba_category\n"


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("JINKU_HOME", str(tmp_path))
    monkeypatch.setenv("JINKU_SETTLE_SECONDS", "0.3")
    return found_city().home.landing


def evaluate() -> tuple[list[dg.RunRequest], str]:
    """The run requests, or why there are none."""
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance, resources={"city": City()}) as context,
    ):
        result = new_sources(context)
    if isinstance(result, dg.SkipReason):
        return [], result.skip_message or ""
    return list(result.run_requests or []), ""


def put(landing: Path, name: str, text: str = HEADER) -> Path:
    folder = landing / "hire_bases"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_a_complete_file_asks_for_its_source(landing: Path) -> None:
    put(landing, "fhv_bases.csv")
    time.sleep(0.4)
    (request,), _ = evaluate()
    assert request.asset_selection == [dg.AssetKey(["raw", "hire_bases"])]
    assert request.tags == {"source": "hire_bases"}


def test_the_same_state_asks_under_the_same_key_and_a_replaced_file_under_another(landing: Path) -> None:
    put(landing, "fhv_bases.csv")
    time.sleep(0.4)
    (first,), (again,) = evaluate()[0], evaluate()[0]
    assert first.run_key == again.run_key
    put(landing, "fhv_bases.csv", HEADER + "B1,ONE,,\n")
    time.sleep(0.4)
    (replaced,), _ = evaluate()
    assert replaced.run_key != first.run_key


def test_a_file_that_was_just_written_is_left_alone(landing: Path) -> None:
    put(landing, "fhv_bases.csv")
    requests, why = evaluate()
    assert requests == [] and "1 still arriving" in why


def test_a_file_open_for_writing_is_left_alone(landing: Path) -> None:
    path = put(landing, "fhv_bases.csv")
    with path.open("a"):
        time.sleep(0.4)
        requests, why = evaluate()
    assert requests == [] and "1 still arriving" in why


def test_a_file_of_no_source_is_counted_and_left(landing: Path) -> None:
    (landing / "holiday.jpg").write_bytes(b"\xff\xd8")
    time.sleep(0.4)
    requests, why = evaluate()
    assert requests == [] and "1 of no known source" in why
    assert (landing / "holiday.jpg").exists()


def test_schedule_and_automation_are_on_from_the_start() -> None:
    assert daily_refresh.default_status == dg.DefaultScheduleStatus.RUNNING
    assert new_sources.default_status == dg.DefaultSensorStatus.RUNNING
    assert build_what_changed.default_status == dg.DefaultSensorStatus.RUNNING
