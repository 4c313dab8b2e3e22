"""The expectation types a contract may use, as static data, and what is wrong with an expectation.

Loading definitions must stay quick, so nothing here imports Great Expectations; a test compares this
catalogue with the installed version.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import duckdb

from vault.contract import Dimension, Expectation

Kind = Literal["map", "aggregate", "table", "query"]
"""What a type counts: rows that break it (map), one figure of a column, one fact of the table, or its own SQL."""

CONDITION_ARGUMENTS = ("row_condition", "condition_parser")
RANGE_ARGUMENTS = ("min_value", "max_value", "strict_min", "strict_max")
COLUMN_ARGUMENTS = frozenset({"column", "column_A", "column_B"})
COLUMN_LIST_ARGUMENTS = frozenset({"column_list", "column_set"})
QUERY_ARGUMENTS = frozenset({"unexpected_rows_query", "base_query", "comparison_query"})
PATTERN_ARGUMENTS = frozenset({"regex", "regex_list"})
LIST_ARGUMENTS = frozenset(
    {"value_set", "regex_list", "like_pattern_list", "column_list", "column_set", "type_list", "value_pairs_set"}
)
CHOICES: Mapping[str, tuple[str, ...]] = {
    "match_on": ("any", "all"),
    "method": ("iqr", "std"),
    "condition_parser": ("great_expectations", "great_expectations__experimental__"),
}
IGNORE_ROW_IF_OF_PAIRS = ("both_values_are_missing", "either_value_is_missing", "neither")
IGNORE_ROW_IF_OF_LISTS = ("all_values_are_missing", "any_value_is_missing", "never")
TEMPORAL_TYPES = ("date", "timestamp")
TEMPORAL_BOUNDS = frozenset({"expect_column_min_to_be_between", "expect_column_max_to_be_between"})


@dataclass(frozen=True)
class ExpectationType:
    """One known type: what it counts, its arguments, and the quality dimension it speaks for.

    dimension is None where the contract must say it; refused says why a type cannot run in the database.
    """

    kind: Kind
    dimension: Dimension | None
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    refused: str | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """Every argument the type takes."""
        return self.required + self.optional


def _column_map(
    dimension: Dimension, *required: str, optional: tuple[str, ...] = (), refused: str | None = None
) -> ExpectationType:
    return ExpectationType(
        "map", dimension, ("column", *required), (*optional, "mostly", *CONDITION_ARGUMENTS), refused
    )


def _pair(dimension: Dimension, *required: str, optional: tuple[str, ...] = ()) -> ExpectationType:
    optional = (*optional, "ignore_row_if", "mostly", *CONDITION_ARGUMENTS)
    return ExpectationType("map", dimension, ("column_A", "column_B", *required), optional)


def _column_list(dimension: Dimension, *required: str) -> ExpectationType:
    optional = ("ignore_row_if", "mostly", *CONDITION_ARGUMENTS)
    return ExpectationType("map", dimension, ("column_list", *required), optional)


def _aggregate(dimension: Dimension, *required: str, optional: tuple[str, ...] = ()) -> ExpectationType:
    return ExpectationType("aggregate", dimension, ("column", *required), (*optional, *CONDITION_ARGUMENTS))


def _table(dimension: Dimension, *required: str, optional: tuple[str, ...] = ()) -> ExpectationType:
    return ExpectationType("table", dimension, required, optional)


_NO_ORDER = "rows of a table have no order"
_NO_SQL = "it has no form in SQL"

CATALOGUE: Mapping[str, ExpectationType] = {
    # form: patterns, lengths, types, code lists, the table's shape
    "expect_column_values_to_match_regex": _column_map("normativity", "regex"),
    "expect_column_values_to_not_match_regex": _column_map("normativity", "regex"),
    "expect_column_values_to_match_regex_list": _column_map("normativity", "regex_list", optional=("match_on",)),
    "expect_column_values_to_not_match_regex_list": _column_map("normativity", "regex_list"),
    "expect_column_values_to_match_like_pattern": _column_map("normativity", "like_pattern", optional=("escape",)),
    "expect_column_values_to_not_match_like_pattern": _column_map("normativity", "like_pattern", optional=("escape",)),
    "expect_column_values_to_match_like_pattern_list": _column_map(
        "normativity", "like_pattern_list", optional=("match_on", "escape")
    ),
    "expect_column_values_to_not_match_like_pattern_list": _column_map(
        "normativity", "like_pattern_list", optional=("escape",)
    ),
    "expect_column_values_to_match_strftime_format": _column_map("normativity", "strftime_format"),
    "expect_column_values_to_be_json_parseable": _column_map("normativity"),
    "expect_column_values_to_be_dateutil_parseable": _column_map("normativity", refused=_NO_SQL),
    "expect_column_values_to_match_json_schema": _column_map("normativity", "json_schema", refused=_NO_SQL),
    "expect_column_value_lengths_to_be_between": _column_map("normativity", optional=RANGE_ARGUMENTS),
    "expect_column_value_lengths_to_equal": _column_map("normativity", "value"),
    "expect_column_values_to_be_of_type": _column_map("normativity", "type_"),
    "expect_column_values_to_be_in_type_list": _column_map("normativity", "type_list"),
    "expect_column_values_to_be_in_set": _column_map("normativity", "value_set"),
    "expect_column_values_to_not_be_in_set": _column_map("normativity", "value_set"),
    "expect_column_distinct_values_to_be_in_set": _aggregate("normativity", "value_set"),
    "expect_column_distinct_values_to_contain_set": _aggregate("normativity", "value_set"),
    "expect_column_distinct_values_to_equal_set": _aggregate("normativity", "value_set"),
    "expect_column_most_common_value_to_be_in_set": _aggregate("normativity", "value_set", optional=("ties_okay",)),
    "expect_column_to_exist": _table("normativity", "column", optional=("column_index",)),
    "expect_column_type_to_be": _table("normativity", "column", "type_"),
    "expect_table_columns_to_match_ordered_list": _table("normativity", "column_list"),
    "expect_table_columns_to_match_set": _table("normativity", "column_set", optional=("exact_match",)),
    "expect_table_column_count_to_be_between": _table("normativity", optional=("min_value", "max_value")),
    "expect_table_column_count_to_equal": _table("normativity", "value"),
    # presence
    "expect_column_values_to_not_be_null": _column_map("completeness"),
    "expect_column_values_to_be_null": _column_map("completeness"),
    "expect_column_proportion_of_non_null_values_to_be_between": _aggregate("completeness", optional=RANGE_ARGUMENTS),
    "expect_table_row_count_to_be_between": _table("completeness", optional=(*RANGE_ARGUMENTS, *CONDITION_ARGUMENTS)),
    "expect_table_row_count_to_equal": _table("completeness", "value", optional=CONDITION_ARGUMENTS),
    # content
    "expect_column_values_to_be_between": _column_map("accuracy", optional=RANGE_ARGUMENTS),
    "expect_column_values_to_not_be_outliers": _column_map("accuracy", optional=("method", "multiplier")),
    "expect_column_value_z_scores_to_be_less_than": _column_map("accuracy", "threshold", "double_sided"),
    "expect_column_values_to_be_increasing": _column_map("accuracy", optional=("strictly",), refused=_NO_ORDER),
    "expect_column_values_to_be_decreasing": _column_map("accuracy", optional=("strictly",), refused=_NO_ORDER),
    "expect_column_mean_to_be_between": _aggregate("accuracy", optional=RANGE_ARGUMENTS),
    "expect_column_median_to_be_between": _aggregate("accuracy", optional=RANGE_ARGUMENTS),
    "expect_column_min_to_be_between": _aggregate("accuracy", optional=RANGE_ARGUMENTS),
    "expect_column_max_to_be_between": _aggregate("accuracy", optional=RANGE_ARGUMENTS),
    "expect_column_sum_to_be_between": _aggregate("accuracy", optional=RANGE_ARGUMENTS),
    "expect_column_stdev_to_be_between": _aggregate("accuracy", optional=RANGE_ARGUMENTS),
    "expect_column_quantile_values_to_be_between": _aggregate(
        "accuracy", "quantile_ranges", optional=("allow_relative_error",)
    ),
    "expect_column_kl_divergence_to_be_less_than": _aggregate(
        "accuracy",
        "partition_object",
        "threshold",
        optional=("internal_weight_holdout", "tail_weight_holdout", "bucketize_data", "min_value", "max_value"),
    ),
    "expect_column_values_to_be_unique": _column_map("accuracy"),
    "expect_compound_columns_to_be_unique": _column_list("accuracy"),
    "expect_select_column_values_to_be_unique_within_record": _column_list("accuracy"),
    "expect_column_proportion_of_unique_values_to_be_between": _aggregate("accuracy", optional=RANGE_ARGUMENTS),
    "expect_column_unique_value_count_to_be_between": _aggregate("accuracy", optional=RANGE_ARGUMENTS),
    # agreement
    "expect_column_pair_values_to_be_equal": _pair("consistency"),
    "expect_column_pair_values_a_to_be_greater_than_b": _pair("consistency", optional=("or_equal",)),
    "expect_column_pair_values_to_be_in_set": _pair("consistency", "value_pairs_set"),
    "expect_multicolumn_values_to_be_equal": _column_list("consistency"),
    "expect_multicolumn_sum_to_equal": _column_list("consistency", "sum_total"),
    "expect_query_results_to_match_comparison": ExpectationType(
        "query", "consistency", ("base_query", "comparison_data_source_name", "comparison_query"), ("mostly",)
    ),
    "expect_table_row_count_to_equal_other_table": _table(
        "consistency", "other_table_name", optional=CONDITION_ARGUMENTS
    ),
    "unexpected_rows_expectation": ExpectationType("query", None, ("unexpected_rows_query",)),
}

MUST_HAVE_A_BOUND = frozenset(
    name for name, known in CATALOGUE.items() if {"min_value", "max_value"} <= set(known.optional)
) - {"expect_column_kl_divergence_to_be_less_than"}


def default_dimension(expectation: Expectation, column_types: Mapping[str, str] | None = None) -> Dimension | None:
    """The dimension an expectation speaks for: its own, else the one of its type.

    column_types: logical types or the engine's, in small letters. The first and last day of a date column tell
    how current a table is, so these two count as timeliness.
    """
    if expectation.dimension is not None:
        return expectation.dimension
    if expectation.type in TEMPORAL_BOUNDS:
        type_name = (column_types or {}).get(str(expectation.arguments.get("column")), "")
        if type_name.startswith(TEMPORAL_TYPES):
            return "timeliness"
    known = CATALOGUE.get(expectation.type)
    return known.dimension if known else None


def columns_named(expectation: Expectation) -> tuple[str, ...]:
    """The columns an expectation names in its arguments, in order."""
    names: list[str] = []
    for argument, value in expectation.arguments.items():
        if argument in COLUMN_ARGUMENTS:
            names.append(str(value))
        elif argument in COLUMN_LIST_ARGUMENTS and isinstance(value, list | tuple | set):
            names.extend(str(name) for name in value)
    return tuple(dict.fromkeys(names))


def faults_of(expectation: Expectation, columns: Iterable[str] | None) -> tuple[str, ...]:
    """What is wrong with one expectation, each as a readable line; empty where nothing is.

    columns: the table's column names, None where they are not known yet (columns are then not checked).
    """
    known = CATALOGUE.get(expectation.type)
    if known is None:
        return (f"unknown type '{expectation.type}'{_nearest(expectation.type, CATALOGUE)}",)
    if known.refused:
        return (f"'{expectation.type}' cannot be evaluated in the database: {known.refused}",)
    faults = [*_argument_faults(expectation, known), *_value_faults(expectation)]
    if columns is not None:
        names = list(columns)
        faults += [
            f"{expectation.type}: no column '{name}' in the table{_nearest(name, names)}"
            for name in columns_named(expectation)
            if name not in names
        ]
    if known.dimension is None and expectation.dimension is None:
        faults.append(f"{expectation.type}: give its 'dimension', no default fits a query")
    return tuple(faults)


def _argument_faults(expectation: Expectation, known: ExpectationType) -> list[str]:
    faults = [
        f"{expectation.type}: unknown argument '{name}'{_nearest(name, known.arguments)}"
        for name in expectation.arguments
        if name not in known.arguments
    ]
    faults += [
        f"{expectation.type}: missing argument '{name}'"
        for name in known.required
        if expectation.arguments.get(name) is None
    ]
    bounds = (expectation.arguments.get("min_value"), expectation.arguments.get("max_value"))
    if expectation.type in MUST_HAVE_A_BOUND and bounds == (None, None):
        faults.append(f"{expectation.type}: give 'min_value', 'max_value' or both")
    return faults


def _value_faults(expectation: Expectation) -> list[str]:
    faults = []
    for name, value in expectation.arguments.items():
        fault = _value_fault(name, value)
        if fault:
            faults.append(f"{expectation.type}: {fault}")
    low, high = expectation.arguments.get("min_value"), expectation.arguments.get("max_value")
    if low is not None and high is not None:
        try:
            if low > high:
                faults.append(f"{expectation.type}: 'min_value' is above 'max_value'")
        except TypeError:
            faults.append(f"{expectation.type}: 'min_value' and 'max_value' cannot be compared")
    ignored = expectation.arguments.get("ignore_row_if")
    choices = IGNORE_ROW_IF_OF_PAIRS if "column_A" in expectation.arguments else IGNORE_ROW_IF_OF_LISTS
    if ignored is not None and ignored not in choices:
        faults.append(f"{expectation.type}: 'ignore_row_if' is '{ignored}'{_nearest(str(ignored), choices)}")
    return faults


def _value_fault(name: str, value: Any) -> str | None:
    """What is wrong with the value of one argument, None where nothing is."""
    if value is None:
        return None
    if name == "mostly" and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1):
        return "'mostly' must be a number from 0 to 1"
    if name in LIST_ARGUMENTS and (not isinstance(value, list | tuple | set) or not value):
        return f"'{name}' must be a list with at least one entry"
    if name in CHOICES and value not in CHOICES[name]:
        return f"'{name}' is '{value}'{_nearest(str(value), CHOICES[name])}"
    if name in PATTERN_ARGUMENTS:
        for pattern in value if name == "regex_list" else (value,):
            cause = _pattern_cause(str(pattern))
            if cause:
                return f"'{name}' does not compile: {cause}"
    if name in QUERY_ARGUMENTS:
        return _query_fault(name, str(value))
    return None


def _query_fault(name: str, query: str) -> str | None:
    """What would make a query fail whatever the data are."""
    if name == "unexpected_rows_query" and "{batch}" not in query:
        return f"'{name}' must read from {{batch}}"
    if re.search(r"[{}]", query.replace("{batch}", "").replace("{{", "").replace("}}", "")):
        return f"'{name}' has a brace that is not of {{batch}}; double it"
    parameter = re.search(r"(?<![:\w\\]):([A-Za-z_]\w*)", query)
    if parameter:
        return f"'{name}' would take ':{parameter[1]}' for a parameter; put a space behind the colon or split the text"
    return None


@cache
def _pattern_cause(pattern: str) -> str | None:
    """Why a regular expression does not compile, None where it does.

    Both engines are asked: Python's names the place of the mistake, DuckDB's (RE2) is the one that will run.
    """
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return str(error)
    try:
        _pattern_engine().execute("select regexp_matches('', ?)", [pattern])
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return None


@cache
def _pattern_engine() -> duckdb.DuckDBPyConnection:
    """One engine for all patterns: starting one takes longer than trying a hundred of them."""
    return duckdb.connect(":memory:", config={"threads": 1})


def _nearest(given: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(sorted(names))}" if len(names) <= 30 else ""
