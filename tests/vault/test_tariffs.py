"""Tariffs: every key is needed, every number is one that can be, and what is wrong is named."""

from copy import deepcopy
from dataclasses import asdict
from typing import Any

import pytest

from vault.tariffs import BOOTSTRAP_TARIFFS, tariffs_from

MAPPING: dict[str, Any] = asdict(BOOTSTRAP_TARIFFS)


def test_tariffs_are_read_from_a_plain_mapping() -> None:
    assert tariffs_from(MAPPING) == BOOTSTRAP_TARIFFS


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("storage.spent_fen", -1, "storage.spent_fen must be a whole number, 0 or more, not -1"),
        ("compute.spent_fen", 1.5, "compute.spent_fen must be a whole number"),
        ("compute.capacity_seconds", 0, "compute.capacity_seconds must be a whole number, 1 or more"),
        ("storage.capacity_byte_seconds", float("inf"), "storage.capacity_byte_seconds must be a whole number"),
        ("governance.fen_per_hour", True, "governance.fen_per_hour must be a whole number"),
        ("governance.fen_per_hour", "120", "governance.fen_per_hour must be a whole number"),
        ("period.months", 0, "period.months must be a whole number, 1 or more"),
        ("period.months", 13, "period.months must be 12 or less"),
        ("period.reason", " ", "period.reason must be words that say why"),
        ("storage.spent_fenn", 1, "storage.spent_fenn is no tariff; did you mean spent_fen?"),
        ("computing", {}, "computing is no tariff; did you mean compute?"),
        ("compute", 7, "compute must be a mapping by name, not 7"),
    ],
)
def test_what_cannot_be_is_refused_by_name(place: str, value: Any, told: str) -> None:
    mapping = deepcopy(MAPPING)
    part, _, key = place.partition(".")
    if key:
        mapping[part][key] = value
    else:
        mapping[part] = value
    with pytest.raises(ValueError, match=told.replace("?", r"\?")):
        tariffs_from(mapping)


@pytest.mark.parametrize("place", ["storage", "compute.reason", "governance.fen_per_hour", "period.months"])
def test_what_is_missing_is_named(place: str) -> None:
    mapping = deepcopy(MAPPING)
    part, _, key = place.partition(".")
    del (mapping[part] if key else mapping)[key or part]
    with pytest.raises(ValueError, match=f"^{place} is missing$"):
        tariffs_from(mapping)
