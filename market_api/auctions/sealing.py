"""Sealed bids: a commitment while the bidding is open, and its amount and nonce in the reveals after it."""

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.auctions.bidding import check_amount, write_bid
from market_api.auctions.entering import entered
from market_api.auctions.outcome import commitment_of
from market_api.auctions.seeds import pseudonym_of
from market_api.auctions.stages import locked_auction, moment_of, require_stage, rules_of
from market_api.auctions.tables import auctions, bids, reveals
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.states import AUCTION, advance
from vault.moments import text_of

COMMITMENT = re.compile(r"[0-9a-f]{64}")
NONCE = re.compile(r"[0-9a-f]{32,128}")


def commit(transaction: Transaction, participant_id: str, auction_id: str, commitment: str) -> Mapping[str, Any]:
    """Hand a sealed bid in: `commitment_of` the lot, one's pseudonym, the amount and a nonce at random.

    It binds: it is neither changed nor taken back, and the deposit of one that is not revealed is forfeited, so also of
    an amount that no bid may have. Raises Problem `not_found`, `wrong_state`, `not_permitted`, `funds_missing`, and
    `bid_refused` for a second one.
    """
    if not COMMITMENT.fullmatch(commitment):
        raise Problem("invalid_request", "A commitment is a SHA-256 of 64 hexadecimal digits.", "commitment")
    auction = locked_auction(transaction, auction_id)
    rules = rules_of(auction)
    if not rules.is_sealed:
        raise Problem("wrong_state", "This auction is an open one: bid a limit.")
    require_stage(transaction, auction, ("open",))
    bidder = entered(transaction, rules, participant_id)
    if _sealed_bid(transaction.connection, auction_id, bidder) is not None:
        raise Problem("bid_refused", "Your sealed bid stands: each bidder has one, and it binds.")
    values = {
        "bid_id": transaction.new_identifier("bid"),
        "bidder": bidder,
        "stage": "sealed",
        "commitment": commitment,
    }
    write_bid(transaction, auction, values, moment_of(transaction, auction))
    return {"auction_id": auction_id, **values, "reveals_from": auction.stage_until}


def reveal(
    transaction: Transaction, participant_id: str, auction_id: str, amount_fen: int, nonce: str
) -> Mapping[str, Any]:
    """Open one's sealed bid. Raises Problem `not_found`, `wrong_state` outside the reveals, and `bid_refused` where
    there is none, it was opened before, the amount is none that a bid may have, or it is not what was committed to."""
    if not NONCE.fullmatch(nonce):
        raise Problem("invalid_request", "A nonce is 32 to 128 hexadecimal digits.", "nonce")
    auction = locked_auction(transaction, auction_id)
    rules = rules_of(auction)
    require_stage(transaction, auction, ("revealing",))
    bidder = pseudonym_of(transaction.market.keys, auction_id, participant_id)
    row = _sealed_bid(transaction.connection, auction_id, bidder)
    if row is None:
        raise Problem("bid_refused", "You handed no sealed bid in.")
    check_amount(rules, amount_fen)
    if commitment_of(auction_id, bidder, amount_fen, nonce) != row.commitment:
        raise Problem(
            "bid_refused",
            "Amount and nonce are not those of your commitment, SHA-256 of 'lot|bidder|amount|nonce'; try again.",
        )
    if row.revealed_at is not None:
        raise Problem("bid_refused", "Your bid was revealed before.")
    at = text_of(moment_of(transaction, auction))
    transaction.connection.execute(
        sa.insert(reveals).values(bid_id=row.bid_id, amount_fen=amount_fen, nonce=nonce, revealed_at=at)
    )
    told = {"bid_id": row.bid_id, "bidder": bidder, "stage": "reveal"}
    advance(transaction, AUCTION, auctions, auction, "bid", told, last_bid_at=at)
    return {"auction_id": auction_id, "bid_id": row.bid_id, "bidder": bidder, "amount_fen": amount_fen}


def _sealed_bid(connection: sa.Connection, auction_id: str, bidder: str) -> sa.Row[Any] | None:
    own = bids.c
    query = (
        sa.select(own.bid_id, own.commitment, reveals.c.revealed_at)
        .outerjoin(reveals, reveals.c.bid_id == own.bid_id)
        .where(own.auction_id == auction_id, own.bidder == bidder, own.stage == "sealed")
    )
    return connection.execute(query).one_or_none()
