"""Orders as their parties see them."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.paging import page, read_token
from market_api.problems import Problem
from market_api.trading.tables import orders

TOLD = (
    "order_id",
    "state",
    "listing_id",
    "release_id",
    "component",
    "buyer_id",
    "seller_id",
    "origin",
    "origin_id",
    "price_fen",
    "terms_hash",
    "datasheet_hash",
    "pay_until",
    "settled_at",
    "dispute_until",
    "created_at",
)


def orders_page(
    connection: sa.Connection, participant_id: str, state: str | None, token: str, size: int
) -> Mapping[str, Any]:
    """A page of the orders in which a participant buys or sells, the oldest first, all or those of a state."""
    query = sa.select(orders).where(_of(participant_id), orders.c.order_id > read_token(token))
    if state is not None:
        query = query.where(orders.c.state == state)
    rows = connection.execute(query.order_by(orders.c.order_id).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.order_id), order_document)


def order_of(connection: sa.Connection, participant_id: str, order_id: str) -> Mapping[str, Any]:
    """An order of the participant's own. Raises Problem `not_found`, also for those of others."""
    query = sa.select(orders).where(_of(participant_id), orders.c.order_id == order_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no order '{order_id}' for you.")
    return order_document(row)


def order_document(row: sa.Row[Any]) -> dict[str, Any]:
    """What is told of an order."""
    return {**{name: getattr(row, name) for name in TOLD}, "terms": json.loads(row.terms)}


def _of(participant_id: str) -> sa.ColumnElement[bool]:
    return sa.or_(orders.c.buyer_id == participant_id, orders.c.seller_id == participant_id)
