"""The steps of a price once more: every one that follows from others in the signed datasheet is computed again.

The vault's costs of single fields and other buyers' trades stay in the vault, so what rests on them is taken as it was
signed: P' is held to be the stated costs over a whole number of licences, C0 and θ are given. Constants that the steps
do not state come from the published parameter set where the datasheet names one by its hash; else they are held to the
bounds that every set keeps. Sources: white paper; models §1 to §5.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pricing
from pricing.comparables import Factors
from pricing.cost import LEAST_ADJUSTMENT, MOST_ADJUSTMENT
from pricing.density import TRANSFORMS, density
from pricing.guide import GuideParameters, anchor_price, cost_base, credibility, factor_adjustment, guide_price
from pricing.money import Amount, exact, round_half_up
from pricing.negotiated import MOST_MARGIN, MOST_UPLIFT, Joint, joint_price, regulated_price, value_price
from pricing.parameter_mapping import parameter_set_from
from pricing.params import ParameterSet
from pricing.price_record import exact_word
from pricing.quality import quality_score
from pricing.value import value_index
from pricing.volume import VOLUME_VARIANTS, volume
from vault.marked_yaml import read_marked
from vault.releases.datasheet import Document

PUBLISHED = Path(pricing.__file__).parent / "parameter_sets"
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What numbers that are none raise on the way."""


def disagreements(price: Document) -> tuple[str, ...]:
    """The steps of a datasheet's price that do not follow from the others, by name such as 'negotiated.price_fen'.

    price: the part `price` of a datasheet. Empty where all follow.
    """
    steps, regime = price["steps"], price["regime"]
    parts: tuple[tuple[str, Callable[[], Iterator[str]]], ...] = (
        ("valuation", lambda: _valuation(steps["valuation"], _known(steps))),
        ("negotiated", lambda: _negotiated(steps, regime, _known(steps))),
        ("guided", lambda: _guided(steps, regime, _known(steps))),
    )
    found = []
    for name, check in parts:
        try:
            found += [f"{name}.{step}" for step in check()]
        except UNREADABLE:
            found.append(name)
    return tuple(found)


def published_set(parameter_hash: str) -> ParameterSet | None:
    """The published parameter set of a hash, None where it is another one, such as that of a later quarter."""
    return _published().get(parameter_hash)


def number(recorded: Any) -> Amount:
    """A number of a step as it was: a word such as '3/20' is the exact number it names. Raises ValueError, TypeError
    and ZeroDivisionError for what is none."""
    if isinstance(recorded, bool) or not isinstance(recorded, int | float | str):
        raise TypeError("it is no number")
    return exact_word(recorded) if isinstance(recorded, str) else recorded


def factors_of(recorded: Document) -> Factors:
    """S, T, N and W of a step."""
    names = ("scarcity", "timeliness", "records", "coverage")
    return Factors(**{name: number(recorded[name]) for name in names})


def _known(steps: Document) -> ParameterSet | None:
    return published_set(str(steps["valuation"]["parameter_hash"]))


def _valuation(step: Document, known: ParameterSet | None) -> Iterator[str]:
    beta = dict(step["beta_quality"])
    z = {name: value for name, value in step["z"] if name in beta}
    if not math.isclose(step["score"], quality_score(z, beta), rel_tol=1e-12, abs_tol=1e-15):
        yield "score"
    if step["quality"] != step["score"] ** 2:
        yield "quality"
    variants = [known.volume_variant] if known else VOLUME_VARIANTS
    if step["volume"] not in [volume(step["records"], step["scale_records"], variant) for variant in variants]:
        yield "volume"
    transforms = [known.transform] if known else TRANSFORMS
    if step["density"] not in [density(step["entropy_bits"], h, step["half_value_bits"]) for h in transforms]:
        yield "density"
    if step["value_index"] != value_index(step["volume"], step["quality"], step["density"]):
        yield "value_index"


def _negotiated(steps: Document, regime: Any, known: ParameterSet | None) -> Iterator[str]:
    step, information = steps["negotiated"], steps["valuation"]["value_index"]
    cost, adjusted, value = (exact(number(step[name])) for name in ("cost_price_fen", "adjusted_cost_fen", "value_fen"))
    spent = exact(number(step["fields_fen"])) + exact(number(step["model_fen"]))
    if not (spent == cost == 0 or (cost > 0 and (spent / cost).denominator == 1)):
        yield "cost_price_fen"
    adjustment, margin = exact(number(step["adjustment"])), exact(number(step["margin"]))
    if not LEAST_ADJUSTMENT <= adjustment <= MOST_ADJUSTMENT:
        yield "adjustment"
    if adjusted != adjustment * cost:
        yield "adjusted_cost_fen"
    if value != value_price(information, Joint(value=number(step["value_per_unit_fen"]))):
        yield "value_fen"
    if not _is_joint(step, information, known):
        yield "joint_fen"
    if not (margin == exact(known.price.margin) if known else 0 <= margin <= MOST_MARGIN):
        yield "margin"
    if step["price_fen"] != round_half_up((1 + margin) * exact(number(step["joint_fen"]))):
        yield "price_fen"
    if step["listed_fen"] != regulated_price(step["price_fen"], regime, step["ceiling_fen"]):
        yield "listed_fen"


def _is_joint(step: Document, information: float, known: ParameterSet | None) -> bool:
    """Whether it is g(I, C_y): in the form of a known set, else in one of all within their bounds."""
    cost, joint = exact(number(step["adjusted_cost_fen"])), exact(number(step["joint_fen"]))
    per_unit, index = number(step["value_per_unit_fen"]), exact(information)
    if known:
        form = Joint(known.price.form, per_unit, known.price.uplift, known.price.rho)
        return joint == joint_price(information, cost, form)
    value = exact(per_unit) * index
    is_power_mean = max(cost, value) <= joint <= cost + value  # additive, ces, maximum
    return is_power_mean or cost <= joint <= cost * (1 + MOST_UPLIFT * index)


def _guided(steps: Document, regime: Any, known: ParameterSet | None) -> Iterator[str]:
    step, negotiated = steps["guided"], steps["negotiated"]
    cost = exact(number(negotiated["cost_price_fen"]))
    if step is None:
        if cost:
            yield "price_fen"
        return
    base, theta, anchor = (exact(number(step[name])) for name in ("base_fen", "theta", "anchor_fen"))
    if not (base == cost_base(cost, known.guide) if known else base >= cost):
        yield "base_fen"
    if not _is_credibility(step, known):
        yield "theta"
    elif anchor != anchor_price(base, _optional(step["comparable_fen"]), theta):
        yield "anchor_fen"
    adjustment = exact(number(step["adjustment"]))
    if not _is_adjustment(step, known):
        yield "adjustment"
    adjusted = anchor * adjustment
    if exact(number(step["assessed_fen"])) != max(base, adjusted):
        yield "assessed_fen"
    if step["floor_binds"] != (adjusted < base):
        yield "floor_binds"
    if step["price_fen"] != guide_price(number(step["assessed_fen"]), number(step["beta_market"])):
        yield "price_fen"
    if step["listed_fen"] != regulated_price(step["price_fen"], regime, negotiated["ceiling_fen"]):
        yield "listed_fen"


def _is_credibility(step: Document, known: ParameterSet | None) -> bool:
    theta = exact(number(step["theta"]))
    if step["comparable_fen"] is None:
        return theta == 0
    return theta == credibility(step["trades"], known.guide) if known else 0 <= theta < 1


def _is_adjustment(step: Document, known: ParameterSet | None) -> bool:
    guide = known.guide if known else GuideParameters()
    found = exact(number(step["adjustment"]))
    if found == factor_adjustment(factors_of(step["factors"]), factors_of(step["reference"]), guide):
        return True
    return known is None and exact(guide.least_adjustment) <= found <= exact(guide.most_adjustment)


def _optional(recorded: Any) -> Amount | None:
    return None if recorded is None else number(recorded)


@cache
def _published() -> Mapping[str, ParameterSet]:
    """The parameter sets that come with the product, by hash."""
    sets = [parameter_set_from(read_marked(path).value["parameters"]) for path in sorted(PUBLISHED.glob("*.yaml"))]
    return {each.content_hash: each for each in sets}
