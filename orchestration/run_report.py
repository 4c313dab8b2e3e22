"""What a run did, read from Dagster's event log: its assets, what failed and what warned."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._core.events import DagsterEvent, DagsterEventType

from orchestration.layers import RELEASES

AssetName = tuple[str, str]
NOT_RUN = ("skipped", "not run")
OUR_WORDS = re.compile(r"[a-z_]+: .+\(.+\)\. ")
"""A JinkuError as text; Dagster's own warnings only say again which steps did not run."""

SHOWN_OF_QUALITY = ("status", "cause", "evaluated", "unexpected", "observed", "report")


@dataclass(frozen=True)
class AssetRun:
    """One asset of a run: rows now in it, seconds its step took, checks that passed, warned and failed."""

    layer: str
    name: str
    rows: int | None
    new_rows: int | None
    seconds: float
    checks_passed: int
    checks_warned: int
    checks_failed: int


@dataclass(frozen=True)
class RunReport:
    """A finished run: whether it went well, its assets in order, what failed, by name and cause, and all assets that
    some check was made of."""

    run_id: str
    success: bool
    assets: tuple[AssetRun, ...]
    failures: tuple[str, ...]
    warnings: tuple[str, ...]
    judged: frozenset[AssetName] = frozenset()


def report(storage: dg.DagsterInstance, run_id: str, success: bool) -> RunReport:
    """The report of a run that has ended."""
    entries = storage.all_logs(run_id)
    events = [entry.dagster_event for entry in entries if entry.dagster_event is not None]
    said = [
        entry.user_message
        for entry in entries
        if entry.dagster_event is None and entry.level >= logging.WARNING and OUR_WORDS.match(entry.user_message)
    ]
    failed_checks, warnings = _checks_that_did_not_pass(events)
    failures = (*_failed_steps(events), *failed_checks)
    judged = frozenset(_name(evaluation.asset_key) for evaluation in _evaluations(events))
    return RunReport(run_id, success, _assets(events), failures, (*warnings, *dict.fromkeys(said)), judged)


def _assets(events: Sequence[DagsterEvent]) -> tuple[AssetRun, ...]:
    step_seconds = {
        event.step_key: event.step_success_data.duration_ms / 1000
        for event in events
        if event.event_type == DagsterEventType.STEP_SUCCESS
    }
    outcomes: dict[AssetName, list[str]] = {}
    for evaluation in _evaluations(events):
        is_warning = evaluation.severity == dg.AssetCheckSeverity.WARN
        outcome = "passed" if evaluation.passed else "warned" if is_warning else "failed"
        outcomes.setdefault(_name(evaluation.asset_key), []).append(outcome)
    assets: dict[AssetName, AssetRun] = {}
    for event in events:
        if event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            materialization = event.step_materialization_data.materialization
            name = _name(materialization.asset_key)
            if name[0] != "landing":
                figures = {key: value.value for key, value in materialization.metadata.items()}
                seconds = figures.get("seconds", step_seconds.get(event.step_key, 0.0))
                checks = outcomes.get(name, [])
                assets[name] = AssetRun(
                    *name,
                    _whole(figures.get("dagster/row_count")),
                    _whole(figures.get("new_rows")),
                    float(seconds) if isinstance(seconds, int | float) else 0.0,
                    *(checks.count(outcome) for outcome in ("passed", "warned", "failed")),
                )
    return tuple(assets.values())


def _failed_steps(events: Sequence[DagsterEvent]) -> tuple[str, ...]:
    return tuple(
        f"{event.step_key}: {_cause(event.step_failure_data)}"
        for event in events
        if event.event_type == DagsterEventType.STEP_FAILURE and not _is_closed_gate(event)
    )


def _is_closed_gate(event: DagsterEvent) -> bool:
    """Whether a step failed only because a check of its own failed, which has a line of its own."""
    error = event.step_failure_data.error
    return error is not None and error.cls_name == "DagsterAssetCheckFailedError"


def _checks_that_did_not_pass(events: Sequence[DagsterEvent]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Failed checks and warnings, each as a line; what did not run, and what only costs quality, in one line each."""
    failures: list[str] = []
    warnings: list[str] = []
    costly: list[str] = []
    not_run = 0
    for evaluation in _evaluations(events):
        figures = {key: value.value for key, value in evaluation.metadata.items()}
        asset = "/".join(_name(evaluation.asset_key))
        is_warning = evaluation.severity == dg.AssetCheckSeverity.WARN
        if evaluation.passed or evaluation.asset_key.path[0] == RELEASES:  # refusals have a table of their own
            continue
        if figures.get("status") in NOT_RUN:
            not_run += 1
        elif "quality" in figures and is_warning:
            costly.append(asset)
        else:
            line = f"{asset} {evaluation.check_name}: {_in_words(figures)}"
            (warnings if is_warning else failures).append(line)
    if not_run:
        failures.append(f"{not_run} checks could not run after that")
    if costly:
        tables = f"{len(set(costly))} tables" if len(set(costly)) > 1 else costly[0]
        warnings.append(f"{len(costly)} expectations on {tables} found rows at fault; `jinku quality` tells which")
    return tuple(failures), tuple(warnings)


def _evaluations(events: Sequence[DagsterEvent]) -> list[AssetCheckEvaluation]:
    return [
        event.asset_check_evaluation_data
        for event in events
        if event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION
    ]


def _in_words(figures: Mapping[str, object]) -> str:
    """The figures of a check in one line; of an expectation only what tells its failure, the rest is on its page."""
    shown = {key: figures[key] for key in SHOWN_OF_QUALITY if key in figures} if "quality" in figures else figures
    return "; ".join(f"{key} {value}" for key, value in shown.items()) or "failed"


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
