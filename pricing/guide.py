"""The auction guide price P² = β · P'': an anchor between history and cost, adjusted by what the component is.

P'' = f(S, T, N, W, C0, P') is the appraisers' market comparison: a comparable price times factor ratios.
Sources: white paper, auction guide price; models §5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from pricing.comparables import Factors
from pricing.exact import above_zero, clipped, power, within
from pricing.money import Amount, round_half_up

UpdatePeriod = Literal["realtime", "daily", "weekly", "monthly", "quarterly", "yearly", "static"]

HALF_LIVES_DAYS: Mapping[UpdatePeriod, int | None] = MappingProxyType(
    {"realtime": 1, "daily": 30, "weekly": 83, "monthly": 180, "quarterly": 334, "yearly": 730, "static": None}
)
"""After which data is worth half, by how often it is updated; None never. Models §5, which leaves weekly and quarterly
out: they lie between their neighbours as the logarithms of the periods do."""


@dataclass(frozen=True)
class GuideParameters:
    """Constants of P² and of x_ref before there are comparables; all but `half_lives_days` and κ without unit.

    Exponents are 0 or more and sum to 1; margin m keeps (1 + m)·β_lo >= 1; kappa: κ, the number of trades that weighs
    as much as cost does; half_lives_days: after which data is worth half, by update period, None for never. Raises
    ValueError that names the constant outside its domain.
    """

    exponent_scarcity: Amount = Fraction(30, 100)
    exponent_timeliness: Amount = Fraction(25, 100)
    exponent_records: Amount = Fraction(15, 100)
    exponent_coverage: Amount = Fraction(30, 100)
    least_ratio: Amount = Fraction(1, 4)
    most_ratio: Amount = Fraction(4)
    least_adjustment: Amount = Fraction(1, 3)
    most_adjustment: Amount = Fraction(3)
    kappa: Amount = 5
    margin: Amount = Fraction(1, 4)
    eta: Amount = Fraction(1, 10)
    least_beta: Amount = Fraction(8, 10)
    most_beta: Amount = Fraction(12, 10)
    most_step: Amount = Fraction(5, 100)
    reference_scarcity: Amount = Fraction(1, 2)
    reference_timeliness: Amount = Fraction(3, 4)
    reference_coverage: Amount = Fraction(95, 100)
    comparable_half_life_days: Amount = 180
    half_lives_days: Mapping[UpdatePeriod, Amount | None] = field(default_factory=lambda: HALF_LIVES_DAYS)

    def __post_init__(self) -> None:
        self._check_periods()
        if sum(self.exponents, Fraction(0)) != 1:
            raise ValueError("the exponents of S, T, N and W must sum to 1")
        above_zero("κ", self.kappa)
        within("η", self.eta)
        within("most_step", self.most_step, 0, 1)
        bounds = {
            "ratio": (self.least_ratio, self.most_ratio),
            "Φ": (self.least_adjustment, self.most_adjustment),
            "β": (self.least_beta, self.most_beta),
        }
        for name, (least, most) in bounds.items():
            within(f"lower bound of {name}", above_zero(f"lower bound of {name}", least), 0, 1)
            within(f"upper bound of {name}", most, 1)
        if (1 + within("m", self.margin)) * within("β_lo", self.least_beta) < 1:
            raise ValueError("m must be 1/β_lo - 1 or more, else the market factor could take a price below cost")
        for name in ("scarcity", "timeliness", "coverage"):
            within(f"reference of {name}", above_zero(f"reference of {name}", getattr(self, f"reference_{name}")), 0, 1)

    def _check_periods(self) -> None:
        above_zero("comparable_half_life_days", self.comparable_half_life_days)
        if set(self.half_lives_days) != set(HALF_LIVES_DAYS):
            raise ValueError(f"half_lives_days must be given for {', '.join(HALF_LIVES_DAYS)} and for nothing else")
        for period, days in self.half_lives_days.items():
            if days is not None:
                above_zero(f"half_lives_days of {period}", days)
        object.__setattr__(self, "half_lives_days", MappingProxyType(dict(self.half_lives_days)))

    @property
    def exponents(self) -> tuple[Fraction, ...]:
        """a of S, T, N and W, each 0 or more, else ValueError."""
        return (
            within("exponent of S", self.exponent_scarcity),
            within("exponent of T", self.exponent_timeliness),
            within("exponent of N", self.exponent_records),
            within("exponent of W", self.exponent_coverage),
        )


@dataclass(frozen=True)
class Override:
    """The regulator's β of an epoch, and the id of the signed record that says so."""

    beta: Amount
    record_id: str


@dataclass(frozen=True)
class Assessment:
    """P'' in the unit of money given, with what led to it."""

    theta: Fraction
    anchor: Fraction
    adjustment: Fraction
    price: Fraction
    floor_binds: bool


STANDARD = GuideParameters()


def timeliness(age_days: Amount, update_period_days: Amount, half_life_days: Amount | None) -> float:
    """T = 2^(-max(0, age - update period) / half-life), in [0, 1]; 1 inside the promised period.

    Days: age and period 0 or more, half-life above 0, None for data that does not age. Raises ValueError else.
    Sources: white paper, timeliness; models §5.
    """
    overdue = max(Fraction(0), within("age_days", age_days) - within("update_period_days", update_period_days))
    if half_life_days is None:
        return 1.0
    half_lives = overdue / above_zero("half_life_days", half_life_days)
    return float(2.0 ** -float(min(half_lives, Fraction(2000))))  # beyond, T is 0 in double precision anyway


def coverage(completeness: Amount, population_share: Amount) -> Fraction:
    """W = completeness Z · share of the target population covered; all in [0, 1], else ValueError.

    Sources: white paper, completeness; models §5.
    """
    return within("completeness", completeness, 0, 1) * within("population_share", population_share, 0, 1)


def bootstrap_reference(reference_records: Amount, parameters: GuideParameters = STANDARD) -> Factors:
    """x_ref before there are comparables: S 0.5, T 0.75, W 0.95 by default, N the reference volume (records, above 0).

    Raises ValueError for a reference volume that is not above 0. Source: models §5.
    """
    return Factors(
        parameters.reference_scarcity,
        parameters.reference_timeliness,
        above_zero("N_ref", reference_records),
        parameters.reference_coverage,
    )


def cost_base(cost_price: Amount, parameters: GuideParameters = STANDARD) -> Fraction:
    """P_b = (1 + m) · P', in the unit of P' (above 0, else ValueError). Source: models §5."""
    return (1 + within("m", parameters.margin)) * above_zero("P'", cost_price)


def credibility(trades: int, parameters: GuideParameters = STANDARD) -> Fraction:
    """θ = n / (n + κ) in [0, 1): how much history weighs against cost.

    trades: n, 0 or more, else ValueError. Source: models §5.
    """
    return within("n", trades) / (trades + above_zero("κ", parameters.kappa))


def anchor_price(base: Amount, comparable: Amount | None, theta: Amount) -> Fraction:
    """C0^θ · P_b^(1 - θ), in their unit; P_b without history.

    base and comparable above 0, θ in [0, 1]. Raises ValueError else. Source: models §5.
    """
    cost, weight = above_zero("P_b", base), within("θ", theta, 0, 1)
    return cost if comparable is None else cost * power(above_zero("C0", comparable) / cost, weight)


def factor_adjustment(factors: Factors, reference: Factors, parameters: GuideParameters = STANDARD) -> Fraction:
    """Φ = clip(Π clip(x / x_ref, 1/4, 4)^a_x, 1/3, 3) over S, T, N and W: 1 at the reference.

    Each reference above 0, else ValueError. Clipped twice, so that no factor alone and not all together can run away
    with the price. Source: models §5.
    """
    least, most = within("least_ratio", parameters.least_ratio), within("most_ratio", parameters.most_ratio)
    product = Fraction(1)
    for value, typical, exponent in zip(_values(factors), _values(reference), parameters.exponents, strict=True):
        ratio = within("factor", value) / above_zero("reference of a factor", typical)
        product *= power(clipped(ratio, least, most), exponent)
    return clipped(product, within("Φ_lo", parameters.least_adjustment), within("Φ_hi", parameters.most_adjustment))


def assessed_price(
    cost_price: Amount,
    comparable: Amount | None,
    trades: int,
    factors: Factors,
    reference: Factors,
    parameters: GuideParameters = STANDARD,
) -> Assessment:
    """P'' = max(P_b, anchor · Φ), in the unit of P' and C0; exact where history and Φ are neutral.

    cost_price P' above 0; comparable C0 above 0, None without history; trades n 0 or more. Non-decreasing in S, T, N,
    W, C0 and P', of degree 1 in money. Raises ValueError outside the domain. Sources: white paper, P''; models §5.
    """
    theta = credibility(trades, parameters) if comparable is not None else Fraction(0)
    base = cost_base(cost_price, parameters)
    anchor = anchor_price(base, comparable, theta)
    adjustment = factor_adjustment(factors, reference, parameters)
    adjusted = anchor * adjustment
    return Assessment(theta, anchor, adjustment, max(base, adjusted), adjusted < base)


def market_factor(
    demand: int,
    supply: int,
    before: Amount | None = None,
    override: Override | None = None,
    parameters: GuideParameters = STANDARD,
) -> Fraction:
    """β = clip(((D + 1) / (U + 1))^η, 0.8, 1.2), at most 5 % from the epoch before.

    demand: qualified bids and enquiries of the epoch, supply: its open lots, both 0 or more. before: β of the epoch
    before, in [0.8, 1.2]; None in the first. A signed override replaces the formula and its step, never the bounds,
    which are what keeps 0.8 · P'' at cost. Raises ValueError else. Sources: white paper, β; models §5.
    """
    least, most = within("β_lo", parameters.least_beta), within("β_hi", parameters.most_beta)
    if override is not None:
        if not override.record_id:
            raise ValueError("a regulator's β needs the id of its signed record")
        return within("β of the regulator", override.beta, least, most)
    pressure = (within("demand", demand) + 1) / (within("supply", supply) + 1)
    beta = clipped(power(pressure, within("η", parameters.eta)), least, most)
    if before is None:
        return beta
    previous, step = within("β before", before, least, most), within("most_step", parameters.most_step)
    return clipped(clipped(beta, previous * (1 - step), previous * (1 + step)), least, most)


def guide_price(assessed_fen: Amount, beta: Amount) -> int:
    """P² = β · P'' in whole fen, rounded half up once, here. P'' in fen and β, both above 0, else ValueError.

    Sources: white paper, P²; models §5.
    """
    return round_half_up(above_zero("β", beta) * above_zero("P''", assessed_fen))


def _values(factors: Factors) -> tuple[Amount, ...]:
    return factors.scarcity, factors.timeliness, factors.records, factors.coverage
