"""Reading listings: which one stands for a component, and what is told of it."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.offered import trade_of
from market_api.catalogue.tables import listings
from market_api.identity.tables import participants
from market_api.paging import page, read_token
from market_api.problems import Problem

_OF_COMPONENT = (
    sa.select(
        listings,
        participants.c.registered_name.label("seller_name"),
        participants.c.state.label("seller_state"),
        participants.c.taxpayer,
    )
    .outerjoin(participants, participants.c.participant_id == listings.c.seller_id)
    .where(listings.c.component == sa.bindparam("component"))
)
_NEWEST = _OF_COMPONENT.order_by(listings.c.release_number.desc()).limit(1)
_NUMBERED = _OF_COMPONENT.where(listings.c.release_number == sa.bindparam("number"))


def listing_of(connection: sa.Connection, component: str, number: int | None = None) -> sa.Row[Any]:
    """The newest listing of a component, or that of a release, with its seller's name, state and kind of taxpayer.

    Raises Problem `not_found`.
    """
    if number is None:
        row = connection.execute(_NEWEST, {"component": component}).one_or_none()
    else:
        row = connection.execute(_NUMBERED, {"component": component, "number": number}).one_or_none()
    if row is None:
        release = "" if number is None else f", release {number},"
        raise Problem("not_found", f"The component '{component}'{release} is not in the catalogue.", "component")
    return row


def own_listing(connection: sa.Connection, listing_id: str, seller_id: str) -> sa.Row[Any]:
    """A seller's own listing. Raises Problem `not_found`."""
    own = listings.c
    row = connection.execute(
        sa.select(listings).where(own.listing_id == listing_id, own.seller_id == seller_id)
    ).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no listing '{listing_id}' for you.")
    return row


def own_listings_page(connection: sa.Connection, seller_id: str, token: str, size: int) -> Mapping[str, Any]:
    """A page of a seller's listings, the oldest first, whatever their state."""
    own = listings.c
    query = sa.select(listings).where(own.seller_id == seller_id, own.listing_id > read_token(token))
    rows = connection.execute(query.order_by(own.listing_id).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.listing_id), lambda row: listing_document(row, is_own=True))


def versions_page(connection: sa.Connection, component: str, token: str, size: int) -> Mapping[str, Any]:
    """A page of the releases of a component that were listed, the newest first, each with what it changed.

    Raises Problem `not_found`, and `invalid_request` for a token that is none.
    """
    own = listings.c
    query = sa.select(listings).where(own.component == component).order_by(own.release_number.desc())
    if after := read_token(token):
        if not (after.isascii() and after.isdigit() and len(after) < 10):
            raise Problem("invalid_request", "It is no token that this list gave.", "pageToken")
        query = query.where(own.release_number < int(after))
    rows = connection.execute(query.limit(size + 1)).all()
    if not rows and not token:
        raise Problem("not_found", f"The component '{component}' is not in the catalogue.", "component")
    return page(rows, size, lambda row: str(row.release_number), _version)


def listing_document(row: sa.Row[Any], *, is_own: bool = False, seller_name: str | None = None) -> dict[str, Any]:
    """What is told of a listing. is_own: to its seller, who also sees who shares a sale."""
    told = {
        "listing_id": row.listing_id,
        "component": row.component,
        "release": row.release_id,
        "number": row.release_number,
        "state": row.state,
        "title_en": row.title_en,
        "title_zh": row.title_zh,
        "application_field": row.application_field,
        "seller_id": row.seller_id,
        "regime": row.regime,
        "price": "on_request" if row.price_fen is None else "posted",
        "price_fen": row.price_fen,
        "cost_fen": row.cost_fen,
        "negotiated_fen": row.negotiated_fen,
        "guide_fen": row.guide_fen,
        "ceiling_fen": row.ceiling_fen,
        "terms": json.loads(row.terms),
        "datasheet_hash": row.datasheet_hash,
        **json.loads(row.facts),
        "listed_at": row.created_at,
        "updated_at": row.changed_at,
    }
    if seller_name is not None:
        told["seller_name"] = seller_name
    if row.state in ("frozen", "retired"):
        told |= {"reason": row.reason, "last_day": row.last_day}
    if is_own:
        told["shares"] = json.loads(row.shares)
    return told


def component_document(row: sa.Row[Any]) -> dict[str, Any]:
    """A component, whether it is traded now, and the addresses of all that is told of it, below the market's own."""
    place = f"/v1/components/{row.component}"
    parts = ("versions", "datasheet", "datasheet.html", "schema", "price", "preview", "contract", "data")
    return {
        **listing_document(row, seller_name=row.seller_name),
        "trade": trade_of(row),
        "changes": None if row.changes is None else json.loads(row.changes),
        "links": {name: f"{place}/{name}" for name in parts},
    }


def _version(row: sa.Row[Any]) -> Mapping[str, Any]:
    facts = json.loads(row.facts)
    return {
        "release": row.release_id,
        "number": row.release_number,
        "listing_id": row.listing_id,
        "state": row.state,
        "price_fen": row.price_fen,
        "guide_fen": row.guide_fen,
        "rows": facts.get("rows"),
        "published_at": facts.get("published_at"),
        "listed_at": row.created_at,
        "changes": None if row.changes is None else json.loads(row.changes),
        "reason": row.reason if row.state in ("frozen", "retired") else None,
        "last_day": row.last_day,
    }
