"""Comparables of a component: how replaceable it is (S), and what others like it sold for (C0).

Sources: white paper, scarcity and history in the auction guide price; models §5.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pricing.domain import non_negative, positive
from pricing.exact import above_zero, within
from pricing.money import Amount

HALF_LIFE_DAYS = 180.0
LEAST_BUYERS = 3


@dataclass(frozen=True)
class Factors:
    """What the guide price compares: S, T and W in [0, 1], and N source records, 0 or more."""

    scarcity: Amount
    timeliness: Amount
    records: Amount
    coverage: Amount

    def __post_init__(self) -> None:
        within("S", self.scarcity, 0, 1)
        within("T", self.timeliness, 0, 1)
        within("N", self.records)
        within("W", self.coverage, 0, 1)


@dataclass(frozen=True)
class Substitute:
    """A component offered elsewhere: its owner, the concepts of its columns, and the share of the rows it covers."""

    owner_id: str
    concepts: frozenset[str]
    row_overlap: Amount

    def __post_init__(self) -> None:
        within("row_overlap", self.row_overlap, 0, 1)


@dataclass(frozen=True)
class Comparable:
    """A cleared sale of a component like this one: unit price, its age, its buyer, and its factors at the trade date.

    unit_price above 0, in the unit of all the others; age_days 0 or more.
    """

    unit_price: Amount
    age_days: float
    buyer_id: str
    arms_length: bool = True
    factors: Factors | None = None

    def __post_init__(self) -> None:
        above_zero("unit_price", self.unit_price)
        non_negative("age_days", self.age_days)


def similarity(entropies: Mapping[str, float], substitute: Substitute) -> float:
    """sim_j = Σ_{c ∈ X ∩ Y_j} H(c) / Σ_{c ∈ X} H(c) · row overlap, in [0, 1].

    entropies: bits by concept of X, 0 or more. Weighted by entropy, so that sharing an empty column is no substitute.
    Raises ValueError below 0 and where X has no entropy. Source: models §5.
    """
    bits = {concept: within(f"entropy of {concept}", amount) for concept, amount in entropies.items()}
    whole = sum(bits.values(), Fraction(0))
    if whole == 0:
        raise ValueError("a component without entropy has nothing that another could replace")
    shared = sum((amount for concept, amount in bits.items() if concept in substitute.concepts), Fraction(0))
    return float(shared / whole * within("row_overlap", substitute.row_overlap))


def scarcity(similarities: Collection[float]) -> float:
    """S = 1 / (1 + Σ sim_j), in (0, 1]; 1 where nothing can replace it.

    similarities in [0, 1], else ValueError. Source: models §5.
    """
    return float(1 / (1 + sum((within("sim", value, 0, 1) for value in similarities), Fraction(0))))


def scarcity_among(owner_id: str, entropies: Mapping[str, float], substitutes: Collection[Substitute]) -> float:
    """S among the components of other owners; one's own do not make a component less scarce.

    Raises ValueError as `similarity` does. Source: models §5.
    """
    return scarcity([similarity(entropies, other) for other in substitutes if other.owner_id != owner_id])


def eligible(comparables: Sequence[Comparable]) -> tuple[Comparable, ...]:
    """The arm's-length sales, where they had three distinct buyers or more; else none: so few may be one friend.

    Source: models §5.
    """
    fair = tuple(sale for sale in comparables if sale.arms_length)
    return fair if len({sale.buyer_id for sale in fair}) >= LEAST_BUYERS else ()


def comparable_price(comparables: Sequence[Comparable], half_life_days: float = HALF_LIFE_DAYS) -> Fraction | None:
    """C0, the lower weighted median of the eligible unit prices with weight 2^(-age / 180 d); None without any.

    Half of the weight must lie to move it, so one odd sale cannot. Source: models §5.
    """
    sales = eligible(comparables)
    if not sales:
        return None
    weights = recency_weights([sale.age_days for sale in sales], half_life_days)
    return lower_weighted_median([sale.unit_price for sale in sales], weights)


def recency_weights(ages_days: Sequence[float], half_life_days: float = HALF_LIFE_DAYS) -> tuple[float, ...]:
    """2^(-(age - least age) / half-life): 1 for the newest, so that equal ages weigh exactly the same.

    ages 0 or more, half_life_days above 0, else ValueError. Source: models §5.
    """
    positive("half_life_days", half_life_days)
    newest = min((non_negative("age_days", age) for age in ages_days), default=0.0)
    return tuple(2.0 ** (-(age - newest) / half_life_days) for age in ages_days)


def lower_weighted_median(values: Sequence[Amount], weights: Sequence[float]) -> Fraction:
    """The least value up to which half of the weight or more lies.

    weights 0 or more, one per value, some above 0; else ValueError. Source: models §5.
    """
    ranked = sorted((within("value", value, None), exact) for value, exact in _weighted(values, weights))
    half = sum((weight for _, weight in ranked), Fraction(0)) / 2
    reached = Fraction(0)
    for value, weight in ranked:
        reached += weight
        if reached >= half:
            return value
    raise AssertionError("the whole weight is at least its half")


def weighted_mean(values: Sequence[Amount], weights: Sequence[float]) -> Fraction:
    """Σ w·x / Σ w: with `recency_weights`, the exponentially weighted mean by age, an alternative C0.

    One odd sale moves it by its whole share. weights 0 or more, one per value, some above 0; else ValueError.
    Source: models §5.
    """
    pairs = _weighted(values, weights)
    return sum((within("value", value, None) * weight for value, weight in pairs), Fraction(0)) / sum(
        (weight for _, weight in pairs), Fraction(0)
    )


def moving_average(values: Sequence[Amount], smoothing: Amount) -> Fraction:
    """EWMA by sequence, oldest first: m_1 = x_1, m_i = α·x_i + (1 - α)·m_(i-1). An alternative C0.

    At least one value; α in [0, 1]; else ValueError. Source: models §5.
    """
    if not values:
        raise ValueError("an average needs a value")
    alpha = within("α", smoothing, 0, 1)
    mean = within("value", values[0], None)
    for value in values[1:]:
        mean = alpha * within("value", value, None) + (1 - alpha) * mean
    return mean


def reference_factors(
    comparables: Sequence[Comparable], bootstrap: Factors, half_life_days: float = HALF_LIFE_DAYS
) -> Factors:
    """x_ref: the weighted median of each factor of the eligible sales, at their trade dates; the bootstrap without any.

    At their trade dates, because Φ would else count again what C0 has priced in. Source: models §5.
    """
    known = [(sale.age_days, sale.factors) for sale in eligible(comparables) if sale.factors is not None]
    if not known:
        return bootstrap
    weights = recency_weights([age for age, _ in known], half_life_days)

    def typical(factor: Callable[[Factors], Amount]) -> Fraction:
        return lower_weighted_median([factor(factors) for _, factors in known], weights)

    return Factors(
        typical(lambda factors: factors.scarcity),
        typical(lambda factors: factors.timeliness),
        typical(lambda factors: factors.records),
        typical(lambda factors: factors.coverage),
    )


def _weighted(values: Sequence[Amount], weights: Sequence[float]) -> list[tuple[Amount, Fraction]]:
    if len(values) != len(weights):
        raise ValueError(f"{len(values)} values beside {len(weights)} weights")
    pairs = [(value, within("weight", weight)) for value, weight in zip(values, weights, strict=True)]
    if not any(weight for _, weight in pairs):
        raise ValueError("no value has weight")
    return pairs
