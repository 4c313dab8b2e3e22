"""Expectations evaluated by Great Expectations in DuckDB: every kind, counts checked by hand."""

from datetime import date
from typing import Any

import duckdb
import pytest

from expectations.engine import (
    ROW_REFERENCE_COUNT,
    TableUnderTest,
    evaluate,
    failing_rows,
    has_failing_rows,
    result_of,
)
from expectations.measuring import Found
from expectations.results import Measure, RowReference, gate_is_closed
from tests.expectations.tables import RUN, evaluated, expect, one, table, warehouse
from vault.contract import Expectation

READINGS = """
select 'batch' || (i // 5) as _batch, i % 5 as _row, i as id, i % 3 as third,
  case when i % 4 = 0 then null else i * 1.5 end as litres, 'M-' || i as meter, 'M-' || i as copy,
  date '2026-01-01' + i::int as day, date '2026-01-02' + i::int as next_day, '{"a": ' || i || '}' as document,
  'AB'[1 + i % 2] as code, 10 - i as rest, 2 as two, 3 as three
from range(10) numbers(i)
"""

BAD_ROWS = "select * from {batch} where litres > 10"

# (expectation, evaluated, missing, unexpected) counted by hand on READINGS
ROW_WISE: list[tuple[Expectation, int, int | None, int]] = [
    (expect("expect_column_values_to_not_be_null", column="litres"), 10, None, 3),
    (expect("expect_column_values_to_be_null", column="litres"), 10, None, 7),
    (expect("expect_column_values_to_be_between", column="litres", min_value=2, max_value=10), 10, 3, 3),
    (expect("expect_column_values_to_be_between", column="id", min_value=3), 10, 0, 3),
    (expect("expect_column_values_to_be_between", column="id", max_value=3, strict_max=True), 10, 0, 7),
    (expect("expect_column_values_to_be_between", column="day", min_value="2026-01-04"), 10, 0, 3),
    (expect("expect_column_values_to_be_in_set", column="code", value_set=["A"]), 10, 0, 5),
    (expect("expect_column_values_to_not_be_in_set", column="code", value_set=["A"]), 10, 0, 5),
    (expect("expect_column_values_to_be_unique", column="third"), 10, 0, 10),
    (expect("expect_column_values_to_be_unique", column="id"), 10, 0, 0),
    (expect("expect_column_value_lengths_to_equal", column="meter", value=3), 10, 0, 0),
    (expect("expect_column_value_lengths_to_be_between", column="meter", min_value=4), 10, 0, 10),
    (expect("expect_column_value_z_scores_to_be_less_than", column="id", threshold=1.4, double_sided=True), 10, 0, 2),
    (expect("expect_column_values_to_not_be_outliers", column="id"), 10, 0, 0),
    (expect("expect_column_values_to_not_be_outliers", column="id", method="std", multiplier=1.0), 10, 0, 4),
    (expect("expect_column_values_to_match_strftime_format", column="day", strftime_format="%Y-%m-%d"), 10, 0, 0),
    (expect("expect_column_values_to_match_strftime_format", column="code", strftime_format="%Y"), 10, 0, 10),
    (expect("expect_column_values_to_be_json_parseable", column="document"), 10, 0, 0),
    (expect("expect_column_values_to_be_json_parseable", column="meter"), 10, 0, 10),
    (expect("expect_column_pair_values_to_be_equal", column_A="meter", column_B="copy"), 10, 0, 0),
    (expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="next_day", column_B="day"), 10, 0, 0),
    (expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="id", column_B="rest"), 10, 0, 6),
    (expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="id", column_B="rest", or_equal=True),
     10, 0, 5),
    (expect("expect_column_pair_values_to_be_in_set", column_A="two", column_B="three", value_pairs_set=[(2, 3)]),
     10, 0, 0),
    (expect("expect_compound_columns_to_be_unique", column_list=["third", "code"]), 10, 0, 8),
    (expect("expect_select_column_values_to_be_unique_within_record", column_list=["two", "third"]), 10, 0, 3),
    (expect("expect_multicolumn_sum_to_equal", column_list=["id", "rest"], sum_total=10), 10, 0, 0),
    (expect("expect_multicolumn_values_to_be_equal", column_list=["meter", "copy"]), 10, 0, 0),
    # patterns, which Great Expectations does not know on DuckDB by itself
    (expect("expect_column_values_to_match_regex", column="meter", regex="^M-[0-4]$"), 10, 0, 5),
    (expect("expect_column_values_to_match_regex", column="meter", regex="[89]"), 10, 0, 8),
    (expect("expect_column_values_to_match_regex", column="id", regex="^[0-9]$"), 10, 0, 0),
    (expect("expect_column_values_to_not_match_regex", column="meter", regex="[89]"), 10, 0, 2),
    (expect("expect_column_values_to_match_regex_list", column="meter", regex_list=["8", "9"]), 10, 0, 8),
    (expect("expect_column_values_to_match_regex_list", column="meter", regex_list=["M", "9"], match_on="all"),
     10, 0, 9),
    (expect("expect_column_values_to_not_match_regex_list", column="meter", regex_list=["8", "9"]), 10, 0, 2),
    (expect("expect_column_values_to_match_like_pattern", column="meter", like_pattern="M-_"), 10, 0, 0),
    (expect("expect_column_values_to_not_match_like_pattern", column="meter", like_pattern="%9"), 10, 0, 1),
    (expect("expect_column_values_to_match_like_pattern_list", column="meter", like_pattern_list=["%8", "%9"]),
     10, 0, 8),
    (expect("expect_column_values_to_not_match_like_pattern_list", column="meter", like_pattern_list=["%8", "%9"]),
     10, 0, 2),
]  # fmt: skip

# (expectation, holds) on READINGS
WHOLE_TABLE: list[tuple[Expectation, bool]] = [
    (expect("expect_table_row_count_to_equal", value=10), True),
    (expect("expect_table_row_count_to_be_between", min_value=11), False),
    (expect("expect_table_column_count_to_equal", value=14), True),
    (expect("expect_table_column_count_to_be_between", max_value=3), False),
    (expect("expect_table_columns_to_match_set", column_set=["id", "day"], exact_match=False), True),
    (expect("expect_table_columns_to_match_ordered_list", column_list=["id", "day"]), False),
    (expect("expect_column_to_exist", column="id"), True),
    (expect("expect_column_to_exist", column="gone"), False),
    (expect("expect_column_type_to_be", column="id", type_="BIGINT"), True),
    (expect("expect_column_values_to_be_of_type", column="day", type_="DATE"), True),
    (expect("expect_column_values_to_be_of_type", column="day", type_="BIGINT"), False),
    (expect("expect_column_values_to_be_in_type_list", column="meter", type_list=["VARCHAR", "DATE"]), True),
    (expect("expect_column_values_to_be_of_type", column="litres", type_="DECIMAL"), True),
    (expect("expect_column_mean_to_be_between", column="id", min_value=4.5, max_value=4.5), True),
    (expect("expect_column_median_to_be_between", column="id", min_value=4, max_value=5), True),
    (expect("expect_column_min_to_be_between", column="id", min_value=0, max_value=0), True),
    (expect("expect_column_max_to_be_between", column="day", max_value="2026-01-05"), False),
    (expect("expect_column_sum_to_be_between", column="id", min_value=45, max_value=45), True),
    (expect("expect_column_stdev_to_be_between", column="id", min_value=3, max_value=3.1), True),
    (expect("expect_column_quantile_values_to_be_between", column="id",
            quantile_ranges={"quantiles": [0.5], "value_ranges": [[4, 5]]}), True),
    (expect("expect_column_unique_value_count_to_be_between", column="third", min_value=3, max_value=3), True),
    (expect("expect_column_distinct_values_to_be_in_set", column="code", value_set=["A", "B", "C"]), True),
    (expect("expect_column_distinct_values_to_contain_set", column="code", value_set=["A", "C"]), False),
    (expect("expect_column_distinct_values_to_equal_set", column="code", value_set=["A", "B"]), True),
    (expect("expect_column_most_common_value_to_be_in_set", column="third", value_set=[0]), True),
    (expect("expect_column_kl_divergence_to_be_less_than", column="code",
            partition_object={"values": ["A", "B"], "weights": [0.5, 0.5]}, threshold=0.01), True),
    (expect("expect_table_row_count_to_equal_other_table", other_table_name="readings"), True),
    (expect("expect_query_results_to_match_comparison", base_query="select count(*) from readings",
            comparison_data_source_name="vault", comparison_query="select 10"), True),
]  # fmt: skip


def test_row_wise_types_count_as_by_hand() -> None:
    results = evaluated(READINGS, *(case[0] for case in ROW_WISE))
    for (expectation, evaluated_rows, missing, unexpected), result in zip(ROW_WISE, results, strict=True):
        found = (result.element_count, result.missing_count, result.unexpected_count)
        assert found == (evaluated_rows, missing, unexpected), (expectation, result.cause)
        rate = 1 - unexpected / (evaluated_rows - (missing or 0))
        assert result.rate == pytest.approx(rate)
        assert result.status == ("failed" if unexpected else "passed")
        assert len(set(result.row_references)) == unexpected, expectation


def test_types_that_judge_the_whole_column_or_table() -> None:
    results = evaluated(READINGS, *(case[0] for case in WHOLE_TABLE))
    for (expectation, holds), result in zip(WHOLE_TABLE, results, strict=True):
        assert result.status == ("passed" if holds else "failed"), (expectation, result.cause)
        assert result.rate == (1.0 if holds else 0.0)


def test_shares_are_their_own_rate() -> None:
    non_null, unique = evaluated(
        READINGS,
        expect("expect_column_proportion_of_non_null_values_to_be_between", column="litres", min_value=0.9),
        expect("expect_column_proportion_of_unique_values_to_be_between", column="third", min_value=0.6),
    )
    assert (non_null.status, non_null.rate) == ("failed", pytest.approx(0.7))
    assert (unique.status, unique.rate) == ("failed", pytest.approx(0.5))  # 0.3 of the 0.6 asked for


def test_a_query_of_ones_own_rates_the_rows_it_does_not_return() -> None:
    result = one(READINGS, expect("unexpected_rows_expectation", unexpected_rows_query=BAD_ROWS, dimension="accuracy"))
    assert (result.status, result.unexpected_count, result.rate) == ("failed", 2, pytest.approx(0.8))
    assert [(each.batch, each.row) for each in result.row_references] == [("batch1", 2), ("batch1", 4)]


def test_mostly_decides_the_status_and_not_the_rate() -> None:
    arguments: dict[str, Any] = {"column": "meter", "regex": "[0-7]$"}
    kept, broken = evaluated(
        READINGS,
        expect("expect_column_values_to_match_regex", mostly=0.8, **arguments),
        expect("expect_column_values_to_match_regex", mostly=0.9, **arguments),
    )
    assert (kept.status, broken.status) == ("passed", "failed")
    assert kept.rate == broken.rate == pytest.approx(0.8)


def test_rows_may_be_left_out_by_a_condition() -> None:
    condition = {"row_condition": 'col("id") > 6', "condition_parser": "great_expectations"}
    result = one(READINGS, expect("expect_column_values_to_be_between", column="id", max_value=8, **condition))
    assert (result.element_count, result.unexpected_count) == (3, 1)


def test_failing_rows_are_named_by_batch_and_row_up_to_a_limit() -> None:
    few, duplicates = evaluated(
        READINGS,
        expect("expect_column_values_to_be_between", column="id", min_value=2),
        expect("expect_column_values_to_be_unique", column="two"),
    )
    assert [(each.batch, each.row) for each in few.row_references] == [("batch0", 0), ("batch0", 1)]
    assert len(duplicates.row_references) == 10
    many = one(
        "select 'b' as _batch, i as _row, i as id from range(1000) numbers(i)",
        expect("expect_column_values_to_be_between", column="id", max_value=-1),
    )
    assert len(many.row_references) == ROW_REFERENCE_COUNT
    unnamed = one("select 1 as id", expect("expect_column_values_to_be_between", column="id", max_value=-1))
    assert unnamed.row_references == ()


def test_all_failing_rows_are_given_and_no_others() -> None:
    query = expect("unexpected_rows_expectation", unexpected_rows_query=BAD_ROWS, dimension="accuracy")
    with warehouse(READINGS) as connection:
        *row_wise, own = failing_rows(connection, table(), [*(case[0] for case in ROW_WISE), query])
        for (expectation, _, _, unexpected), relation in zip(ROW_WISE, row_wise, strict=True):
            found = relation.fetchall()
            assert has_failing_rows(expectation)
            assert len(found) == len(set(found)) == unexpected, expectation
        assert own.fetchall() == [("batch1", 2), ("batch1", 4)]


def test_failing_rows_have_no_limit_and_may_stay_in_the_database() -> None:
    expectation = expect("expect_column_values_to_match_regex", column="word", regex=r"^\d\.\d$")
    with warehouse("select 'b' as _batch, i as _row, i || '\\5' as word from range(1000) numbers(i)") as connection:
        connection.execute("create table memory.main.kept (_batch varchar, _row bigint)")
        (relation,) = failing_rows(connection, table(), [expectation])
        relation.insert_into("memory.main.kept")
        kept = connection.execute("select count(distinct (_batch, _row)) from memory.main.kept").fetchone()
    assert kept == (1000,)


@pytest.mark.parametrize(
    ("expectation", "cause"),
    [
        (expect("expect_column_mean_to_be_between", column="id", min_value=0), "does not fail row by row"),
        (expect("expect_column_values_to_be_of_type", column="id", type_="BIGINT"), "does not fail row by row"),
        (expect("expect_column_values_to_be_unique", column="gone"), "no column 'gone'"),
    ],
    ids=["an aggregate", "a type", "a column that is gone"],
)
def test_failing_rows_are_refused_where_there_can_be_none(expectation: Expectation, cause: str) -> None:
    with warehouse(READINGS) as connection, pytest.raises(ValueError, match=cause):
        failing_rows(connection, table(), [expectation])


def test_failing_rows_need_to_say_where_they_came_from() -> None:
    expectation = expect("expect_column_values_to_be_between", column="a", max_value=0)
    with warehouse() as connection, pytest.raises(ValueError, match="which batch and row"):
        failing_rows(connection, table(), [expectation])


@pytest.mark.parametrize(
    ("severity", "closed"), [("critical", True), ("warning", False), ("info", False)], ids=lambda each: str(each)
)
def test_only_a_critical_failure_closes_the_gate(severity: str, closed: bool) -> None:
    results = evaluated(READINGS, expect("expect_column_to_exist", column="gone", severity=severity))
    assert results[0].status == "failed"
    assert gate_is_closed(results) is closed


def test_what_cannot_be_evaluated_is_an_error_whatever_its_severity_and_the_others_go_on() -> None:
    results = evaluated(
        READINGS,
        expect("expect_column_values_to_not_be_null", column="gone", severity="info"),
        expect("expect_column_mean_to_be_between", column="meter", min_value=1, severity="info"),
        expect("expect_column_values_to_be_dateutil_parseable", column="meter"),
        expect("unexpected_rows_expectation", unexpected_rows_query="select * from {batch} wher", dimension="accuracy"),
        expect("expect_column_values_to_match_regex", column="meter", regex="("),
        expect("expect_column_values_to_not_be_null", column="id"),
    )
    assert [each.status for each in results] == [*["error"] * 5, "passed"]
    assert all(each.rate == 0 and each.cause and each.closes_gate for each in results[:5])
    assert results[0].cause == "the table has no column 'gone'"
    assert "has no form in SQL" in (results[2].cause or "")
    assert "ParserException" in (results[3].cause or "")
    assert results[5].cause is None


def test_a_value_that_breaks_a_statement_is_not_quoted() -> None:
    result = one(
        "select 'secret-name' as word",
        expect("unexpected_rows_expectation", dimension="accuracy",
               unexpected_rows_query="select * from {batch} where word::int > 0"),
    )  # fmt: skip
    assert result.status == "error"
    assert "ConversionException" in (result.cause or "")
    assert "secret" not in (result.cause or "")


def test_a_table_that_is_not_there_gives_errors_and_no_exception() -> None:
    with warehouse(READINGS) as connection:
        results = evaluate(connection, table("gone"), [expect("expect_table_row_count_to_equal", value=1)], RUN)
    assert results[0].status == "error"
    assert "cannot be read" in (results[0].cause or "")
    assert gate_is_closed(results)


def test_trouble_inside_great_expectations_is_an_error_of_each_expectation(monkeypatch: pytest.MonkeyPatch) -> None:
    from great_expectations.validator.validator import Validator

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of order: 'secret-name'")

    monkeypatch.setattr(Validator, "graph_validate", broken)
    result = one(READINGS, expect("expect_column_values_to_not_be_null", column="id"))
    assert (result.status, result.rate) == ("error", 0.0)
    assert "RuntimeError" in (result.cause or "")
    assert "secret" not in (result.cause or "")


def test_counts_that_contradict_each_other_are_an_error() -> None:
    """A table that is rewritten between two statements: neither its rate nor its rows can be believed."""
    found = Found(Measure(success=False, element_count=5, missing_count=1, unexpected_count=7), 0.1)
    expectation = expect("expect_column_values_to_be_unique", column="id")
    result = result_of(table(), expectation, found, 5, {}, RUN, (RowReference("b", 1),))
    assert (result.status, result.rate, result.row_references) == ("error", 0.0, ())
    assert "changed while it was read" in (result.cause or "")


def test_a_table_without_rows_gives_no_evidence() -> None:
    rows, null, mean, query = evaluated(
        READINGS + " limit 0",
        expect("expect_table_row_count_to_be_between", min_value=1, severity="critical"),
        expect("expect_column_values_to_not_be_null", column="id"),
        expect("expect_column_mean_to_be_between", column="id", min_value=0),
        expect("unexpected_rows_expectation", unexpected_rows_query=BAD_ROWS, dimension="accuracy"),
    )
    assert (rows.status, rows.rate) == ("failed", 0.0)
    assert [(each.status, each.rate) for each in (null, mean, query)] == [("vacuous", None)] * 3


def test_a_column_without_values_gives_no_evidence_but_misses_them_all() -> None:
    null, pattern, mean = evaluated(
        "select null::varchar as word, null::double as litres from range(3)",
        expect("expect_column_values_to_not_be_null", column="word"),
        expect("expect_column_values_to_match_regex", column="word", regex="^a"),
        expect("expect_column_mean_to_be_between", column="litres", min_value=0),
    )
    assert (null.status, null.rate, null.unexpected_count) == ("failed", 0.0, 3)
    assert [(each.status, each.rate) for each in (pattern, mean)] == [("vacuous", None)] * 2


def test_numbers_that_are_none_break_ranges_and_never_the_run() -> None:
    low, both, mean, spread = evaluated(
        "select unnest([1.0, 'nan'::double, 'inf'::double, '-inf'::double]) as litres",
        expect("expect_column_values_to_be_between", column="litres", min_value=0),
        expect("expect_column_values_to_be_between", column="litres", min_value=0, max_value=9),
        expect("expect_column_mean_to_be_between", column="litres", min_value=0, max_value=9),
        expect("expect_column_stdev_to_be_between", column="litres", min_value=0, max_value=9),
    )
    assert low.unexpected_count == 2  # not a number, and minus infinity
    assert both.unexpected_count == 3
    assert mean.rate == spread.rate == 0.0
    assert mean.status in ("failed", "error") and spread.status in ("failed", "error")


def test_long_and_odd_texts() -> None:
    statement = "select unnest([repeat('长', 10000), '', 'it''s \"quoted\" %', null]) as \"select\""
    long, regex = evaluated(
        statement,
        expect("expect_column_value_lengths_to_be_between", column="select", max_value=100),
        expect("expect_column_values_to_match_regex", column="select", regex=r"^长+$|^$|['\"%:]"),
    )
    assert (long.unexpected_count, long.missing_count) == (1, 1)
    assert regex.status == "passed"


def test_figures_are_told_of_public_columns_only() -> None:
    expectation = expect("expect_column_max_to_be_between", column="id", max_value=100)
    assert one(READINGS, expectation).observed is None
    assert one(READINGS, expectation, public=("id",)).observed == "9"
    rows = one(READINGS, expect("expect_table_row_count_to_equal", value=10))
    assert rows.observed == "10"


def test_days_as_yaml_reads_them() -> None:
    bounds = {"min_value": date(2026, 1, 4), "max_value": date(2026, 1, 6)}
    each, highest = evaluated(
        READINGS,
        expect("expect_column_values_to_be_between", column="day", **bounds),
        expect("expect_column_max_to_be_between", column="day", **bounds),
    )
    assert (each.status, each.unexpected_count) == ("failed", 7)
    assert (highest.status, highest.dimension) == ("failed", "timeliness")


def test_the_caller_keeps_its_connection_and_place() -> None:
    with warehouse(READINGS) as connection:
        connection.execute("create schema warehouse.other")
        connection.execute("use warehouse.other")
        evaluate(connection, table(), [expect("expect_column_values_to_not_be_null", column="id")], RUN)
        assert connection.execute("select current_schema()").fetchone() == ("other",)


def test_results_carry_who_what_and_when_not() -> None:
    expectation = expect("expect_column_values_to_not_be_null", column="id", severity="critical", weight=2)
    with warehouse(READINGS) as connection:
        (result,) = evaluate(connection, table(batch_hash="ab12"), [expectation], RUN)
        (again,) = evaluate(connection, table(), [expectation], "run-2")
    assert (result.run_id, result.asset, result.batch_hash) == (RUN, "base/readings", "ab12")
    assert (result.column, result.dimension, result.severity, result.weight) == ("id", "completeness", "critical", 2)
    assert result.expectation_id == again.expectation_id
    assert result.seconds > 0


def test_a_table_in_an_encrypted_layer(tmp_path: Any) -> None:
    from vault.layers import install_cryptography

    path = tmp_path / "components.duckdb"
    install_cryptography()
    with duckdb.connect(":memory:") as writer:
        writer.execute("load httpfs")
        writer.execute(f"attach '{path}' as components (encryption_key 'ab')")
        writer.execute("create schema components.components")
        writer.execute("create table components.components.zones as select 1 as zone")
    with duckdb.connect(":memory:") as reader:
        reader.execute(f"attach '{path}' as components (encryption_key 'ab', read_only)")
        zones = TableUnderTest("component/zones", "components", "components", "zones")
        (result,) = evaluate(reader, zones, [expect("expect_column_values_to_be_unique", column="zone")], RUN)
    assert result.status == "passed"
