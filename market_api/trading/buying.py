"""Buying at the posted price, within the terms that the listing offers."""

import json
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.tables import listings
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.trading.orders import buy
from market_api.trading.parties import require_admitted
from market_api.trading.terms import Terms, require_within


def buy_within(
    transaction: Transaction, buyer_id: str, listing_id: str, asked: Terms, price_fen: int
) -> dict[str, Any]:
    """Buy at the posted price. Raises Problem `invalid_request` for terms wider than the listing's, `wrong_state` where
    its seller may not trade now, and what `buy` raises."""
    own = listings.c
    offer = transaction.connection.execute(
        sa.select(own.terms, own.seller_id).where(own.listing_id == listing_id)
    ).one_or_none()
    if offer is None:
        raise Problem("not_found", f"There is no listing '{listing_id}' for you.")
    require_within(asked, Terms.read(json.loads(offer.terms)))
    require_admitted(transaction.connection, [offer.seller_id])
    return buy(transaction, buyer_id, listing_id, asked, price_fen)
