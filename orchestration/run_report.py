"""What a run did, read from Dagster's event log: its assets, what failed and what warned."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType

AssetName = tuple[str, str]
NOT_RUN = ("skipped", "not run")


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


def report(storage: dg.DagsterInstance, run_id: str, success: bool) -> RunReport:
    """The report of a run that has ended."""
    events = [entry.dagster_event for entry in storage.all_logs(run_id) if entry.dagster_event is not None]
    failed_checks, warnings = _checks_that_did_not_pass(events)
    return RunReport(run_id, success, _assets(events), (*_failed_steps(events), *failed_checks), warnings)


def _assets(events: Sequence[DagsterEvent]) -> tuple[AssetRun, ...]:
    step_seconds = {
        event.step_key: event.step_success_data.duration_ms / 1000
        for event in events
        if event.event_type == DagsterEventType.STEP_SUCCESS
    }
    passed: dict[AssetName, list[bool]] = {}
    for event in events:
        if event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            passed.setdefault(_name(evaluation.asset_key), []).append(evaluation.passed)
    assets: dict[AssetName, AssetRun] = {}
    for event in events:
        if event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            materialization = event.step_materialization_data.materialization
            name = _name(materialization.asset_key)
            if name[0] != "landing":
                figures = {key: value.value for key, value in materialization.metadata.items()}
                seconds = figures.get("seconds", step_seconds.get(event.step_key, 0.0))
                checks = passed.get(name, [])
                assets[name] = AssetRun(
                    *name,
                    _whole(figures.get("dagster/row_count")),
                    _whole(figures.get("new_rows")),
                    float(seconds) if isinstance(seconds, int | float) else 0.0,
                    sum(checks),
                    len(checks) - sum(checks),
                )
    return tuple(assets.values())


def _failed_steps(events: Sequence[DagsterEvent]) -> tuple[str, ...]:
    return tuple(
        f"{event.step_key}: {_cause(event.step_failure_data)}"
        for event in events
        if event.event_type == DagsterEventType.STEP_FAILURE
    )


def _checks_that_did_not_pass(events: Sequence[DagsterEvent]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Failed checks and warnings, each as a line; those that did not run after a failure are counted in one."""
    failures, warnings, not_run = [], [], 0
    for event in events:
        if event.event_type != DagsterEventType.ASSET_CHECK_EVALUATION:
            continue
        evaluation = event.asset_check_evaluation_data
        figures = {key: value.value for key, value in evaluation.metadata.items()}
        if evaluation.passed:
            continue
        if figures.get("status") in NOT_RUN:
            not_run += 1
            continue
        words = "; ".join(f"{key} {value}" for key, value in figures.items()) or "failed"
        line = f"{'/'.join(_name(evaluation.asset_key))} {evaluation.check_name}: {words}"
        (warnings if evaluation.severity == dg.AssetCheckSeverity.WARN else failures).append(line)
    if not_run:
        failures.append(f"{not_run} checks could not run after that")
    return tuple(failures), tuple(warnings)


def _name(key: dg.AssetKey) -> AssetName:
    return key.path[0], key.path[-1]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


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
