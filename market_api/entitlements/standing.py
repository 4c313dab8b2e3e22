"""Standing: whether an entitlement permits its holder to pull one release at a moment, and if not, the true cause.

It depends on the entitlement's state and term, on whether its holder may act, and on the listing of that release, which
the regulator may have frozen or its seller retired. One query asks for all of them, so that a pull under way can be
asked about again and again. How many pulls are left is asked where pulls are counted (`metering`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.tables import listings
from market_api.entitlements.tables import entitlements
from market_api.identity.tables import participants
from market_api.problems import Problem
from vault.moments import text_of

DAY = len("2026-01-01")


@dataclass(frozen=True)
class Standing:
    """What permits a pull, as the database has it. listing_state: of the release that is to be pulled, None where it
    was never listed; last_day: until which it is delivered where it was retired; times as text."""

    state: str
    reason: str | None
    valid_from: str
    valid_until: str
    holder_state: str
    holder_reason: str | None
    listing_state: str | None
    listing_reason: str | None = None
    last_day: str | None = None


@dataclass(frozen=True)
class Cause:
    """Why something is refused. name: stays the same; detail: in words."""

    name: str
    detail: str

    def problem(self) -> Problem:
        """The refusal."""
        return Problem("not_entitled", self.detail, cause=self.name)


_QUERY = (
    sa.select(
        entitlements.c.state,
        entitlements.c.reason,
        entitlements.c.valid_from,
        entitlements.c.valid_until,
        participants.c.state,
        participants.c.reason,
        listings.c.state,
        listings.c.reason,
        listings.c.last_day,
    )
    .join(participants, participants.c.participant_id == entitlements.c.participant_id)
    .outerjoin(
        listings,
        sa.and_(listings.c.component == entitlements.c.component, listings.c.release_number == sa.bindparam("number")),
    )
    .where(entitlements.c.entitlement_id == sa.bindparam("entitlement_id"))
)


def standing_of(connection: sa.Connection, entitlement_id: str, number: int) -> Standing | None:
    """How it stands with a release under an entitlement; None where there is no such entitlement."""
    row = connection.execute(_QUERY, {"entitlement_id": entitlement_id, "number": number}).one_or_none()
    return None if row is None else Standing(*row)


def cause_against(standing: Standing | None, at: datetime) -> Cause | None:
    """What speaks against pulling at a moment; None where nothing does. What cannot be found permits nothing."""
    if standing is None:
        return Cause("unknown", "There is no such entitlement for you.")
    now = text_of(at)
    return _cause_of_entitlement(standing, now) or _cause_of_holder(standing) or _cause_of_listing(standing, now)


def require_permitted(standing: Standing | None, at: datetime) -> None:
    """Raises Problem `not_entitled`, which names what speaks against pulling."""
    if (cause := cause_against(standing, at)) is not None:
        raise cause.problem()


def _cause_of_entitlement(standing: Standing, now: str) -> Cause | None:
    because = because_of(standing.reason)
    if standing.state == "revoked":
        return Cause("revoked", f"The entitlement was revoked{because}.")
    if standing.state == "expired" or standing.valid_until <= now:
        return Cause("expired", f"The entitlement expired on {day_of(standing.valid_until)}; buy it again.")
    if standing.state == "suspended":
        return Cause("suspended", f"The entitlement is suspended{because}.")
    if standing.state != "active":
        return Cause("unknown", f"The entitlement is {standing.state}.")
    if standing.valid_from > now:
        return Cause("not_begun", f"The entitlement begins at {standing.valid_from}: compare your clock.")
    return None


def _cause_of_holder(standing: Standing) -> Cause | None:
    if standing.holder_state == "admitted":
        return None
    because = because_of(standing.holder_reason)
    return Cause("participant_not_admitted", f"The participant is {standing.holder_state}{because}.")


def _cause_of_listing(standing: Standing, now: str) -> Cause | None:
    because = because_of(standing.listing_reason)
    if standing.listing_state is None:
        return Cause("not_listed", "The release was never listed.")
    if standing.listing_state == "frozen":
        return Cause("frozen", f"The regulator froze the listing of this release{because}.")
    if standing.listing_state == "retired" and standing.last_day is not None and now[:DAY] > standing.last_day:
        return Cause("retired", f"The release was retired and delivered until {standing.last_day}{because}.")
    return None


def because_of(reason: str | None) -> str:
    """A reason as the end of a sentence; nothing where none was given."""
    return f", because: {reason.rstrip('.')}" if reason else ""


def day_of(moment: str) -> str:
    """The day and minute of a moment as text, UTC."""
    return f"{moment[:10]} at {moment[11:16]} UTC"


def row_standing(entitlement: sa.Row[Any], holder: sa.Row[Any], listing: sa.Row[Any] | None) -> Standing:
    """The same from rows that were read already."""
    return Standing(
        entitlement.state,
        entitlement.reason,
        entitlement.valid_from,
        entitlement.valid_until,
        holder.state,
        holder.reason,
        None if listing is None else listing.state,
        None if listing is None else listing.reason,
        None if listing is None else listing.last_day,
    )
