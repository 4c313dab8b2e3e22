"""The negotiated price P¹ = (1 + γ) · g(I, C_y): cost and information value, joined, plus a margin.

The white paper prints P¹ and calls g a joint function of two prices, of cost and of value; the price of value is then
A_k · I, with A_k money per unit of information value. Sources: white paper, negotiated price; models §4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from types import MappingProxyType
from typing import Literal

from pricing.exact import above_zero, power, whole_fen, within
from pricing.money import Amount, round_half_up

Form = Literal["additive", "cost_uplift", "ces", "maximum"]
Regime = Literal["market", "public_guided", "public_free"]

FORMS: tuple[Form, ...] = ("additive", "cost_uplift", "ces", "maximum")
REFUSED_FORMS: Mapping[str, str] = MappingProxyType(
    {"cobb_douglas": "it falls below cost where value is low, and to 0 where I is 0"}
)
MARGIN = Fraction(15, 100)
MOST_MARGIN = Fraction(1, 2)
UPLIFT = Fraction(1)
MOST_UPLIFT = Fraction(4)
LEAST_TRADES = 10


@dataclass(frozen=True)
class Joint:
    """Which g, and its constants.

    value: A_k, the money that one unit of I is worth, 0 or more, in the unit of the cost; frozen per domain and
    quarter. uplift: λ of the multiplicative form, in [0, 4]. rho: of the CES form, 1 or more.
    """

    form: Form = "additive"
    value: Amount = 0
    uplift: Amount = UPLIFT
    rho: Amount = 2

    def __post_init__(self) -> None:
        if self.form in REFUSED_FORMS:
            raise ValueError(f"g must not be {self.form}: {REFUSED_FORMS[self.form]}")
        if self.form not in FORMS:
            raise ValueError(f"g must be one of {', '.join(FORMS)}, not {self.form!r}")
        within("A_k", self.value)
        within("λ", self.uplift, 0, MOST_UPLIFT)
        within("ρ", self.rho, 1)


@dataclass(frozen=True)
class Trade:
    """A closed negotiation of the domain: price P and cost C_y in one unit of money, I above 0 and γ as agreed."""

    price: Amount
    cost: Amount
    information: Amount
    margin: Amount = MARGIN
    arms_length: bool = True

    def __post_init__(self) -> None:
        within("price", self.price)
        within("cost", self.cost)
        above_zero("I of a trade", self.information)
        within("γ", self.margin, 0, MOST_MARGIN)


def joint_price(information: Amount, cost: Amount, joint: Joint) -> Fraction:
    """g(I, C_y) in the unit of the cost, exact (CES to 50 digits).

    additive C + A·I (default) · cost_uplift C·(1 + λ·I), for a cold start only · ces (C^ρ + (A·I)^ρ)^(1/ρ) ·
    maximum max(C, A·I). I >= 0, C >= 0. All of them are at least C, equal to C at I = 0, non-decreasing in both,
    continuous and of degree 1 in money; cost_uplift alone is not subadditive, so it can price a bundle above its parts.
    Raises ValueError outside the domain. Sources: white paper, g; models §4.1.
    """
    index, floor = within("I", information), within("C_y", cost)
    value = value_price(index, joint)
    if joint.form == "additive":
        return floor + value
    if joint.form == "cost_uplift":
        return floor * (1 + within("λ", joint.uplift) * index)
    if joint.form == "maximum":
        return max(floor, value)
    return _ces(floor, value, within("ρ", joint.rho))


def value_price(information: Amount, joint: Joint) -> Fraction:
    """A_k · I, the price that value alone reflects, in the unit of A_k. I >= 0, else ValueError. Source: models §4."""
    return within("A_k", joint.value) * within("I", information)


def cobb_douglas(cost: Amount, value: Amount) -> Fraction:
    """√(C · A·I), to 50 digits: the rejected form, kept to show that it falls below cost. No price is made of it.

    C >= 0, A·I >= 0, in one unit. Raises ValueError else. Source: models §4.1.
    """
    return power(within("C_y", cost) * within("A·I", value), Fraction(1, 2))


def negotiated_price(information: Amount, cost_fen: Amount, joint: Joint, margin: Amount = MARGIN) -> int:
    """P¹ = (1 + γ) · g(I, C_y) in whole fen, rounded half up once, here.

    cost_fen: C_y in fen, 0 or more; A_k in fen; I >= 0; γ in [0, 0.5]. Raises ValueError else.
    Sources: white paper, negotiated price; models §4.
    """
    return round_half_up((1 + within("γ", margin, 0, MOST_MARGIN)) * joint_price(information, cost_fen, joint))


def traded_value(trades: Sequence[Trade]) -> Fraction:
    """A_k = median of (P / (1 + γ) - C_y) / I over the arm's-length trades of a domain, 0 where that is below 0.

    Money in one unit for all. Below 0 a better component would be cheaper, which g must never say. Raises ValueError
    for fewer than 10 arm's-length trades. Source: models §4.1.
    """
    implied = [_implied_value(trade) for trade in trades if trade.arms_length]
    if len(implied) < LEAST_TRADES:
        raise ValueError(f"A_k needs {LEAST_TRADES} arm's-length trades, there are {len(implied)}")
    return max(Fraction(0), median(implied))


def cold_start_value(costs: Sequence[Amount], uplift: Amount = UPLIFT) -> Fraction:
    """A_k = λ · median C_y of the domain, while it has too few trades; in the unit of the costs.

    costs: 0 or more, at least one; λ in [0, 4]. Raises ValueError else. Source: models §4.1.
    """
    if not costs:
        raise ValueError("A_k of a cold start needs the cost of at least one component of the domain")
    return within("λ", uplift, 0, MOST_UPLIFT) * median([within("C_y", cost) for cost in costs])


def domain_value(trades: Sequence[Trade], costs: Sequence[Amount], uplift: Amount = UPLIFT) -> Fraction:
    """A_k of trades where there are 10 at arm's length, else of the cold start. Source: models §4.1."""
    if sum(trade.arms_length for trade in trades) >= LEAST_TRADES:
        return traded_value(trades)
    return cold_start_value(costs, uplift)


def regulated_price(price_fen: int, regime: Regime, ceiling_fen: int | None = None) -> int:
    """What the regime makes of a price: market P · public_guided min(P, ceiling) · public_free 0.

    Fen, 0 or more. Raises ValueError below 0, for an unknown regime and for public_guided without a ceiling.
    Sources: NDRC/NDA 发改价格〔2025〕65号; models §4.2.
    """
    whole_fen("price_fen", price_fen)
    if regime == "market":
        return price_fen
    if regime == "public_free":
        return 0
    if regime != "public_guided":
        raise ValueError(f"regime must be market, public_guided or public_free, not {regime!r}")
    if ceiling_fen is None:
        raise ValueError("the public_guided regime needs a ceiling")
    whole_fen("ceiling_fen", ceiling_fen)
    return min(price_fen, ceiling_fen)


def permitted_revenue(
    operating_cost_fen: int, permitted_profit_fen: int, tax_fen: int, earlier_excess_fen: int = 0
) -> int:
    """Permitted revenue of a period = operating cost + permitted profit + tax - excess of the period before.

    Fen, each 0 or more, else ValueError; at least 0. Sources: 发改价格〔2025〕65号; models §4.2.
    """
    parts = {"operating cost": operating_cost_fen, "permitted profit": permitted_profit_fen, "tax": tax_fen}
    for name, amount in {**parts, "earlier excess": earlier_excess_fen}.items():
        whole_fen(name, amount)
    return max(0, sum(parts.values()) - earlier_excess_fen)


def excess_revenue(revenue_fen: int, permitted_fen: int) -> int:
    """What a period earned above its permitted revenue, to be clawed back in the next. Fen, 0 or more, else ValueError.

    Sources: 发改价格〔2025〕65号; models §4.2.
    """
    return max(0, whole_fen("revenue_fen", revenue_fen) - whole_fen("permitted_fen", permitted_fen))


def price_ceiling(permitted_fen: int, expected_licences: int) -> int:
    """The highest whole fen at which the expected licences earn no more than permitted: ⌊permitted / L⌋.

    permitted_fen 0 or more, expected_licences 1 or more, else ValueError. Sources: 发改价格〔2025〕65号; models §4.2.
    """
    whole_fen("permitted_fen", permitted_fen)
    if expected_licences < 1:
        raise ValueError(f"expected_licences must be 1 or more, not {expected_licences}")
    return permitted_fen // expected_licences


def _implied_value(trade: Trade) -> Fraction:
    price, cost = within("price", trade.price), within("cost", trade.cost)
    return (price / (1 + within("γ", trade.margin)) - cost) / within("I", trade.information)


def _ces(floor: Fraction, value: Fraction, rho: Fraction) -> Fraction:
    """Scaled by the larger of the two, so that the powers neither overflow nor lose C where A·I is 0."""
    larger = max(floor, value)
    if larger == 0:
        return larger
    ratio = power(min(floor, value) / larger, rho)
    return larger * power(1 + ratio, 1 / rho)
