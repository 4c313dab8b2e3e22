"""A proposed suite: what the data happen to be, marked as proposed, silent about personal columns."""

import pytest
import yaml

from expectations.catalogue import faults_of
from expectations.engine import evaluate
from expectations.profile import Proposal, as_yaml, propose
from tests.expectations.tables import MARK, RUN, table, warehouse
from vault.contract import Expectation
from vault.errors import JinkuError

TRIPS = """
select 'b' as _batch, i as _row, i as trip_id, 'Z' || i % 3 as zone_id, ['card', 'cash'][1 + i % 2] as payment,
  case when i % 50 = 0 then null else i * 0.5 end as distance_km, date '2026-01-01' + (i % 31)::int as day,
  lpad(i::varchar, 18, '0') as person_number, null::varchar as note, 2.0::double as constant
from range(100) numbers(i)
"""
COLUMNS = ("trip_id", "zone_id", "payment", "distance_km", "day", "person_number", "note", "constant")
PUBLIC = frozenset(COLUMNS) - {"person_number", "note"}


def proposed(statement: str = TRIPS, public: frozenset[str] = PUBLIC) -> tuple[Proposal, ...]:
    with warehouse(statement) as connection:
        connection.execute("create table warehouse.base.zones as select 'Z' || i as zone_id from range(9) numbers(i)")
        connection.execute("create table warehouse.base.few as select 'Z1' as zone_id")
        return propose(connection, table(public_columns=public), [table("zones"), table("few"), table()])


def of(proposals: tuple[Proposal, ...], column: str) -> dict[str, Proposal]:
    return {each.type: each for each in proposals if each.arguments.get("column") == column}


def test_types_nulls_keys_ranges_codes_and_references_are_proposed() -> None:
    found = proposed()
    assert of(found, "trip_id")["expect_column_values_to_be_unique"].severity == "critical"
    assert of(found, "trip_id")["expect_column_values_to_be_of_type"].arguments["type_"] == "BIGINT"
    assert of(found, "distance_km")["expect_column_values_to_not_be_null"].arguments["mostly"] == 0.98
    bounds = of(found, "day")["expect_column_values_to_be_between"].arguments
    assert (bounds["min_value"], bounds["max_value"]) == ("2026-01-01", "2026-01-31")
    assert of(found, "payment")["expect_column_values_to_be_in_set"].arguments["value_set"] == ["card", "cash"]
    queries = [each for each in found if each.type == "unexpected_rows_expectation"]
    assert ["base/zones" in each.reason for each in queries] == [True]  # not every zone is among the few
    assert "expect_column_values_to_be_unique" not in of(found, "zone_id")
    assert not any(each.arguments.get("column") in ("_batch", "_row") for each in found)


def test_of_a_personal_column_only_a_generic_form_is_said() -> None:
    found = of(proposed(), "person_number")
    assert set(found) == {"expect_column_values_to_be_of_type", "expect_column_values_to_not_be_null",
                          "expect_column_values_to_be_unique", "expect_column_values_to_match_regex"}  # fmt: skip
    assert found["expect_column_values_to_match_regex"].arguments["regex"] == "^[0-9]+$"


def test_a_column_is_personal_unless_said_otherwise() -> None:
    found = proposed(public=frozenset())
    kinds = {each.type for each in found}
    assert not kinds & {"expect_column_values_to_be_between", "expect_column_values_to_be_in_set"}


def test_a_rare_value_is_no_code() -> None:
    statement = f"select case when i = 0 then '{MARK}' else 'a' end as word from range(100) numbers(i)"
    found = proposed(statement, frozenset({"word"}))
    assert MARK not in repr(found)
    assert "expect_column_values_to_match_regex" in of(found, "word")


def test_the_text_is_a_suite_that_loads_marked_as_proposed_and_passes_today() -> None:
    with warehouse(TRIPS) as connection:
        subject = table(public_columns=PUBLIC)
        text = as_yaml(subject, propose(connection, subject))
        entries = yaml.safe_load(text)["expectations"]
        suite = [Expectation.model_validate(entry) for entry in entries]
        assert [fault for each in suite for fault in faults_of(each, COLUMNS)] == []
        results = evaluate(connection, subject, suite, RUN)
    assert {each.status for each in results} == {"passed"}, [each for each in results if each.status != "passed"]
    assert all(entry["reason"].startswith("PROPOSED") for entry in entries)
    assert text.startswith("# PROPOSED suite of base/readings")


def test_an_empty_table_and_one_that_is_not_there() -> None:
    found = proposed(TRIPS + " limit 0")
    assert {each.type for each in found} == {
        "expect_table_row_count_to_be_between",
        "expect_column_values_to_be_of_type",
    }
    with warehouse() as connection, pytest.raises(JinkuError, match="table_unreadable"):
        propose(connection, table("gone"))
