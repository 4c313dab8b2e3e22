"""The stages of an auction, which the time alone moves: announced, open, last call or reveals, over.

Whoever touches an auction first brings it to the stage that is due, under its lock; the market does it of itself for
those that nobody touches.
"""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.auctions.rules import Rules
from market_api.auctions.tables import auctions
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.states import AUCTION, advance, locked
from vault.moments import text_of

LIVE = ("announced", "open", "last_call", "revealing")
IN_WORDS = {
    "announced": "not open yet",
    "open": "open for bids",
    "last_call": "at its last call",
    "revealing": "open for reveals",
    "closed": "closed",
    "cancelled": "cancelled",
}


def rules_of(auction: sa.Row[Any]) -> Rules:
    """The rules that a row holds."""
    return Rules.read(json.loads(auction.rules))


def listing_of(connection: sa.Connection, auction_id: str) -> str:
    """The listing of an auction, which is locked before it. Raises Problem `not_found`."""
    query = sa.select(auctions.c.listing_id).where(auctions.c.auction_id == auction_id)
    found: str | None = connection.execute(query).scalar()
    if found is None:
        raise Problem("not_found", f"There is no auction '{auction_id}' for you.")
    return found


def moment_of(transaction: Transaction, auction: sa.Row[Any]) -> datetime:
    """When something happens to a locked auction: now, and no earlier than the bid before it."""
    if auction.last_bid_at is None:
        return transaction.at
    return max(transaction.at, datetime.fromisoformat(auction.last_bid_at))


def locked_auction(transaction: Transaction, auction_id: str) -> sa.Row[Any]:
    """An auction, locked and brought to the stage that is due. Raises Problem `not_found`."""
    auction = locked(transaction, AUCTION, auctions, auction_id)
    while (due := _due(transaction, auction)) is not None:
        event, until = due
        advance(transaction, AUCTION, auctions, auction, event, {}, stage_until=text_of(until))
        auction = locked(transaction, AUCTION, auctions, auction_id)
    return auction


def is_over(transaction: Transaction, auction: sa.Row[Any]) -> bool:
    """Whether an auction that `locked_auction` gave is to be closed."""
    return auction.state in LIVE and _has_ended(transaction, auction)


def require_stage(transaction: Transaction, auction: sa.Row[Any], wanted: tuple[str, ...]) -> None:
    """Raises Problem `wrong_state` where an auction is in another stage, or at its end."""
    if auction.state in wanted and not _has_ended(transaction, auction):
        return
    words = "over and about to be closed" if is_over(transaction, auction) else IN_WORDS[auction.state]
    asked = " or ".join(IN_WORDS[state] for state in wanted)
    raise Problem("wrong_state", f"The auction is {words}, not {asked}.", state=auction.state)


def _has_ended(transaction: Transaction, auction: sa.Row[Any]) -> bool:
    return bool(text_of(moment_of(transaction, auction)) >= auction.stage_until)


def _due(transaction: Transaction, auction: sa.Row[Any]) -> tuple[str, datetime] | None:
    """The event that the time asks for and when the stage after it ends; None where there is none."""
    if auction.state not in ("announced", "open") or not _has_ended(transaction, auction):
        return None
    rules = rules_of(auction)
    if auction.state == "announced":
        return "open", rules.closes_at
    if rules.reveals_until is not None:
        return "reveal", rules.reveals_until
    if auction.last_call_due:
        return "last_call", datetime.fromisoformat(auction.stage_until) + rules.last_call
    return None
