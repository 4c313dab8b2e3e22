"""Expectations of a contract as quality rules of ODCS 3.1.

What the standard's library of metrics can say exactly is said with it, so that any tool can check it; all else is a
rule of the engine that judges it here, passed on as it is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

Plain = Mapping[str, Any]
Metric = Callable[[Plain], dict[str, Any]]

DIMENSIONS: Mapping[str, str | None] = MappingProxyType(
    {
        "normativity": "conformity",
        "completeness": "completeness",
        "accuracy": "accuracy",
        "consistency": "consistency",
        "timeliness": "timeliness",
        "accessibility": None,
    }
)
"""From the six dimensions of GB/T 36344 to those of ODCS, which has none for accessibility."""

SEVERITIES: Mapping[str, str] = MappingProxyType({"critical": "error", "warning": "warning", "info": "info"})

BY_TYPE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), dimension)
    for pattern, dimension in (
        (r"unique", "uniqueness"),
        (r"other_table|_pair_|multicolumn|query_results", "consistency"),
        (r"null|row_count", "completeness"),
        (r"length|column_count", "conformity"),
        (r"between|outlier|z_score|increasing|decreasing|kl_divergence", "accuracy"),
        (r"", "conformity"),
    )
)
"""The ODCS dimension of an expectation that states none: the first pattern that its type holds."""

NONE: Mapping[str, Any] = MappingProxyType({"mustBe": 0, "unit": "rows"})

TEMPORAL_BOUNDS = frozenset({"expect_column_min_to_be_between", "expect_column_max_to_be_between"})
"""Of a date column these tell how current a table is."""


@dataclass(frozen=True)
class QualityRule:
    """A rule of ODCS, and the column that it is of; None where it is of the whole table."""

    column: str | None
    document: Mapping[str, Any]


def quality_rule(expectation: Plain, column_types: Mapping[str, str]) -> QualityRule:
    """The rule of one expectation of a contract. column_types: logical type by column."""
    arguments = expectation["arguments"]
    column = arguments.get("column")
    told = {
        **_metric(expectation),
        "description": expectation["reason"],
        "severity": SEVERITIES[expectation["severity"]],
        "customProperties": [{"property": "weight", "value": expectation["weight"]}],
    }
    dimension = _dimension(expectation, column_types)
    if dimension is not None:
        told["dimension"] = dimension
    else:
        told["customProperties"].append({"property": "dimension", "value": expectation["dimension"]})
    return QualityRule(column if column in column_types else None, MappingProxyType(told))


def promises(expectation: Plain, expectation_type: str, column: str) -> bool:
    """Whether a release keeps this of every row of a column: nothing is released where a critical one fails."""
    return bool(
        expectation["type"] == expectation_type
        and expectation["severity"] == "critical"
        and expectation["arguments"] == {"column": column}
    )


def _dimension(expectation: Plain, column_types: Mapping[str, str]) -> str | None:
    if expectation.get("dimension"):
        return DIMENSIONS[expectation["dimension"]]
    name = str(expectation["type"])
    if name in TEMPORAL_BOUNDS and column_types.get(expectation["arguments"].get("column")) in ("date", "timestamp"):
        return "timeliness"
    return next(dimension for pattern, dimension in BY_TYPE if pattern.search(name))


def _metric(expectation: Plain) -> dict[str, Any]:
    """The rule by a metric of the library, where one says just this; else by the engine, with all arguments."""
    name, arguments = str(expectation["type"]), expectation["arguments"]
    own, metric = _LIBRARY.get(name, (frozenset(), None))
    if metric is not None and set(arguments) <= own:
        return {"type": "library", **metric(arguments)}
    return {
        "type": "custom",
        "engine": "greatExpectations",
        "implementation": {"type": name, "kwargs": dict(arguments)},
    }


def _nulls(arguments: Plain) -> dict[str, Any]:
    """None, or at most the share of rows that 'mostly' leaves, in percent."""
    mostly = arguments.get("mostly", 1)
    allowed = NONE if mostly == 1 else {"mustBeLessOrEqualTo": round((1 - mostly) * 100, 10), "unit": "percent"}
    return {"metric": "nullValues", **allowed}


def _duplicates(arguments: Plain) -> dict[str, Any]:
    return {"metric": "duplicateValues", **NONE}


def _duplicate_rows(arguments: Plain) -> dict[str, Any]:
    return {"metric": "duplicateValues", "arguments": {"properties": list(arguments["column_list"])}, **NONE}


def _values(arguments: Plain) -> dict[str, Any]:
    return {"metric": "invalidValues", "arguments": {"validValues": list(arguments["value_set"])}, **NONE}


def _pattern(arguments: Plain) -> dict[str, Any]:
    return {"metric": "invalidValues", "arguments": {"pattern": arguments["regex"]}, **NONE}


def _row_count(arguments: Plain) -> dict[str, Any]:
    least, most = arguments.get("min_value"), arguments.get("max_value")
    if least is not None and least == most:
        return {"metric": "rowCount", "mustBe": least}
    if least is None:
        return {"metric": "rowCount", "mustBeLessOrEqualTo": most}
    if most is None:
        return {"metric": "rowCount", "mustBeGreaterOrEqualTo": least}
    return {"metric": "rowCount", "mustBeBetween": [least, most]}


_LIBRARY: Mapping[str, tuple[frozenset[str], Metric]] = MappingProxyType(
    {
        "expect_column_values_to_not_be_null": (frozenset({"column", "mostly"}), _nulls),
        "expect_column_values_to_be_unique": (frozenset({"column"}), _duplicates),
        "expect_compound_columns_to_be_unique": (frozenset({"column_list"}), _duplicate_rows),
        "expect_column_values_to_be_in_set": (frozenset({"column", "value_set"}), _values),
        "expect_column_values_to_match_regex": (frozenset({"column", "regex"}), _pattern),
        "expect_table_row_count_to_be_between": (frozenset({"min_value", "max_value"}), _row_count),
    }
)
"""By type: the arguments that the metric can say, and the metric. The engine counts the share of 'mostly' among the
rows that are not null, the metric among all; so with 'mostly' only the count of nulls is the same."""
