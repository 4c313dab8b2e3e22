"""Auctions as they are told: to everybody the rules and what models §6 allows, to a bidder its own bids beside.

Before the close nobody learns who bids, how many do, or any amount but the standing price of an English auction.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.auctions.bidding import standing_of
from market_api.auctions.rules import Rules
from market_api.auctions.seeds import pseudonym_of
from market_api.auctions.stages import rules_of
from market_api.auctions.tables import auctions, bidders, bids, reveals
from market_api.keys import MarketKeys
from market_api.ledger.tables import holds
from market_api.paging import page, read_token
from market_api.problems import Problem
from market_api.trading.tables import orders
from pricing.english import least_bid

DEPOSIT_IN_WORDS = {"held": "held", "voided": "returned", "posted": "forfeited"}


def auctions_page(
    connection: sa.Connection, state: str | None, listing_id: str | None, token: str, size: int
) -> Mapping[str, Any]:
    """A page of auctions, the oldest first; all, or those of a state or a listing."""
    own = auctions.c
    query = sa.select(auctions).where(own.auction_id > read_token(token))
    if state is not None:
        query = query.where(own.state == state)
    if listing_id is not None:
        query = query.where(own.listing_id == listing_id)
    rows = connection.execute(query.order_by(own.auction_id).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.auction_id), auction_document)


def auction_of(connection: sa.Connection, auction_id: str) -> Mapping[str, Any]:
    """An auction as everybody sees it. Raises Problem `not_found`."""
    return auction_document(_row(connection, auction_id))


def auction_document(row: sa.Row[Any]) -> dict[str, Any]:
    """What everybody is told of an auction."""
    rules = rules_of(row)
    return {
        "auction_id": row.auction_id,
        "state": row.state,
        "stage_until": row.stage_until,
        "rules": json.loads(row.rules),
        "rules_hash": row.rules_hash,
        **_standing(row, rules),
        "awards": None if row.awards is None else json.loads(row.awards),
        "cause": row.cause,
    }


def entry_of(connection: sa.Connection, keys: MarketKeys, auction_id: str, participant_id: str) -> Mapping[str, Any]:
    """What a participant is told of its own part: its pseudonym, which it commits with, its deposit, its bids and its
    order. Raises Problem `not_found`."""
    row = _row(connection, auction_id)
    pseudonym = pseudonym_of(keys, auction_id, participant_id)
    is_leading = row.leader == pseudonym if row.state == "open" and not rules_of(row).is_sealed else None
    return {
        "auction_id": auction_id,
        "bidder": pseudonym,
        "is_leading": is_leading,
        "deposit": _deposit(connection, auction_id, participant_id),
        "bids": _own_bids(connection, auction_id, pseudonym),
        "order_id": _order(connection, auction_id, participant_id),
    }


def _standing(row: sa.Row[Any], rules: Rules) -> dict[str, Any]:
    """Of an English auction the standing price, None before a bid, and the least that a new bidder can bid."""
    if rules.is_sealed:
        return {}
    return {"price_fen": row.price_fen, "least_bid_fen": least_bid(standing_of(row), rules.english)}


def _deposit(connection: sa.Connection, auction_id: str, participant_id: str) -> dict[str, Any] | None:
    own = bidders.c
    query = (
        sa.select(own.deposit_fen, holds.c.state)
        .outerjoin(holds, holds.c.hold_id == own.hold_id)
        .where(own.auction_id == auction_id, own.participant_id == participant_id)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else {"amount_fen": row.deposit_fen, "state": DEPOSIT_IN_WORDS.get(row.state, "none")}


def _own_bids(connection: sa.Connection, auction_id: str, pseudonym: str) -> list[dict[str, Any]]:
    own, opened = bids.c, reveals.c
    query = (
        sa.select(
            own.bid_id,
            own.stage,
            own.made_at,
            sa.func.coalesce(own.amount_fen, opened.amount_fen).label("amount_fen"),
            opened.revealed_at,
        )
        .outerjoin(reveals, opened.bid_id == own.bid_id)
        .where(own.auction_id == auction_id, own.bidder == pseudonym)
        .order_by(own.number.desc())
        .limit(OWN_BIDS_SHOWN)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


OWN_BIDS_SHOWN = 50
"""The newest; the record has them all after the close."""


def _order(connection: sa.Connection, auction_id: str, participant_id: str) -> str | None:
    own = orders.c
    query = sa.select(own.order_id).where(
        own.buyer_id == participant_id, own.origin == "auction", own.origin_id == auction_id
    )
    found: str | None = connection.execute(query).scalar()
    return found


def _row(connection: sa.Connection, auction_id: str) -> sa.Row[Any]:
    row = connection.execute(sa.select(auctions).where(auctions.c.auction_id == auction_id)).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no auction '{auction_id}' for you.")
    return row
