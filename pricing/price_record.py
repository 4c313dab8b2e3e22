"""A price on paper: the facts, the parameters and every step as plain values, and the way back to the same price.

Exact numbers stand as words such as "3/20"; nothing in a record is rounded but the prices themselves. Source: models,
introduction and §9.
"""

from collections.abc import Mapping
from typing import Any

from pricing.comparables import Comparable, Factors
from pricing.component_price import ComponentPrice, FieldCost, PricedFacts, Trading, priced
from pricing.money import Amount, exact
from pricing.parameter_mapping import parameter_set_from
from pricing.params import ParameterSet, plain
from pricing.value import ComponentMeasures

Document = Mapping[str, Any]


def document_of(facts: PricedFacts, parameters: ParameterSet, price: ComponentPrice) -> dict[str, Any]:
    """Facts, parameters and price as plain mappings, lists, numbers and words, as JSON holds them."""
    return {"facts": plain(facts), "parameters": plain(parameters), "price": plain(price)}


def recomputed(document: Document) -> ComponentPrice:
    """The price that the facts and the parameters of a record give, whatever price stands in it.

    Raises ValueError where one of them is outside its domain, KeyError where one is missing. Source: models §9.
    """
    return priced(facts_from(document["facts"]), parameter_set_from(document["parameters"]))


def differences(document: Document) -> tuple[str, ...]:
    """The steps of a record that its own facts and parameters do not give, by name such as `negotiated.price_fen`."""
    return tuple(_differences("", document["price"], plain(recomputed(document))))


def facts_from(mapping: Mapping[str, Any]) -> PricedFacts:
    """The facts of a record. Raises KeyError for a missing one, ValueError for one outside its domain."""
    measures, trading = mapping["measures"], mapping["trading"]
    return PricedFacts(
        measures=ComponentMeasures(**{**measures, "waived": tuple(measures["waived"])}),
        domain=mapping["domain"],
        ecosystem=mapping["ecosystem"],
        regime=mapping["regime"],
        field_costs=tuple(FieldCost(**cost) for cost in mapping["field_costs"]),
        model_cost_fen=_amount(mapping["model_cost_fen"]),
        factors=_factors(mapping["factors"]),
        expected_licences=mapping["expected_licences"],
        ceiling_fen=mapping["ceiling_fen"],
        trading=Trading(
            comparables=tuple(_comparable(sale) for sale in trading["comparables"]),
            beta_market=_amount(trading["beta_market"]),
        ),
    )


def _comparable(mapping: Mapping[str, Any]) -> Comparable:
    factors = mapping["factors"]
    return Comparable(
        unit_price=_amount(mapping["unit_price"]),
        age_days=mapping["age_days"],
        buyer_id=mapping["buyer_id"],
        arms_length=mapping["arms_length"],
        factors=None if factors is None else _factors(factors),
    )


def _factors(mapping: Mapping[str, Any]) -> Factors:
    return Factors(**{name: _amount(value) for name, value in mapping.items()})


def _amount(value: int | float | str) -> Amount:
    """A number as it was: a float stays one, since the formulas read it as the decimal that names it."""
    return exact_word(value) if isinstance(value, str) else value


def exact_word(word: str) -> Amount:
    """The exact number that a word such as "3/20" stands for."""
    numerator, _, denominator = word.partition("/")
    return exact(int(numerator)) / int(denominator or 1)


def _differences(place: str, recorded: Any, again: Any) -> list[str]:
    if isinstance(again, Mapping) and isinstance(recorded, Mapping):
        names = sorted({*recorded, *again})
        found = [
            _differences(f"{place}.{name}" if place else name, recorded.get(name), again.get(name)) for name in names
        ]
        return [each for line in found for each in line]
    return [] if recorded == again else [place]
