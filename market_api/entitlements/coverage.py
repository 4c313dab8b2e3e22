"""Coverage: which releases of a component an entitlement includes.

The release that was bought; and where its terms include updates, every later one that was listed, whether it is still
on sale or not. Of them the newest that was not retired is the current one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.tables import listings
from market_api.entitlements.standing import Cause

_LISTINGS = (
    sa.select(
        listings.c.release_number,
        listings.c.release_id,
        listings.c.state,
        listings.c.reason,
        listings.c.last_day,
        listings.c.datasheet_hash,
        listings.c.created_at,
    )
    .where(listings.c.component == sa.bindparam("component"))
    .order_by(listings.c.release_number)
)


@dataclass(frozen=True)
class Coverage:
    """The listings of the releases that an entitlement includes, the oldest first."""

    entitlement: sa.Row[Any]
    listings: tuple[sa.Row[Any], ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of the releases."""
        return tuple(row.release_number for row in self.listings)

    @property
    def current(self) -> sa.Row[Any] | None:
        """The release that is pulled where none is named; None where not even the one that was bought is listed."""
        offered = [row for row in self.listings if row.state != "retired"] or self.listings
        return offered[-1] if offered else None

    def of(self, number: int) -> sa.Row[Any] | None:
        """The listing of a release, None where it is not included."""
        return next((row for row in self.listings if row.release_number == number), None)

    def cause_without(self, number: int) -> Cause:
        """Why a release that is not included cannot be had."""
        names = ", ".join(str(each) for each in self.numbers[-10:]) or "none"
        return Cause("not_covered", f"The entitlement does not include release {number}; included are: {names}.")


def listings_of(connection: sa.Connection, component: str) -> Sequence[sa.Row[Any]]:
    """The listings of a component, by release."""
    return connection.execute(_LISTINGS, {"component": component}).all()


def coverage_of(entitlement: sa.Row[Any], component_listings: Sequence[sa.Row[Any]]) -> Coverage:
    """What an entitlement includes of its component's listings."""
    first, has_updates = entitlement.release_number, json.loads(entitlement.terms)["updates"]
    included = [
        row for row in component_listings if row.release_number == first or (has_updates and row.release_number > first)
    ]
    return Coverage(entitlement, tuple(included))
