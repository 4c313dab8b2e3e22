"""From results to Z and Q: the worked case of the model, waivers, platform metrics, matrix mode, gains."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from expectations.results import (
    ExpectationResult,
    Measure,
    gate_is_closed,
    rate_of,
    status_of,
)
from expectations.scoring import gains_of_columns, gains_of_expectations, quality_vector
from expectations.vector import PlatformMetrics
from expectations.waivers import Waiver
from expectations.weights import beta_set
from pricing.quality import DIMENSIONS
from vault.contract import Dimension, Severity

WORKED_CASE = Path(__file__).parent / "worked_case_z01.json"
"""Case Z-01 of the valuation model, as it was given."""

NOTHING = PlatformMetrics()
DAY = date(2027, 1, 1)


def result(
    rate: float | None, dimension: Dimension = "accuracy", severity: Severity = "critical", **changes: Any
) -> ExpectationResult:
    status = "vacuous" if rate is None else ("passed" if rate == 1 else "failed")
    plain = ExpectationResult(
        run_id="run-1", asset="base/readings", batch_hash=None, expectation_id=f"{dimension}-{rate}", type="any",
        columns=("id",), dimension=dimension, severity=severity, weight=1.0, element_count=None, missing_count=None,
        unexpected_count=None, table_rows=None, rate=rate, status=status, seconds=0.0,
    )  # fmt: skip
    return replace(plain, **changes)


def waiver(dimension: Dimension) -> Waiver:
    return Waiver(asset="base/readings", dimension=dimension, reason="static", who="Li", until=DAY)


def test_the_worked_case_of_the_model() -> None:
    case = json.loads(WORKED_CASE.read_text("utf-8"))
    given, wanted = case["inputs"], case["outputs"]
    results = []
    for each in given["results"]:
        counts = each["result"]
        measure = Measure(
            success=None if each.get("exception") else each["success"],
            element_count=counts.get("element_count"),
            missing_count=counts.get("missing_count"),
            unexpected_count=counts.get("unexpected_count", counts.get("observed_value")),
        )
        rate = rate_of(each["type"], measure, each.get("table_rows"))
        dimension = each.get("meta", {}).get("dimension") or given["dimension_of_type"][each["type"]]
        own = {"weight": float(each["weight"]), "status": status_of(measure, rate)}
        results.append(result(rate, dimension, each["severity"], **own))
    assert [each.rate for each in results] == [
        None if rate is None else pytest.approx(float(rate)) for rate in wanted["rates"]
    ]
    platform = PlatformMetrics(85, 100, 995, 1000, 1, 1)
    found = quality_vector(results, platform, beta_set())
    assert found.scores == {name: pytest.approx(float(score)) for name, score in wanted["Z"].items()}
    assert found.quality == pytest.approx(float(wanted["Q"]), rel=1e-9)
    assert gate_is_closed(results) is not wanted["critical_gate_passes"]


def test_no_evidence_gives_no_credit_and_a_waiver_shares_the_weight_out() -> None:
    good = [result(1.0, dimension) for dimension in DIMENSIONS if dimension != "timeliness"]
    bare = quality_vector(good, NOTHING, beta_set())
    assert (bare.scores["timeliness"], bare.quality) == (0, pytest.approx(0.81))
    waived = quality_vector(good, NOTHING, beta_set(), [waiver("timeliness")])
    assert (waived.scores["timeliness"], waived.quality) == (None, pytest.approx(1.0))
    assert waived.waivers == (waiver("timeliness"),)
    assert quality_vector([], NOTHING, beta_set()).quality == 0
    with pytest.raises(ValueError, match="waived"):
        quality_vector(good, NOTHING, beta_set(), [waiver(dimension) for dimension in DIMENSIONS])


def test_what_the_platform_measured_is_evidence() -> None:
    platform = PlatformMetrics(9, 10, 99, 100, 8, 10)
    assert platform.rates == {"timeliness": 0.9, "accessibility": pytest.approx(0.792)}
    assert NOTHING.rates == {}
    late = quality_vector([result(0.5, "timeliness")], platform, beta_set())
    assert late.scores["timeliness"] == pytest.approx(0.7)  # pooled with the expectation on the last day
    with pytest.raises(ValueError, match="11 of 10"):
        PlatformMetrics(11, 10)


def test_an_error_counts_as_nothing_right_and_a_vacuous_result_not_at_all() -> None:
    vacuous = quality_vector([result(1.0), result(None)], NOTHING, beta_set())
    assert vacuous.scores["accuracy"] == 1
    broken = quality_vector([result(1.0), result(0.0, status="error")], NOTHING, beta_set())
    assert broken.scores["accuracy"] == 0.5


def test_fields_weigh_by_their_share_of_entropy_in_matrix_mode() -> None:
    results = [
        result(0.8, columns=("rich",)),
        result(0.4, columns=("poor",)),
        result(1.0, "completeness", columns=("rich",)),
        result(0.9, "consistency", columns=()),
    ]
    found = quality_vector(results, NOTHING, beta_set(), entropies={"rich": 3.0, "poor": 1.0})
    assert found.mode == "matrix"
    assert found.scores["accuracy"] == pytest.approx(0.75 * 0.8 + 0.25 * 0.4)
    assert found.scores["completeness"] == pytest.approx(0.75)  # nothing is known of the other field
    assert found.scores["consistency"] == pytest.approx(0.9)  # what speaks of the table speaks of every field


def test_what_costs_most_of_the_quality_comes_first() -> None:
    results = [
        result(1.0, "completeness", columns=("id",)),
        result(0.5, "accuracy", columns=("litres",)),
        result(0.9, "normativity", columns=("meter", "litres")),
        result(None, "consistency"),
    ]
    cause, form = gains_of_expectations(results, NOTHING, beta_set())
    assert (cause.name, form.name) == ("accuracy-0.5", "normativity-0.9")
    assert cause.quality == pytest.approx((0.2 + 0.25 * 0.5 + 0.15 * 0.9) ** 2)
    assert cause.quality_if_right == pytest.approx((0.2 + 0.25 + 0.15 * 0.9) ** 2)
    litres, meter = gains_of_columns(results, NOTHING, beta_set())
    assert (litres.name, litres.quality_if_right) == ("litres", pytest.approx(0.6**2))
    assert meter.name == "meter" and meter.difference > 0
    assert gains_of_columns(results[:1], NOTHING, beta_set()) == ()
