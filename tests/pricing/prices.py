"""A priced component to put on record: facts that all may vary, and the document that goes with them."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from pricing.comparables import Factors
from pricing.component_price import FieldCost, PricedFacts, priced
from pricing.params import STANDARD, ParameterSet, PriceParameters
from pricing.price_record import document_of
from pricing.value import ComponentMeasures

FULL_QUALITY = dict.fromkeys(STANDARD.beta_quality, 1.0)


def parameters(**changed: Any) -> ParameterSet:
    return replace(STANDARD, price=PriceParameters(value_fen={"innovation": 4_000_000}), **changed)


def facts(**changed: Any) -> PricedFacts:
    of_component = PricedFacts(
        measures=ComponentMeasures("aggregate", 1e6, FULL_QUALITY, 16.0, component_hash="c", snapshot_hash="s"),
        domain="innovation",
        ecosystem="innovation",
        regime="market",
        field_costs=(
            FieldCost("raw/trips.at", {"storage": 100, "compute": 50}),
            FieldCost("raw/trips.fare", {"storage": 7}),
        ),
        model_cost_fen=Fraction(1, 3),
        factors=Factors(1.0, 1.0, 1e6, 0.95),
    )
    return replace(of_component, **changed)


def document(flags: tuple[str, ...] = (), **changed: Any) -> dict[str, Any]:
    of_component = facts(**changed)
    return {**document_of(of_component, parameters(), priced(of_component, parameters())), "flags": list(flags)}
