"""Thresholds are all given and all have an effect, or nothing can pass."""

import copy
from decimal import Decimal
from typing import Any

import pytest
import yaml

from review.policy import POLICY
from review.result.thresholds import thresholds_for
from tests.review.result.builders import SECTION
from vault.errors import JinkuError

PLACES = [
    ("tiers",),
    ("tiers", "market"),
    ("tiers", "market", "k"),
    ("tiers", "public", "t"),
    ("groups", "persons"),
    ("dominance", "pPercent"),
    ("presenceMax",),
    ("inferenceAdvantageMax",),
    ("differentialPrivacy", "deltaMax"),
]


def changed(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The section with another value at a place, without it where the value is None."""
    section = copy.deepcopy(dict(SECTION))
    inner = section
    for step in place[:-1]:
        inner = inner[step]
    if value is None:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return section


def test_the_policy_in_force_states_those_of_the_models() -> None:
    section = yaml.safe_load(POLICY.read_text("utf-8"))["result"]
    assert section == SECTION
    market = thresholds_for(section, "market")
    assert (market.k, market.risk_one_in, market.t, market.delta_max) == (11, 11, Decimal("0.3"), Decimal("0.000001"))
    assert thresholds_for(section, "sandbox").k == 5


@pytest.mark.parametrize("place", PLACES)
def test_one_that_is_missing_refuses_and_is_named(place: tuple[str, ...]) -> None:
    with pytest.raises(JinkuError, match=rf"policy_unusable: .*result\.{'.'.join(place)}: Field required"):
        thresholds_for(changed(place, None), "market")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("tiers", "market", "k"), 1),
        (("tiers", "market", "k"), 10.5),
        (("tiers", "market", "k"), True),
        (("tiers", "market", "riskOneIn"), 0),
        (("tiers", "market", "lDistinct"), 0),
        (("tiers", "market", "t"), 1.5),
        (("tiers", "market", "t"), "nan"),
        (("tiers", "market", "unknown"), 1),
        (("groups", "persons"), 0),
        (("dominance", "sharePercent"), 100),
        (("dominance", "pPercent"), 0),
        (("inferenceAdvantageMax",), -1),
        (("differentialPrivacy", "epsilonPerSourceYear"), "inf"),
        (("differentialPrivacy", "deltaMax"), 1),
    ],
)
def test_one_that_would_have_no_effect_refuses(place: tuple[str, ...], value: Any) -> None:
    with pytest.raises(JinkuError, match="policy_unusable"):
        thresholds_for(changed(place, value), "market")


def test_an_empty_section_refuses() -> None:
    with pytest.raises(JinkuError, match="policy_unusable: the review has no thresholds"):
        thresholds_for({}, "market")
