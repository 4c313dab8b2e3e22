"""The instruments that judge the suites, tried where the answer is known by hand."""

from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import faults_of
from expectations.engine import evaluate
from tests.cleaning.accuracy import Accuracy
from tests.cleaning.flagging import FLAGGED, flag, prepare_flagged
from tests.cleaning.ranking import Point, rank_correlation
from tests.cleaning.report import with_section
from tests.cleaning.suites import PAIRS, Rule, load_suite
from tests.expectations.tables import RUN, expect, table, warehouse

METERS = """
select * from (values ('b', 1, 'M-1', 'Ost'), ('b', 2, 'M-1', 'Ost'), ('b', 3, 'M-1', 'West'), ('b', 4, 'X-2', 'Nord'))
as meters(_batch, _row, meter, district)
"""
MINORITY = (
    "select * from {batch} "
    "qualify 2 * count(*) over (partition by meter, district) < count(*) over (partition by meter)"
)


def test_precision_recall_and_f1() -> None:
    found = Accuracy("all", wrong=10, flagged=8, found=6)
    assert (found.precision, found.recall) == (0.75, 0.6)
    assert found.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    nothing = Accuracy("all", wrong=0, flagged=0, found=0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)


@pytest.mark.parametrize(
    ("qualities", "expected"),
    [
        ((0.1, 0.2, 0.3, 0.4), 1.0),
        ((0.4, 0.3, 0.2, 0.1), -1.0),
        ((0.1, 0.3, 0.2, 0.4), 0.8),  # 1 - 6 · (1 + 1) / (4 · 15)
        ((0.1, 0.2, 0.2, 0.4), 0.9486832980505138),  # ranks 1, 2.5, 2.5, 4
        ((0.1, 0.1 + 1e-16, 0.1, 0.1), None),
    ],
    ids=["same order", "reverse", "one exchange", "a tie", "no order"],
)
def test_rank_correlation_as_by_hand(qualities: tuple[float, ...], expected: float | None) -> None:
    points = [Point(share, quality) for share, quality in zip((0.2, 0.4, 0.6, 0.8), qualities, strict=True)]
    assert rank_correlation(points) == (None if expected is None else pytest.approx(expected))


def test_flagged_cells_are_those_of_failing_rows_in_the_columns_a_rule_blames() -> None:
    rules = [
        Rule(expectation=expect("expect_column_values_to_match_regex", column="meter", regex=r"^M-\d$")),
        Rule(
            expectation=expect("unexpected_rows_expectation", unexpected_rows_query=MINORITY, dimension="consistency"),
            blames=("district",),
        ),
        Rule(expectation=expect("expect_column_values_to_not_be_null", column="meter")),
        Rule(expectation=expect("expect_table_row_count_to_be_between", max_value=3)),
    ]
    with warehouse(METERS) as connection:
        results = evaluate(connection, table(), [rule.expectation for rule in rules], RUN)
        prepare_flagged(connection)
        flag(connection, table(), rules, results)
        cells = connection.execute(
            f'select rule, dimension, "column", _batch, _row from {FLAGGED} order by 1'
        ).fetchall()
    assert cells == [(0, "normativity", "meter", "b", 4), (1, "consistency", "district", "b", 3)]


@pytest.mark.parametrize("name", PAIRS)
def test_every_rule_fits_its_contract_and_blames_a_column(name: str) -> None:
    suite = load_suite(name)
    columns = {column.name for column in suite.source.columns}
    for rule in suite.rules:
        assert faults_of(rule.expectation, columns) == ()
        assert rule.columns and set(rule.columns) <= columns, rule.expectation.reason


def test_no_suite_reads_anything_but_the_table_it_judges() -> None:
    for name in PAIRS:
        for rule in load_suite(name).rules:
            query = str(rule.expectation.arguments.get("unexpected_rows_query", "select * from {batch}"))
            with duckdb.connect() as engine:
                assert engine.get_table_names(query.replace("{batch}", "judged")) == {"judged"}


def test_a_section_of_the_page_is_written_anew_and_the_rest_stays() -> None:
    begin = "<!-- begin pairs: written by python -m tests.cleaning.measure -->"
    page = f"before\n{begin}\nold\n<!-- end pairs -->\nafter\n"
    written = with_section(page, "pairs", "| new \\1 |")
    assert written == f"before\n{begin}\n\n| new \\1 |\n\n<!-- end pairs -->\nafter\n"
    assert with_section(written, "pairs", "| new \\1 |") == written
    with pytest.raises(ValueError, match="no section 'city'"):
        with_section(page, "city", "")


def test_no_file_of_the_pairs_lies_in_the_project() -> None:
    assert not list(Path(__file__).parent.rglob("*.csv"))
