"""A price explained step by step: each step's symbol, words, value and formula with the numbers put in.

The terminal and the page tell the same lines. They read the record and compute nothing anew; a formula stands only
where it gives the value beside it. Sources: white paper; models §1 to §5.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from orchestration.valuation.figures import MINUS, bits, constant, figure, money
from orchestration.valuation.reading import Reading, read
from pricing.component_price import Guided
from pricing.cost import ACTIVITIES
from pricing.exact import clipped
from pricing.guide import GuideParameters
from pricing.money import Amount, exact
from pricing.negotiated import Regime
from vault.valuations import Valuation

VALUE, COST, NEGOTIATED, GUIDE = "Information value", "Cost price", "Negotiated price", "Guide price"
PARTS = (VALUE, COST, NEGOTIATED, GUIDE)
"""The parts of an explanation, in its order."""
ENOUGH = 1e-9
"""How far a formula may be from the value that it stands beside."""
FACTORS: Mapping[str, str] = MappingProxyType({"S": "scarcity", "T": "timeliness", "N": "records", "W": "coverage"})
"""What Φ multiplies, in its order."""


@dataclass(frozen=True)
class Line:
    """One step. part: one of PARTS; value: with its unit; formula: with the numbers put in, '' for what was measured.

    before: the value in the valuation before, '' where it is the same or there is none.
    """

    part: str
    symbol: str
    words: str
    value: str
    formula: str = ""
    before: str = ""

    @property
    def name(self) -> tuple[str, str, str]:
        """What the line is about, in any valuation."""
        return (self.part, self.symbol, self.words if self.symbol == "Z" else "")


@dataclass(frozen=True)
class FactorRatio:
    """One factor of Φ: x, x_ref, their ratio as Φ takes it, its exponent, and whether the ratio was clipped."""

    symbol: str
    value: Amount
    reference: Amount
    ratio: float
    exponent: float
    is_clipped: bool

    @property
    def effect(self) -> float:
        """By how much it multiplies the price."""
        return float(self.ratio**self.exponent)


def explained(valuation: Valuation, before: Valuation | None = None) -> tuple[Line, ...]:
    """The steps from what was measured to both prices, in the order of the formulas.

    before: an earlier valuation of the component, to tell what changed since.
    """
    lines = tuple(_lines(read(valuation)))
    if before is None:
        return lines
    earlier = {line.name: line.value for line in _lines(read(before))}
    return tuple(
        replace(line, before=earlier[line.name] if earlier.get(line.name, line.value) != line.value else "")
        for line in lines
    )


def factor_ratios(guided: Guided, guide: GuideParameters) -> tuple[FactorRatio, ...]:
    """S, T, N and W beside their references, as Φ multiplies them. Source: models §5."""
    named = zip(FACTORS, vars(guided.factors).values(), vars(guided.reference).values(), guide.exponents, strict=True)
    found = []
    for symbol, value, reference, exponent in named:
        ratio = exact(value) / exact(reference)
        taken = clipped(ratio, exact(guide.least_ratio), exact(guide.most_ratio))
        found.append(FactorRatio(symbol, value, reference, float(taken), float(exponent), taken != ratio))
    return tuple(found)


def _lines(reading: Reading) -> Iterator[Line]:
    yield from _value_lines(reading)
    yield from _cost_lines(reading)
    yield from _negotiated_lines(reading)
    yield from _guide_lines(reading)


def _value_lines(reading: Reading) -> Iterator[Line]:
    value, parameters = reading.price.valuation, reading.parameters
    unit, tables = parameters.volume_unit, len(reading.sources)
    reference = figure(parameters.reference_records[value.grain])
    counted = " + ".join(f"{rows:,}" for rows in reading.sources.values())
    read_from = f" of {tables} tables" if tables > 1 else ""
    summed = _if_equal(counted, sum(reading.sources.values()), value.records) if tables > 1 else ""
    yield Line(VALUE, "N", f"source records{read_from}", f"{figure(value.records)} {unit}", summed)
    scale = f"{figure(value.scale_records)} {unit}"
    yield Line(VALUE, "C", f"scale: V is 0.9 at {reference}", scale, f"{reference}/ln 9")
    yield Line(VALUE, "V", "volume", figure(value.volume), _volume_formula(reading))
    for dimension, score in value.z:
        yield Line(VALUE, "Z", dimension, "waived" if dimension in value.waived else figure(score))
    scores = dict(value.z)
    terms = " + ".join(f"{constant(weight)}·{figure(scores[name])}" for name, weight in value.beta_quality)
    yield Line(VALUE, "Q", "quality: (Zᵀβ)²", figure(value.quality), f"({terms})²")
    words, formula = _entropy_told(reading)
    yield Line(VALUE, "E", words, bits(value.entropy_bits), formula)
    yield from _target_lines(reading)
    yield Line(VALUE, "D", "density", figure(value.density), _density_formula(reading))
    product = "·".join(figure(factor) for factor in (value.volume, value.quality, value.density))
    yield Line(VALUE, "I", "information value: V·Q·D", figure(value.value_index), product)


def _volume_formula(reading: Reading) -> str:
    records, scale = figure(reading.price.valuation.records), figure(reading.price.valuation.scale_records)
    if reading.parameters.volume_variant == "normalised":
        return f"tanh({records}/(2·{scale}))"
    return f"1/(1 + e^({MINUS}{records}/{scale}))"


def _entropy_told(reading: Reading) -> tuple[str, str]:
    used, entropy = reading.price.valuation.entropy_bits, reading.entropy
    shared_bits = entropy.marginal_sum_bits - entropy.bits
    if reading.parameters.entropy_kind != "chow_liu" or shared_bits < ENOUGH:
        return "information of one record", ""
    formula = f"{figure(entropy.marginal_sum_bits)} {MINUS} {figure(shared_bits)}"
    return "information less what repeats", _if_equal(formula, entropy.bits, used)


def _target_lines(reading: Reading) -> Iterator[Line]:
    """What is known of a declared target: told beside the price, which rests on E whoever buys."""
    if reading.target is not None:
        words = f"what the rest tells of {reading.target.name}, of {bits(reading.target.target_bits)} (not priced)"
        formula = f"max(0, {figure(reading.target.corrected_bits)} {MINUS} {figure(reading.target.chance_bits)})"
        yield Line(VALUE, "E_app", words, bits(reading.target.bits), formula)


def _density_formula(reading: Reading) -> str:
    value = reading.price.valuation
    used, half = figure(value.entropy_bits), constant(value.half_value_bits)
    return {
        "michaelis": f"{used}/({used} + {half})",
        "identity": used,
        "log1p_bits": f"log2(1 + {used})",
        "exp_saturation": f"1 {MINUS} 2^({MINUS}{used}/{half})",
    }[reading.parameters.transform]


def _cost_lines(reading: Reading) -> Iterator[Line]:
    facts, negotiated = reading.facts, reading.price.negotiated
    by_activity = {
        activity: sum(cost.by_activity_fen.get(activity, 0) for cost in facts.field_costs) for activity in ACTIVITIES
    }
    spent = " + ".join(f"{money(fen)} {activity}" for activity, fen in by_activity.items() if fen)
    count = len(facts.field_costs)
    words = f"{count} field{'s' if count != 1 else ''} read, each once" if count else "no field has a cost"
    fields, model = money(negotiated.fields_fen), money(negotiated.model_fen)
    yield Line(COST, "ΣC_x", words, fields, _if_equal(spent, sum(by_activity.values()), negotiated.fields_fen))
    yield Line(COST, "C_xm", "its model: development and runs", model)
    licences = facts.expected_licences
    formula = f"{fields} + {model}" if licences == 1 else f"({fields} + {model})/{licences}"
    shared = "" if licences == 1 else f", over {licences} licences"
    yield Line(COST, "P'", f"cost price{shared}", money(negotiated.cost_price_fen), formula)
    subsidised = " (subsidised)" if facts.ecosystem in reading.parameters.price.subsidised else ""
    yield Line(COST, "k_y", f"ecosystem {facts.ecosystem}{subsidised}", constant(negotiated.adjustment))
    adjusted = f"{constant(negotiated.adjustment)}·{money(negotiated.cost_price_fen)}"
    yield Line(COST, "C_y", "adjusted cost: k_y·P'", money(negotiated.adjusted_cost_fen), adjusted)


def _negotiated_lines(reading: Reading) -> Iterator[Line]:
    negotiated, index = reading.price.negotiated, figure(reading.price.valuation.value_index)
    per_unit = money(negotiated.value_per_unit_fen)
    yield Line(NEGOTIATED, "A_k", f"one unit of I in {reading.facts.domain}", per_unit)
    yield Line(NEGOTIATED, "A_k·I", "price of the value", money(negotiated.value_fen), f"{per_unit}·{index}")
    yield Line(NEGOTIATED, "g", "cost and value joined", money(negotiated.joint_fen), _joint_formula(reading))
    margin, joint = constant(negotiated.margin), money(negotiated.joint_fen)
    yield Line(NEGOTIATED, "γ", "margin", margin)
    price = money(negotiated.price_fen)
    yield Line(NEGOTIATED, "P¹", "negotiated price: (1 + γ)·g", price, f"(1 + {margin})·{joint}")
    yield from _listed_lines(reading, NEGOTIATED, negotiated.price_fen, negotiated.listed_fen)


def _joint_formula(reading: Reading) -> str:
    negotiated, price = reading.price.negotiated, reading.parameters.price
    cost, value = money(negotiated.adjusted_cost_fen), money(negotiated.value_fen)
    uplift, rho = constant(price.uplift), constant(price.rho)
    return {
        "additive": f"{cost} + {value}",
        "cost_uplift": f"{cost}·(1 + {uplift}·{figure(reading.price.valuation.value_index)})",
        "ces": f"({cost}^{rho} + {value}^{rho})^(1/{rho})",
        "maximum": f"max({cost}, {value})",
    }[price.form]


def _listed_lines(reading: Reading, part: str, price_fen: int, listed_fen: int) -> Iterator[Line]:
    """What the regime makes of a price."""
    regime, ceiling_fen = reading.facts.regime, reading.price.negotiated.ceiling_fen
    if part == NEGOTIATED and ceiling_fen is not None:
        origin = "the cost price" if reading.facts.ceiling_fen is None else "set by the contract"
        yield Line(part, "ceiling", origin, money(ceiling_fen))
    words: Mapping[Regime, str] = {
        "market": "regime market: as it is",
        "public_guided": "regime public_guided: to the ceiling",
        "public_free": "regime public_free: nothing",
    }
    ceiling = 0 if ceiling_fen is None else ceiling_fen
    formula = f"min({money(price_fen)}, {money(ceiling)})" if regime == "public_guided" else ""
    yield Line(part, "listed", words[regime], money(listed_fen), formula)


def _guide_lines(reading: Reading) -> Iterator[Line]:
    guided, guide = reading.price.guided, reading.parameters.guide
    if guided is None:
        yield Line(GUIDE, "P²", "no guide price follows from a cost of 0", "none")
        return
    ratios = factor_ratios(guided, guide)
    formulas = _factor_formulas(reading, guided)
    for ratio in ratios:
        clip = ", clipped" if ratio.is_clipped else ""
        words = f"{FACTORS[ratio.symbol]} (typical {figure(ratio.reference)}{clip})"
        yield Line(GUIDE, ratio.symbol, words, figure(ratio.value), formulas[ratio.symbol])
    product = " · ".join(f"{figure(ratio.ratio)}^{constant(ratio.exponent)}" for ratio in ratios)
    least, most = constant(guide.least_adjustment), constant(guide.most_adjustment)
    is_clipped = not math.isclose(math.prod(ratio.effect for ratio in ratios), guided.adjustment, rel_tol=ENOUGH)
    formula = f"clip({product}, {least}, {most})" if is_clipped else product
    yield Line(GUIDE, "Φ", "the factors over what is typical", figure(guided.adjustment), formula)
    yield from _anchor_lines(reading, guided)
    anchored = f"max({money(guided.base_fen)}, {money(guided.anchor_fen)}·{figure(guided.adjustment)})"
    floor = "assessed price, at its floor" if guided.floor_binds else "assessed price"
    yield Line(GUIDE, "P''", floor, money(guided.assessed_fen), anchored)
    yield Line(GUIDE, "β", _words_of_beta(reading), figure(guided.beta_market))
    assessed = f"{figure(guided.beta_market)}·{money(guided.assessed_fen)}"
    yield Line(GUIDE, "P²", "guide price: β·P''", money(guided.price_fen), assessed)
    yield from _listed_lines(reading, GUIDE, guided.price_fen, guided.listed_fen)


def _words_of_beta(reading: Reading) -> str:
    """What β is: of the formula, or as the regulator set it, by which record and why."""
    if reading.beta_record is None:
        return "market's demand over its supply"
    reason = f": {reading.beta_reason}" if reading.beta_reason else ""
    return f"set by the regulator, record {reading.beta_record}{reason}"


def _factor_formulas(reading: Reading, guided: Guided) -> dict[str, str]:
    """How S, T and W came about, as far as the record tells."""
    factors, half_life = guided.factors, reading.half_life_days
    alike = 1 / float(factors.scarcity) - 1 if factors.scarcity else 0.0
    overdue = max(0.0, reading.age_days - reading.update_period_days)
    promised = f"{figure(reading.age_days)} {MINUS} {figure(reading.update_period_days)}"
    share = reading.population_share or 0.0
    formulas = {"S": f"1/(1 + {figure(alike)})" if alike > ENOUGH else "", "T": "", "N": ""}
    if half_life is not None:
        aged = f"2^({MINUS}max(0, {promised})/{constant(half_life)})"
        formulas["T"] = _if_equal(aged, 2.0 ** -min(2000.0, overdue / half_life), factors.timeliness)
    covered = f"{figure(reading.completeness)}·{figure(share)}"
    formulas["W"] = _if_equal(covered, reading.completeness * share, factors.coverage)
    return formulas


def _anchor_lines(reading: Reading, guided: Guided) -> Iterator[Line]:
    kappa, theta = constant(reading.parameters.guide.kappa), figure(guided.theta)
    base = money(guided.base_fen)
    if guided.comparable_fen is None:
        yield Line(GUIDE, "C0", "what others like it sold for", "none yet")
    else:
        yield Line(GUIDE, "C0", "what others like it sold for", money(guided.comparable_fen))
    yield Line(GUIDE, "n", "sales of others like it", f"{guided.trades:,}")
    yield Line(GUIDE, "θ", "weight of these sales", theta, f"{guided.trades:,}/({guided.trades:,} + {kappa})")
    margin, cost = constant(reading.parameters.guide.margin), money(reading.price.negotiated.cost_price_fen)
    yield Line(GUIDE, "P_b", "cost base, the floor: (1 + m)·P'", base, f"(1 + {margin})·{cost}")
    formula = base
    if guided.comparable_fen is not None:
        formula = f"{money(guided.comparable_fen)}^{theta} · {base}^(1 {MINUS} {theta})"
    yield Line(GUIDE, "anchor", "between sales and cost", money(guided.anchor_fen), formula)


def _if_equal(formula: str, number: float, value: Amount) -> str:
    """The formula where its number is the value, '' where it is not: then the value has another origin."""
    return formula if math.isclose(number, float(value), rel_tol=ENOUGH, abs_tol=ENOUGH) else ""
