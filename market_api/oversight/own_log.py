"""The black box as a party to an order sees it: the entries about that order, each with its proof.

Whom the seller shares a sale with, and how, is not the buyer's: entries that may tell it keep their payload from the
buyer, who has their hash and their proof, so that what a regulator shows later can be held against them.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.oversight.log_reading import subject_page
from market_api.trading.reading import order_of

TOLD_TO_BUYER = frozenset(
    {"order.begin", "order.cancel", "order.expire", "order.dispute", "order.uphold", "order.complete"}
)
"""Steps whose payloads tell of nobody but the two parties. Any other is withheld."""


def own_order_page(
    connection: sa.Connection, participant_id: str, order_id: str, token: str, size: int
) -> Mapping[str, Any]:
    """A page of the entries about an order that one buys or sells, the first first. `is_withheld`: whether the payload
    is kept from the reader. Raises Problem `not_found` for another's order, and `invalid_request`."""
    order = order_of(connection, participant_id, order_id)
    found = subject_page(connection, order_id, token, size)
    is_seller = order["seller_id"] == participant_id
    return {**found, "items": [_shown(each, is_seller=is_seller) for each in found["items"]]}


def _shown(entry: Mapping[str, Any], *, is_seller: bool) -> dict[str, Any]:
    payload = entry["payload"]
    if payload is None or is_seller or payload.get("step") in TOLD_TO_BUYER:
        return {**entry, "is_withheld": False}
    return {**entry, "payload": None, "salt": None, "is_withheld": True}
