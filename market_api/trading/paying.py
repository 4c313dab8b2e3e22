"""Paying and leaving an order that was agreed before: after a negotiation, or won in an auction."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.auctions.deposits import count_deposit
from market_api.catalogue.tables import listings
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.states import LISTING, ORDER, advance, locked
from market_api.trading.orders import settle
from market_api.trading.parties import require_admitted
from market_api.trading.tables import orders


def pay(transaction: Transaction, buyer_id: str, order_id: str) -> Mapping[str, Any]:
    """Pay an order and get its entitlement, at once. The deposit of an auction counts towards the price.

    Raises Problem `not_found` for another's order, `wrong_state` where it is not open, its time has passed, its listing
    is frozen or its seller may not trade, and what `settle` raises.
    """
    listing_id = _own(transaction, buyer_id, order_id).listing_id
    listing = locked(transaction, LISTING, listings, listing_id)
    order = locked(transaction, ORDER, orders, order_id)
    require_payable(listing)
    require_admitted(transaction.connection, [order.seller_id])
    if order.state == "placed":
        count_deposit(transaction, order)
    entitlement_id = settle(transaction, order)
    return {
        "order_id": order_id,
        "state": "settled",
        "entitlement_id": entitlement_id,
        "price_fen": order.price_fen,
    }


def cancel(transaction: Transaction, buyer_id: str, order_id: str) -> Mapping[str, Any]:
    """Leave an order that was negotiated and not paid. What was won in an auction binds: it is paid, or it expires.

    Raises Problem `not_found` for another's order, and `wrong_state`.
    """
    _own(transaction, buyer_id, order_id)
    order = locked(transaction, ORDER, orders, order_id)
    if order.origin == "auction" and order.state == "placed":
        raise Problem(
            "wrong_state",
            f"A bid binds: pay the order until {order.pay_until}, else the deposit is forfeited.",
            state=order.state,
        )
    state = advance(transaction, ORDER, orders, order, "cancel", {})
    return {"order_id": order_id, "state": state}


def require_payable(listing: sa.Row[Any]) -> None:
    """Raises Problem `wrong_state` while the listing is frozen. One that was retired or superseded since the agreement
    does not undo it."""
    if listing.state == "frozen":
        raise Problem("wrong_state", "The listing is frozen and is not traded.", state=listing.state)


def _own(transaction: Transaction, buyer_id: str, order_id: str) -> sa.Row[Any]:
    own = orders.c
    row = transaction.connection.execute(
        sa.select(own.listing_id).where(own.order_id == order_id, own.buyer_id == buyer_id)
    ).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no order '{order_id}' for you.")
    return row
