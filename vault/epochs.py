"""The market's epochs: which parameters are in force on a day. They stand still until a person approves the next.

A set that nobody has approved yet, or that does not fit, prices nothing. Source: models §9 (frozen per epoch, else one
seller's listing moves another's price).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import pricing
from pricing.overrides import BetaOverride, override_of
from pricing.params import ParameterSet, plain
from vault.epoch_file import EpochFile, read_epoch_file
from vault.errors import JinkuError
from vault.quarters import quarter_of
from vault.tariffs import Tariffs

FOLDER = Path(pricing.__file__).parent / "parameter_sets"
"""The approved sets, one file per quarter, which come with the code and its review."""


@dataclass(frozen=True)
class Beta:
    """β of P² for one component. record, reason: of the regulator's signed record, None where the formula gave it."""

    value: Fraction
    record: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Epoch:
    """The approved market parameters of one quarter.

    name: '2026q4'; from_day: first day they hold, UTC; beta_market: β of P², without unit; regulator_record: id of the
    signed record where the regulator set it; tariffs: what the vault's machines and people cost; reasons:
    by place, such as price.margin; is_carried_over: in force after its quarter, as no newer set has been approved;
    beta_overrides: β of single components and fields, as the regulator set it.
    """

    name: str
    from_day: date
    approved_by: str
    approved_on: date
    parameters: ParameterSet
    beta_market: Fraction
    regulator_record: str | None
    tariffs: Tariffs
    reasons: Mapping[str, str]
    is_carried_over: bool = False
    beta_overrides: tuple[BetaOverride, ...] = ()

    def beta_of(self, component: str, domain: str) -> Beta:
        """β for a component of an application field: what the regulator set for it, else for its field, else the
        epoch's own."""
        found = override_of(self.beta_overrides, component, domain)
        if found is None or found.beta is None:
            reason = None if self.regulator_record is None else self.reasons.get("beta_market")
            return Beta(self.beta_market, self.regulator_record, reason)
        return Beta(found.beta, found.record_id, found.reason)

    @property
    def content_hash(self) -> str:
        """SHA-256 of all that was approved, and of who did it when: two files of one name are told apart by it."""
        content = {
            "epoch": self.name,
            "from": self.from_day.isoformat(),
            "approved": [self.approved_by, self.approved_on.isoformat()],
            "parameters": plain(self.parameters),
            "beta_market": [plain(self.beta_market), self.regulator_record, *map(plain, self.beta_overrides)],
            "tariffs": asdict(self.tariffs),
            "reasons": dict(self.reasons),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_epochs(folder: Path = FOLDER) -> tuple[Epoch, ...]:
    """Every approved set of a folder, oldest first.

    Raises JinkuError `parameters_invalid`, with file and line, where any file of it does not fit: a set beside the
    right ones that nobody can read may be the one that should be in force.
    """
    files = [read_epoch_file(path) for path in sorted(folder.glob("*")) if path.suffix in (".yaml", ".yml")]
    files.sort(key=lambda file: file.document.from_day)
    _refuse_wide_steps(files)
    return tuple(_epoch(file) for file in files)


def epoch_at(day: date, folder: Path = FOLDER) -> Epoch:
    """The set in force on a day, UTC: the newest that had begun and been approved by then.

    `is_carried_over` where the day lies in a later quarter than the set: parameters stand still until the next is
    approved. Raises JinkuError `parameters_missing` where none is in force, and `parameters_invalid`.
    """
    known = load_epochs(folder)
    in_force = [epoch for epoch in known if max(epoch.from_day, epoch.approved_on) <= day]
    if not in_force:
        waiting = [f"{epoch.name} from {max(epoch.from_day, epoch.approved_on)}" for epoch in known]
        there = f"; there is {', '.join(waiting)}" if waiting else ""
        action = "Approve a parameter set for this day; without one nothing is priced."
        raise JinkuError("parameters_missing", f"no parameter set is in force on {day}{there}", str(folder), action)
    return replace(in_force[-1], is_carried_over=in_force[-1].name != quarter_of(day))


def _epoch(file: EpochFile) -> Epoch:
    document = file.document
    return Epoch(
        name=document.epoch,
        from_day=document.from_day,
        approved_by=document.approved.by,
        approved_on=document.approved.on,
        parameters=file.parameters,
        beta_market=document.beta_market.value,
        regulator_record=document.beta_market.regulator_record,
        tariffs=file.tariffs,
        reasons=MappingProxyType(dict(document.reasons)),
        beta_overrides=tuple(each.override(document.epoch) for each in document.beta_market.overrides),
    )


def _refuse_wide_steps(files: Sequence[EpochFile]) -> None:
    """β moves by 5 % at most from the set before, unless the regulator says otherwise in a signed record."""
    for before, after in pairwise(files):
        earlier, later = before.document.beta_market.value, after.document.beta_market
        most_step = Fraction(str(after.parameters.guide.most_step))
        if later.regulator_record is None and abs(later.value - earlier) > most_step * earlier:
            message = f"beta_market goes from {earlier} to {later.value}, more than the step of {most_step}"
            raise after.refusal(("beta_market", "value"), message)
