"""Which tables a participant sees: one for each component that it holds an entitlement to now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.entitlements.tables import entitlements
from market_api.entitlements.usable import coverages
from market_api.paging import page_token, read_token
from market_api.problems import Problem
from vault.moments import text_of

SHARE, SCHEMA = "jinku", "components"
RESULTS, RESULTS_MAX = 500, 500

_OWN = entitlements.c
_COMPONENTS = (
    sa.select(_OWN.component)
    .distinct()
    .where(
        _OWN.participant_id == sa.bindparam("participant_id"),
        _OWN.state == "active",
        _OWN.valid_until > sa.bindparam("now"),
        _OWN.component > sa.bindparam("after"),
    )
    .order_by(_OWN.component)
    .limit(sa.bindparam("size"))
)


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for. results_max: 0 for none; token: of the page before, empty for the first."""

    results_max: int
    token: str

    @property
    def size(self) -> int:
        """How many are shown at most."""
        return min(self.results_max, RESULTS_MAX)


def share(name: str) -> Mapping[str, Any]:
    """The share of a name. Raises Problem `not_found`."""
    if name.lower() != SHARE:
        raise Problem("not_found", f"There is no such share for you; yours is '{SHARE}'.")
    return {"name": SHARE}


def schema(share_name: str, name: str) -> Mapping[str, Any]:
    """The schema of a name. Raises Problem `not_found`."""
    share(share_name)
    if name.lower() != SCHEMA:
        raise Problem("not_found", f"There is no such schema for you; yours is '{SCHEMA}'.")
    return {"name": SCHEMA, "share": SHARE}


def one_page(items: Sequence[Mapping[str, Any]], asked: Page) -> Mapping[str, Any]:
    """A list of one, in the form of a page. Raises Problem `invalid_request`."""
    is_after = bool(read_token(asked.token)) if asked.token else False
    return {"items": [] if is_after or not asked.size else list(items)}


def tables_page(connection: sa.Connection, participant_id: str, at: datetime, asked: Page) -> Mapping[str, Any]:
    """A page of tables, by name. Raises Problem `invalid_request`."""
    told = {
        "participant_id": participant_id,
        "now": text_of(at),
        "after": read_token(asked.token),
        "size": asked.size + 1,
    }
    names = connection.execute(_COMPONENTS, told).scalars().all()
    shown = names[: asked.size]
    items = [{"name": name, "schema": SCHEMA, "share": SHARE} for name in shown]
    return {"items": items, **({"nextPageToken": page_token(shown[-1])} if shown and len(names) > len(shown) else {})}


def version_from(connection: sa.Connection, participant_id: str, component: str, moment: datetime) -> int:
    """The earliest version that is included and was there at a moment or later. Raises Problem `not_found` and
    `invalid_request`."""
    later = [number for number, since in _versions(connection, participant_id, component) if since >= text_of(moment)]
    if not later:
        raise Problem("invalid_request", "No version of the table is that new.", "startingTimestamp")
    return min(later)


def version_at(connection: sa.Connection, participant_id: str, component: str, moment: datetime) -> int:
    """The version that was current at a moment. Raises Problem `not_found` and `invalid_request`."""
    until = [number for number, since in _versions(connection, participant_id, component) if since <= text_of(moment)]
    if not until:
        raise Problem("invalid_request", "No version of the table is that old.", "timestamp")
    return max(until)


def _versions(connection: sa.Connection, participant_id: str, component: str) -> list[tuple[int, str]]:
    """The releases that are included, and since when they are listed."""
    found = coverages(connection, participant_id, component)
    return sorted({(row.release_number, row.created_at) for each in found for row in each.listings})
