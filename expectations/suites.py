"""Which expectations a table is judged by: those its contract declares, and those that follow from what it promises."""

import re
from collections.abc import Sequence
from typing import Any

from expectations.catalogue import CATALOGUE, columns_named
from expectations.results import expectation_id
from vault.contract import ComponentContract, Expectation, Severity, TableContract

LONGEST_NAME = 80
WORDS_OF_A_QUERY = 8
COLUMNS_IN_A_NAME = 3


def suite_of_table(contract: TableContract | None) -> tuple[Expectation, ...]:
    """What is expected of a base or resource table; of one without a declared suite, that it holds anything at all."""
    if contract is not None:
        return contract.expectations
    return (
        _expectation(
            "expect_table_row_count_to_be_between",
            {"min_value": 1},
            "warning",
            "Nobody has said yet what is expected of this table; without rows there is nothing to expect",
        ),
    )


def suite_of_component(contract: ComponentContract) -> tuple[Expectation, ...]:
    """What is expected of a component: what it declares, and the grain it promises, each once."""
    promised = [_unique(contract.grain), *(_present(column) for column in contract.grain)]
    declared = {expectation_id(expectation) for expectation in contract.expectations}
    return (*contract.expectations, *(each for each in promised if expectation_id(each) not in declared))


def check_names(expectations: Sequence[Expectation]) -> tuple[str, ...]:
    """A readable name for each expectation, from its columns and its type; no two are the same."""
    names: list[str] = []
    for expectation in expectations:
        name = re.sub(r"[^A-Za-z0-9_]", "_", _readable(expectation))[:LONGEST_NAME].strip("_").lower()
        times = sum(other == name or other.startswith(f"{name}__") for other in names)
        names.append(f"{name}__{times + 1}" if times else name)
    return tuple(names)


def _readable(expectation: Expectation) -> str:
    """'fare_usd be_between'; a query has neither columns nor a telling type, so its reason names it."""
    if CATALOGUE[expectation.type].kind == "query":
        return " ".join(["rows", *expectation.reason.split()[:WORDS_OF_A_QUERY]])
    columns = columns_named(expectation)
    rule = expectation.type.removeprefix("expect_")
    for beginning in ("select_", "compound_", "column_", "columns_", "multicolumn_", "pair_", "table_", "values_"):
        rule = rule.removeprefix(beginning)
    rule = rule.removeprefix("values_").removeprefix("to_").removeprefix("value_")
    return " ".join([*(columns if len(columns) <= COLUMNS_IN_A_NAME else ()), rule])


def _unique(grain: tuple[str, ...]) -> Expectation:
    reason = "The contract promises one row per grain"
    if len(grain) == 1:
        return _expectation("expect_column_values_to_be_unique", {"column": grain[0]}, "critical", reason)
    return _expectation("expect_compound_columns_to_be_unique", {"column_list": list(grain)}, "critical", reason)


def _present(column: str) -> Expectation:
    reason = "The contract promises one row per grain, so no part of the grain may be missing"
    return _expectation("expect_column_values_to_not_be_null", {"column": column}, "critical", reason)


def _expectation(type_name: str, arguments: dict[str, Any], severity: Severity, reason: str) -> Expectation:
    given = {"type": type_name, "arguments": arguments, "severity": severity, "reason": reason}
    return Expectation.model_validate(given)
