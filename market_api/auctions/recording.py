"""The record of an auction: all that its outcome follows from, told after the close so that anybody can replay it.

Bidders stand in it under pseudonyms. Whoever holds the record checks: the rules against their hash, the seed and each
bid against their commitments, and the awards by the functions of `pricing` (see `outcome`).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.auctions.outcome import RecordedBid, bids_hash, outcome_of
from market_api.auctions.stages import rules_of
from market_api.auctions.tables import auctions, bids, reveals
from market_api.paging import page, read_token
from market_api.problems import Problem
from pricing.auction import Outcome
from pricing.draw import seed_kept


def bids_of(
    connection: sa.Connection, auction_id: str, after: int = 0, limit: int | None = None
) -> Sequence[RecordedBid]:
    """The bids of an auction in their order. after: the number before the first; limit: how many at most."""
    own, opened = bids.c, reveals.c
    query = (
        sa.select(
            own.bid_id,
            own.number,
            own.bidder,
            own.stage,
            own.commitment,
            own.made_at,
            sa.func.coalesce(own.amount_fen, opened.amount_fen).label("amount_fen"),
            sa.func.coalesce(own.nonce, opened.nonce).label("nonce"),
        )
        .outerjoin(reveals, opened.bid_id == own.bid_id)
        .where(own.auction_id == auction_id, own.number > after)
        .order_by(own.number)
        .limit(limit)
    )
    return [
        RecordedBid(**{**row, "made_at": datetime.fromisoformat(row["made_at"])})
        for row in connection.execute(query).mappings()
    ]


def replayed_outcome(connection: sa.Connection, auction_id: str) -> Outcome:
    """The outcome of a closed auction, from its stored rules, bids, reveals and seed alone.

    Raises Problem `not_found` and `wrong_state`, and ValueError where the record was changed.
    """
    auction = _closed(connection, auction_id)
    rules, seed = rules_of(auction), bytes.fromhex(auction.seed)
    if rules.hash != auction.rules_hash or rules.auction_id != auction_id:
        raise ValueError("the rules are not those that were announced")
    if not seed_kept(seed, rules.seed_commitment):
        raise ValueError("the seed is not the one that was committed to")
    return outcome_of(rules, bids_of(connection, auction_id), seed)


def record_page(connection: sa.Connection, auction_id: str, token: str, size: int) -> Mapping[str, Any]:
    """A page of the record of a closed auction: its bids, and on each page what they are read by.

    Raises Problem `not_found`, and `wrong_state` before the close.
    """
    auction = _closed(connection, auction_id)
    found = bids_of(connection, auction_id, _number(token), size + 1)
    return {
        "auction_id": auction_id,
        "rules": json.loads(auction.rules),
        "rules_hash": auction.rules_hash,
        "seed": auction.seed,
        "awards": json.loads(auction.awards),
        **page(found, size, lambda bid: str(bid.number), RecordedBid.document),
    }


def record_hash(connection: sa.Connection, auction_id: str) -> str:
    """The hash of all its bids, which the black box keeps from the close on."""
    return bids_hash(bids_of(connection, auction_id))


def _closed(connection: sa.Connection, auction_id: str) -> sa.Row[Any]:
    row = connection.execute(sa.select(auctions).where(auctions.c.auction_id == auction_id)).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no auction '{auction_id}' for you.")
    if row.state != "closed":
        raise Problem("wrong_state", "The record is told after the close.", state=row.state)
    return row


def _number(token: str) -> int:
    text = read_token(token) or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Problem("invalid_request", "It is no token that this list gave.", "pageToken")
    return int(text)
