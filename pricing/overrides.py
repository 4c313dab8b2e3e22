"""β of P² as the regulator sets it for one component or one application field, over a term of whole epochs.

A signed record replaces the formula and its step, never the bounds: 0.8 · P'' stays at cost. What is set for a
component goes before what is set for its field. Source: models §5.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from pricing.guide import STANDARD, GuideParameters, Override, market_factor

SET_BY_REGULATOR = "as the regulator set it"
"""Stands among the flags of a price whose β no formula gave."""


@dataclass(frozen=True)
class BetaOverride:
    """One record. beta: None where it takes an earlier record back, so that the formula holds again; component, domain:
    what it is for, exactly one of them; first_epoch, last_epoch: such as '2027q1', both within the term.

    Raises ValueError for a record without id or reason, for both or neither of what it may be for, a term that ends
    before it begins, and a β outside the bounds of models §5.
    """

    record_id: str
    beta: Fraction | None
    reason: str
    first_epoch: str
    last_epoch: str
    component: str | None = None
    domain: str | None = None

    def __post_init__(self) -> None:
        if not (self.record_id.strip() and self.reason.strip()):
            raise ValueError("a regulator's β needs the id of its signed record, and a reason")
        if (self.component is None) == (self.domain is None):
            raise ValueError("a regulator's β is for one component or for one application field")
        if self.first_epoch > self.last_epoch:
            raise ValueError("the term of a regulator's β ends before it begins")
        require_bounds(self)

    @property
    def target(self) -> tuple[str | None, str | None]:
        """What it is for: a component, or an application field."""
        return self.component, self.domain

    def holds_in(self, epoch: str) -> bool:
        """Whether an epoch lies within its term; names of epochs sort as they follow each other."""
        return self.first_epoch <= epoch <= self.last_epoch


def require_bounds(override: BetaOverride, parameters: GuideParameters = STANDARD) -> None:
    """Raises ValueError, which names the record, for a β outside the bounds of a parameter set."""
    if override.beta is None:
        return
    try:
        market_factor(0, 0, override=Override(override.beta, override.record_id), parameters=parameters)
    except ValueError as error:
        raise ValueError(f"record {override.record_id}: {error}") from None


def in_force(records: Iterable[BetaOverride], epoch: str) -> tuple[BetaOverride, ...]:
    """What holds in an epoch, of records in the order in which they were made: the last of each target whose term
    covers it, unless that one takes back. By field and component, in order."""
    last = {record.target: record for record in records if record.holds_in(epoch)}
    found = [record for record in last.values() if record.beta is not None]
    return tuple(sorted(found, key=lambda each: (each.domain or "", each.component or "")))


def override_of(overrides: Iterable[BetaOverride], component: str, domain: str) -> BetaOverride | None:
    """What is set for a component, by itself or by its field; None where the epoch's own β holds."""
    by_target = {each.target: each for each in overrides}
    return by_target.get((component, None)) or by_target.get((None, domain))
