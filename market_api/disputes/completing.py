"""Completing orders: once the term for disputes has passed, what was earned is its receivers' own."""

import sqlalchemy as sa

from market_api.market import Market, Transaction
from market_api.one_by_one import one_by_one
from market_api.states import ORDER, locked
from market_api.trading.orders import complete
from market_api.trading.tables import orders
from vault.moments import text_of

COMPLETED_AT_ONCE = 1_000
"""More are left to the next run."""


def complete_orders(market: Market) -> int:
    """Complete all settled orders whose term has passed, each in a transaction of its own; gives how many."""
    own = orders.c
    due = sa.select(own.order_id).where(own.state == "settled", own.dispute_until < text_of(market.clock()))
    query = due.order_by(own.dispute_until).limit(COMPLETED_AT_ONCE)
    names = market.read(lambda connection: connection.execute(query).scalars().all())
    return one_by_one(market, "complete_orders", names, _complete)


def _complete(transaction: Transaction, order_id: str) -> None:
    """Complete one that still is to be, now that it is locked."""
    order = locked(transaction, ORDER, orders, order_id)
    if order.state == "settled" and order.dispute_until < text_of(transaction.at):
        complete(transaction, order)
