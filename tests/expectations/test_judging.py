"""A table judged: results first on record, then scored and shown; what could not be read is an attempt too."""

from dataclasses import replace
from pathlib import Path

import pytest

from expectations.history import latest, open_history, trend
from expectations.judging import Rules, Run, Subject, judge, results_of, results_of_unreadable, write_pages_of_run
from expectations.vector import PlatformMetrics
from expectations.weights import beta_set
from tests.builders import NOON
from tests.expectations.tables import expect, table, warehouse

SUITE = (
    expect("expect_column_values_to_not_be_null", column="id", severity="critical"),
    expect("expect_column_values_to_be_between", column="id", max_value=3, severity="info"),
)
SUBJECT = Subject(table(), SUITE, "Readings", "team:water", "Readings of meters.")
PLATFORM = PlatformMetrics(3, 4, 1, 1, 2, 2)
RULES = Rules(beta_set(), ())
RUN = Run("run-1", NOON)


def test_a_table_that_cannot_be_opened_is_an_attempt_on_record_and_closes_its_gate(tmp_path: Path) -> None:
    engine = open_history(tmp_path / "quality")
    results = results_of_unreadable(SUBJECT, "layer_busy: another process is writing this layer", RUN.run_id)
    judged = judge(engine, tmp_path / "reports", SUBJECT, results, PLATFORM, RULES, RUN, NOON)
    assert judged.gate_closed and judged.problem is None
    evaluation = latest(engine, "base/readings")
    assert evaluation is not None and evaluation.gate_closed
    assert [result.status for result in evaluation.results] == ["error", "error"]
    assert judged.page is not None and "another process is writing this layer" in judged.page.read_text("utf-8")


def test_no_expectation_is_no_evidence(tmp_path: Path) -> None:
    engine, nothing = open_history(tmp_path / "quality"), replace(SUBJECT, expectations=())
    assert judge(engine, tmp_path / "reports", nothing, (), PLATFORM, RULES, RUN, NOON).gate_closed


def test_what_the_platform_counted_is_on_record_with_the_score(tmp_path: Path) -> None:
    engine = open_history(tmp_path / "quality")
    with warehouse("select i as id from range(10) numbers(i)", "readings") as connection:
        results = results_of(connection, SUBJECT, RUN.run_id)
    judged = judge(engine, tmp_path / "reports", SUBJECT, results, PLATFORM, RULES, RUN, NOON)
    evaluation = latest(engine, "base/readings")
    assert evaluation is not None and evaluation.vector is not None
    assert evaluation.vector == judged.vector
    assert evaluation.vector.platform == PLATFORM
    assert evaluation.vector.scores["timeliness"] == pytest.approx(0.75)
    assert not judged.gate_closed


def test_great_expectations_puts_its_page_where_the_links_lead(tmp_path: Path) -> None:
    engine = open_history(tmp_path / "quality")
    with warehouse("select i as id from range(10) numbers(i)", "readings") as connection:
        results = results_of(connection, SUBJECT, RUN.run_id)
    judged = judge(engine, tmp_path / "reports", SUBJECT, results, PLATFORM, RULES, RUN, NOON)
    assert not judged.data_docs.exists(), "it is built once, when the run ends"
    assert write_pages_of_run(engine, tmp_path / "reports", [judged], {}, RULES, RUN, NOON) == ()
    assert judged.data_docs.is_file()
    assert (tmp_path / "reports" / "quality" / "index.html").is_file()


def test_a_report_in_the_way_is_a_problem_told_and_the_record_stands(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    engine = open_history(tmp_path / "quality")
    results = results_of_unreadable(SUBJECT, "a cause", RUN.run_id)
    judged = judge(engine, tmp_path / "reports", SUBJECT, results, PLATFORM, RULES, RUN, NOON)
    assert judged.page is None and judged.problem is not None and "report_unwritable" in judged.problem
    problems = write_pages_of_run(engine, tmp_path / "reports", [judged], {}, RULES, RUN, NOON)
    assert len(problems) == 2 and "data_docs_unwritable" in problems[1]
    assert len(trend(engine, "base/readings")) == 1
