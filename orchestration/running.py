"""Running a named job in this process, and watching it."""

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.events import DagsterEventType
from sqlalchemy.exc import DBAPIError

from orchestration.recovery import FROM_TERMINAL
from orchestration.run_report import RunReport, report
from vault.home import Home

SECONDS_BETWEEN_LOOKS = 0.5
STEP_EVENTS = {DagsterEventType.STEP_START, DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE}
DAGSTER_YAML = """\
event_log_storage:
  module: orchestration.event_log
  class: OpenSqliteEventLogStorage
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    granularity: op
    default_limit: 1
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
python_logs:
  python_log_level: INFO
"""

QUIET_CONSOLE = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The event log keeps everything; the terminal shows the progress bar and the summary."""


def instance(home: Home) -> dg.DagsterInstance:
    """Dagster's own storage, below the home; telemetry off, one writer of the engine's files at a time."""
    settings = home.dagster / "dagster.yaml"
    if not settings.exists() or settings.read_text() != DAGSTER_YAML:
        draft = settings.with_suffix(f".{os.getpid()}")
        draft.write_text(DAGSTER_YAML)
        draft.replace(settings)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    return dg.DagsterInstance.get()


def run_job(
    job: dg.JobDefinition,
    storage: dg.DagsterInstance,
    on_step: Callable[[str, bool], None],
) -> RunReport:
    """Run a job in this process; `on_step(name, finished)` is called as steps start and end."""
    run_id = str(uuid.uuid4())
    with _watched(storage, run_id, on_step):
        result = job.execute_in_process(
            instance=storage, run_id=run_id, raise_on_error=False, run_config=QUIET_CONSOLE, tags=FROM_TERMINAL
        )
    return report(storage, run_id, result.success)


@contextmanager
def _watched(storage: dg.DagsterInstance, run_id: str, on_step: Callable[[str, bool], None]) -> Iterator[None]:
    """Calls `on_step` from a thread that follows the run's event log."""
    done = threading.Event()

    def follow() -> None:
        cursor = None
        while True:
            is_last_look = done.wait(SECONDS_BETWEEN_LOOKS)
            try:
                new = storage.get_records_for_run(run_id, cursor=cursor, of_type=STEP_EVENTS)
            except DBAPIError:  # a full disk, say: the run itself will tell; the progress bar just stands still
                return
            cursor = new.cursor
            for record in new.records:
                event = record.event_log_entry.dagster_event
                if event is not None and event.step_key is not None:
                    on_step(event.step_key, event.event_type != DagsterEventType.STEP_START)
            if is_last_look:
                return

    watcher = threading.Thread(target=follow, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
