"""Splitting a payment: every fen of it is somebody's."""

import json
from datetime import datetime
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from market_api.ledger.accounts import account_of
from pricing.money import allocate

Line = tuple[str, str, int]


def lines_of(connection: sa.Connection, order: sa.Row[Any], at: datetime) -> list[Line]:
    """Who gets what of an order's price: (account, why, fen)."""
    shares = [(receiver, Fraction(share)) for receiver, share in json.loads(order.shares)]
    amounts = allocate(order.price_fen, [share for _, share in shares])
    return [
        (account_of(receiver, "pending"), "sale", amount)
        for (receiver, _), amount in zip(shares, amounts, strict=True)
        if amount
    ]
