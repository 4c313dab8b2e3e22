"""Tariffs: what a period of the vault's machines and people costs, and how much they could do for it.

They belong to the reviewed parameters of an epoch; nothing here is measured. Source: models §4.2 (time-driven
activity-based costing: a price per unit of practical capacity, so that idle capacity is nobody's cost).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

MOST_PERIOD_MONTHS = 12


@dataclass(frozen=True)
class StorageTariff:
    """What keeping bytes costs in a period, in fen, and how many byte-seconds could be kept for it."""

    spent_fen: int
    capacity_byte_seconds: int
    reason: str


@dataclass(frozen=True)
class ComputeTariff:
    """What running tasks costs in a period, in fen, and how many seconds of tasks could be run for it."""

    spent_fen: int
    capacity_seconds: int
    reason: str


@dataclass(frozen=True)
class GovernanceTariff:
    """What an hour of a data steward costs, in fen, all in."""

    fen_per_hour: int
    reason: str


@dataclass(frozen=True)
class Period:
    """How many months the amounts are for."""

    months: int
    reason: str


@dataclass(frozen=True)
class Tariffs:
    """The tariffs of one period. Raises ValueError that gives the place of a value outside its domain."""

    storage: StorageTariff
    compute: ComputeTariff
    governance: GovernanceTariff
    period: Period

    def __post_init__(self) -> None:
        for part in fields(self):
            values = getattr(self, part.name)
            for each in fields(values):
                _check(f"{part.name}.{each.name}", getattr(values, each.name))


PARTS: Mapping[str, type] = {
    "storage": StorageTariff,
    "compute": ComputeTariff,
    "governance": GovernanceTariff,
    "period": Period,
}


def tariffs_from(mapping: Mapping[str, Any]) -> Tariffs:
    """The tariffs of a plain mapping, as a reviewed file holds it below `tariffs:`; every key is needed:

        storage: {spent_fen: 60000, capacity_byte_seconds: 1271808000000000000, reason: ...}
        compute: {spent_fen: 300000, capacity_seconds: 529920, reason: ...}
        governance: {fen_per_hour: 12000, reason: ...}
        period: {months: 3, reason: ...}

    Amounts are whole fen of the whole period, 0 or more; capacities whole numbers above 0, what can be used in
    practice over the whole period; a quarter is 3 months, 12 is the most; a reason is a sentence. Raises ValueError
    that gives the place of a key that is missing, unknown or no such value. Source: models §4.2.
    """
    _check_keys(mapping, tuple(PARTS), "")
    parts: dict[str, Any] = {}
    for name, kind in PARTS.items():
        _check_keys(mapping[name], tuple(each.name for each in fields(kind)), f"{name}.")
        parts[name] = kind(**mapping[name])
    return Tariffs(**parts)


def _check_keys(given: Any, known: tuple[str, ...], place: str) -> None:
    if not isinstance(given, Mapping):
        raise ValueError(f"{place.rstrip('.') or 'tariffs'} must be a mapping by name, not {given!r}")
    for key in given:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            raise ValueError(f"{place}{key} is no tariff" + (f"; did you mean {near[0]}?" if near else ""))
    for key in known:
        if key not in given:
            raise ValueError(f"{place}{key} is missing")


def _check(place: str, value: Any) -> None:
    name = place.rsplit(".", 1)[-1]
    if name == "reason":
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{place} must be words that say why, not {value!r}")
        return
    least = 1 if name == "months" or name.startswith("capacity") else 0
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{place} must be a whole number, {least} or more, not {value!r}")
    if name == "months" and value > MOST_PERIOD_MONTHS:
        raise ValueError(f"{place} must be {MOST_PERIOD_MONTHS} or less, not {value}")


BOOTSTRAP_TARIFFS = tariffs_from(
    {
        "storage": {
            "spent_fen": 60_000,
            "capacity_byte_seconds": 160_000_000_000 * 92 * 86_400,
            "reason": "Own assumption: 200 GB, encrypted, mirrored and backed up, at 1 yuan per GB and month; 80 % of "
            "them can be filled in practice, over 92 days.",
        },
        "compute": {
            "spent_fen": 300_000,
            "capacity_seconds": 92 * 2 * 3600 * 8 // 10,
            "reason": "Own assumption: a small vault server and its operation for 1,000 yuan a month; its tasks run "
            "one after another in a window of 2 hours each night, of which 80 % can be used in practice.",
        },
        "governance": {
            "fen_per_hour": 12_000,
            "reason": "Own assumption: 120 yuan for an hour of a municipal data steward, overhead included.",
        },
        "period": {"months": 3, "reason": "Parameters are fixed for a quarter (models §9)."},
    }
)
"""For a city without reviewed parameters: round assumptions of this project for the sample city, not measured."""
