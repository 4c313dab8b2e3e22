"""Expectations in words: 'cost_yuan is between 0 and 500' for a type and its arguments."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from markupsafe import Markup

from expectations.catalogue import columns_named
from expectations.pages_format import breakable
from expectations.results import ExpectationResult, expectation_id
from vault.contract import Expectation

LONGEST_VALUE = 160
MOST_ENTRIES = 8
SENTENCES: Mapping[str, str] = {
    "expect_column_values_to_match_regex": "{column} matches {regex}",
    "expect_column_values_to_not_match_regex": "{column} does not match {regex}",
    "expect_column_values_to_match_regex_list": "{column} matches {regex_list}",
    "expect_column_values_to_not_match_regex_list": "{column} matches none of {regex_list}",
    "expect_column_values_to_match_like_pattern": "{column} is like {like_pattern}",
    "expect_column_values_to_not_match_like_pattern": "{column} is not like {like_pattern}",
    "expect_column_values_to_match_like_pattern_list": "{column} is like {like_pattern_list}",
    "expect_column_values_to_not_match_like_pattern_list": "{column} is like none of {like_pattern_list}",
    "expect_column_values_to_match_strftime_format": "{column} is written as {strftime_format}",
    "expect_column_values_to_be_json_parseable": "{column} is valid JSON",
    "expect_column_value_lengths_to_be_between": "the length of {column} is {range}",
    "expect_column_value_lengths_to_equal": "the length of {column} is {value}",
    "expect_column_values_to_be_of_type": "{column} has the type {type_}",
    "expect_column_values_to_be_in_type_list": "{column} has one of the types {type_list}",
    "expect_column_values_to_be_in_set": "{column} is one of {value_set}",
    "expect_column_values_to_not_be_in_set": "{column} is none of {value_set}",
    "expect_column_distinct_values_to_be_in_set": "the distinct values of {column} are among {value_set}",
    "expect_column_distinct_values_to_contain_set": "the distinct values of {column} include {value_set}",
    "expect_column_distinct_values_to_equal_set": "the distinct values of {column} are exactly {value_set}",
    "expect_column_most_common_value_to_be_in_set": "the most common value of {column} is one of {value_set}",
    "expect_column_to_exist": "the table has a column {column}",
    "expect_column_type_to_be": "{column} has the type {type_}",
    "expect_table_columns_to_match_ordered_list": "the columns are, in this order, {column_list}",
    "expect_table_columns_to_match_set": "the columns are {column_set}",
    "expect_table_column_count_to_be_between": "the number of columns is {range}",
    "expect_table_column_count_to_equal": "the number of columns is {value}",
    "expect_column_values_to_not_be_null": "{column} is never missing",
    "expect_column_values_to_be_null": "{column} is always missing",
    "expect_column_proportion_of_non_null_values_to_be_between": "the share of rows that have {column} is {range}",
    "expect_table_row_count_to_be_between": "the number of rows is {range}",
    "expect_table_row_count_to_equal": "the number of rows is {value}",
    "expect_column_values_to_be_between": "{column} is {range}",
    "expect_column_values_to_not_be_outliers": "{column} has no outliers",
    "expect_column_value_z_scores_to_be_less_than": "the z-scores of {column} are below {threshold}",
    "expect_column_mean_to_be_between": "the mean of {column} is {range}",
    "expect_column_median_to_be_between": "the median of {column} is {range}",
    "expect_column_min_to_be_between": "the smallest {column} is {range}",
    "expect_column_max_to_be_between": "the largest {column} is {range}",
    "expect_column_sum_to_be_between": "the sum of {column} is {range}",
    "expect_column_stdev_to_be_between": "the standard deviation of {column} is {range}",
    "expect_column_quantile_values_to_be_between": "the quantiles of {column} lie in {quantile_ranges}",
    "expect_column_kl_divergence_to_be_less_than": "the distribution of {column} diverges by less than {threshold}",
    "expect_column_values_to_be_unique": "{column} is unique",
    "expect_compound_columns_to_be_unique": "{column_list} are unique together",
    "expect_select_column_values_to_be_unique_within_record": "{column_list} differ within a row",
    "expect_column_proportion_of_unique_values_to_be_between": "the share of unique values of {column} is {range}",
    "expect_column_unique_value_count_to_be_between": "the number of distinct values of {column} is {range}",
    "expect_column_pair_values_to_be_equal": "{column_A} equals {column_B}",
    "expect_column_pair_values_a_to_be_greater_than_b": "{column_A} is {order} {column_B}",
    "expect_column_pair_values_to_be_in_set": "{column_A} and {column_B} form one of {value_pairs_set}",
    "expect_multicolumn_values_to_be_equal": "{column_list} are equal",
    "expect_multicolumn_sum_to_equal": "{column_list} sum to {sum_total}",
    "expect_query_results_to_match_comparison": "the query gives what the comparison gives",
    "expect_table_row_count_to_equal_other_table": "the table has as many rows as {other_table_name}",
    "unexpected_rows_expectation": "the query finds no row",
}
"""Names in braces are arguments, or 'range' and 'order', which are made of several."""

QUERIES = ("unexpected_rows_query", "base_query", "comparison_query")
MADE_OF = {"range": ("min_value", "max_value", "strict_min", "strict_max"), "order": ("or_equal",)}
UNSAID = frozenset({"condition_parser", "comparison_data_source_name", *QUERIES})
UNKNOWN = {
    "range": "within its bounds",
    "order": "greater than",
    "regex": "its pattern",
    "regex_list": "its patterns",
    "value_set": "its codes",
    "type_": "its type",
}
"""What stands for an argument that is not known: the history keeps types and columns, not arguments."""


@dataclass(frozen=True)
class Rule:
    """An expectation in words, why it is there, and the queries it consists of, by name."""

    words: Markup
    reason: str | None = None
    queries: tuple[tuple[str, str], ...] = ()


def rules_of(expectations: Sequence[Expectation]) -> dict[str, Rule]:
    """The rule of each expectation of a contract, by its identifier."""
    return {expectation_id(each): _declared(each) for each in expectations}


def rule_of(result: ExpectationResult, rules: Mapping[str, Rule]) -> Rule:
    """The rule of a result; told by type and columns alone where the contract does not hold it (any more)."""
    return rules.get(result.expectation_id) or Rule(_words(result.type, None, result.columns))


def column_name(name: str) -> Markup:
    """A name set apart from the words around it."""
    return Markup("<code>{}</code>").format(breakable(name))


def _declared(expectation: Expectation) -> Rule:
    arguments = {name: value for name, value in expectation.arguments.items() if value is not None}
    queries = tuple((name.replace("_", " "), str(arguments[name]).strip()) for name in QUERIES if name in arguments)
    return Rule(_words(expectation.type, arguments, columns_named(expectation)), expectation.reason, queries)


def _words(type_name: str, arguments: Mapping[str, Any] | None, columns: Sequence[str]) -> Markup:
    sentence = SENTENCES.get(type_name)
    if sentence is None:
        return _generic(type_name, arguments or {}, columns)
    names = [name for _, name, _, _ in Formatter().parse(sentence) if name]
    known = _column_arguments(columns) if arguments is None else arguments
    words = Markup(sentence).format(**{name: _part(name, known) for name in names})
    used = {part for name in names for part in (name, *MADE_OF.get(name, ()))} | UNSAID
    return words + _remaining(known, used) if arguments is not None else words


def _generic(type_name: str, arguments: Mapping[str, Any], columns: Sequence[str]) -> Markup:
    """A type that this version does not know: its own name, readable."""
    name = type_name.removeprefix("expect_").replace("_to_", " must ", 1).replace("_", " ")
    return Markup("{} ({})").format(name, _value(list(columns)) if columns else "table") + _remaining(arguments, UNSAID)


def _column_arguments(columns: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"column_list": list(columns), "column_set": list(columns)} if columns else {}
    found |= {"column": columns[0], "column_A": columns[0]} if columns else {}
    return found | ({"column_B": columns[1]} if len(columns) > 1 else {})


def _part(name: str, arguments: Mapping[str, Any]) -> Markup:
    if name == "range" and set(MADE_OF["range"]) & set(arguments):
        return _range(arguments)
    if name == "order" and "or_equal" in arguments:
        return Markup("at least") if arguments["or_equal"] else Markup("greater than")
    if name in arguments:
        return _value(arguments[name])
    return Markup.escape(UNKNOWN.get(name, "as agreed"))


def _range(arguments: Mapping[str, Any]) -> Markup:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    above = Markup("more than {}") if arguments.get("strict_min") else Markup("at least {}")
    below = Markup("less than {}") if arguments.get("strict_max") else Markup("at most {}")
    if low is None or high is None:
        return above.format(_value(low)) if high is None else below.format(_value(high))
    if low == high:
        return Markup("exactly {}").format(_value(low))
    if not arguments.get("strict_min") and not arguments.get("strict_max"):
        return Markup("between {} and {}").format(_value(low), _value(high))
    return Markup("{} and {}").format(above.format(_value(low)), below.format(_value(high)))


def _remaining(arguments: Mapping[str, Any], used: frozenset[str] | set[str]) -> Markup:
    """Arguments that the sentence does not speak of."""
    words = Markup("")
    for name, value in arguments.items():
        if name in used:
            continue
        if name == "mostly" and isinstance(value, int | float):
            words += Markup(", for at least {:g}% of the rows").format(100 * value)
        elif name == "row_condition":
            words += Markup(", where {}").format(_value(value))
        else:
            words += Markup(", {} {}").format(name.strip("_").replace("_", " "), _value(value))
    return words


def _value(value: Any) -> Markup:
    """One argument; of a long list its first entries."""
    if isinstance(value, list | tuple | set | frozenset):
        entries = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
        words = Markup(", ").join(_value(entry) for entry in entries[:MOST_ENTRIES])
        more = len(entries) - MOST_ENTRIES
        return words + Markup(" and {} more").format(more) if more > 0 else words
    text = json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict | bool) else str(value)
    return column_name(text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…")
