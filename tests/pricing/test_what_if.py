"""What if: the same figures as the exact functions, a hundred thousand at once."""

import time
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from pricing.comparables import Factors
from pricing.cost import adjusted_cost
from pricing.guide import GuideParameters, assessed_price, guide_price, market_factor
from pricing.negotiated import FORMS, Form, Joint, joint_price, negotiated_price
from pricing.params import STANDARD, PriceParameters
from pricing.quality import DIMENSIONS
from pricing.value import ComponentMeasures, valuation
from pricing.what_if import ROWS, Component, Draws, Figures, draws_of, what_if
from tests.pricing.markets import NOT_FINITE

PARAMETERS = replace(STANDARD, price=PriceParameters(value_fen={"mobility": 4_000_000}))
COMPONENT = Component(
    records=2e6,
    z=dict(zip(DIMENSIONS, (0.98, 0.95, 0.90, 0.92, 0.80, 1.0), strict=True)),
    entropy_bits=24.5,
    cost_price_fen=3_980_050,
    factors=Factors(0.6, 0.9, 2e6, 0.98),
    comparable_fen=6_000_000,
    trades=5,
    demand=12,
    supply=4,
)
SCALARS = ("volume", "quality", "density", "value_index")


def drawn(count: int, **changes: Any) -> Draws:
    """Every parameter drawn at random within its bounds."""
    random = np.random.default_rng(1)
    return replace(
        draws_of(PARAMETERS, "person", "mobility", "governance"),
        reference_records=random.uniform(1e5, 1e7, count),
        half_value_bits=random.uniform(4, 40, count),
        beta=0.05 + 0.7 * random.dirichlet([1] * 6, count),
        value_fen=random.uniform(0, 1e7, count),
        uplift=random.uniform(0, 4, count),
        adjustment=random.uniform(0.5, 2, count),
        margin=random.uniform(0, 0.5, count),
        exponents=random.dirichlet([1] * 4, count),
        references=random.uniform([0.1, 0.1, 1e5, 0.1], [1, 1, 1e7, 1], (count, 4)),
        kappa=random.uniform(0.5, 20, count),
        guide_margin=random.uniform(0.25, 1, count),
        eta=random.uniform(0, 0.3, count),
        **changes,
    )


def row(name: str, drawn_parameter: Any, place: int) -> Any:
    return drawn_parameter[place] if np.ndim(drawn_parameter) > (name in ROWS) else drawn_parameter


def exactly(component: Component, draws: Draws, place: int) -> dict[str, float]:
    """The figures of one draw by the functions that take one at a time."""
    one = {name: row(name, value, place) for name, value in vars(draws).items()}
    parameters = replace(
        draws.base,
        reference_records={**PARAMETERS.reference_records, "person": float(one["reference_records"])},
        half_value_bits=float(one["half_value_bits"]),
        beta_quality=dict(zip(DIMENSIONS, map(float, one["beta"]), strict=True)),
    )
    measures = ComponentMeasures(
        "person", component.records, component.z, component.entropy_bits, tuple(component.waived)
    )
    value = valuation(measures, parameters)
    joint = Joint(draws.base.price.form, float(one["value_fen"]), float(one["uplift"]), draws.base.price.rho)
    cost_fen = adjusted_cost(component.cost_price_fen, float(one["adjustment"]), subsidised=True)
    *first, _ = (Fraction(repr(float(exponent))) for exponent in one["exponents"])
    guide = GuideParameters(
        *first, 1 - sum(first), kappa=float(one["kappa"]), margin=float(one["guide_margin"]), eta=float(one["eta"])
    )
    reference = Factors(*map(float, one["references"]))
    assessed = assessed_price(
        component.cost_price_fen, component.comparable_fen, component.trades, component.factors, reference, guide
    )
    beta = market_factor(component.demand, component.supply, parameters=guide)
    return {
        **{name: getattr(value, name) for name in SCALARS},
        "joint_fen": float(joint_price(value.value_index, cost_fen, joint)),
        "negotiated_fen": negotiated_price(value.value_index, cost_fen, joint, float(one["margin"])),
        "assessed_fen": float(assessed.price),
        "beta_market": float(beta),
        "guide_fen": guide_price(assessed.price, beta),
    }


def assert_agree(found: Figures, component: Component, draws: Draws, places: range) -> None:
    for place in places:
        for name, expected in exactly(component, draws, place).items():
            figure = getattr(found, name)[place]
            if name in ("negotiated_fen", "guide_fen"):
                assert abs(int(figure) - expected) <= 1, name
            else:
                assert figure == pytest.approx(expected, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("form", FORMS)
def test_it_agrees_with_the_exact_functions(form: Form) -> None:
    parameters = replace(PARAMETERS, price=replace(PARAMETERS.price, form=form))
    draws = drawn(40, base=parameters)
    assert_agree(what_if(COMPONENT, draws), COMPONENT, draws, range(40))


@pytest.mark.parametrize(
    "changes",
    [
        {"transform": "identity"},
        {"transform": "log1p_bits"},
        {"transform": "exp_saturation"},
        {"volume_variant": "normalised"},
    ],
)
def test_every_choice_of_the_set_is_followed(changes: dict[str, Any]) -> None:
    draws = drawn(10, base=replace(PARAMETERS, **changes))
    assert_agree(what_if(COMPONENT, draws), COMPONENT, draws, range(10))


@pytest.mark.parametrize(
    "changes",
    [
        {"comparable_fen": None, "trades": 0},
        {"waived": ("timeliness", "accuracy")},
        {"records": 0, "entropy_bits": 0},
        {"factors": Factors(0, 0, 0, 0)},
        {"demand": 0, "supply": 400},
        {"comparable_fen": 100.0, "trades": 500},
        {"z": {"accuracy": 0.5}},
    ],
)
def test_every_component_is_priced_as_alone(changes: dict[str, Any]) -> None:
    component, draws = replace(COMPONENT, **changes), drawn(10)
    assert_agree(what_if(component, draws), component, draws, range(10))


def test_without_draws_it_is_the_set_itself() -> None:
    draws = draws_of(PARAMETERS, "person", "mobility", "governance")
    found = what_if(COMPONENT, draws)
    assert (draws.count, len(found.guide_fen)) == (1, 1)
    assert_agree(found, COMPONENT, draws, range(1))


def test_one_parameter_may_vary_alone() -> None:
    draws = replace(draws_of(PARAMETERS, "person", "mobility", "governance"), margin=np.array([0.0, 0.15, 0.5]))
    found = what_if(COMPONENT, draws)
    assert found.negotiated_fen[0] < found.negotiated_fen[1] < found.negotiated_fen[2]
    assert len(set(found.guide_fen.tolist())) == 1
    assert found.volume.shape == found.beta_market.shape == (3,)


def test_a_hundred_thousand_draws_take_less_than_a_second() -> None:
    draws = drawn(100_000)
    started = time.process_time()
    found = what_if(COMPONENT, draws)
    assert time.process_time() - started < 1
    assert len(found.negotiated_fen) == 100_000
    assert_agree(found, COMPONENT, draws, range(0, 100_000, 10_000))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"margin": np.array([0.1, 0.6, 0.1])},
            r"margin must be finite, 0 or more and 0\.5 or less; in draw 1 it is 0\.6",
        ),
        ({"uplift": 5.0}, "uplift must be finite, 0 or more and 4 or less; in draw 0 it is 5"),
        ({"adjustment": 0.4}, r"adjustment must be finite, 0\.5 or more and 2 or less"),
        ({"adjustment": 0.9, "subsidised": False}, "adjustment must be finite, 1 or more"),
        ({"half_value_bits": 0.0}, "half_value_bits must be finite, above 0"),
        ({"reference_records": -1.0}, "reference_records must be finite, above 0"),
        ({"value_fen": -1.0}, "value_fen must be finite, 0 or more"),
        ({"kappa": 0.0}, "kappa must be finite, above 0"),
        ({"guide_margin": 0.2}, r"guide_margin must be finite, 0\.25 or more"),
        ({"eta": -0.1}, "eta must be finite, 0 or more"),
        ({"references": np.array([0.5, 0.0, 1.0, 1.0])}, "references must be finite, above 0"),
        ({"references": np.array([0.5, 1.0])}, "references must have 4 numbers in a row"),
        ({"beta": np.full(6, 0.2)}, r"beta must be 0\.05 or more each and sum to 1; in draw 0"),
        ({"beta": np.array([0.0, 0.2, 0.2, 0.2, 0.2, 0.2])}, r"beta must be 0\.05 or more each"),
        ({"beta": np.full(5, 0.2)}, "beta must have 6 numbers in a row"),
        ({"exponents": np.array([0.5, 0.5, 0.5, -0.5])}, "exponents must be 0 or more each and sum to 1"),
        ({"margin": np.full((2, 2), 0.1)}, "margin must be one number, or one per draw"),
        ({"margin": np.full(3, 0.1), "eta": np.full(2, 0.1)}, "the draws differ in number: margin 3, eta 2"),
        *[({"margin": wrong}, "margin must be finite") for wrong in NOT_FINITE],
        *[({"beta": np.array([wrong, *[0.2] * 5])}, "beta must be") for wrong in NOT_FINITE],
    ],
)
def test_draws_outside_their_bounds_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(draws_of(PARAMETERS, "person", "mobility", "governance"), **changes)


@pytest.mark.parametrize("wrong", [-0.01, *NOT_FINITE])
def test_a_value_outside_its_domain_is_refused(wrong: float) -> None:
    for name in ("records", "entropy_bits", "cost_price_fen", "comparable_fen", "trades", "demand", "supply"):
        with pytest.raises(ValueError, match=f"{name} must be finite"):
            replace(COMPONENT, **{name: wrong})
    with pytest.raises(ValueError, match="Z of accuracy must lie in"):
        replace(COMPONENT, z={"accuracy": wrong})


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="no value_fen"):
        draws_of(PARAMETERS, "person", "health", "governance")
    with pytest.raises(ValueError, match="grain must be one of"):
        draws_of(PARAMETERS, "household", "mobility", "governance")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"ecosystem must be one of governance, .*, not 'sport'"):
        draws_of(PARAMETERS, "person", "mobility", "sport")  # type: ignore[arg-type]
    draws = draws_of(PARAMETERS, "person", "mobility", "governance")
    with pytest.raises(ValueError, match="Z has beauty"):
        what_if(replace(COMPONENT, z={"beauty": 0.5}), draws)
    with pytest.raises(ValueError, match="every dimension is waived"):
        what_if(replace(COMPONENT, waived=DIMENSIONS), draws)
    with pytest.raises(ValueError, match="P¹ must be below 9007199254740992 fen"):
        what_if(replace(COMPONENT, cost_price_fen=1e16), draws)
