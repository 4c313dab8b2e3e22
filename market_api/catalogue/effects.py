"""What moves a price most: each thing that it depends on a tenth lower, all others as they are.

From the steps of the datasheet alone, by the same formulas. An effect is None where the steps do not state what it
takes: the exponents of Φ of a parameter set that is not published. Sources: white paper; models §3 to §5.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from market_api.catalogue.recomputation import factors_of, number, published_set
from pricing.comparables import Factors
from pricing.density import TRANSFORMS, Transform, density
from pricing.guide import GuideParameters, anchor_price, factor_adjustment, guide_price
from pricing.money import exact, round_half_up
from pricing.negotiated import FORMS, Joint, joint_price
from pricing.volume import VOLUME_VARIANTS, VolumeVariant, volume
from vault.releases.datasheet import Document

LESS = Fraction(9, 10)


@dataclass(frozen=True)
class Effect:
    """How much lower P¹ and P² would be, in fen, before the regime; None where it does not touch that price, or where
    that cannot be told."""

    symbol: str
    name: str
    negotiated_fen: int | None
    guide_fen: int | None


@dataclass(frozen=True)
class _Inputs:
    """What the steps rest on; money in fen. factors: S, T, N and W."""

    records: Fraction
    score: Fraction
    bits: Fraction
    fields_fen: Fraction
    model_fen: Fraction
    adjustment: Fraction
    per_unit_fen: Fraction
    margin: Fraction
    factors: Factors | None
    comparable_fen: Fraction | None
    beta: Fraction


def effects(steps: Document) -> tuple[Effect, ...]:
    """The effects on both prices, that on the dearer ones first. steps: which follow from each other."""
    given = _inputs(steps)
    negotiated, guide = _negotiated(steps), _guide(steps)
    found = [
        Effect(symbol, name, _less(negotiated, given, changed), _less(guide, given, changed))
        for symbol, name, changed in _changes(given)
    ]
    told = [each for each in found if each.negotiated_fen is not None or each.guide_fen is not None]
    return tuple(sorted(told, key=lambda each: -max(abs(each.negotiated_fen or 0), abs(each.guide_fen or 0))))


Price = Callable[[_Inputs], int]


def _changes(given: _Inputs) -> list[tuple[str, str, _Inputs]]:
    """Each input a tenth lower; N is one of both prices."""
    factors = given.factors
    found = [
        ("N", "source records", replace(given, records=given.records * LESS, factors=_lower(factors, "records"))),
        ("Z", "quality scores", replace(given, score=given.score * LESS)),
        ("E", "bits of information in a record", replace(given, bits=given.bits * LESS)),
        ("ΣC_x", "cost of the fields", replace(given, fields_fen=given.fields_fen * LESS)),
        ("C_xm", "cost of the model", replace(given, model_fen=given.model_fen * LESS)),
        ("k_y", "adjustment of the ecosystem", replace(given, adjustment=given.adjustment * LESS)),
        ("A_k", "money for a unit of value", replace(given, per_unit_fen=given.per_unit_fen * LESS)),
        ("γ", "margin", replace(given, margin=given.margin * LESS)),
    ]
    if factors is not None:
        found += [
            ("S", "scarcity", replace(given, factors=_lower(factors, "scarcity"))),
            ("T", "timeliness", replace(given, factors=_lower(factors, "timeliness"))),
            ("W", "coverage", replace(given, factors=_lower(factors, "coverage"))),
            ("β", "market factor", replace(given, beta=given.beta * LESS)),
        ]
    if given.comparable_fen is not None:
        found.append(("C₀", "what others sold for", replace(given, comparable_fen=given.comparable_fen * LESS)))
    return found


def _less(price: Price | None, given: _Inputs, changed: _Inputs) -> int | None:
    if price is None:
        return None
    return (price(given) - price(changed)) or None


def _negotiated(steps: Document) -> Price | None:
    """P¹ as a function of its inputs, None where the form of g cannot be told."""
    step, value = steps["negotiated"], steps["valuation"]
    licences = _licences(step)
    form = _form(steps)
    if form is None:
        return None
    transform, variant = _transform(value), _variant(value)

    def price(given: _Inputs) -> int:
        of_volume = volume(float(given.records), value["scale_records"], variant)
        of_density = density(float(given.bits), transform, value["half_value_bits"])
        information = exact(of_volume) * given.score**2 * exact(of_density)
        cost = given.adjustment * (given.fields_fen + given.model_fen) / licences
        joint = joint_price(information, cost, replace(form, value=given.per_unit_fen))
        return round_half_up((1 + given.margin) * joint)

    return price


def _guide(steps: Document) -> Price | None:
    """P² as a function of its inputs, None where nothing was spent, or the exponents of Φ cannot be told."""
    step, negotiated = steps["guided"], steps["negotiated"]
    parameters = None if step is None else _guide_parameters(steps)
    if step is None or parameters is None:
        return None
    licences = _licences(negotiated)
    uplift = exact(number(step["base_fen"])) / exact(number(negotiated["cost_price_fen"]))
    theta, reference = exact(number(step["theta"])), factors_of(step["reference"])

    def price(given: _Inputs) -> int:
        base = uplift * (given.fields_fen + given.model_fen) / licences
        anchor = anchor_price(base, given.comparable_fen, theta)
        assert given.factors is not None
        adjusted = anchor * factor_adjustment(given.factors, reference, parameters)
        return guide_price(max(base, adjusted), given.beta)

    return price


def _inputs(steps: Document) -> _Inputs:
    value, negotiated, guided = steps["valuation"], steps["negotiated"], steps["guided"]
    return _Inputs(
        records=exact(value["records"]),
        score=exact(value["score"]),
        bits=exact(value["entropy_bits"]),
        fields_fen=exact(number(negotiated["fields_fen"])),
        model_fen=exact(number(negotiated["model_fen"])),
        adjustment=exact(number(negotiated["adjustment"])),
        per_unit_fen=exact(number(negotiated["value_per_unit_fen"])),
        margin=exact(number(negotiated["margin"])),
        factors=None if guided is None else factors_of(guided["factors"]),
        comparable_fen=None if guided is None else _optional(guided["comparable_fen"]),
        beta=Fraction(1) if guided is None else exact(number(guided["beta_market"])),
    )


def _optional(recorded: int | str | None) -> Fraction | None:
    return None if recorded is None else exact(number(recorded))


def _lower(factors: Factors | None, name: str) -> Factors | None:
    return None if factors is None else replace(factors, **{name: exact(getattr(factors, name)) * LESS})


def _licences(step: Document) -> Fraction:
    cost = exact(number(step["cost_price_fen"]))
    return (exact(number(step["fields_fen"])) + exact(number(step["model_fen"]))) / cost if cost else Fraction(1)


def _form(steps: Document) -> Joint | None:
    """g of the published set, else the form that gives the stated joint price."""
    step, information = steps["negotiated"], steps["valuation"]["value_index"]
    known = published_set(steps["valuation"]["parameter_hash"])
    if known is not None:
        return Joint(known.price.form, 0, known.price.uplift, known.price.rho)
    cost, joint = number(step["adjusted_cost_fen"]), exact(number(step["joint_fen"]))
    value = number(step["value_per_unit_fen"])
    fitting = [Joint(form) for form in FORMS if joint_price(information, cost, Joint(form, value)) == joint]
    return fitting[0] if fitting else None


def _guide_parameters(steps: Document) -> GuideParameters | None:
    """The published set's, else the common ones where they give the stated Φ."""
    known = published_set(steps["valuation"]["parameter_hash"])
    if known is not None:
        return known.guide
    step, common = steps["guided"], GuideParameters()
    found = factor_adjustment(factors_of(step["factors"]), factors_of(step["reference"]), common)
    return common if found == exact(number(step["adjustment"])) else None


def _transform(value: Document) -> Transform:
    bits, half = value["entropy_bits"], value["half_value_bits"]
    return next(each for each in TRANSFORMS if density(bits, each, half) == value["density"])


def _variant(value: Document) -> VolumeVariant:
    records, scale = value["records"], value["scale_records"]
    return next(each for each in VOLUME_VARIANTS if volume(records, scale, each) == value["volume"])
