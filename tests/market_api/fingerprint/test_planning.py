"""What of a release may carry a fingerprint."""

from decimal import Decimal
from typing import Any

import pytest

from market_api.fingerprint.planning import Plan, plan
from tests.builders import column
from tests.market_api.fingerprint.builders import READING, SENSOR, contract, datasheet

RESOLVED = {**READING, "decisionResolution": 0.8}
TYPES = {"sensor": "int64", "reading": "float64"}


def planned(*columns: dict[str, Any], rows: int = 1_000, types: dict[str, str] | None = None, **changes: Any) -> Plan:
    names = {each["name"]: (types or {}).get(each["name"], TYPES.get(each["name"], "string")) for each in columns}
    return plan(datasheet(contract(*columns, **changes), rows, names))


def reasons(found: Plan) -> dict[str, str]:
    return {each.name: each.reason for each in found.left_out}


def test_a_measure_with_a_decision_resolution_carries_marks() -> None:
    found = planned(SENSOR, RESOLVED)
    assert [(each.name, each.lattice.tolerance) for each in found.marked] == [("reading", Decimal("0.8"))]
    assert [each.name for each in found.key] == ["sensor"] and not found.is_virtual and found.not_traceable is None
    assert not found.omits_rows


def test_the_tolerances_of_a_contract_are_the_only_ones_where_it_has_any() -> None:
    other = {**RESOLVED, "name": "other"}
    found = planned(SENSOR, RESOLVED, other, types={"other": "float64"}, fingerprint={"tolerance": {"other": 5}})
    assert [(each.name, each.lattice.tolerance) for each in found.marked] == [("other", Decimal(5))]
    none = planned(SENSOR, RESOLVED, fingerprint={"tolerance": {}})
    assert not none.marked and none.not_traceable is not None
    assert planned(SENSOR, RESOLVED, fingerprint={"omitRows": False}).marked


@pytest.mark.parametrize(
    ("changes", "kind", "reason"),
    [
        ({"role": "attribute"}, "float64", "its role is attribute"),
        ({"role": "quasi_identifier"}, "float64", "its role is quasi_identifier"),
        ({"role": "identifier"}, "float64", "its role is identifier"),
        ({"role": "sensitive"}, "float64", "its role is sensitive"),
        ({"role": "target"}, "float64", "its role is target"),
        ({"eventTime": True}, "float64", "it is a time"),
        ({"primaryKey": True}, "float64", "it tells the rows apart"),
        ({"unit": "CNY"}, "float64", "it is an amount of money"),
        ({"unit": "USD/km"}, "float64", "it is an amount of money"),
        ({"unit": "元"}, "float64", "it is an amount of money"),
        ({"logicalType": "string"}, "string", "it is no number"),
        ({}, "boolean", "it is no number"),
        ({}, "map<string, int64>", "it is no number"),
        ({"decisionResolution": None}, "float64", "no tolerance is declared"),
        ({"logicalType": "integer"}, "int64", "no tolerance is declared"),
        ({"decisionResolution": 0.001}, "decimal(9, 2)", "its tolerance is below its last digit, or beyond all use"),
    ],
)
def test_a_column_that_may_not_change_carries_none(changes: dict[str, Any], kind: str, reason: str) -> None:
    found = planned(SENSOR, {**RESOLVED, **changes}, types={"reading": kind})
    assert not found.marked and reasons(found)["reading"] == reason
    assert found.not_traceable is not None


def test_an_amount_is_known_by_its_name_too() -> None:
    fare = {**RESOLVED, "name": "fare_mean"}
    assert reasons(planned(SENSOR, fare, types={"fare_mean": "float64"}))["fare_mean"] == "it is an amount of money"


def test_a_column_that_counts_subjects_is_never_marked() -> None:
    persons = column("persons", logicalType="integer", role="measure")
    changes: dict[str, Any] = {"countColumns": ["persons"], "fingerprint": {"tolerance": {"persons": 8}}}
    found = planned(SENSOR, persons, types={"persons": "int64"}, **changes)
    assert not found.marked and reasons(found)["persons"] == "it counts the subjects behind a row"


def test_a_whole_number_is_marked_where_the_contract_says_so_by_name() -> None:
    level = column("level", logicalType="integer", role="measure", decisionResolution=20)
    assert not planned(SENSOR, level, types={"level": "int32"}).marked
    assert planned(SENSOR, level, types={"level": "int32"}, fingerprint={"tolerance": {"level": 20}}).marked


@pytest.mark.parametrize("tolerance", [0, -1, "0.8", None, True, [1]])
def test_a_tolerance_that_is_no_number_above_zero_permits_nothing(tolerance: Any) -> None:
    assert not planned(SENSOR, READING, fingerprint={"tolerance": {"reading": tolerance}}).marked


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "reading", "column_B": "sensor"}),
        ("expect_multicolumn_sum_to_equal", {"column_list": ["sensor", "reading"], "sum_total": 1}),
        ("expect_column_values_to_be_in_set", {"column": "reading", "value_set": [1, 2]}),
        ("expect_column_max_to_be_between", {"column": "reading", "max_value": 900}),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "select * from {batch} where reading > 3"}),
        ("expect_column_values_to_be_between", {"column": "reading", "min_value": {"$PARAMETER": "least"}}),
    ],
)
def test_a_column_of_which_the_contract_expects_more_than_bounds_is_left_alone(
    kind: str, arguments: dict[str, Any]
) -> None:
    found = planned(SENSOR, RESOLVED, expectations=[{"type": kind, "arguments": arguments, "reason": "so it is"}])
    assert reasons(found)["reading"] == f"a mark could break {kind}"


def test_the_expectation_of_another_column_leaves_a_column_free() -> None:
    query = "select * from {batch} where readings + reading_max + old_reading > 3"
    kind = {"type": "unexpected_rows_expectation", "arguments": {"unexpected_rows_query": query}, "reason": "so it is"}
    filled = {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "reading"}, "reason": "so it is"}
    assert planned(SENSOR, RESOLVED, expectations=[kind, filled]).marked


def test_the_narrowest_bounds_hold_for_marks() -> None:
    bounds = [
        {"type": "expect_column_values_to_be_between", "arguments": {"column": "reading", **each}, "reason": "so it is"}
        for each in ({"min_value": 0}, {"min_value": -5, "max_value": 900}, {"max_value": 500.5})
    ]
    (marked,) = planned(SENSOR, RESOLVED, expectations=bounds).marked
    assert (marked.lower, marked.upper) == (0, Decimal("500.5"))


def test_fewer_than_a_thousand_rows_are_not_traceable() -> None:
    assert planned(SENSOR, RESOLVED, rows=999).not_traceable == (
        "it has 999 rows, and fewer than 1000 cannot carry a fingerprint"
    )
    assert planned(SENSOR, RESOLVED, rows=1_000).not_traceable is None


def test_the_primary_key_goes_before_the_grain() -> None:
    station = column("station", primaryKey=True)
    assert [each.name for each in planned(SENSOR, station, RESOLVED).key] == ["station"]


def test_without_an_exact_key_there_is_a_virtual_one_of_what_stays_the_same() -> None:
    place = column("place", logicalType="number", role="attribute", decisionResolution=0.01)
    drifting = column("drifting", logicalType="number", role="attribute")
    day = column("day", logicalType="date", role="timestamp")
    types = {"place": "float64", "drifting": "float64", "day": "date"}
    found = planned(place, drifting, day, RESOLVED, types=types)
    assert found.is_virtual
    assert [(each.name, each.step) for each in found.key] == [("place", Decimal("0.01")), ("day", None)]


def test_without_any_column_that_stays_the_same_nothing_is_traceable() -> None:
    place = column("place", logicalType="number", role="attribute")
    found = planned(place, RESOLVED, types={"place": "float64"})
    assert found.key == () and found.not_traceable == "it has no column by which a row is known again"


def test_rows_are_omitted_only_where_the_contract_says_so() -> None:
    kind = column("kind")
    assert not planned(SENSOR, kind).omits_rows
    assert not planned(SENSOR, kind, fingerprint={}).omits_rows
    assert not planned(SENSOR, kind, fingerprint={"omitRows": "true"}).omits_rows
    found = planned(SENSOR, kind, fingerprint={"omitRows": True})
    assert found.omits_rows and found.not_traceable is None


PERSONS = column("persons", logicalType="integer", role="measure")


@pytest.mark.parametrize(
    ("columns", "changes"),
    [
        ([SENSOR, PERSONS], {"countColumns": ["persons"]}),
        ([SENSOR, column("day", logicalType="date", role="timestamp")], {"grain": ["sensor", "day"]}),
        ([SENSOR, column("hour", logicalType="integer", eventTime=True)], {"grain": ["sensor", "hour"]}),
        ([SENSOR, column("age", role="quasi_identifier")], {}),
        ([SENSOR, column("illness", role="sensitive")], {}),
        ([SENSOR], {"subject": "enterprise"}),
        ([SENSOR], {"subject": "person"}),
    ],
)
def test_no_row_is_omitted_where_it_would_be_missed(columns: list[dict[str, Any]], changes: dict[str, Any]) -> None:
    types = {"persons": "int64", "day": "date", "hour": "int64"}
    assert not planned(*columns, types=types, fingerprint={"omitRows": True}, **changes).omits_rows


def test_more_columns_than_a_digest_has_bytes_for_are_left_out() -> None:
    many = [{**RESOLVED, "name": f"reading_{number}"} for number in range(30)]
    found = planned(SENSOR, *many, types={each["name"]: "float64" for each in many})
    assert len(found.marked) == 28
    assert reasons(found)["reading_29"] == "28 other columns carry marks"
