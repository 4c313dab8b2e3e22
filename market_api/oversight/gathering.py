"""Gathering what screens look at: SQL brings closed trades, auctions and owners together, as frozen values."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.auctions.tables import auctions, bidders, bids, reveals
from market_api.catalogue.tables import listings
from market_api.entitlements.tables import entitlements
from market_api.identity.tables import participants
from market_api.oversight.periods import Period
from market_api.problems import Problem
from market_api.screens.flags import Auction, Bid, ClearedTrade
from market_api.screens.self_dealing import Ownership
from market_api.trading.tables import orders

TRADES_MAX = 100_000
"""A question about more is refused and not answered in part."""
STANDING = ("settled", "disputed", "completed")
"""States in which a sale stands; one that was given back whole is no trade."""


def cleared_trades(connection: sa.Connection, period: Period) -> tuple[ClearedTrade, ...]:
    """The sales of a period that stand. Raises Problem `invalid_request` for a period of too many."""
    own = orders.c
    query = (
        sa.select(
            own.order_id,
            own.component,
            own.application_field,
            own.seller_id,
            own.buyer_id,
            own.price_fen,
            own.settled_at,
            listings.c.facts,
            listings.c.guide_fen,
            entitlements.c.pulls_used,
        )
        .join(listings, listings.c.listing_id == own.listing_id)
        .join(entitlements, entitlements.c.order_id == own.order_id)
        .where(own.settled_at >= period.begins, own.settled_at < period.ends, own.state.in_(STANDING))
        .order_by(own.order_id)
        .limit(TRADES_MAX + 1)
    )
    return tuple(_trade(row) for row in bounded(connection.execute(query).all()))


def bounded(rows: Sequence[sa.Row[Any]]) -> Sequence[sa.Row[Any]]:
    """Rows of which one more than TRADES_MAX was asked for. Raises Problem `invalid_request` where there are more."""
    if len(rows) > TRADES_MAX:
        raise Problem(
            "invalid_request", f"There are more than {TRADES_MAX} trades; ask about a shorter period.", "from"
        )
    return rows


def owners_of(connection: sa.Connection) -> Ownership:
    """Who owns whom in the end, by the keyed hash of the owner; nobody where none is declared."""
    own = participants.c
    rows = connection.execute(sa.select(own.participant_id, own.beneficial_owner))
    return {name: frozenset() if owner is None else frozenset({owner}) for name, owner in rows}


def providers_of(connection: sa.Connection) -> Mapping[str, frozenset[str]]:
    """By component, who beside its seller ever earned by it."""
    found: dict[str, set[str]] = {}
    rows = connection.execute(sa.select(listings.c.component, listings.c.seller_id, listings.c.shares))
    for component, seller_id, shares in rows:
        found.setdefault(component, set()).update(name for name, _ in json.loads(shares) if name != seller_id)
    return {component: frozenset(names) for component, names in found.items()}


def closed_auctions(connection: sa.Connection, period: Period) -> tuple[Auction, ...]:
    """The auctions that were closed in a period, with each bidder's highest bid. A series is a field of application.

    The winner of several licences is nobody's turn, so there it is none.
    """
    own = auctions.c
    query = (
        sa.select(own.auction_id, own.rules, own.awards, own.changed_at, listings.c.application_field)
        .join(listings, listings.c.listing_id == own.listing_id)
        .where(_was_closed_in(period))
        .order_by(own.auction_id)
    )
    highest = _highest_bids(connection, period)
    return tuple(_auction(row, highest.get(row.auction_id, {})) for row in connection.execute(query))


def subject_of(facts: str) -> str | None:
    """What a component's rows are about, such as 'aggregate'; None where its listing does not say."""
    found: str | None = json.loads(facts).get("subject")
    return found


def _trade(row: sa.Row[Any]) -> ClearedTrade:
    return ClearedTrade(
        trade_id=row.order_id,
        component=row.component,
        application_field=row.application_field,
        comparable_group=f"{row.application_field}/{subject_of(row.facts) or 'other'}",
        seller=row.seller_id,
        buyer=row.buyer_id,
        price_fen=row.price_fen,
        closed_at=datetime.fromisoformat(row.settled_at),
        pulls=row.pulls_used,
        guide_fen=row.guide_fen or None,
    )


def _was_closed_in(period: Period) -> sa.ColumnElement[bool]:
    own = auctions.c
    return sa.and_(own.state == "closed", own.changed_at >= period.begins, own.changed_at < period.ends)


def _highest_bids(connection: sa.Connection, period: Period) -> Mapping[str, Mapping[str, tuple[str, int]]]:
    """By auction and pseudonym: the participant, and the most that it bid, fen. What was never revealed is no bid."""
    amount_fen = sa.func.coalesce(bids.c.amount_fen, reveals.c.amount_fen)
    query = (
        sa.select(bids.c.auction_id, bids.c.bidder, bidders.c.participant_id, sa.func.max(amount_fen))
        .outerjoin(reveals, reveals.c.bid_id == bids.c.bid_id)
        .join(bidders, sa.and_(bidders.c.auction_id == bids.c.auction_id, bidders.c.pseudonym == bids.c.bidder))
        .join(auctions, auctions.c.auction_id == bids.c.auction_id)
        .where(_was_closed_in(period), amount_fen.is_not(None))
        .group_by(bids.c.auction_id, bids.c.bidder, bidders.c.participant_id)
    )
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for auction_id, pseudonym, participant_id, most_fen in connection.execute(query):
        found.setdefault(auction_id, {})[pseudonym] = (participant_id, int(most_fen))
    return found


def _auction(row: sa.Row[Any], highest: Mapping[str, tuple[str, int]]) -> Auction:
    awards: Iterable[Mapping[str, Any]] = json.loads(row.awards or "[]")
    winners = [highest[award["bidder"]][0] for award in awards if award["bidder"] in highest]
    return Auction(
        auction_id=row.auction_id,
        series=row.application_field,
        reserve_fen=json.loads(row.rules)["reserve_fen"],
        bids=tuple(Bid(*each) for each in sorted(highest.values())),
        winner=winners[0] if len(winners) == 1 else None,
        closed_at=datetime.fromisoformat(row.changed_at),
    )
