"""Orders that nobody paid: each ends when its time has passed, its deposit forfeited where it was the buyer's doing.

What an unpaid winner leaves is offered to nobody: the seller may announce it anew. Passing it on to the next bid would
let a ring of bidders choose the price after the close.
"""

import json
from typing import Any

import sqlalchemy as sa

from market_api.auctions.deposits import end_deposit
from market_api.catalogue.clearance import cleared_datasheet
from market_api.catalogue.tables import listings
from market_api.entitlements.granting import require_not_exclusive
from market_api.market import Market, Transaction
from market_api.one_by_one import one_by_one
from market_api.problems import Problem
from market_api.states import LISTING, ORDER, advance, locked
from market_api.trading.parties import require_admitted
from market_api.trading.paying import require_payable
from market_api.trading.tables import PLACED, orders
from market_api.trading.terms import Terms
from vault.moments import text_of


def expire_orders(market: Market) -> None:
    """End all orders that are not paid and whose time has passed, each in a transaction of its own."""
    due = sa.select(orders.c.order_id).where(PLACED, orders.c.pay_until < text_of(market.clock()))
    names = market.read(lambda connection: connection.execute(due.order_by(orders.c.pay_until)).scalars().all())
    one_by_one(market, "expire_orders", names, expire)


def expire(transaction: Transaction, order_id: str) -> None:
    """End an order that nobody paid; nothing where it was paid in the last moment.

    Its deposit is forfeited, and given back where the order could not have been paid. Raises Problem `not_found`.
    """
    listing_id = transaction.connection.execute(
        sa.select(orders.c.listing_id).where(orders.c.order_id == order_id)
    ).scalar_one()
    listing = locked(transaction, LISTING, listings, listing_id)
    order = locked(transaction, ORDER, orders, order_id)
    if order.state != "placed" or order.pay_until >= text_of(transaction.at):
        return
    obstacle = _obstacle(transaction, listing, order)
    told: dict[str, Any] = {} if obstacle is None else {"could_not_be_paid": obstacle}
    advance(transaction, ORDER, orders, order, "expire", told)
    end_deposit(transaction, order, is_forfeited=obstacle is None)


def _obstacle(transaction: Transaction, listing: sa.Row[Any], order: sa.Row[Any]) -> str | None:
    """Why the buyer could not have paid now, had it wanted to: the code of the refusal; None where it could."""
    try:
        require_payable(listing)
        require_admitted(transaction.connection, [order.buyer_id, order.seller_id])
        cleared_datasheet(transaction.market.settings, order.release_id, transaction.at, order.datasheet_hash)
        require_not_exclusive(transaction, order.component, order.buyer_id, Terms.read(json.loads(order.terms)))
    except Problem as problem:
        return problem.code
    return None
