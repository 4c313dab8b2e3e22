"""Results of expectations: what was counted, the rate that follows, and whether the gate stays open."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from expectations.catalogue import CATALOGUE
from pricing import quality
from vault.contract import Dimension, Expectation, Severity

Status = Literal["passed", "failed", "error", "vacuous"]
"""error: it could not be evaluated; vacuous: there was nothing to evaluate (no evidence either way)."""

SHARE_OF_ROWS = "unexpected_rows_expectation"
SHARE_OF_NON_NULL = "expect_column_proportion_of_non_null_values_to_be_between"
SHARE_OF_UNIQUE = "expect_column_proportion_of_unique_values_to_be_between"


@dataclass(frozen=True)
class RowReference:
    """Where a failing row stands in the vault: its batch and its row number there."""

    batch: str
    row: int


@dataclass(frozen=True)
class Measure:
    """What the engine counted for one expectation. Counts that do not apply are None.

    success is None where the expectation could not be evaluated; observed is a number or None, never a text
    of the data.
    """

    success: bool | None
    element_count: int | None = None
    missing_count: int | None = None
    unexpected_count: int | None = None
    observed: float | None = None
    vacuous: bool = False


@dataclass(frozen=True)
class ExpectationResult:
    """One expectation, evaluated once on one table. It carries counts and places, never values of the data.

    asset: 'layer/name'; columns: those it speaks of, none where it speaks of the whole table;
    rate: share of evaluated items that satisfy the rule, None where there was none;
    cause: why it could not be evaluated, None otherwise; seconds: time it took, its share where several ran at once;
    observed: the figure of an aggregate, as text; None for row-wise types and for every personal column.
    """

    run_id: str
    asset: str
    batch_hash: str | None
    expectation_id: str
    type: str
    columns: tuple[str, ...]
    dimension: Dimension
    severity: Severity
    weight: float
    element_count: int | None
    missing_count: int | None
    unexpected_count: int | None
    table_rows: int | None
    rate: float | None
    status: Status
    seconds: float
    cause: str | None = None
    row_references: tuple[RowReference, ...] = ()
    observed: str | None = None

    @property
    def column(self) -> str | None:
        """The first column it speaks of."""
        return self.columns[0] if self.columns else None

    @property
    def holds(self) -> bool:
        """Whether the expectation holds; of a table without rows to judge it does, and is told apart by its status."""
        return self.status in ("passed", "vacuous")

    @property
    def closes_gate(self) -> bool:
        """Whether this result keeps the asset from going on: critical and failed, or not evaluated at all."""
        return self.status == "error" or (self.status == "failed" and self.severity == "critical")


def gate_is_closed(results: Iterable[ExpectationResult]) -> bool:
    """Whether any result closes the gate."""
    return any(result.closes_gate for result in results)


def expectation_id(expectation: Expectation) -> str:
    """A stable name for an expectation: the same type and arguments give the same 16 hex digits."""
    text = json.dumps([expectation.type, expectation.arguments], sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def rate_of(
    type_name: str, measure: Measure, table_rows: int | None, arguments: Mapping[str, Any] | None = None
) -> float | None:
    """The rate in [0, 1] that a measure gives, None where it is no evidence. The formulas are those of the model.

    Could not be evaluated: 0. Row-wise: the good share of the rows that had a value, whatever `mostly` allows.
    Own query: the share of rows it did not return. Shares of non-null and unique values: the share itself,
    the latter against the least share asked for. Any other figure: 1 where it holds, 0 where it does not.
    Raises ValueError where the counts contradict each other.
    """
    if measure.success is None:
        return 0.0
    if measure.vacuous:
        return None
    if type_name == SHARE_OF_ROWS:
        return quality.query_rate(measure.unexpected_count or 0, table_rows or 0)
    is_row_wise = type_name in CATALOGUE and CATALOGUE[type_name].kind == "map"
    if is_row_wise and measure.element_count is not None:  # a type check looks at the column once and counts nothing
        return quality.row_rate(measure.element_count, measure.unexpected_count or 0, measure.missing_count or 0)
    if type_name == SHARE_OF_NON_NULL and measure.observed is not None:
        return quality.share_rate(measure.observed)
    if type_name == SHARE_OF_UNIQUE and measure.observed is not None:
        least = (arguments or {}).get("min_value")
        return quality.share_rate(measure.observed, float(least) if least else None)
    return quality.verdict_rate(measure.success)


def status_of(measure: Measure, rate: float | None) -> Status:
    """The status that belongs to a measure and its rate."""
    if measure.success is None:
        return "error"
    if rate is None:
        return "vacuous"
    return "passed" if measure.success else "failed"
