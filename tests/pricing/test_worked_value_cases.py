"""The worked cases of the value model, computed independently at 50 digits; each formula answers all of its own."""

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pricing import entropy, quality
from pricing.density import TRANSFORMS, RecordEntropy, density, record_entropy
from pricing.money import allocate
from pricing.quality import Evidence
from pricing.value import value_index
from pricing.volume import volume

CASES = json.loads((Path(__file__).parent / "worked_cases.json").read_text("utf-8"))["cases"]
BY_ID = {case["id"]: case for case in CASES}


def numbers(values: Mapping[str, str]) -> dict[Any, float]:
    return {name: float(value) for name, value in values.items()}


def of_volume(given: Mapping[str, Any]) -> dict[str, Any]:
    records, scale = float(given["N"]), float(given["C"])
    return {"paper": volume(records, scale), "normalised": volume(records, scale, "normalised")}


def of_quality(given: Mapping[str, Any]) -> dict[str, Any]:
    z, beta = numbers(given["Z"]), numbers(given["beta"])
    return {"score": quality.score(z, beta), "Q": quality.quality(z, beta)}


def of_waiver(given: Mapping[str, Any]) -> dict[str, Any]:
    z, beta, waived = numbers(given["Z"]), numbers(given["beta"]), given["waived"]
    return {
        "beta_renormalised": quality.renormalised(beta, waived),
        "score": quality.score(z, beta, waived),
        "Q": quality.quality(z, beta, waived),
    }


def rate_of(found: Mapping[str, Any]) -> float | None:
    counted = found["result"]
    if found.get("exception"):
        return 0.0
    if found["type"] == "unexpected_rows_expectation":
        return quality.query_rate(counted["observed_value"], found["table_rows"])
    if "element_count" not in counted:
        return quality.verdict_rate(found["success"])
    return quality.row_rate(counted["element_count"], counted["unexpected_count"], counted.get("missing_count", 0))


def of_results(given: Mapping[str, Any]) -> dict[str, Any]:
    results = given["results"]
    rates = [rate_of(each) for each in results]
    dimensions = [each.get("meta", {}).get("dimension") or given["dimension_of_type"][each["type"]] for each in results]
    evidence = [
        Evidence(dimension, rate, each["severity"], float(each["weight"]))
        for each, rate, dimension in zip(results, rates, dimensions, strict=True)
    ]
    evidence += [Evidence(dimension, rate) for dimension, rate in numbers(given["platform_dims"]).items()]
    z = quality.pooled_scores(evidence, numbers(given["severity_weights"]))
    beta = numbers(given["beta"])
    return {
        "rates": rates,
        "Z": z,
        "score": quality.score(z, beta),
        "Q": quality.quality(z, beta),
        "critical_gate_passes": quality.critical_gate_passes((each["severity"], each["success"]) for each in results),
    }


def of_judgements(given: Mapping[str, Any]) -> dict[str, Any]:
    matrix = [[float(Fraction(entry)) for entry in row] for row in given["matrix"]]
    found = quality.pairwise_weights(matrix, float(given["RI"]))
    return {
        "weights": found.weights,
        "lambda_max": found.lambda_max,
        "CI": found.consistency_index,
        "CR": found.consistency_ratio,
    }


def of_combination(given: Mapping[str, Any]) -> dict[str, Any]:
    judged, measured = ([float(weight) for weight in given[name]] for name in ("ahp", "ewm"))
    beta = quality.combined_weights(judged, measured, float(given["alpha"]), float(given["floor"]))
    return {"beta": beta, "sum": sum(beta)}


def of_counts(given: Mapping[str, Any]) -> dict[str, Any]:
    counts = given["counts"]
    return {
        "plugin": entropy.plug_in(counts),
        "miller_madow": entropy.miller_madow(counts),
        "grassberger": entropy.grassberger(counts),
        "chao_shen": entropy.chao_shen(counts),
        "good_turing_coverage": entropy.good_turing_coverage(counts),
    }


def table_of(given: Mapping[str, Any]) -> tuple[list[str], list[tuple[tuple[Any, ...], int]]]:
    return list(given["columns"]), [(tuple(record), count) for record, count in given["row_counts"]]


def outputs_of(found: RecordEntropy) -> dict[str, Any]:
    place = {column.name: position for position, column in enumerate(found.columns)}
    return {
        "H": [column.bits for column in found.columns],
        "I": {f"{place[pair.first]}-{place[pair.second]}": pair.information_bits for pair in found.pairs},
        "joint": found.joint_bits,
        "chow_liu": found.bits,
        "marginal_sum": found.marginal_sum_bits,
        "tree": [[place[first], place[second]] for first, second in found.tree],
    }


def of_columns(given: Mapping[str, Any]) -> dict[str, Any]:
    return outputs_of(record_entropy(*table_of(given)))


def of_duplicate_column(given: Mapping[str, Any]) -> dict[str, Any]:
    names, rows = table_of(BY_ID[given["base"]]["inputs"])
    place = names.index(given["duplicate_of"])
    wider = [((*record, record[place]), count) for record, count in rows]
    found = outputs_of(record_entropy([*names, "copy"], wider))
    return {name: found[name] for name in ("chow_liu", "marginal_sum")}


def of_density(given: Mapping[str, Any]) -> dict[str, Any]:
    return {transform: density(float(given["E"]), transform, float(given["E0"])) for transform in TRANSFORMS}


def of_value(given: Mapping[str, Any]) -> dict[str, Any]:
    v = of_volume(given)
    q = of_quality(given)["Q"]
    d = of_density(given)
    return {
        "V": v["paper"],
        "Q": q,
        "D": d["michaelis"],
        "I": value_index(v["paper"], q, d["michaelis"]),
        "I_normalised_V": value_index(v["normalised"], q, d["michaelis"]),
        "I_literal": value_index(v["paper"], q, d["identity"]),
    }


def of_allocation(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"fen": allocate(given["total_fen"], [Fraction(driver) for driver in given["drivers"]])}


FORMULAS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "V": of_volume,
    "Q": of_quality,
    "Q_waiver": of_waiver,
    "Z_from_gx": of_results,
    "AHP": of_judgements,
    "beta_combine": of_combination,
    "entropy_counts": of_counts,
    "entropy_multicolumn": of_columns,
    "entropy_duplicate_column": of_duplicate_column,
    "D": of_density,
    "I": of_value,
    "allocate_largest_remainder": of_allocation,
}


def assert_agrees(found: Any, wanted: Any, tolerance: float, place: str) -> None:
    """|found - wanted| <= tolerance · max(1, |wanted|) for decimals; whole numbers, verdicts and nothing exactly."""
    if isinstance(wanted, dict):
        assert set(found) == set(wanted), place
        for name in wanted:
            assert_agrees(found[name], wanted[name], tolerance, f"{place}.{name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), place
        for position, (one, other) in enumerate(zip(found, wanted, strict=True)):
            assert_agrees(one, other, tolerance, f"{place}[{position}]")
    elif isinstance(wanted, str):
        assert abs(found - float(wanted)) <= tolerance * max(1.0, abs(float(wanted))), place
    else:
        assert found == wanted, place


@pytest.mark.parametrize("case", CASES, ids=BY_ID)
def test_a_worked_case(case: dict[str, Any]) -> None:
    found = FORMULAS[case["formula"]](case["inputs"])
    assert_agrees(found, case["outputs"], case["rel_tol"], case["id"])
