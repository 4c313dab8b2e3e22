"""Running a named job in this process, and watching it."""

import os
import uuid
from collections.abc import Callable

import dagster as dg
from dagster._core.events import DagsterEventType

from orchestration.recovery import FROM_TERMINAL
from orchestration.run_report import RunReport, report
from vault.home import Home

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

    def on_event(entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is not None and event.step_key is not None and event.event_type in STEP_EVENTS:
            on_step(event.step_key, event.event_type != DagsterEventType.STEP_START)

    storage.add_event_listener(run_id, on_event)
    result = job.execute_in_process(
        instance=storage, run_id=run_id, raise_on_error=False, run_config=QUIET_CONSOLE, tags=FROM_TERMINAL
    )
    return report(storage, run_id, result.success)
