"""The regulator's β as the market's signed trades tell it: records in the order in which they were made."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, get_args

from pricing.cost import Ecosystem
from pricing.overrides import BetaOverride
from vault.quarters import is_quarter

KEYS = frozenset(["record", "component", "field", "first_epoch", "last_epoch", "beta", "reason"])


def overrides_told(records: Iterable[BetaOverride]) -> list[dict[str, Any]]:
    """Records as plain JSON values, in their order."""
    return [
        {
            "record": each.record_id,
            "component": each.component,
            "field": each.domain,
            "first_epoch": each.first_epoch,
            "last_epoch": each.last_epoch,
            "beta": None if each.beta is None else str(each.beta),
            "reason": each.reason,
        }
        for each in records
    ]


def overrides_of(told: Any, components: Iterable[str]) -> tuple[BetaOverride, ...]:
    """The records of a document. components: those it lists. Raises ValueError and TypeError for what is none."""
    known = frozenset(components)
    return tuple(_override(each, known) for each in told)


def _override(told: Mapping[str, Any], components: frozenset[str]) -> BetaOverride:
    if set(told) != KEYS or not all(isinstance(each, str | None) for each in told.values()):
        raise ValueError(f"a regulator's β is not of the keys {', '.join(sorted(KEYS))}, each of them text")
    if not (is_quarter(told["first_epoch"]) and is_quarter(told["last_epoch"])):
        raise ValueError("the term of a regulator's β is not of quarters such as 2027q1")
    if told["component"] is not None and told["component"] not in components:
        raise ValueError("a regulator's β is for a component that is not listed")
    if told["field"] is not None and told["field"] not in get_args(Ecosystem):
        raise ValueError(f"a regulator's β is for a field that is none of {', '.join(get_args(Ecosystem))}")
    return BetaOverride(
        record_id=told["record"],
        beta=None if told["beta"] is None else Fraction(told["beta"]),
        reason=told["reason"],
        first_epoch=told["first_epoch"],
        last_epoch=told["last_epoch"],
        component=told["component"],
        domain=told["field"],
    )
