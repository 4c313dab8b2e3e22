"""What the package answers to the worked cases of the models: each formula by its name, for whatever case uses it."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pricing import entropy, rates, weights
from pricing.auction import SealedBid, first_price, second_price, uniform_price
from pricing.comparables import Factors, scarcity
from pricing.cost import adjusted_cost, cost_price, model_cost
from pricing.density import TRANSFORMS, RecordEntropy, density, record_entropy
from pricing.guide import GuideParameters, assessed_price, guide_price, market_factor, timeliness
from pricing.money import allocate, fen_to_yuan
from pricing.negotiated import Form, Joint, cobb_douglas, joint_price, negotiated_price, value_price
from pricing.quality import Evidence, quality_coefficient, quality_score, quality_vector
from pricing.value import value_index
from pricing.volume import volume

Given = Mapping[str, Any]
Answer = dict[str, Any]
Cases = Mapping[str, Given]

PRICING_GROUPS = frozenset("VQZBEDICPSTGAH")
"""By the first letter of a case's id; R is of the review, W of the watermark."""


def answer(case: Given, cases: Cases) -> Answer:
    """All outputs of a case; cases: by id, as one may build on another."""
    formula = case["formula"]
    if formula == "entropy_duplicate_column":
        return of_duplicate_column(case["inputs"], cases)
    assert formula in FORMULAS, f"{case['id']}: no answer to {formula}"
    return FORMULAS[formula](case["inputs"])


def assert_agrees(found: Any, wanted: Any, tolerance: float, place: str) -> None:
    """|found - wanted| <= tolerance · max(1, |wanted|) for decimals; money, whole numbers and verdicts exactly."""
    if isinstance(wanted, dict):
        assert set(found) == set(wanted), place
        for name in wanted:
            assert_agrees(found[name], wanted[name], tolerance, f"{place}.{name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), place
        for position, (one, other) in enumerate(zip(found, wanted, strict=True)):
            assert_agrees(one, other, tolerance, f"{place}[{position}]")
    elif isinstance(found, Decimal):
        assert found == Decimal(wanted), place
    elif isinstance(wanted, str) and not isinstance(found, str):
        assert abs(found - float(wanted)) <= tolerance * max(1.0, abs(float(wanted))), place
    else:
        assert found == wanted and isinstance(found, bool) == isinstance(wanted, bool), place


def numbers(values: Mapping[str, str]) -> dict[str, float]:
    return {name: float(Fraction(value)) for name, value in values.items()}


def of_volume(given: Given) -> Answer:
    records, scale = float(given["N"]), float(given["C"])
    return {"paper": volume(records, scale), "normalised": volume(records, scale, "normalised")}


def of_quality(given: Given) -> Answer:
    z, beta = numbers(given["Z"]), numbers(given["beta"])
    return {"score": quality_score(z, beta), "Q": quality_coefficient(z, beta)}


def of_waiver(given: Given) -> Answer:
    z, beta, waived = numbers(given["Z"]), numbers(given["beta"]), given["waived"]
    return {
        "beta_renormalised": weights.without_waived(beta, waived),
        "score": quality_score(z, beta, waived),
        "Q": quality_coefficient(z, beta, waived),
    }


def measured(found: Given) -> rates.Measured:
    counted = found["result"]
    return rates.Measured(
        found["type"],
        found["success"],
        raised=found.get("exception", False),
        element_count=counted.get("element_count"),
        missing_count=counted.get("missing_count"),
        unexpected_count=counted.get("unexpected_count"),
        observed_value=counted.get("observed_value"),
        table_rows=found.get("table_rows"),
        required_minimum=found.get("required_minimum"),
    )


def of_results(given: Given) -> Answer:
    results = [(each["severity"], measured(each)) for each in given["results"]]
    found = [rates.rate(result) for _, result in results]
    dimensions = [
        each.get("meta", {}).get("dimension") or given["dimension_of_type"][each["type"]] for each in given["results"]
    ]
    evidence = [
        Evidence(dimension, each["severity"], rate, float(each["weight"]))
        for each, rate, dimension in zip(given["results"], found, dimensions, strict=True)
    ]
    evidence += [Evidence(name, "critical", rate) for name, rate in numbers(given["platform_dims"]).items()]
    z, beta = quality_vector(evidence, numbers(given["severity_weights"])), numbers(given["beta"])
    return {
        "rates": found,
        "Z": z,
        "score": quality_score(z, beta),
        "Q": quality_coefficient(z, beta),
        "critical_gate_passes": rates.gate_is_open(results),
    }


def of_judgements(given: Given) -> Answer:
    matrix = [[float(Fraction(entry)) for entry in row] for row in given["matrix"]]
    found = weights.ahp_weights(matrix, float(given["RI"]))
    return {
        "weights": found.weights,
        "lambda_max": found.lambda_max,
        "CI": found.consistency_index,
        "CR": found.consistency_ratio,
    }


def of_combination(given: Given) -> Answer:
    ahp, ewm = ([float(weight) for weight in given[name]] for name in ("ahp", "ewm"))
    beta = weights.combined_beta(ahp, ewm, float(given["alpha"]), float(given["floor"]))
    return {"beta": beta, "sum": sum(beta)}


def of_counts(given: Given) -> Answer:
    counts = given["counts"]
    return {
        "plugin": entropy.plug_in(counts),
        "miller_madow": entropy.miller_madow(counts),
        "grassberger": entropy.grassberger(counts),
        "chao_shen": entropy.chao_shen(counts),
        "good_turing_coverage": entropy.good_turing_coverage(counts),
    }


def table_of(given: Given) -> tuple[list[str], list[tuple[tuple[Any, ...], int]]]:
    return list(given["columns"]), [(tuple(record), count) for record, count in given["row_counts"]]


def of_record(found: RecordEntropy) -> Answer:
    place = {column.name: position for position, column in enumerate(found.columns)}
    return {
        "H": [column.bits for column in found.columns],
        "I": {f"{place[pair.first]}-{place[pair.second]}": pair.information_bits for pair in found.pairs},
        "joint": found.joint_bits,
        "chow_liu": found.bits,
        "marginal_sum": found.marginal_sum_bits,
        "tree": [[place[first], place[second]] for first, second in found.tree],
    }


def of_duplicate_column(given: Given, cases: Cases) -> Answer:
    names, rows = table_of(cases[given["base"]]["inputs"])
    place = names.index(given["duplicate_of"])
    wider = [((*record, record[place]), count) for record, count in rows]
    found = of_record(record_entropy([*names, "copy"], wider))
    return {name: found[name] for name in ("chow_liu", "marginal_sum")}


def of_density(given: Given) -> Answer:
    return {transform: density(float(given["E"]), transform, float(given["E0"])) for transform in TRANSFORMS}


def of_value(given: Given) -> Answer:
    v, q, d = of_volume(given), of_quality(given)["Q"], of_density(given)
    return {
        "V": v["paper"],
        "Q": q,
        "D": d["michaelis"],
        "I": value_index(v["paper"], q, d["michaelis"]),
        "I_normalised_V": value_index(v["normalised"], q, d["michaelis"]),
        "I_literal": value_index(v["paper"], q, d["identity"]),
    }


def of_amortisation(given: Given) -> Answer:
    costs = Fraction(given["development"]), given["period_months"], Fraction(given["run_cost"])
    return {"C_xm": float(model_cost(*costs, given["useful_life_months"]))}


def of_negotiation(given: Given) -> Answer:
    index, k_y, gamma = Fraction(given["I"]), Fraction(given["k_y"]), Fraction(given["gamma"])
    base = cost_price([Fraction(cost) for cost in given["C_x"]], Fraction(given["C_xm"]), given.get("L", 1))
    cost = adjusted_cost(base, k_y, subsidised=k_y < 1)

    def joint(form: Form, unit: int = 1) -> Joint:
        return Joint(form, Fraction(given["A"]) * unit, Fraction(given["lambda"]))

    def price(form: Form) -> Decimal:
        return fen_to_yuan(negotiated_price(index, cost * 100, joint(form, 100), gamma))

    rejected = cobb_douglas(cost, value_price(index, joint("additive")))
    return {
        "P_prime": base,
        "C_y": cost,
        "g": joint_price(index, cost, joint("additive")),
        "P1": price("additive"),
        "g_cost_uplift": joint_price(index, cost, joint("cost_uplift")),
        "P1_cost_uplift": price("cost_uplift"),
        "g_ces_rho2": joint_price(index, cost, joint("ces")),
        "g_max": joint_price(index, cost, joint("maximum")),
        "g_cobb_douglas_half": rejected,
        "cobb_douglas_violates_floor": rejected < cost,
    }


def guide_parameters(given: Given) -> GuideParameters:
    least_ratio, most_ratio = map(Fraction, given["ratio_clip"])
    least_adjustment, most_adjustment = map(Fraction, given["phi_clip"])
    least_beta, most_beta = map(Fraction, given["beta_bounds"])
    return GuideParameters(
        *(Fraction(given["exponents"][name]) for name in "STNW"),
        least_ratio=least_ratio,
        most_ratio=most_ratio,
        least_adjustment=least_adjustment,
        most_adjustment=most_adjustment,
        kappa=Fraction(given["kappa"]),
        margin=Fraction(given["margin"]),
        eta=Fraction(given["eta"]),
        least_beta=least_beta,
        most_beta=most_beta,
    )


def of_guide(given: Given) -> Answer:
    parameters = guide_parameters(given)
    factors, reference = (Factors(*(Fraction(given[name][factor]) for factor in "STNW")) for name in ("x", "ref"))
    comparable = None if given["C0"] is None else Fraction(given["C0"])
    found = assessed_price(Fraction(given["P_prime"]), comparable, given["n_trades"], factors, reference, parameters)
    beta = market_factor(given["demand"], given["supply"], parameters=parameters)
    return {
        "theta": found.theta,
        "anchor": found.anchor,
        "phi": found.adjustment,
        "P2_assessed": found.price,
        "floor_binds": found.floor_binds,
        "beta_market": beta,
        "P2": fen_to_yuan(guide_price(found.price * 100, beta)),
    }


def of_sealed(given: Given, kind: str) -> Answer:
    bids = [SealedBid(name, name, amount) for name, amount, _ in given["bids"]]
    lots = {name: int(lot).to_bytes(8) for name, _, lot in given["bids"]}
    order, reserve = lots.__getitem__, given["reserve"]
    if kind == "first":
        outcome = first_price(bids, reserve, order, given.get("k", 1))
    elif kind == "second" and given.get("k", 1) == 1:
        outcome = second_price(bids, reserve, order)
    else:
        outcome = uniform_price(bids, reserve, order, given["k"])
    prices = [award.price_fen for award in outcome.awards]
    return {"winners": list(outcome.winners), "price": prices[0] if prices else None}


def of_age(given: Given) -> Answer:
    half_life = given["half_life_days"]
    half_life_days = None if half_life in (None, "inf") else Fraction(half_life)
    return {"T": timeliness(Fraction(given["age_days"]), Fraction(given["update_period_days"]), half_life_days)}


def of_dispersion(given: Given) -> Answer:
    matrix = [[float(Fraction(score)) for score in row] for row in given["matrix"]]
    return {"weights": weights.entropy_weights(matrix), "e": weights.dimension_entropies(matrix)}


FORMULAS: Mapping[str, Callable[[Given], Answer]] = {
    "V": of_volume,
    "Q": of_quality,
    "Q_waiver": of_waiver,
    "Z_from_gx": of_results,
    "AHP": of_judgements,
    "EWM": of_dispersion,
    "beta_combine": of_combination,
    "entropy_counts": of_counts,
    "entropy_multicolumn": lambda given: of_record(record_entropy(*table_of(given))),
    "D": of_density,
    "I": of_value,
    "allocate_largest_remainder": lambda given: {
        "fen": allocate(given["total_fen"], [Fraction(driver) for driver in given["drivers"]])
    },
    "model_cost": of_amortisation,
    "P1": of_negotiation,
    "scarcity_simple": lambda given: {"S": scarcity([float(sim) for sim in given["sims"]])},
    "timeliness": of_age,
    "P2": of_guide,
    "uniform_price": lambda given: of_sealed(given, "uniform"),
    "vickrey_reserve": lambda given: of_sealed(given, "second"),
    "first_price": lambda given: of_sealed(given, "first"),
}
