"""Small tables and expectations shared by these tests."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import duckdb

from expectations.catalogue import columns_named, default_dimension
from expectations.charts import DIMENSIONS
from expectations.engine import TableUnderTest, evaluate
from expectations.history import Evaluation, TrendPoint
from expectations.pages import AssetReport
from expectations.results import ExpectationResult, RowReference, expectation_id, gate_is_closed
from expectations.scoring import gains_of_columns, gains_of_expectations, quality_vector
from expectations.vector import PlatformMetrics
from expectations.waivers import Waiver, waivers_of
from expectations.weights import beta_set
from tests.builders import NOON
from vault.contract import Expectation

RUN = "run-1"
MARK = "MARKED-7f3a-VALUE"
"""A value that must never be seen outside the database."""


def expect(type_name: str, **arguments: Any) -> Expectation:
    """An expectation; severity, dimension and weight may stand among the arguments."""
    own = {name: arguments.pop(name) for name in ("severity", "dimension", "weight") if name in arguments}
    return Expectation(type=type_name, arguments=arguments, reason="a test", **own)


def warehouse(statement: str = "select 1 as a", name: str = "readings") -> duckdb.DuckDBPyConnection:
    """A connection with a catalog `warehouse`, a schema `base` and one table made by a statement."""
    connection = duckdb.connect(":memory:")
    connection.execute("attach ':memory:' as warehouse")
    connection.execute("create schema warehouse.base")
    connection.execute(f"create table warehouse.base.{name} as {statement}")
    return connection


def table(name: str = "readings", **changes: Any) -> TableUnderTest:
    return TableUnderTest(f"base/{name}", "warehouse", "base", name, **changes)


def evaluated(
    statement: str, *expectations: Expectation, public: tuple[str, ...] = ()
) -> tuple[ExpectationResult, ...]:
    """The results of expectations on a table made by a statement."""
    with warehouse(statement) as connection:
        return evaluate(connection, table(public_columns=frozenset(public)), expectations, RUN)


def one(statement: str, expectation: Expectation, public: tuple[str, ...] = ()) -> ExpectationResult:
    """The only result."""
    (result,) = evaluated(statement, expectation, public=public)
    return result


ASSET = "base/taxi_trips"
SUITE: tuple[Expectation, ...] = (
    expect("expect_column_values_to_not_be_null", column="trip_id", severity="critical"),
    expect("expect_column_values_to_be_between", column="cost_yuan", min_value=0, max_value=500, severity="critical"),
    expect("expect_column_values_to_match_regex", column="plate", regex="^[A-Z]{2}[0-9]{5}$", mostly=0.99),
    expect("expect_column_values_to_be_in_set", column="gone", value_set=["cash", "card"]),
    expect("expect_column_values_to_be_json_parseable", column="remarks", severity="info"),
    expect("unexpected_rows_expectation", unexpected_rows_query="select * from {batch} where ended < started",
           dimension="consistency"),
    expect("expect_column_mean_to_be_between", column="distance_km", min_value=1, max_value=9),
)  # fmt: skip
DAY = date(2026, 11, 24)
FAILING = (*(RowReference("ab12" * 16, row) for row in (3, 17, 204)), RowReference("cd'34", 9))


def results_of(*changes: dict[str, Any], asset: str = ASSET) -> tuple[ExpectationResult, ...]:
    """A result of each expectation of SUITE, in all four statuses; changes: of each in its order, as far as given."""
    outcomes: list[dict[str, Any]] = [
        {"unexpected_count": 0, "rate": 1.0},
        {"missing_count": 12, "unexpected_count": 988, "rate": 0.901, "status": "failed", "row_references": FAILING},
        {"unexpected_count": 400, "rate": 0.96, "status": "failed", "row_references": FAILING[:1]},
        {"element_count": None, "rate": 0.0, "status": "error", "cause": "the table has no column 'gone'"},
        {"missing_count": 10_000, "unexpected_count": 0, "rate": None, "status": "vacuous"},
        {"element_count": None, "unexpected_count": 20, "rate": 0.998, "status": "failed"},
        {"element_count": None, "rate": 1.0, "observed": "4.25"},
    ]
    found = []
    for position, expectation in enumerate(SUITE):
        plain = ExpectationResult(
            run_id=RUN, asset=asset, batch_hash=None, expectation_id=expectation_id(expectation), type=expectation.type,
            columns=columns_named(expectation), dimension=default_dimension(expectation) or "consistency",
            severity=expectation.severity, weight=1.0, element_count=10_000, missing_count=None, unexpected_count=None,
            table_rows=10_000, rate=None, status="passed", seconds=0.12,
        )  # fmt: skip
        own = changes[position] if position < len(changes) else {}
        found.append(replace(plain, **{**outcomes[position], **own}))
    return tuple(found)


ALL_RIGHT: tuple[dict[str, Any], ...] = tuple(
    {"status": "passed", "rate": 1.0, "cause": None, "unexpected_count": 0, "row_references": ()} for _ in SUITE
)
"""Changes by which every result of SUITE passes."""


def runs(qualities: Sequence[float | None], closed: Iterable[int] = (), first: int = 1) -> tuple[TrendPoint, ...]:
    """A trend with a run a day; closed: positions of the runs whose gate was closed."""
    shut = frozenset(closed)
    return tuple(
        TrendPoint(first + position, f"run-{position}", NOON + timedelta(days=position - len(qualities) + 1),
                   position in shut, dict.fromkeys(DIMENSIONS, quality), quality)
        for position, quality in enumerate(qualities)
    )  # fmt: skip


def report_of(
    results: tuple[ExpectationResult, ...],
    *,
    waivers: tuple[Waiver, ...] = (),
    before: Sequence[float | None] = (0.78,),
    platform: PlatformMetrics | None = None,
    **changes: Any,
) -> AssetReport:
    """The report that follows from results as judging makes it; before: Q of the runs that came earlier."""
    platform = PlatformMetrics(85, 90, 1990, 2000, 9, 10) if platform is None else platform
    valid = waivers_of(waivers, ASSET, DAY)
    vector = quality_vector(results, platform, beta_set(), valid)
    trend = runs([*before, vector.quality], [len(before)] if gate_is_closed(results) else [])
    evaluation = Evaluation(len(trend), RUN, ASSET, NOON, gate_is_closed(results), results, vector)
    told: dict[str, Any] = {
        "asset": ASSET,
        "title": "Taxi trips",
        "owner": "team:mobility",
        "description": "One row for each trip of a licensed taxi.",
        "evaluation": evaluation,
        "expectations": SUITE,
        "trend": trend,
        "expectation_gains": gains_of_expectations(results, platform, beta_set(), valid),
        "column_gains": gains_of_columns(results, platform, beta_set(), valid),
        "platform": platform,
        "waivers": waivers,
        "weights": beta_set(),
        "data_docs_link": "../../gx/page.html",
    }
    return AssetReport(**{**told, **changes})
