"""The constants of the next epoch, from the catalogue and the market's records; never of the present one.

Derived, then approved by a person, then frozen for a quarter: else one seller's listing would move the price of
another. What too few components or trades speak for stays as it is. Sources: models §2.5, §3, §4.1, §5, §9.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import median
from types import MappingProxyType

from pricing.comparables import LEAST_BUYERS, Comparable, eligible, reference_factors
from pricing.cost import ADJUSTMENTS, Ecosystem
from pricing.exact import within
from pricing.guide import GuideParameters, market_factor
from pricing.money import Amount, round_half_up
from pricing.negotiated import LEAST_TRADES, Trade, domain_value
from pricing.params import GRAINS, Grain, ParameterSet
from pricing.trade_records import MarketFacts

LEAST_COMPONENTS = 3
"""A median of fewer would be one seller's own figure."""

BETA_DIGITS = 6
"""β_market is published to people, so it is cut to a millionth, towards the β before: the step holds as printed."""

GRAIN_OF_SUBJECT: Mapping[str, Grain] = MappingProxyType(
    {"person": "person", "enterprise": "person", "event": "event", "aggregate": "aggregate", "object": "object"}
)
"""Records of enterprises are as many as records of persons, not as events: models §3 gives both one N_ref."""

DERIVED: tuple[str, ...] = (
    "reference_records",
    "half_value_bits",
    "price.value_fen",
    "guide.reference_scarcity",
    "guide.reference_timeliness",
    "guide.reference_coverage",
    "beta_market",
)
"""Places, in a set's file, of all that is derived; a reason stands for each or for each entry below it."""


@dataclass(frozen=True)
class CatalogueFact:
    """What the valuation of one listed component says: its application field, its subject, N, E and C_y.

    records: N, source records; entropy_bits: E; adjusted_cost_fen: C_y = k_y · P'; each 0 or more, where an N or a C_y
    of 0 was not counted or metered and enters no median. Raises ValueError that names the component for another domain
    or subject and outside the bounds.
    """

    component: str
    domain: Ecosystem
    subject: str
    records: float
    entropy_bits: float
    adjusted_cost_fen: Amount

    def __post_init__(self) -> None:
        if self.domain not in ADJUSTMENTS:
            raise ValueError(
                f"the domain of {self.component} must be one of {', '.join(ADJUSTMENTS)}, not {self.domain!r}"
            )
        grain_of(self.subject)
        within(f"N of {self.component}", self.records)
        within(f"E of {self.component}", self.entropy_bits)
        within(f"C_y of {self.component}", self.adjusted_cost_fen)

    @property
    def grain(self) -> Grain:
        """The grain by which its volume is measured."""
        return grain_of(self.subject)


@dataclass(frozen=True)
class Derived:
    """The next epoch's set and β_market, and why each derived value is what it is, by its place in the set's file."""

    parameters: ParameterSet
    beta_market: Fraction
    reasons: Mapping[str, str]


def grain_of(subject: str) -> Grain:
    """The grain of a contract's subject; an enterprise is a person. Raises ValueError for another. Models §3."""
    if subject not in GRAIN_OF_SUBJECT:
        raise ValueError(f"subject must be one of {', '.join(GRAIN_OF_SUBJECT)}, not {subject!r}")
    return GRAIN_OF_SUBJECT[subject]


def derived(
    before: ParameterSet, beta_before: Amount, version: str, facts: Sequence[CatalogueFact], market: MarketFacts
) -> Derived:
    """N_ref, E0, A_k, x_ref and β_market of the next epoch; all else as in the set before. Pure: same in, same out.

    beta_before: β_market of the epoch before, within its bounds. Raises ValueError for a component given twice, which
    would weigh double in every median. Sources: models §2.5, §3, §4.1, §5.
    """
    names = [fact.component for fact in facts]
    if len(set(names)) < len(names):
        raise ValueError(f"given twice: {', '.join(sorted({name for name in names if names.count(name) > 1}))}")
    records, of_records = _reference_records(before, facts)
    half_value_bits, of_half_value = _half_value_bits(before, facts)
    values_fen, of_values = _domain_values(before, facts, market)
    guide, of_references = _references(before, market.comparables)
    beta, of_beta = _beta_market(before, beta_before, market)
    parameters = replace(
        before,
        version=version,
        reference_records=records,
        half_value_bits=half_value_bits,
        price=replace(before.price, value_fen=values_fen),
        guide=guide,
    )
    reasons = {**of_records, **of_half_value, **of_values, **of_references, **of_beta}
    return Derived(parameters, beta, MappingProxyType(reasons))


def _reference_records(
    before: ParameterSet, facts: Sequence[CatalogueFact]
) -> tuple[dict[Grain, float], dict[str, str]]:
    """N_ref by grain: the median of the records that its components were made of."""
    values: dict[Grain, float] = {}
    reasons = {}
    for grain in GRAINS:
        of_grain = [fact.records for fact in facts if fact.grain == grain and fact.records > 0]
        values[grain], reasons[f"reference_records.{grain}"] = _median_or_kept(
            of_grain, before.reference_records[grain], f"source records N of {len(of_grain)} {grain} components", before
        )
    return values, reasons


def _half_value_bits(before: ParameterSet, facts: Sequence[CatalogueFact]) -> tuple[float, dict[str, str]]:
    """E0: the median entropy, so that half of the catalogue has a density above 1/2."""
    bits = [fact.entropy_bits for fact in facts]
    value, reason = _median_or_kept(bits, before.half_value_bits, f"entropy E of {len(bits)} components", before)
    return value, {"half_value_bits": reason}


def _median_or_kept(values: Sequence[float], kept: float, what: str, before: ParameterSet) -> tuple[float, str]:
    if len(values) < LEAST_COMPONENTS:
        few = _counted(len(values), "component")
        return kept, f"Kept from {before.version}: {few}, {LEAST_COMPONENTS} are needed"
    found = float(median(values))
    if found == 0:
        return kept, f"Kept from {before.version}: the median {what} is 0, and nothing is measured by that"
    return found, f"Median {what}; {_told(kept)} before"


def _domain_values(
    before: ParameterSet, facts: Sequence[CatalogueFact], market: MarketFacts
) -> tuple[dict[str, Amount], dict[str, str]]:
    """A_k by application field; a field of which nothing is known, now or before, stays without and has no prices."""
    values: dict[str, Amount] = dict(before.price.value_fen)
    reasons = {}
    for domain in ADJUSTMENTS:
        costs = [fact.adjusted_cost_fen for fact in facts if fact.domain == domain and fact.adjusted_cost_fen > 0]
        value, reason = _domain_value(before, values.get(domain), market.trades.get(domain, ()), costs)
        if value is not None:
            values[domain], reasons[f"price.value_fen.{domain}"] = value, reason
    return values, reasons


def _domain_value(
    before: ParameterSet, kept: Amount | None, trades: Sequence[Trade], costs: Sequence[Amount]
) -> tuple[Amount | None, str]:
    """A_k in whole fen: a constant that is published, so it is rounded here, before any price is made of it."""
    fair = sum(trade.arms_length for trade in trades)
    seen = _counted(fair, "arm's-length trade")
    if fair < LEAST_TRADES and not costs:
        return kept, f"Kept from {before.version}: no component with a cost and {seen}, {LEAST_TRADES} are needed"
    value = round_half_up(domain_value(trades, costs, before.price.uplift))
    change = "" if kept is None else f"; {_told(kept)} before"
    if fair >= LEAST_TRADES:
        return value, f"Median of (P / (1 + γ) - C_y) / I over {seen}{change}"
    components = _counted(len(costs), "component")
    cold_start = f"Cold start: λ {_told(before.price.uplift)} times the median C_y of {components}"
    return value, f"{cold_start}; {seen}, {LEAST_TRADES} are needed{change}"


def _references(before: ParameterSet, sales: Sequence[Comparable]) -> tuple[GuideParameters, dict[str, str]]:
    """x_ref of S, T and W, of the market as a whole; that of N is N_ref, since records compare within a grain only."""
    known = eligible([sale for sale in sales if sale.factors is not None])
    # of any grain: only N depends on it, and N is left out
    typical = reference_factors(known, before.reference_factors("event"), float(before.guide.comparable_half_life_days))
    scarcity, of_scarcity = _reference("scarcity", typical.scarcity, before.guide.reference_scarcity, known, before)
    timely, of_timely = _reference("timeliness", typical.timeliness, before.guide.reference_timeliness, known, before)
    coverage, of_coverage = _reference("coverage", typical.coverage, before.guide.reference_coverage, known, before)
    guide = replace(before.guide, reference_scarcity=scarcity, reference_timeliness=timely, reference_coverage=coverage)
    return guide, {
        "guide.reference_scarcity": of_scarcity,
        "guide.reference_timeliness": of_timely,
        "guide.reference_coverage": of_coverage,
    }


def _reference(
    name: str, found: Amount, kept: Amount, known: Sequence[Comparable], before: ParameterSet
) -> tuple[Amount, str]:
    if not known:
        return kept, f"Kept from {before.version}: no arm's-length sales to {LEAST_BUYERS} buyers or more"
    if found == 0:
        return kept, f"Kept from {before.version}: the median {name} of {len(known)} sales is 0, and Φ divides by it"
    return found, (
        f"Weighted median {name} of {len(known)} arm's-length sales at their trade dates; {_told(kept)} before"
    )


def _beta_market(before: ParameterSet, beta_before: Amount, market: MarketFacts) -> tuple[Fraction, dict[str, str]]:
    beta = market_factor(market.demand, market.supply, beta_before, parameters=before.guide)
    reason = (
        f"((D + 1) / (U + 1))^η of {market.demand} enquiries and bids D and {market.supply} open lots U, "
        f"at most {_told(before.guide.most_step)} from the {_told(beta_before)} of {before.version}"
    )
    return _cut_towards(beta, within("β before", beta_before)), {"beta_market": reason}


def _cut_towards(value: Fraction, origin: Fraction) -> Fraction:
    """The value cut to `BETA_DIGITS` towards the origin, and not past it."""
    scale = 10**BETA_DIGITS
    if value >= origin:
        return max(origin, Fraction(math.floor(value * scale), scale))
    return min(origin, Fraction(math.ceil(value * scale), scale))


def _told(number: Amount) -> str:
    return f"{float(number):,.10g}"


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
