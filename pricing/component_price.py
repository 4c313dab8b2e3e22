"""Both prices of a component from what was measured of it, with every step on the way.

This is the one place where the formulas are put in line: V, Q, D and I; the cost of each field, C_xm, P', C_y and P¹;
S, T, N, W, C0, P'' and P². Who holds the facts and the parameter set gets the same prices to the fen.
Sources: white paper; models §1 to §5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

from pricing.comparables import Comparable, Factors, comparable_price, eligible, reference_factors
from pricing.cost import Ecosystem, adjusted_cost, cost_price
from pricing.exact import whole_fen, within
from pricing.guide import assessed_price, cost_base, guide_price
from pricing.money import Amount, round_half_up
from pricing.negotiated import Regime, joint_price, regulated_price, value_price
from pricing.params import ParameterSet
from pricing.value import ComponentMeasures, ValuationRecord, valuation


@dataclass(frozen=True)
class FieldCost:
    """What one field that the component reads cost in the period, fen, as its share of it; by activity."""

    field: str
    by_activity_fen: Mapping[str, int]

    def __post_init__(self) -> None:
        for activity, fen in self.by_activity_fen.items():
            whole_fen(f"{activity} of {self.field}", fen)
        object.__setattr__(self, "by_activity_fen", MappingProxyType(dict(self.by_activity_fen)))

    @property
    def total_fen(self) -> int:
        """C_x[i], fen."""
        return sum(self.by_activity_fen.values())


@dataclass(frozen=True)
class Trading:
    """What the market knows of a component on the day it is priced: no sale, and a β of 1, until there are trades.

    comparables: cleared sales of components like it; beta_market: β, fixed for the epoch (`guide.market_factor`).
    """

    comparables: tuple[Comparable, ...] = ()
    beta_market: Amount = 1


NOTHING_TRADED = Trading()


@dataclass(frozen=True)
class PricedFacts:
    """Everything a price depends on beside the parameter set.

    field_costs: C_x[i], each field once; model_cost_fen: C_xm, exact; factors: S, T, N and W; ceiling_fen: of the
    public_guided regime, P' where none is set, since public data is sold at cost.
    """

    measures: ComponentMeasures
    domain: str
    ecosystem: Ecosystem
    regime: Regime
    field_costs: tuple[FieldCost, ...]
    model_cost_fen: Amount
    factors: Factors
    expected_licences: int = 1
    ceiling_fen: int | None = None
    trading: Trading = field(default=NOTHING_TRADED)


@dataclass(frozen=True)
class Negotiated:
    """P¹ and what leads to it; exact until price_fen. listed_fen: what the regime leaves of it."""

    fields_fen: int
    model_fen: Fraction
    cost_price_fen: Fraction
    adjustment: Fraction
    adjusted_cost_fen: Fraction
    value_per_unit_fen: Fraction
    value_fen: Fraction
    joint_fen: Fraction
    margin: Fraction
    price_fen: int
    ceiling_fen: int | None
    listed_fen: int


@dataclass(frozen=True)
class Guided:
    """P² and what leads to it; exact until price_fen. listed_fen: what the regime leaves of it."""

    factors: Factors
    reference: Factors
    comparable_fen: Fraction | None
    trades: int
    theta: Fraction
    base_fen: Fraction
    anchor_fen: Fraction
    adjustment: Fraction
    assessed_fen: Fraction
    floor_binds: bool
    beta_market: Fraction
    price_fen: int
    listed_fen: int


@dataclass(frozen=True)
class ComponentPrice:
    """The value of a component and both of its prices; guided is None where nothing was spent on it, as no guide price
    follows from a cost of 0."""

    valuation: ValuationRecord
    negotiated: Negotiated
    guided: Guided | None


def priced(facts: PricedFacts, parameters: ParameterSet) -> ComponentPrice:
    """Value and prices of a component under a parameter set. Money in fen, rounded half up once per price.

    Raises ValueError, which names it, for a fact outside its domain, a domain without A_k, an unknown ecosystem or
    regime. Sources: white paper, P¹ and P²; models §1 to §5.
    """
    value = valuation(facts.measures, parameters)
    negotiated = _negotiated(facts, value.value_index, parameters)
    return ComponentPrice(value, negotiated, _guided(facts, negotiated, parameters))


def _negotiated(facts: PricedFacts, information: float, parameters: ParameterSet) -> Negotiated:
    if facts.ecosystem not in parameters.price.adjustments:
        raise ValueError(f"ecosystem must be one of {', '.join(parameters.price.adjustments)}, not {facts.ecosystem!r}")
    names = [cost.field for cost in facts.field_costs]
    if len(set(names)) < len(names):
        raise ValueError("the cost of a field is counted once, and one is given twice")
    model_fen = within("model_cost_fen", facts.model_cost_fen)
    whole = cost_price([cost.total_fen for cost in facts.field_costs], model_fen, facts.expected_licences)
    k_y = within("k_y", parameters.price.adjustments[facts.ecosystem])
    adjusted = adjusted_cost(whole, k_y, facts.ecosystem in parameters.price.subsidised)
    joint = parameters.price.joint(facts.domain)
    joined = joint_price(information, adjusted, joint)
    price_fen = round_half_up((1 + within("margin", parameters.price.margin)) * joined)
    ceiling_fen = _ceiling(facts, whole)
    return Negotiated(
        fields_fen=sum(cost.total_fen for cost in facts.field_costs),
        model_fen=model_fen,
        cost_price_fen=whole,
        adjustment=k_y,
        adjusted_cost_fen=adjusted,
        value_per_unit_fen=within("A_k", joint.value),
        value_fen=value_price(information, joint),
        joint_fen=joined,
        margin=within("margin", parameters.price.margin),
        price_fen=price_fen,
        ceiling_fen=ceiling_fen,
        listed_fen=regulated_price(price_fen, facts.regime, ceiling_fen),
    )


def _ceiling(facts: PricedFacts, cost_price_fen: Fraction) -> int | None:
    if facts.regime != "public_guided":
        return None
    return round_half_up(cost_price_fen) if facts.ceiling_fen is None else facts.ceiling_fen


def _guided(facts: PricedFacts, negotiated: Negotiated, parameters: ParameterSet) -> Guided | None:
    whole, trading, guide = negotiated.cost_price_fen, facts.trading, parameters.guide
    if whole == 0:
        return None
    half_life_days = float(guide.comparable_half_life_days)
    comparable = comparable_price(trading.comparables, half_life_days)
    trades = len(eligible(trading.comparables))
    bootstrap = parameters.reference_factors(facts.measures.grain)
    reference = reference_factors(trading.comparables, bootstrap, half_life_days)
    assessed = assessed_price(whole, comparable, trades, facts.factors, reference, guide)
    beta = within("β", trading.beta_market, guide.least_beta, guide.most_beta)
    price_fen = guide_price(assessed.price, beta)
    return Guided(
        factors=facts.factors,
        reference=reference,
        comparable_fen=comparable,
        trades=trades,
        theta=assessed.theta,
        base_fen=cost_base(whole, guide),
        anchor_fen=assessed.anchor,
        adjustment=assessed.adjustment,
        assessed_fen=assessed.price,
        floor_binds=assessed.floor_binds,
        beta_market=beta,
        price_fen=price_fen,
        listed_fen=regulated_price(price_fen, facts.regime, negotiated.ceiling_fen),
    )
