"""What a participant is told of its entitlements: its data account."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.entitlements.coverage import coverage_of, listings_of
from market_api.entitlements.metering import Delivery
from market_api.entitlements.tables import deliveries, entitlements
from market_api.paging import page, read_token
from market_api.problems import Problem
from vault.moments import text_of

DELIVERIES_SHOWN = 20

_OWN = entitlements.c


def entitlements_page(
    connection: sa.Connection, participant_id: str, at: datetime, token: str, size: int
) -> Mapping[str, Any]:
    """A page of a participant's entitlements, the first bought first. Raises Problem `invalid_request`."""
    query = (
        sa.select(entitlements)
        .where(_OWN.participant_id == participant_id, _OWN.entitlement_id > read_token(token))
        .order_by(_OWN.entitlement_id)
        .limit(size + 1)
    )
    rows = connection.execute(query).all()
    return page(rows, size, lambda row: str(row.entitlement_id), lambda row: document(row, at))


def entitlement(connection: sa.Connection, participant_id: str, entitlement_id: str, at: datetime) -> dict[str, Any]:
    """One of a participant's own entitlements, with the releases that it includes and its last pulls.

    Raises Problem `not_found`.
    """
    mine = sa.and_(_OWN.entitlement_id == entitlement_id, _OWN.participant_id == participant_id)
    row = connection.execute(sa.select(entitlements).where(mine)).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no entitlement '{entitlement_id}' for you.")
    coverage = coverage_of(row, listings_of(connection, row.component))
    return {
        **document(row, at),
        "releases": [each.release_id for each in coverage.listings],
        "pulls": [_pull(each) for each in _last_deliveries(connection, entitlement_id)],
    }


def document(row: sa.Row[Any], at: datetime) -> dict[str, Any]:
    """What is told of an entitlement. Its state is as of now: what is over is expired."""
    is_over = row.state in ("active", "suspended") and row.valid_until <= text_of(at)
    return {
        "entitlement_id": row.entitlement_id,
        "state": "expired" if is_over else row.state,
        "reason": row.reason,
        "order_id": row.order_id,
        "listing_id": row.listing_id,
        "component": row.component,
        "release": f"{row.component}@{row.release_number}",
        "terms": json.loads(row.terms),
        "terms_hash": row.terms_hash,
        "pulls_used": row.pulls_used,
        "pulls_left": None if row.pulls_max is None else row.pulls_max - row.pulls_used,
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
        "exclusive_until": row.exclusive_until,
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }


def _last_deliveries(connection: sa.Connection, entitlement_id: str) -> list[Delivery]:
    own = deliveries.c
    query = (
        sa.select(deliveries)
        .where(own.entitlement_id == entitlement_id)
        .order_by(own.ends_at.desc(), own.delivery_id.desc())
        .limit(DELIVERIES_SHOWN)
    )
    return [Delivery(*row) for row in connection.execute(query)]


def _pull(delivery: Delivery) -> dict[str, str]:
    return {
        "delivery_id": delivery.delivery_id,
        "release": f"{delivery.component}@{delivery.release_number}",
        "channel": delivery.channel,
        "begun_at": delivery.begun_at,
        "ends_at": delivery.ends_at,
    }
