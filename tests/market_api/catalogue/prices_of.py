"""Prices as the formulas give them, over all that they may be given."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from pricing.comparables import Comparable, Factors
from pricing.component_price import FieldCost, PricedFacts, Trading, priced
from pricing.params import STANDARD, ParameterSet, PriceParameters, plain
from pricing.value import ComponentMeasures
from tests.pricing.prices import FULL_QUALITY

Document = dict[str, Any]

shares = st.fractions(0, 1, max_denominator=1000)
scores = st.floats(0, 1, allow_nan=False)


@st.composite
def parameter_sets(draw: st.DrawFn) -> ParameterSet:
    price = PriceParameters(
        form=draw(st.sampled_from(["additive", "cost_uplift", "ces", "maximum"])),
        value_fen={"innovation": draw(st.integers(0, 10**8))},
        margin=draw(st.fractions(0, Fraction(1, 2), max_denominator=100)),
        uplift=draw(st.integers(0, 4)),
        rho=draw(st.integers(1, 4)),
    )
    return replace(STANDARD, version="drawn", price=price, transform=draw(st.sampled_from(["michaelis", "identity"])))


@st.composite
def price_parts(draw: st.DrawFn) -> Document:
    """The part `price` of a datasheet."""
    parameters = draw(parameter_sets())
    regime = draw(st.sampled_from(["market", "public_guided", "public_free"]))
    sales = draw(st.lists(st.integers(1, 10**7), max_size=6))
    facts = PricedFacts(
        measures=ComponentMeasures(
            "aggregate",
            float(draw(st.integers(0, 10**9))),
            {name: draw(scores) for name in FULL_QUALITY},
            draw(st.floats(0, 200, allow_nan=False)),
        ),
        domain="innovation",
        ecosystem=draw(st.sampled_from(["governance", "livelihood", "innovation", "development"])),
        regime=regime,
        field_costs=(FieldCost("raw/a.b", {"storage": draw(st.integers(0, 10**8))}),),
        model_cost_fen=draw(st.fractions(0, 10**7, max_denominator=1000)),
        factors=Factors(draw(shares), draw(shares), draw(st.integers(0, 10**9)), draw(shares)),
        expected_licences=draw(st.integers(1, 50)),
        ceiling_fen=draw(st.none() | st.integers(0, 10**8)) if regime == "public_guided" else None,
        trading=Trading(
            tuple(Comparable(fen, float(age), f"buyer {age}") for age, fen in enumerate(sales)),
            draw(st.fractions(Fraction(4, 5), Fraction(6, 5), max_denominator=50)),
        ),
    )
    return {"regime": regime, "steps": json.loads(json.dumps(plain(priced(facts, parameters))))}
