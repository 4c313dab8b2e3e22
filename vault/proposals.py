"""Proposals of the next epoch's market parameters: derived, written with their reasons, approved by a person.

A proposal lacks its approval, so it prices nothing, and the present epoch is never written. Source: models §9.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from pricing.derivation import DERIVED, CatalogueFact, Derived, derived
from pricing.money import exact
from pricing.overrides import BetaOverride, require_bounds
from pricing.params import ParameterSet, plain
from pricing.trade_records import TradeRecords, market_facts
from vault.epoch_file import NAMED, stated_values
from vault.epochs import FOLDER, Epoch, epoch_at, load_epochs
from vault.errors import JinkuError
from vault.home import Home, storage_error
from vault.quarters import first_day, next_quarter, quarter_of

WIDTH = 120


def propose_next(
    home: Home, facts: Sequence[CatalogueFact], trades: TradeRecords, today: date, folder: Path = FOLDER
) -> Path:
    """Write the proposal of the quarter after today's below the home, over an earlier one, and say where.

    facts: of every valued component; trades: asked for what closed before today, UTC, and for what the regulator set.
    The same facts give the same text. Raises JinkuError `parameters_approved` where that quarter has an approved set
    already, `parameters_missing` and `parameters_invalid` as `epoch_at`, `beta_out_of_bounds`, and `disk_full`,
    `home_unwritable` or `storage`.
    """
    present, upcoming = epoch_at(today, folder), next_quarter(quarter_of(today))
    if any(epoch.name == upcoming for epoch in load_epochs(folder)):
        action = "An approved set is not changed; the one after it is derived next quarter."
        raise JinkuError("parameters_approved", f"the set of {upcoming} is approved already", str(folder), action)
    market = market_facts(trades, [fact.component for fact in facts], today, quarter_of(today))
    version = f"{present.parameters.profile}-{upcoming}"
    found = derived(present.parameters, present.beta_market, version, facts, market)
    overrides = _bounded(trades.overrides(upcoming), found.parameters)
    path = home.pricing / "proposed" / f"{upcoming}.yaml"
    _write(path, proposal_text(present, upcoming, found, today, overrides))
    return path


def proposal_text(
    present: Epoch, upcoming: str, found: Derived, today: date, overrides: Sequence[BetaOverride] = ()
) -> str:
    """The proposal as a person reviews it: what was derived, what the regulator set, all else as it is in the present
    epoch."""
    reasons = {place: reason for place, reason in present.reasons.items() if not place.startswith(DERIVED)}
    document = {
        "epoch": upcoming,
        "from": first_day(upcoming),
        "parameters": _stated(found.parameters, {*reasons, *found.reasons}),
        "beta_market": {"value": _readable(plain(found.beta_market)), **_told_overrides(overrides)},
        "tariffs": asdict(present.tariffs),
        "reasons": {**found.reasons, **reasons},
    }
    return (
        f"# Proposed on {today} from {present.name}; nothing is priced with it. To approve it: review every value and\n"
        f"# the tariffs, move the file to pricing/parameter_sets/{upcoming}.yaml, and add the line\n"
        "# approved: {by: NAME, on: YYYY-MM-DD}\n"
    ) + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=WIDTH)


def _bounded(overrides: Sequence[BetaOverride], parameters: ParameterSet) -> Sequence[BetaOverride]:
    """What the regulator set, where the set's own bounds hold it. Raises JinkuError `beta_out_of_bounds`."""
    for each in overrides:
        try:
            require_bounds(each, parameters.guide)
        except ValueError as error:
            raise JinkuError(
                "beta_out_of_bounds",
                f"what the regulator set lies outside the bounds of this market, {error}; nothing was proposed",
                f"record {each.record_id}",
                "Have the regulator record another β, and fetch the trades from the market again.",
            ) from None
    return overrides


def _told_overrides(overrides: Sequence[BetaOverride]) -> dict[str, Any]:
    """By component and field, as the file holds them; nothing where there is none."""
    told = [
        {
            **({"component": each.component} if each.component is not None else {"field": each.domain}),
            "value": _readable(plain(each.beta)),
            "regulator_record": each.record_id,
            "reason": each.reason,
        }
        for each in overrides
    ]
    return {"overrides": told} if told else {}


def _stated(parameters: ParameterSet, reasons: Collection[str]) -> dict[str, Any]:
    """The parameters of which a reason speaks, in the order of the set; the others are those of its profile."""
    values = plain(parameters)
    found: dict[str, Any] = {name: values[name] for name in NAMED}
    for place, value in stated_values(values).items():
        if any(reason == place or reason.startswith(f"{place}.") for reason in reasons):
            *part, name = place.split(".")
            (found.setdefault(part[0], {}) if part else found)[name] = _readable(value)
    return found


def _readable(value: Any) -> Any:
    """A whole number without its point, and a fraction in words as a decimal, where that says all of it."""
    if isinstance(value, dict):
        return {name: _readable(each) for name, each in value.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and "/" in value:
        number = Fraction(value)
        return float(number) if exact(float(number)) == number else value
    return value


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a reader never meets half a proposal."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        raise storage_error(error, path) from None
