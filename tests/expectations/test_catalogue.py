"""The catalogue of expectation types: what it accepts, what it refuses, and that it is the installed version's."""

import subprocess
import sys
from typing import Any

import pytest

from expectations.catalogue import (
    CATALOGUE,
    CHOICES,
    CONDITION_ARGUMENTS,
    IGNORE_ROW_IF_OF_LISTS,
    IGNORE_ROW_IF_OF_PAIRS,
    default_dimension,
    faults_of,
)
from tests.builders import PROJECT
from tests.expectations.tables import expect
from vault.contract import Dimension, Expectation

COLUMNS = ("zone_id", "trips", "day")
COMMON = frozenset({"id", "meta", "notes", "result_format", "catch_exceptions", "rendered_content", "severity",
                    "windows", "batch_id", "description", "domain"})  # fmt: skip
"""What every type of GX has, and a contract says in its own words or not at all."""

QUICK = ("expectations.catalogue", "expectations.results", "expectations.history", "expectations.vector",
         "expectations.engine", "expectations.measuring", "expectations.data_docs", "expectations.profile",
         "expectations.weights", "expectations.waivers", "expectations.scoring", "expectations.spark")  # fmt: skip


def test_the_catalogue_is_that_of_the_installed_version() -> None:
    from great_expectations.expectations import core
    from great_expectations.expectations.registry import get_expectation_impl

    installed = {each.expectation_type for each in _types_of(core)} - {""}
    assert installed == set(CATALOGUE)
    for name, known in CATALOGUE.items():
        fields = get_expectation_impl(name).__fields__
        arguments = set(fields) - COMMON
        assert set(known.arguments) - set(CONDITION_ARGUMENTS) <= arguments, name
        required = {field for field in arguments if fields[field].required}
        assert required <= set(known.required), name


def _types_of(core: object) -> list[Any]:
    from great_expectations.expectations.expectation import Expectation as GreatExpectation

    found = (getattr(core, name) for name in dir(core))
    return [each for each in found if isinstance(each, type) and issubclass(each, GreatExpectation)]


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (expect("expect_column_values_to_be_betwen"), "did you mean 'expect_column_values_to_be_between'"),
        (expect("expect_column_values_to_be_between", column="trips", min_valeu=1), "did you mean 'min_value'"),
        (expect("expect_column_values_to_be_between", column="trips"), "give 'min_value', 'max_value' or both"),
        (expect("expect_column_values_to_be_between", column="trips", min_value=2, max_value=1), "above 'max_value'"),
        (expect("expect_column_values_to_be_in_set", column="zone_id"), "missing argument 'value_set'"),
        (expect("expect_column_values_to_be_in_set", column="zone_id", value_set=[]), "at least one entry"),
        (expect("expect_column_values_to_be_in_set", column="zone_id", value_set="A"), "must be a list"),
        (expect("expect_column_values_to_not_be_null", column="zone"), "no column 'zone' in the table; did you mean"),
        (expect("expect_column_values_to_not_be_null", column="trips", mostly=1.2), "a number from 0 to 1"),
        (expect("expect_column_values_to_not_be_null", column="trips", mostly=True), "a number from 0 to 1"),
        (expect("expect_column_values_to_match_regex", column="zone_id", regex="(a"), "does not compile"),
        (expect("expect_column_values_to_match_regex", column="zone_id", regex="(?=a)"), "does not compile"),
        (expect("expect_column_values_to_match_regex_list", column="zone_id", regex_list=["a", "["]), "not compile"),
        (expect("expect_column_values_to_match_regex_list", column="zone_id", regex_list=["a"], match_on="al"),
         "'all'"),
        (expect("expect_column_values_to_be_increasing", column="trips"), "rows of a table have no order"),
        (expect("expect_column_values_to_match_json_schema", column="zone_id", json_schema={}), "no form in SQL"),
        (expect("unexpected_rows_expectation", unexpected_rows_query="select * from {batch}"), "give its 'dimension'"),
        (expect("unexpected_rows_expectation", unexpected_rows_query="select 1", dimension="accuracy"), "{batch}"),
        (expect("expect_compound_columns_to_be_unique", column_list=["trips", "gone"]), "no column 'gone'"),
        (expect("expect_column_pair_values_to_be_equal", column_A="trips", column_B="gone"), "no column 'gone'"),
        (expect("expect_column_pair_values_to_be_equal", column_A="trips", column_B="day",
                ignore_row_if="never"), "'ignore_row_if' is 'never'"),
    ],
    ids=lambda each: each.type if isinstance(each, Expectation) else "",
)  # fmt: skip
def test_a_wrong_expectation_is_told_in_words(expectation: Expectation, said: str) -> None:
    assert any(said in fault for fault in faults_of(expectation, COLUMNS)), faults_of(expectation, COLUMNS)


def test_a_right_expectation_has_no_faults_and_unknown_columns_are_not_checked() -> None:
    fine = expect("expect_column_values_to_be_between", column="trips", min_value=0, max_value=9, mostly=0.9)
    assert faults_of(fine, COLUMNS) == ()
    assert faults_of(expect("expect_column_values_to_not_be_null", column="gone"), None) == ()


@pytest.mark.parametrize(
    ("expectation", "types", "dimension"),
    [
        (expect("expect_column_values_to_match_regex", column="a", regex="a"), {}, "normativity"),
        (expect("expect_column_values_to_not_be_null", column="a"), {}, "completeness"),
        (expect("expect_column_values_to_be_unique", column="a"), {}, "accuracy"),
        (expect("expect_column_pair_values_to_be_equal", column_A="a", column_B="b"), {}, "consistency"),
        (expect("expect_column_max_to_be_between", column="a", min_value=1), {"a": "bigint"}, "accuracy"),
        (expect("expect_column_max_to_be_between", column="a", min_value="2026"), {"a": "timestamp with time zone"},
         "timeliness"),
        (expect("expect_column_values_to_be_unique", column="a", dimension="consistency"), {}, "consistency"),
        (expect("unexpected_rows_expectation", unexpected_rows_query="{batch}"), {}, None),
    ],
)  # fmt: skip
def test_each_type_has_its_dimension(
    expectation: Expectation, types: dict[str, str], dimension: Dimension | None
) -> None:
    assert default_dimension(expectation, types) == dimension


def test_choices_are_those_of_the_installed_version() -> None:
    from great_expectations.expectations.registry import get_expectation_impl

    for name, choices in (("expect_column_pair_values_to_be_equal", IGNORE_ROW_IF_OF_PAIRS),
                          ("expect_compound_columns_to_be_unique", IGNORE_ROW_IF_OF_LISTS)):  # fmt: skip
        schema = get_expectation_impl(name).schema_json()
        assert all(f'"{choice}"' in schema for choice in choices), name
    assert CHOICES["match_on"] == ("any", "all")


def test_no_module_imports_great_expectations_before_it_is_needed() -> None:
    """The import alone takes seconds, and loading definitions must stay quick."""
    program = f"import sys, {', '.join(QUICK)}; print('great_expectations' in sys.modules, 'pyspark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "False"], done.stderr
