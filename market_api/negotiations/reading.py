"""Negotiations as their parties see them. Nobody else learns that there are any."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.negotiations.rebuilding import band_of, offers_of, unknown
from market_api.negotiations.tables import negotiations, waivers
from market_api.paging import page, read_token
from pricing.negotiation import MOST_ROUNDS
from vault.moments import text_of

TOLD = (
    "negotiation_id",
    "listing_id",
    "release_id",
    "seller_id",
    "buyer_id",
    "terms_hash",
    "agreed_fen",
    "order_id",
    "expires_at",
    "created_at",
)
OFFER_TOLD = ("number", "party", "price_fen", "waiver_id", "made_at")
WAIVER_TOLD = ("waiver_id", "lowest_fen", "highest_fen", "reason", "valid_until")


def negotiations_page(
    connection: sa.Connection, participant_id: str, at: datetime, token: str, size: int
) -> Mapping[str, Any]:
    """A page of the negotiations in which a participant is a party, the oldest first, without their offers."""
    query = sa.select(negotiations).where(_of(participant_id), negotiations.c.negotiation_id > read_token(token))
    rows = connection.execute(query.order_by(negotiations.c.negotiation_id).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.negotiation_id), lambda row: _document(row, at))


def negotiation_of(
    connection: sa.Connection, participant_id: str, negotiation_id: str, at: datetime
) -> Mapping[str, Any]:
    """A negotiation with its offers and waivers. Raises Problem `not_found`, also where the participant is no party."""
    query = sa.select(negotiations).where(_of(participant_id), negotiations.c.negotiation_id == negotiation_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise unknown(negotiation_id)
    granted = sa.select(waivers).where(waivers.c.negotiation_id == negotiation_id).order_by(waivers.c.waiver_id)
    return {
        **_document(row, at),
        "offers": [_told(each, OFFER_TOLD) for each in offers_of(connection, negotiation_id)],
        "waivers": [_told(each, WAIVER_TOLD) for each in connection.execute(granted)],
    }


def _document(row: sa.Row[Any], at: datetime) -> dict[str, Any]:
    band = band_of(row)
    is_over = row.state == "open" and row.expires_at < text_of(at)
    return {
        **_told(row, TOLD),
        "state": "expired" if is_over else row.state,
        "terms": json.loads(row.terms),
        "lowest_fen": band.lowest_fen,
        "highest_fen": band.highest_fen,
        "rounds_max": MOST_ROUNDS,
    }


def _told(row: sa.Row[Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _of(participant_id: str) -> sa.ColumnElement[bool]:
    own = negotiations.c
    return sa.or_(own.buyer_id == participant_id, own.seller_id == participant_id)
