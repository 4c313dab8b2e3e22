"""One table judged: its expectations evaluated, scored, put on record, and shown on its pages."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb
import sqlalchemy as sa

from expectations import history
from expectations.data_docs import CheckedTable, page_of, publish
from expectations.engine import TableUnderTest, evaluate, result_of
from expectations.measuring import Found
from expectations.pages import AssetReport, AssetWords, write_asset_page, write_overview_of
from expectations.results import ExpectationResult, Measure, gate_is_closed
from expectations.scoring import gains_of_columns, gains_of_expectations, quality_vector
from expectations.vector import PlatformMetrics, QualityVector
from expectations.waivers import Waiver, waivers_of
from expectations.weights import BetaSet
from vault.contract import Expectation
from vault.errors import JinkuError


@dataclass(frozen=True)
class Subject:
    """A table to judge: where it lies, what is expected of it, and the words its page needs."""

    table: TableUnderTest
    expectations: tuple[Expectation, ...]
    title: str
    owner: str
    description: str


@dataclass(frozen=True)
class Rules:
    """What every table is judged by: the weights of the dimensions, and the waivers of all assets."""

    weights: BetaSet
    waivers: tuple[Waiver, ...]


@dataclass(frozen=True)
class Run:
    """The run that tables are judged in: its id and when it started (UTC)."""

    run_id: str
    started_at: datetime


@dataclass(frozen=True)
class Judgement:
    """What came of it. data_docs: where GX's page will be once the run ends; page is None where ours could not be
    written, and problem then says why."""

    subject: Subject
    results: tuple[ExpectationResult, ...]
    vector: QualityVector
    gate_closed: bool
    data_docs: Path
    page: Path | None = None
    problem: str | None = None


def results_of(connection: duckdb.DuckDBPyConnection, subject: Subject, run_id: str) -> tuple[ExpectationResult, ...]:
    """Every expectation evaluated; what cannot be is a result of its own."""
    return evaluate(connection, subject.table, subject.expectations, run_id)


def results_of_unreadable(subject: Subject, cause: str, run_id: str) -> tuple[ExpectationResult, ...]:
    """The results where the table could not even be opened: each an error with that cause, so the gate is closed."""
    found = Found(Measure(success=None), 0.0, cause=cause)
    return tuple(result_of(subject.table, each, found, None, {}, run_id) for each in subject.expectations)


def judge(
    engine: sa.Engine,
    reports: Path,
    subject: Subject,
    results: tuple[ExpectationResult, ...],
    platform: PlatformMetrics,
    rules: Rules,
    run: Run,
    now: datetime,
) -> Judgement:
    """Score the results, record them, and write the table's page, in this order: what is on record hangs on no page.

    A page that cannot be written is a problem told in the judgement, no failure of the data.
    """
    asset = subject.table.asset
    valid = waivers_of(rules.waivers, asset, now.date())
    vector = quality_vector(results, platform, rules.weights, valid)
    history.record(engine, asset, run.run_id, now, results, vector)
    data_docs = page_of(reports, CheckedTable(asset, subject.expectations, results), run.run_id, run.started_at)
    judgement = Judgement(subject, results, vector, gate_is_closed(results) or not results, data_docs)
    try:
        return replace(judgement, page=_write_page(engine, reports, subject, platform, rules, now, data_docs))
    except JinkuError as error:
        return replace(judgement, problem=str(error))


def write_pages_of_run(
    engine: sa.Engine,
    reports: Path,
    judgements: Sequence[Judgement],
    words: Mapping[str, AssetWords],
    rules: Rules,
    run: Run,
    now: datetime,
) -> tuple[str, ...]:
    """The overview, and Great Expectations' own pages of the tables judged in a run; gives what could not be written.

    words: what the contracts say of all tables. Once for a run: GX reads all its pages again to write its index.
    """
    checked = [CheckedTable(each.subject.table.asset, each.subject.expectations, each.results) for each in judgements]
    problems = []
    for write in (
        lambda: write_overview_of(engine, reports, rules, now, words),
        lambda: publish(reports, checked, run.run_id, run.started_at),
    ):
        try:
            write()
        except JinkuError as error:
            problems.append(str(error))
    return tuple(problems)


def _write_page(
    engine: sa.Engine,
    reports: Path,
    subject: Subject,
    platform: PlatformMetrics,
    rules: Rules,
    now: datetime,
    data_docs: Path,
) -> Path:
    asset = subject.table.asset
    evaluation = history.latest(engine, asset)
    assert evaluation is not None
    valid = waivers_of(rules.waivers, asset, now.date())
    report = AssetReport(
        asset=asset,
        title=subject.title,
        owner=subject.owner,
        description=subject.description,
        evaluation=evaluation,
        expectations=subject.expectations,
        trend=history.trend(engine, asset),
        expectation_gains=gains_of_expectations(evaluation.results, platform, rules.weights, valid),
        column_gains=gains_of_columns(evaluation.results, platform, rules.weights, valid),
        platform=platform,
        waivers=tuple(waiver for waiver in rules.waivers if waiver.asset == asset),
        weights=rules.weights,
        data_docs_link=os.path.relpath(data_docs, (reports / "quality" / asset).parent),
    )
    return write_asset_page(reports, report, now.date())
