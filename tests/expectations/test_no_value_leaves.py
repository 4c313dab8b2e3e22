"""A marked value stands in every personal column; it must be found nowhere but in the table."""

import logging
import re
from pathlib import Path

import pytest

from expectations.data_docs import CheckedTable, publish
from expectations.engine import evaluate, public_columns
from expectations.history import FILE_NAME, open_history, record
from expectations.profile import as_yaml, propose
from tests.builders import NOON, column
from tests.expectations.tables import MARK, RUN, expect, table, warehouse
from vault.contract import PERSONAL_ROLES, Column, Expectation

PERSONAL = {f"c_{role}": role for role in sorted(PERSONAL_ROLES)}
DECLARED = tuple(
    Column.model_validate(column(name, role=role))
    for name, role in {**PERSONAL, "zone": "attribute", "trips": "measure"}.items()
)
PEOPLE = f"""
select 'batch' || (i // 10) as _batch, i % 10 as _row, 'zone' || i % 2 as zone, 4711 as trips,
  {", ".join(f"'{MARK}-{name}-' || (i // 2) as {name}" for name in PERSONAL)}
from range(40) numbers(i)
"""


def _everything(name: str) -> list[Expectation]:
    """Every way to ask about one column that fails, raises or shows a figure."""
    word = {"column": name}
    casting = f"select * from {{batch}} where {name}::int > 0"
    showing = f"select {name} as seen, * from {{batch}}"
    return [
        expect("expect_column_values_to_match_regex", regex="^[0-9]+$", **word),
        expect("expect_column_values_to_be_in_set", value_set=["a"], **word),
        expect("expect_column_values_to_be_unique", **word),
        expect("expect_column_values_to_be_null", **word),
        expect("expect_column_value_lengths_to_equal", value=3, **word),
        expect("expect_column_values_to_be_json_parseable", **word),
        expect("expect_column_max_to_be_between", max_value="A", **word),
        expect("expect_column_min_to_be_between", max_value="A", **word),
        expect("expect_column_mean_to_be_between", max_value=1, **word),
        expect("expect_column_most_common_value_to_be_in_set", value_set=["a"], **word),
        expect("expect_column_distinct_values_to_equal_set", value_set=["a"], **word),
        expect("expect_column_distinct_values_to_be_in_set", value_set=["a"], **word),
        expect("expect_column_pair_values_to_be_equal", column_A=name, column_B="zone"),
        expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="zone", column_B=name, or_equal=True),
        expect("expect_compound_columns_to_be_unique", column_list=[name, "zone"]),
        expect("expect_column_values_to_match_strftime_format", strftime_format="%Y", **word),
        expect("expect_column_values_to_be_between", min_value=1, max_value=2, **word),
        expect("unexpected_rows_expectation", unexpected_rows_query=casting, dimension="accuracy"),
        expect("unexpected_rows_expectation", unexpected_rows_query=showing, dimension="accuracy"),
        expect("expect_query_results_to_match_comparison", base_query=f"select {name} from readings",
               comparison_data_source_name="vault", comparison_query="select 'other'"),
    ]  # fmt: skip


def test_no_marked_value_is_in_results_history_pages_or_logs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    expectations = tuple(each for name in PERSONAL for each in _everything(name))
    with warehouse(PEOPLE) as connection:
        subject = table(public_columns=public_columns(DECLARED))
        results = evaluate(connection, subject, expectations, RUN)
        proposed = as_yaml(subject, propose(connection, subject))
    record(open_history(tmp_path), "base/readings", RUN, NOON, results)
    pages = publish(tmp_path / "docs", [CheckedTable("base/readings", expectations, results)], RUN, NOON)

    assert {"failed", "error"} <= {each.status for each in results}
    assert any(each.row_references for each in results)
    assert pages["base/readings"].stat().st_size > 10_000
    assert (tmp_path / FILE_NAME).stat().st_size > 0
    seen = {"results": repr(results), "proposal": proposed, "log": caplog.text, "output": "".join(capfd.readouterr())}
    seen |= {str(path): path.read_bytes().decode("utf-8", "ignore") for path in tmp_path.rglob("*") if path.is_file()}
    assert len(seen) > 10
    leaks = {place: re.findall(f".{{0,60}}{MARK[:10]}.{{0,20}}", text)[:3] for place, text in seen.items()}
    assert {place: found for place, found in leaks.items() if found} == {}


def test_the_figure_of_a_public_column_is_shown_so_that_the_search_means_something(tmp_path: Path) -> None:
    expectation = expect("expect_column_max_to_be_between", column="trips", max_value=1)
    with warehouse(PEOPLE) as connection:
        (result,) = evaluate(connection, table(public_columns=public_columns(DECLARED)), [expectation], RUN)
    pages = publish(tmp_path, [CheckedTable("base/readings", (expectation,), (result,))], RUN, NOON)
    assert result.observed == "4711"
    assert "4711" in pages["base/readings"].read_text("utf-8")
