"""The data contract is one that the standard's own schema accepts, and it says what the datasheet says."""

import json
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft201909Validator, FormatChecker  # type: ignore[import-untyped]
from open_data_contract_standard.model import OpenDataContractStandard

from expectations.catalogue import CATALOGUE, default_dimension
from market_api.exports.odcs import STATUSES, odcs_contract
from market_api.exports.quality_rules import DIMENSIONS, quality_rule
from market_api.states import LISTING
from tests.market_api.exports.listings import DATASHEETS, datasheet, expecting, listing, terms
from vault.contract import Expectation
from vault.home import Home
from vault.releases.datasheet import datasheet_hash
from vault.releases.reading import read_datasheet, releases_in

SCHEMA = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
OFFICIAL = Draft201909Validator(SCHEMA, format_checker=FormatChecker())


def faults(contract: dict[str, Any]) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message}" for error in OFFICIAL.iter_errors(contract)]


def custom(contract: dict[str, Any]) -> dict[str, Any]:
    return {each["property"]: each["value"] for each in contract["customProperties"]}


def column(contract: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in contract["schema"][0]["properties"] if each["name"] == name]
    return found  # type: ignore[no-any-return]


def rules(contract: dict[str, Any]) -> list[dict[str, Any]]:
    (table,) = contract["schema"]
    return [*table["quality"], *(rule for each in table["properties"] for rule in each["quality"])]


def test_the_schema_is_the_one_of_the_version_that_is_exported() -> None:
    assert "v3.1.0" in SCHEMA["properties"]["apiVersion"]["enum"]
    assert faults({**odcs_contract(datasheet(), listing()), "apiVersion": "v9"}) != []
    assert faults({**odcs_contract(datasheet(), listing()), "surprise": 1}) != []


@pytest.mark.parametrize("path", DATASHEETS, ids=lambda path: path.stem)
@pytest.mark.parametrize("state", sorted(STATUSES))
def test_the_official_schema_and_model_accept_every_real_contract(path: Path, state: Any) -> None:
    contract = odcs_contract(datasheet(path.stem), listing(state=state))
    assert faults(json.loads(json.dumps(contract, allow_nan=False))) == []
    assert OpenDataContractStandard.model_validate(contract).id == f"urn:jinku:component:{path.stem}"


def test_every_release_of_the_city_becomes_a_contract(city: Path) -> None:
    for release in releases_in(Home(city).releases):
        document = read_datasheet(release.path)
        permitted = terms(purposes=tuple(document["contract"]["permittedUses"]))
        assert faults(odcs_contract(document, listing(terms=permitted))) == [], release.release_id


def test_every_state_of_a_listing_has_a_status() -> None:
    assert set(STATUSES) == LISTING.states


def test_fundamentals_price_and_levels_stand_where_the_standard_wants_them() -> None:
    document = datasheet()
    contract = odcs_contract(document, listing(datasheet_url="https://market.example/v1/datasheet.json"))
    assert (contract["apiVersion"], contract["kind"], contract["version"]) == ("v3.1.0", "DataContract", "1")
    assert (contract["status"], contract["domain"]) == ("active", "governance")
    assert contract["price"] == {"priceAmount": 2504.39, "priceCurrency": "CNY", "priceUnit": "licence"}
    levels = {each["property"]: each["value"] for each in contract["slaProperties"]}
    assert levels == {"frequency": 31, "generalAvailability": "2026-11-28T12:00:00Z", "endOfLife": "2028-12-31"}
    assert contract["servers"][0]["location"] == "https://market.example/v1/shares"
    assert contract["team"]["name"] == "mobility"
    assert contract["authoritativeDefinitions"][0]["url"].endswith("datasheet.json")
    assert custom(contract)["datasheetSha256"] == datasheet_hash(document)
    assert custom(contract)["seller"] == {"id": "par_07", "name": "Mobility Lab"}
    assert custom(contract)["licence"]["pulls"] == 10


def test_a_component_that_is_never_refreshed_promises_no_frequency() -> None:
    static = datasheet(change=lambda document: document["contract"].update(refreshPeriod="static"))
    assert "frequency" not in {each["property"] for each in odcs_contract(static, listing())["slaProperties"]}


def test_columns_keep_their_order_type_key_and_class() -> None:
    contract = odcs_contract(datasheet(), listing())
    assert [each["name"] for each in contract["schema"][0]["properties"]] == [
        each["name"] for each in datasheet()["contract"]["columns"]
    ]
    hour, trips = column(contract, "pickup_hour"), column(contract, "trips")
    assert (hour["primaryKey"], hour["primaryKeyPosition"], hour["required"]) == (True, 3, True)
    assert (hour["logicalType"], hour["physicalType"], hour["logicalTypeOptions"]) == (
        "integer",
        "int64",
        {"format": "i64"},
    )
    assert (trips["primaryKey"], trips["required"], trips["classification"]) == (False, False, "measure")
    assert {"property": "unit", "value": "trip"} in trips["customProperties"]
    base = column(odcs_contract(datasheet("hire_base_profile"), listing()), "base_id")
    assert (base["classification"], base["unique"], base["required"]) == ("identifier", True, True)


@pytest.mark.parametrize("path", DATASHEETS, ids=lambda path: path.stem)
def test_every_expectation_is_one_rule_with_its_reason_severity_and_dimension(path: Path) -> None:
    expectations = datasheet(path.stem)["contract"]["expectations"]
    told = rules(odcs_contract(datasheet(path.stem), listing()))
    assert sorted(each["description"] for each in told) == sorted(each["reason"] for each in expectations)
    assert {each["severity"] for each in told} <= {"error", "warning", "info"}
    assert all("dimension" in each for each in told)


def test_what_the_library_of_metrics_can_say_is_said_with_it() -> None:
    contract = odcs_contract(
        expecting(
            {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "trips", "mostly": 0.95}},
            {"type": "expect_column_values_to_be_unique", "arguments": {"column": "trips"}},
            {"type": "expect_column_values_to_be_in_set", "arguments": {"column": "trips", "value_set": [1, 2]}},
            {"type": "expect_compound_columns_to_be_unique", "arguments": {"column_list": ["zone_id", "day_type"]}},
            {"type": "expect_table_row_count_to_be_between", "arguments": {"min_value": 5}},
            {"type": "expect_table_row_count_to_be_between", "arguments": {"max_value": 9}},
            {"type": "expect_table_row_count_to_be_between", "arguments": {"min_value": 5, "max_value": 9}},
            {"type": "expect_table_row_count_to_be_between", "arguments": {"min_value": 7, "max_value": 7}},
        ),
        listing(),
    )
    assert faults(contract) == []
    nulls, unique, values = column(contract, "trips")["quality"]
    assert (nulls["metric"], nulls["mustBeLessOrEqualTo"], nulls["unit"]) == ("nullValues", 5, "percent")
    assert (unique["metric"], unique["mustBe"]) == ("duplicateValues", 0)
    assert values["arguments"] == {"validValues": [1, 2]}
    keys, least, most, between, exactly = contract["schema"][0]["quality"]
    assert keys["arguments"] == {"properties": ["zone_id", "day_type"]}
    assert (least["mustBeGreaterOrEqualTo"], most["mustBeLessOrEqualTo"]) == (5, 9)
    assert (between["mustBeBetween"], exactly["mustBe"]) == ([5, 9], 7)


@pytest.mark.parametrize(
    "expectation",
    [
        {"type": "expect_column_values_to_be_in_set", "arguments": {"column": "trips", "value_set": [1], "mostly": 0}},
        {"type": "expect_column_values_to_be_unique", "arguments": {"column": "trips", "row_condition": "trips > 1"}},
        {"type": "expect_table_row_count_to_be_between", "arguments": {"min_value": 1, "strict_min": True}},
        {"type": "unexpected_rows_expectation", "arguments": {"unexpected_rows_query": "select 1"},
         "dimension": "consistency"},
    ],
)  # fmt: skip
def test_what_a_metric_would_say_otherwise_stays_with_the_engine(expectation: dict[str, Any]) -> None:
    contract = odcs_contract(expecting(expectation), listing())
    assert faults(contract) == []
    (rule,) = rules(contract)
    assert (rule["type"], rule["engine"]) == ("custom", "greatExpectations")
    assert rule["implementation"] == {"type": expectation["type"], "kwargs": expectation["arguments"]}


def test_a_promise_is_only_what_a_critical_expectation_keeps_of_every_row() -> None:
    not_null = {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "trips"}}
    mostly = {"type": not_null["type"], "arguments": {"column": "trips", "mostly": 0.9}, "severity": "critical"}
    for expectation, kept in (({**not_null, "severity": "critical"}, True), (not_null, False), (mostly, False)):
        assert column(odcs_contract(expecting(expectation), listing()), "trips")["required"] is kept


def test_a_dimension_that_the_standard_lacks_is_kept_beside_it() -> None:
    contract = odcs_contract(
        expecting({"type": "expect_column_to_exist", "arguments": {"column": "trips"}, "dimension": "accessibility"}),
        listing(),
    )
    (rule,) = rules(contract)
    assert "dimension" not in rule and {"property": "dimension", "value": "accessibility"} in rule["customProperties"]
    assert faults(contract) == []


@pytest.mark.parametrize("name", sorted(set(CATALOGUE) - {"unexpected_rows_expectation"}))
def test_a_type_speaks_for_the_dimension_for_which_it_counts_here(name: str) -> None:
    arguments = {**{key: ["day"] for key in CATALOGUE[name].required}, "column": "day"}
    expectation = {"type": name, "arguments": arguments, "severity": "info", "weight": 1.0, "reason": "Why"}
    counted = default_dimension(Expectation.model_validate(expectation), {"day": "date"})
    expected = "uniqueness" if "unique" in name else DIMENSIONS[str(counted)]
    assert quality_rule(expectation, {"day": "date"}).document["dimension"] == expected


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "unit": st.text(),
            "conceptId": st.text(),
            "decisionResolution": st.floats(1e-9, 1e9),
            "description": st.text(),
            "role": st.sampled_from(["measure", "sensitive", "target"]),
            "logicalType": st.sampled_from(["string", "integer", "number", "boolean", "date", "timestamp"]),
        },
    ),
    st.integers(0, 10**13),
)
def test_whatever_a_contract_says_of_a_column_the_schema_accepts(changes: dict[str, Any], price_fen: int) -> None:
    document = deepcopy(datasheet())
    document["contract"]["columns"][5] |= changes
    contract = odcs_contract(document, listing(price_fen=price_fen))
    assert faults(contract) == []
    assert round(contract["price"]["priceAmount"] * 100) == price_fen


def test_a_contract_offers_no_purpose_that_the_component_does_not_permit() -> None:
    with pytest.raises(ValueError, match="not advertising"):
        odcs_contract(datasheet(), listing(terms=terms(purposes=("advertising",))))
