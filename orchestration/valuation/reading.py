"""A valuation's document read back as what it stands for: facts, parameters, the recorded price, the entropy measured.

Nothing is computed again: `pricing.price_record.differences` tells whether the price follows from the facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pricing.comparables import Factors
from pricing.component_price import ComponentPrice, Guided, Negotiated, PricedFacts
from pricing.density import ColumnEntropy, PairEntropy, RecordEntropy
from pricing.parameter_mapping import parameter_set_from
from pricing.params import ParameterSet
from pricing.price_record import exact_word, facts_from
from pricing.value import ValuationRecord
from vault.valuations import Valuation


@dataclass(frozen=True)
class Target:
    """What the rest of a record tells about a declared target, in bits: `bits` is E_app."""

    name: str
    bits: float
    target_bits: float
    corrected_bits: float
    chance_bits: float


@dataclass(frozen=True)
class Reading:
    """One valuation as typed values.

    sources: rows by table; newest: the day of the newest event, None where none is known; ages in days;
    half_life_days: None for data that does not age; population_share: None where the contract does not say;
    beta_record, beta_reason: of the regulator's signed record, None where the formula gave β.
    """

    facts: PricedFacts
    parameters: ParameterSet
    price: ComponentPrice
    entropy: RecordEntropy
    target: Target | None
    sources: Mapping[str, int]
    newest: date | None
    age_days: float
    update_period_days: float
    half_life_days: float | None
    completeness: float
    population_share: float | None
    beta_record: str | None = None
    beta_reason: str | None = None


def read(valuation: Valuation) -> Reading:
    """The document of a valuation, typed. Raises KeyError or ValueError for one that is no valuation's."""
    document = valuation.document
    age, measures = document["age"], document["measures"]
    beta = document.get("epoch", {}).get("beta_market", {})  # records of earlier versions do not tell it
    return Reading(
        facts=facts_from(document["facts"]),
        parameters=parameter_set_from(document["parameters"]),
        price=_price(document["price"]),
        entropy=_entropy(measures["entropy"]),
        target=None if measures["target"] is None else Target(**measures["target"]),
        sources={source["table"]: source["rows"] for source in document["sources"]},
        newest=None if age["newest"] is None else date.fromisoformat(age["newest"]),
        age_days=age["age_days"],
        update_period_days=age["update_period_days"],
        half_life_days=age["half_life_days"],
        completeness=document["completeness"],
        population_share=document["population_share"],
        beta_record=beta.get("record"),
        beta_reason=beta.get("reason"),
    )


def _price(price: Mapping[str, Any]) -> ComponentPrice:
    return ComponentPrice(
        valuation=ValuationRecord(**{name: _frozen(value) for name, value in price["valuation"].items()}),
        negotiated=Negotiated(**_numbers(price["negotiated"])),
        guided=None if price["guided"] is None else Guided(**_numbers(price["guided"])),
    )


def _numbers(steps: Mapping[str, Any]) -> dict[str, Any]:
    """Steps with their words such as "3/20" as the exact numbers they name, the factors of P² as such."""
    numbers = {name: exact_word(value) if isinstance(value, str) else value for name, value in steps.items()}
    factors = {name: Factors(**_numbers(value)) for name, value in steps.items() if isinstance(value, Mapping)}
    return numbers | factors


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


def _entropy(entropy: Mapping[str, Any]) -> RecordEntropy:
    return RecordEntropy(
        bits=entropy["bits"],
        marginal_sum_bits=entropy["marginal_sum_bits"],
        tree=tuple((first, second) for first, second in entropy["tree"]),
        columns=tuple(ColumnEntropy(**column) for column in entropy["columns"]),
        pairs=tuple(PairEntropy(**pair) for pair in entropy["pairs"]),
        joint_bits=entropy["joint_bits"],
    )
