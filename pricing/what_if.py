"""What if: the value and both prices of one component under many draws of the parameters at once.

The same formulas as `pricing.value`, `negotiated` and `guide`, over arrays in double precision: for figures of 100,000
draws, where the exact functions would take minutes. A price of a deal comes from those, never from here.
Sources: white paper; models §1 to §5.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pricing.comparables import Factors
from pricing.cost import LEAST_ADJUSTMENT, MOST_ADJUSTMENT, Ecosystem
from pricing.domain import non_negative, positive, within_unit
from pricing.negotiated import MOST_MARGIN, MOST_UPLIFT
from pricing.params import Grain, ParameterSet
from pricing.quality import quality_score
from pricing.volume import scale_of
from pricing.weights import TOLERANCE

Numbers = NDArray[np.float64]
Draw = float | Numbers
"""One number for all draws, or one per draw."""

ROWS = ("beta", "exponents", "references")
"""Parameters that are a row of numbers each."""
MOST_FEN = 2.0**53
"""Up to which double precision holds every whole fen."""


@dataclass(frozen=True)
class Component:
    """What is measured of the component, the same in every draw: records N, Z, E in bits, P' in fen, S, T, N, W.

    comparable_fen: C0, None without history, of so many trades; demand and supply of the epoch. Raises ValueError
    outside the domain.
    """

    records: float
    z: Mapping[str, float]
    entropy_bits: float
    cost_price_fen: float
    factors: Factors
    waived: Collection[str] = ()
    comparable_fen: float | None = None
    trades: int = 0
    demand: int = 0
    supply: int = 0

    def __post_init__(self) -> None:
        for name in ("records", "entropy_bits", "trades", "demand", "supply"):
            non_negative(name, getattr(self, name))
        positive("cost_price_fen", self.cost_price_fen)
        if self.comparable_fen is not None:
            positive("comparable_fen", self.comparable_fen)
        for dimension, value in self.z.items():
            within_unit(f"Z of {dimension}", value)


@dataclass(frozen=True)
class Draws:
    """The parameters drawn; those that are not come from the set `base`, whose choices (V, h, g, clips) they share.

    One number each or one per draw: reference_records N_ref, half_value_bits E0, value_fen A_k, uplift λ, adjustment
    k_y, margin γ, kappa κ, guide_margin m, eta η. One row each or one per draw: beta (as `base.beta_quality` is
    ordered), exponents and references (S, T, N, W). Raises ValueError that names the parameter, the draw and its value.
    """

    base: ParameterSet
    reference_records: Draw
    half_value_bits: Draw
    beta: Numbers
    value_fen: Draw
    uplift: Draw
    adjustment: Draw
    margin: Draw
    exponents: Numbers
    references: Numbers
    kappa: Draw
    guide_margin: Draw
    eta: Draw
    subsidised: bool = False

    def __post_init__(self) -> None:
        least_adjustment = float(LEAST_ADJUSTMENT) if self.subsidised else 1.0
        _check("reference_records", self.reference_records, least=0, exclusive=True)
        _check("half_value_bits", self.half_value_bits, least=0, exclusive=True)
        _check("value_fen", self.value_fen, least=0)
        _check("uplift", self.uplift, 0, float(MOST_UPLIFT))
        _check("adjustment", self.adjustment, least_adjustment, float(MOST_ADJUSTMENT))
        _check("margin", self.margin, 0, float(MOST_MARGIN))
        _check("kappa", self.kappa, least=0, exclusive=True)
        _check("guide_margin", self.guide_margin, 1 / float(self.base.guide.least_beta) - 1 - TOLERANCE)
        _check("eta", self.eta, least=0)
        _check("references", self.references, least=0, exclusive=True)
        if np.shape(self.references)[-1:] != (4,):
            raise ValueError(f"references must have 4 numbers in a row, not the shape {np.shape(self.references)}")
        _check_rows("beta", self.beta, len(self.base.beta_quality), self.base.beta_floor)
        _check_rows("exponents", self.exponents, 4, 0.0)
        _ = self.count

    @property
    def count(self) -> int:
        """How many draws there are. Raises ValueError where two parameters have different numbers of them."""
        rows = {name: len(value) for name, value in vars(self).items() if np.ndim(value) == 1 and name not in ROWS}
        rows |= {name: len(value) for name, value in vars(self).items() if np.ndim(value) == 2}
        if len(set(rows.values()) - {1}) > 1:
            raise ValueError(f"the draws differ in number: {', '.join(f'{name} {n}' for name, n in rows.items())}")
        return max(rows.values(), default=1)


@dataclass(frozen=True)
class Figures:
    """Arrays, one figure per draw: I and what it is made of; g and P¹; P'', β and P². Prices are whole fen."""

    volume: Numbers
    quality: Numbers
    density: Numbers
    value_index: Numbers
    joint_fen: Numbers
    negotiated_fen: NDArray[np.int64]
    assessed_fen: Numbers
    beta_market: Numbers
    guide_fen: NDArray[np.int64]


def draws_of(parameters: ParameterSet, grain: Grain, domain: str, ecosystem: Ecosystem) -> Draws:
    """A set as draws, all of them the same: `dataclasses.replace` what is to vary.

    Raises ValueError for a grain, a domain or an ecosystem that the set lacks. Source: models §1 to §5.
    """
    parameters.scale_records(grain)
    if ecosystem not in parameters.price.adjustments:
        raise ValueError(f"ecosystem must be one of {', '.join(parameters.price.adjustments)}, not {ecosystem!r}")
    joint, guide, reference = parameters.price.joint(domain), parameters.guide, parameters.reference_factors(grain)
    return Draws(
        base=parameters,
        reference_records=float(parameters.reference_records[grain]),
        half_value_bits=parameters.half_value_bits,
        beta=np.array(list(parameters.beta_quality.values())),
        value_fen=float(joint.value),
        uplift=float(joint.uplift),
        adjustment=float(parameters.price.adjustments[ecosystem]),
        margin=float(parameters.price.margin),
        exponents=np.array([float(exponent) for exponent in guide.exponents]),
        references=_of_factors(reference),
        kappa=float(guide.kappa),
        guide_margin=float(guide.margin),
        eta=float(guide.eta),
        subsidised=ecosystem in parameters.price.subsidised,
    )


def what_if(component: Component, draws: Draws) -> Figures:
    """I, P¹ and P² of a component under every draw; each price within a fen of the exact functions.

    I = V·Q·D · P¹ = (1 + γ)·g(I, k_y·P') · P² = β·max(P_b, anchor·Φ), β without the step from the epoch before. Prices
    are rounded half up once. Raises ValueError for a price that double precision cannot hold to the fen, and where Z or
    a waiver names no dimension of the set. Sources: white paper; models §1 to §5.
    """
    count = draws.count
    volume = _volume(component.records, draws)
    quality = _quality(component, draws)
    density = _density(component.entropy_bits, draws)
    value_index = volume * quality * density
    joint_fen = _joint_fen(component.cost_price_fen * draws.adjustment, value_index, draws)
    assessed_fen = _assessed_fen(component, draws)
    beta_market = _beta_market(component, draws)

    def each(figures: Draw) -> Numbers:
        return np.array(np.broadcast_to(figures, (count,)))

    return Figures(
        volume=each(volume),
        quality=each(quality),
        density=each(density),
        value_index=each(value_index),
        joint_fen=each(joint_fen),
        negotiated_fen=_whole_fen("P¹", each((1 + np.asarray(draws.margin)) * joint_fen)),
        assessed_fen=each(assessed_fen),
        beta_market=each(beta_market),
        guide_fen=_whole_fen("P²", each(beta_market * assessed_fen)),
    )


def _volume(records: float, draws: Draws) -> Numbers:
    ratio = records / (np.asarray(draws.reference_records) * scale_of(1.0))
    if draws.base.volume_variant == "normalised":
        return np.asarray(np.tanh(ratio / 2))
    return np.asarray(1 / (1 + np.exp(-ratio)))


def _quality(component: Component, draws: Draws) -> Numbers:
    names = list(draws.base.beta_quality)
    quality_score(component.z, draws.base.beta_quality, component.waived, draws.base.beta_floor)
    kept = np.array([name not in component.waived for name in names], dtype=float)
    z = np.array([component.z.get(name, 0.0) for name in names])
    return np.asarray(np.minimum(1.0, (draws.beta * kept) @ z / (draws.beta @ kept)) ** 2)


def _density(entropy_bits: float, draws: Draws) -> Numbers:
    half = np.asarray(draws.half_value_bits)
    if draws.base.transform == "michaelis":
        return np.asarray(entropy_bits / (entropy_bits + half))
    if draws.base.transform == "exp_saturation":
        return np.asarray(-np.expm1(-entropy_bits / half * math.log(2.0)))
    return np.asarray(entropy_bits if draws.base.transform == "identity" else math.log2(1.0 + entropy_bits))


def _joint_fen(cost_fen: Draw, value_index: Numbers, draws: Draws) -> Numbers:
    cost, value = np.asarray(cost_fen), np.asarray(draws.value_fen) * value_index
    form = draws.base.price.form
    if form == "additive":
        return np.asarray(cost + value)
    if form == "cost_uplift":
        return np.asarray(cost * (1 + np.asarray(draws.uplift) * value_index))
    if form == "maximum":
        return np.asarray(np.maximum(cost, value))
    rho, larger = float(draws.base.price.rho), np.maximum(cost, value)
    ratio: Numbers = np.minimum(cost, value) / larger
    return np.asarray(larger * np.power(1 + np.power(ratio, rho), 1 / rho))


def _assessed_fen(component: Component, draws: Draws) -> Numbers:
    guide = draws.base.guide
    base = (1 + np.asarray(draws.guide_margin)) * component.cost_price_fen
    anchor = base
    if component.comparable_fen is not None:
        theta = component.trades / (component.trades + np.asarray(draws.kappa))
        anchor = component.comparable_fen**theta * base ** (1 - theta)
    ratios = np.clip(
        _of_factors(component.factors) / draws.references, float(guide.least_ratio), float(guide.most_ratio)
    )
    product = np.exp((np.log(ratios) * draws.exponents).sum(axis=-1))
    adjustment = np.clip(product, float(guide.least_adjustment), float(guide.most_adjustment))
    return np.asarray(np.maximum(base, anchor * adjustment))


def _beta_market(component: Component, draws: Draws) -> Numbers:
    pressure = (component.demand + 1) / (component.supply + 1)
    guide = draws.base.guide
    return np.clip(np.power(pressure, draws.eta), float(guide.least_beta), float(guide.most_beta))


def _of_factors(factors: Factors) -> Numbers:
    return np.array([float(x) for x in (factors.scarcity, factors.timeliness, factors.records, factors.coverage)])


def _whole_fen(name: str, amounts_fen: Numbers) -> NDArray[np.int64]:
    if not (np.isfinite(amounts_fen).all() and (amounts_fen < MOST_FEN).all()):
        raise ValueError(f"{name} must be below {MOST_FEN:.0f} fen, not {amounts_fen.max()}")
    return np.asarray(np.floor(amounts_fen + 0.5), dtype=np.int64)


def _check(name: str, drawn: Draw, least: float, most: float = math.inf, exclusive: bool = False) -> None:
    values = np.asarray(drawn, dtype=float).reshape(-1)
    if np.ndim(drawn) > (2 if name in ROWS else 1):
        raise ValueError(f"{name} must be one number, or one per draw, not of the shape {np.shape(drawn)}")
    wrong = ~np.isfinite(values) | (values < least) | (values > most) | (exclusive & (values == least))
    if wrong.any():
        place = int(np.argmax(wrong))
        lowest = f"above {least:g}" if exclusive else f"{least:g} or more"
        highest = "" if most == math.inf else f" and {most:g} or less"
        raise ValueError(f"{name} must be finite, {lowest}{highest}; in draw {place} it is {values[place]}")


def _check_rows(name: str, drawn: Numbers, length: int, floor: float) -> None:
    if np.ndim(drawn) not in (1, 2) or np.shape(drawn)[-1:] != (length,):
        raise ValueError(f"{name} must have {length} numbers in a row, not the shape {np.shape(drawn)}")
    rows = np.asarray(drawn, dtype=float).reshape(-1, length)
    wrong = ~(np.isfinite(rows) & (rows >= floor - TOLERANCE)).all(axis=1) | ~(abs(rows.sum(axis=1) - 1) <= TOLERANCE)
    if wrong.any():
        place = int(np.argmax(wrong))
        raise ValueError(f"{name} must be {floor:g} or more each and sum to 1; in draw {place} it is {rows[place]}")
