"""Running a named job in this process, and watching it."""

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.events import DagsterEventType

from vault.home import Home

SECONDS_BETWEEN_LOOKS = 0.1
DAGSTER_YAML = """\
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
python_logs:
  python_log_level: INFO
"""

QUIET_CONSOLE = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The event log keeps everything; the terminal shows the progress bar and the summary."""


@dataclass(frozen=True)
class AssetRun:
    """One asset of a run: rows now in it, seconds its step took, checks passed and failed."""

    layer: str
    name: str
    rows: int | None
    new_rows: int | None
    seconds: float
    checks_passed: int
    checks_failed: int


@dataclass(frozen=True)
class RunReport:
    """A finished run: whether it went well, its assets in order, and what failed, by name and cause."""

    run_id: str
    success: bool
    assets: tuple[AssetRun, ...]
    failures: tuple[str, ...]
    warnings: tuple[str, ...]


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
        result = job.execute_in_process(instance=storage, run_id=run_id, raise_on_error=False, run_config=QUIET_CONSOLE)
    return report(storage, run_id, result.success)


def report(storage: dg.DagsterInstance, run_id: str, success: bool) -> RunReport:
    """What a run did, from its event log."""
    events = [entry.dagster_event for entry in storage.all_logs(run_id) if entry.dagster_event is not None]
    rows: dict[tuple[str, str], tuple[int | None, int | None]] = {}
    steps: dict[tuple[str, str], str | None] = {}
    own_seconds: dict[tuple[str, str], float] = {}
    step_seconds: dict[str | None, float] = {}
    checks: dict[tuple[str, str], list[bool]] = {}
    failures, warnings = [], []
    for event in events:
        if event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            materialization = event.step_materialization_data.materialization
            key = (materialization.asset_key.path[0], materialization.asset_key.path[-1])
            if key[0] != "landing":
                numbers = {name: value.value for name, value in materialization.metadata.items()}
                rows[key] = (_number(numbers.get("dagster/row_count")), _number(numbers.get("new_rows")))
                steps[key] = event.step_key
                if isinstance(numbers.get("seconds"), float):
                    own_seconds[key] = numbers["seconds"]
        elif event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            key = (evaluation.asset_key.path[0], evaluation.asset_key.path[-1])
            checks.setdefault(key, []).append(evaluation.passed)
            if not evaluation.passed:
                line = f"{'/'.join(key)} {evaluation.check_name}: {_words(evaluation.metadata)}"
                (warnings if evaluation.severity == dg.AssetCheckSeverity.WARN else failures).append(line)
        elif event.event_type == DagsterEventType.STEP_SUCCESS:
            step_seconds[event.step_key] = event.step_success_data.duration_ms / 1000
        elif event.event_type == DagsterEventType.STEP_FAILURE:
            failures.append(f"{event.step_key}: {_cause(event.step_failure_data)}")
    assets = tuple(
        AssetRun(
            layer,
            name,
            counts[0],
            counts[1],
            own_seconds.get((layer, name), step_seconds.get(steps[layer, name], 0.0)),
            sum(checks.get((layer, name), [])),
            len(checks.get((layer, name), [])) - sum(checks.get((layer, name), [])),
        )
        for (layer, name), counts in rows.items()
    )
    return RunReport(run_id, success, assets, tuple(failures), tuple(warnings))


@contextmanager
def _watched(storage: dg.DagsterInstance, run_id: str, on_step: Callable[[str, bool], None]) -> Iterator[None]:
    """Calls `on_step` from a thread that follows the run's event log."""
    done = threading.Event()

    def follow() -> None:
        seen: set[tuple[str, bool]] = set()
        while True:
            is_last_look = done.wait(SECONDS_BETWEEN_LOOKS)
            for entry in storage.all_logs(
                run_id,
                of_type={DagsterEventType.STEP_START, DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE},
            ):
                event = entry.dagster_event
                if event is None or event.step_key is None:
                    continue
                mark = (event.step_key, event.event_type != DagsterEventType.STEP_START)
                if mark not in seen:
                    seen.add(mark)
                    on_step(*mark)
            if is_last_look:
                return

    watcher = threading.Thread(target=follow, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _words(metadata: object) -> str:
    if not isinstance(metadata, dict):
        return "failed"
    return "; ".join(f"{name} {value.value}" for name, value in metadata.items()) or "failed"


def _cause(failure: object) -> str:
    """The innermost cause in one line: what a person can act on, never a stack of frames."""
    words = getattr(failure, "user_failure_data", None)
    if words is not None and words.description:
        return str(words.description)
    error = getattr(failure, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    message = error.message.strip().splitlines()[0] if error is not None and error.message.strip() else "failed"
    return message.split("JinkuError: ", 1)[-1]


def log_folder(home: Home) -> Path:
    """Where the steps' own output lies."""
    return home.dagster / "storage"
