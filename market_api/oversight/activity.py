"""Demand and supply of an epoch: D, the qualified bids and enquiries, and U, the open lots. Source: models §5.

D counts each interest once: who bids in a lot, with its deposit, and who asks for a negotiation of a listing, by who
owns them in the end, so that bidding often or through several companies is no more demand. Owners of the seller are not
counted. U counts each lot in every epoch in which it was open.
"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from market_api.auctions.rules import Rules
from market_api.auctions.tables import auctions, bidders, bids
from market_api.identity.tables import participants
from market_api.negotiations.tables import negotiations
from market_api.oversight.periods import Period, after, bounds_of, quarter_of
from vault.market_trades import Activity
from vault.moments import text_of


def activity_of(connection: sa.Connection, period: Period) -> dict[str, Activity]:
    """D and U of every epoch of a period, each as far as it lies within."""
    interests = {*_bidders(connection, period), *_enquirers(connection, period)}
    lots = list(_lots(connection, period))
    enquiries, open_lots = [epoch for epoch, _, _ in interests], [epoch for epoch, _ in lots]
    return {
        epoch: Activity(enquiries.count(epoch), open_lots.count(epoch)) for epoch in sorted({*enquiries, *open_lots})
    }


Interest = tuple[str, str, str]
"""The epoch, what for, and whose."""


def _bidders(connection: sa.Connection, period: Period) -> Iterator[Interest]:
    own, month = bids.c, sa.func.substr(bids.c.made_at, 1, 7)
    query = (
        sa.select(own.auction_id, bidders.c.owner, month)
        .join(bidders, sa.and_(bidders.c.auction_id == own.auction_id, bidders.c.pseudonym == own.bidder))
        .where(own.made_at >= period.begins, own.made_at < period.ends)
        .distinct()
    )
    for auction_id, owner, of_month in connection.execute(query):
        yield quarter_of(of_month), auction_id, owner


def _enquirers(connection: sa.Connection, period: Period) -> Iterator[Interest]:
    own, month = negotiations.c, sa.func.substr(negotiations.c.created_at, 1, 7)
    buyer, seller = participants.alias("buyer"), participants.alias("seller")
    owner = sa.func.coalesce(buyer.c.beneficial_owner, own.buyer_id)
    query = (
        sa.select(own.listing_id, owner, month)
        .join(buyer, buyer.c.participant_id == own.buyer_id)
        .join(seller, seller.c.participant_id == own.seller_id)
        .where(own.created_at >= period.begins, own.created_at < period.ends)
        .where(owner != sa.func.coalesce(seller.c.beneficial_owner, own.seller_id))
        .distinct()
    )
    for listing_id, of_owner, of_month in connection.execute(query):
        yield quarter_of(of_month), listing_id, of_owner


def _lots(connection: sa.Connection, period: Period) -> Iterator[tuple[str, str]]:
    """Each lot with each epoch in which it was open; one that is not over is open to the end of the period."""
    own = auctions.c
    query = sa.select(own.auction_id, own.state, own.rules, own.changed_at).where(own.created_at < period.ends)
    for auction in connection.execute(query):
        first = max(_opened_at(auction), period.begins)
        last = auction.changed_at if auction.state in ("closed", "cancelled") else period.ends
        if first < min(last, period.ends):
            yield from ((epoch, auction.auction_id) for epoch in _epochs(first, min(last, period.ends)))


def _opened_at(auction: sa.Row[Any]) -> str:
    return text_of(Rules.read(json.loads(auction.rules)).opens_at)


def _epochs(first: str, last: str) -> Iterator[str]:
    """From the epoch of a moment to that in which another, which is not among them, comes."""
    epoch = quarter_of(first)
    while bounds_of(epoch).begins < last:
        yield epoch
        epoch = after(epoch)
