"""The thresholds of the result review, as the policy states them for each release tier. Source: models §7."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from vault.errors import JinkuError

Tier = Literal["sandbox", "market", "public"]
Group = Annotated[int, Field(ge=2, strict=True)]
Share = Annotated[Decimal, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Thresholds:
    """What one release tier asks for.

    Of rows that are persons: k, the fewest alike; the risk of re-identification is at most 1 in `risk_one_in`; each
    class has l_distinct sensitive values and the entropy of l_entropy equally frequent ones; t, how far its values may
    lie from those of all rows, in [0, 1]. presence_max: of max f/F where membership is sensitive;
    inference_advantage_max: of (V(c|out) - V(c)) / (1 - V(c)).

    Of cells: the fewest persons or organisations behind one; a cell is refused where the dominance_largest largest
    contributors make up more than dominance_share_percent of it, or where all but the two largest make up less than
    p_percent of the largest.

    Of differential privacy: the epsilon of one component, and of a source, unit and year; delta of either.
    """

    k: int
    risk_one_in: int
    l_distinct: int
    l_entropy: Decimal
    t: Decimal
    presence_max: Decimal
    inference_advantage_max: Decimal
    persons: int
    organisations: int
    dominance_largest: int
    dominance_share_percent: Decimal
    p_percent: Decimal
    epsilon_per_component: Decimal
    epsilon_per_source_year: Decimal
    delta_max: Decimal


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class _Tier(_Part):
    k: Group
    risk_one_in: Group
    l_distinct: Annotated[int, Field(ge=1, strict=True)]
    l_entropy: Annotated[Decimal, Field(ge=1, allow_inf_nan=False)]
    t: Share


class _Tiers(_Part):
    sandbox: _Tier
    market: _Tier
    public: _Tier


class _Groups(_Part):
    persons: Group
    organisations: Group


class _Dominance(_Part):
    largest: Annotated[int, Field(ge=1, strict=True)]
    share_percent: Annotated[Decimal, Field(gt=0, lt=100)]
    p_percent: Annotated[Decimal, Field(gt=0, lt=100)]


class _DifferentialPrivacy(_Part):
    epsilon_per_component: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
    epsilon_per_source_year: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
    delta_max: Annotated[Decimal, Field(ge=0, lt=1)]


class _Section(_Part):
    tiers: _Tiers
    groups: _Groups
    dominance: _Dominance
    presence_max: Share
    inference_advantage_max: Share
    differential_privacy: _DifferentialPrivacy


def thresholds_for(section: Mapping[str, object], tier: Tier) -> Thresholds:
    """The thresholds of a tier, from the `result` section of a policy.

    All must be given, within bounds that leave none without effect: what a tier does not ask for is written as the
    value that all data keeps, such as t: 1. Raises JinkuError `policy_unusable`, which names what is missing or wrong.
    """
    try:
        given = _Section.model_validate(section)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(["result", *map(str, first["loc"])])
        raise JinkuError(
            "policy_unusable",
            f"the review has no thresholds, so nothing can pass: {place}: {first['msg']}",
            "result",
            "Restore the reviewed policy file.",
        ) from None
    own: _Tier = getattr(given.tiers, tier)
    return Thresholds(
        **own.model_dump(),
        presence_max=given.presence_max,
        inference_advantage_max=given.inference_advantage_max,
        persons=given.groups.persons,
        organisations=given.groups.organisations,
        dominance_largest=given.dominance.largest,
        dominance_share_percent=given.dominance.share_percent,
        p_percent=given.dominance.p_percent,
        **given.differential_privacy.model_dump(),
    )
