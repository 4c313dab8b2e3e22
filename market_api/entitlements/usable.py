"""Whether a participant may pull a component now: the entitlement that permits it, or the true cause why none does.

Asked before anything is delivered: database first, then the release's signed datasheet, which must still say that it is
safe and that all rights hold. Nothing is remembered as a yes. Source: models §6, §7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.clearance import Signed, cleared_datasheet, signed_datasheet
from market_api.entitlements.coverage import Coverage, coverage_of, listings_of
from market_api.entitlements.metering import Delivery, open_deliveries, require_pull_left
from market_api.entitlements.standing import cause_against, row_standing
from market_api.entitlements.tables import entitlements
from market_api.identity.tables import participants
from market_api.problems import Problem
from market_api.settings import MarketSettings

_HELD = (
    sa.select(entitlements)
    .where(
        entitlements.c.participant_id == sa.bindparam("participant_id"),
        entitlements.c.component == sa.bindparam("component"),
    )
    .order_by(entitlements.c.entitlement_id)
)
_HOLDER = sa.select(participants.c.state, participants.c.reason).where(
    participants.c.participant_id == sa.bindparam("participant_id")
)


@dataclass(frozen=True)
class Permit:
    """What a participant may pull now. listing: of the release; signed: its datasheet; delivery: the pull that it goes
    on with, None where it would be counted anew."""

    entitlement: sa.Row[Any]
    listing: sa.Row[Any]
    signed: Signed
    delivery: Delivery | None

    @property
    def entitlement_id(self) -> str:
        """Of the entitlement that permits it."""
        return str(self.entitlement.entitlement_id)

    @property
    def number(self) -> int:
        """Of the release."""
        return int(self.listing.release_number)

    @property
    def participant_id(self) -> str:
        """Of its holder."""
        return str(self.entitlement.participant_id)

    @property
    def release_id(self) -> str:
        """Such as 'zone_hourly_mobility@3'."""
        return str(self.listing.release_id)


@dataclass(frozen=True)
class _Choice:
    coverage: Coverage
    listing: sa.Row[Any]
    delivery: Delivery | None


def usable(
    connection: sa.Connection,
    settings: MarketSettings,
    participant_id: str,
    component: str,
    at: datetime,
    number: int | None = None,
    *,
    is_pull: bool = True,
) -> Permit:
    """What permits a participant to pull a component at a moment.

    number: of the release, else the current one; is_pull: data are asked for, so a pull must be left. Of several
    entitlements the one counts that gives the newest release, then one whose pull is open, then the first to end.
    Raises Problem `not_found` where it holds none, `not_entitled` with the cause, and `not_cleared`.
    """
    chosen = _chosen(connection, participant_id, component, at, number, is_pull=is_pull)
    cleared_datasheet(settings, chosen.listing.release_id, at, chosen.listing.datasheet_hash)
    signed = signed_datasheet(settings, chosen.listing.release_id)
    return Permit(chosen.coverage.entitlement, chosen.listing, signed, chosen.delivery)


def coverages(connection: sa.Connection, participant_id: str, component: str) -> Sequence[Coverage]:
    """What a participant's entitlements include of a component, the first bought first.

    Raises Problem `not_found` where it holds none, whether there is such a component or not.
    """
    held = connection.execute(_HELD, {"participant_id": participant_id, "component": component}).all()
    if not held:
        raise Problem("not_found", "You hold no entitlement to a component of this name.", "component")
    known = listings_of(connection, component)
    return [coverage_of(row, known) for row in held]


def _chosen(
    connection: sa.Connection, participant_id: str, component: str, at: datetime, number: int | None, *, is_pull: bool
) -> _Choice:
    found = coverages(connection, participant_id, component)
    holder = connection.execute(_HOLDER, {"participant_id": participant_id}).one()
    opened = open_deliveries(connection, [each.entitlement.entitlement_id for each in found], at)
    choices, refusals = [], []
    for coverage in found:
        try:
            choices.append(_choice(coverage, holder, opened, at, number, is_pull=is_pull))
        except Problem as problem:
            refusals.append(problem)
    if not choices:
        raise refusals[-1]
    choices.sort(key=lambda each: str(each.coverage.entitlement.valid_until))
    return max(choices, key=lambda each: (each.listing.release_number, each.delivery is not None))


def _choice(
    coverage: Coverage,
    holder: sa.Row[Any],
    opened: Mapping[tuple[str, int], Delivery],
    at: datetime,
    number: int | None,
    *,
    is_pull: bool,
) -> _Choice:
    """What one entitlement permits. Raises Problem `not_entitled`."""
    entitlement = coverage.entitlement
    listing = coverage.current if number is None else coverage.of(number)
    cause = cause_against(row_standing(entitlement, holder, listing), at)
    if cause is not None and cause.name == "not_listed":
        cause = coverage.cause_without(number or entitlement.release_number)
    if cause is not None:
        raise cause.problem()
    assert listing is not None  # it would have been the cause
    delivery = opened.get((entitlement.entitlement_id, listing.release_number))
    if is_pull and delivery is None:
        require_pull_left(entitlement)
    return _Choice(coverage, listing, delivery)
