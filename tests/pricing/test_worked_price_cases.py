"""Cost, prices and auctions against cases that were computed independently."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pricing.auction import SealedBid, second_price, uniform_price
from pricing.comparables import Factors, scarcity
from pricing.cost import adjusted_cost, cost_price, model_cost
from pricing.guide import GuideParameters, assessed_price, guide_price, market_factor, timeliness
from pricing.money import allocate, fen_to_yuan, round_half_up, yuan_to_fen
from pricing.negotiated import Form, Joint, cobb_douglas, joint_price, negotiated_price, value_price

WORKED = json.loads((Path(__file__).parent / "worked_price_cases.json").read_text())

Case = Mapping[str, Any]


def number(text: str | int) -> Fraction:
    return Fraction(text)


def allocation(case: Case) -> Case:
    return {"fen": list(allocate(case["total_fen"], [number(driver) for driver in case["drivers"]]))}


def amortisation(case: Case) -> Case:
    cost = model_cost(
        number(case["development"]), case["period_months"], number(case["run_cost"]), case["useful_life_months"]
    )
    return {"C_xm": fen_to_yuan(yuan_to_fen(cost))}


def negotiation(case: Case) -> Case:
    index, k_y, gamma = number(case["I"]), number(case["k_y"]), number(case["gamma"])
    base = cost_price([number(cost) for cost in case["C_x"]], number(case["C_xm"]), case.get("expected_licences", 1))
    cost = adjusted_cost(base, k_y, subsidised=k_y < 1)

    def joint(form: Form, unit: int = 1) -> Joint:
        return Joint(form, number(case["A"]) * unit, number(case["lambda"]))

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


def guide_parameters(case: Case) -> GuideParameters:
    least_ratio, most_ratio = map(number, case["ratio_clip"])
    least_adjustment, most_adjustment = map(number, case["phi_clip"])
    least_beta, most_beta = map(number, case["beta_bounds"])
    return GuideParameters(
        *(number(case["exponents"][name]) for name in "STNW"),
        least_ratio=least_ratio,
        most_ratio=most_ratio,
        least_adjustment=least_adjustment,
        most_adjustment=most_adjustment,
        kappa=number(case["kappa"]),
        margin=number(case["margin"]),
        eta=number(case["eta"]),
        least_beta=least_beta,
        most_beta=most_beta,
    )


def guide(case: Case) -> Case:
    parameters = guide_parameters(case)
    factors, reference = (Factors(*(number(case[name][factor]) for factor in "STNW")) for name in ("x", "ref"))
    comparable = None if case["C0"] is None else number(case["C0"])
    found = assessed_price(number(case["P_prime"]), comparable, case["n_trades"], factors, reference, parameters)
    beta = market_factor(case["demand"], case["supply"], parameters=parameters)
    return {
        "theta": found.theta,
        "anchor": found.anchor,
        "phi": found.adjustment,
        "P2_assessed": found.price,
        "floor_binds": found.floor_binds,
        "beta_market": beta,
        "P2": fen_to_yuan(guide_price(found.price * 100, beta)),
    }


def sealed(case: Case, k: int | None = None) -> Case:
    bids = [SealedBid(name, name, amount) for name, amount, _ in case["bids"]]
    lots = {name: bytes([lot]) for name, _, lot in case["bids"]}
    if k == 1:
        outcome = second_price(bids, case["reserve"], lots.__getitem__)
    else:
        outcome = uniform_price(bids, case["reserve"], lots.__getitem__, case["k"])
    prices = {award.price_fen for award in outcome.awards}
    return {"winners": list(outcome.winners), "price": prices.pop() if prices else None}


def ageing(case: Case) -> Case:
    return {"T": timeliness(*(number(case[name]) for name in ("age_days", "update_period_days", "half_life_days")))}


FORMULAS: Mapping[str, Callable[[Case], Case]] = {
    "allocate_largest_remainder": allocation,
    "model_cost": amortisation,
    "P1": negotiation,
    "scarcity_simple": lambda case: {"S": scarcity([float(sim) for sim in case["sims"]])},
    "timeliness": ageing,
    "P2": guide,
    "uniform_price": sealed,
    "vickrey_reserve": lambda case: sealed(case, k=1),
}
MONEY = {"P1", "P1_cost_uplift", "P2", "C_xm"}


@pytest.mark.parametrize("case", WORKED["cases"], ids=lambda case: case["id"])
def test_it_agrees_with_the_independent_computation(case: Case) -> None:
    found = FORMULAS[case["formula"]](case["inputs"])
    assert set(found) == set(case["outputs"])
    for name, expected in case["outputs"].items():
        if name in MONEY:
            assert found[name] == Decimal(expected), name
        elif isinstance(expected, str):
            assert float(found[name]) == pytest.approx(float(expected), rel=case["rel_tol"], abs=case["rel_tol"]), name
        else:
            assert found[name] == expected, name


def test_a_tie_of_half_a_fen_rounds_up_as_if_it_were_written_out() -> None:
    assert round_half_up(Fraction("45770.575") * 100) == 4577058
    assert negotiated_price(0, 3980050, Joint("additive", 4000000), 0.15) == 4577058
