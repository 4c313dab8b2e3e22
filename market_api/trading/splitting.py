"""Splitting the payment of an order: tax by the seller's kind of taxpayer and the day, the market's fee, and the rest
by the shares that stood in the listing when the order was placed."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from market_api.identity.tables import participants
from market_api.ledger.accounts import account_of
from market_api.problems import Problem
from market_api.rates.receivers import Receiver
from market_api.rates.splitting import Split, SplitLine, split
from market_api.rates.tables import Taxpayer, rates_on
from market_api.statements import rows_of
from pricing.clearance import Clearance

CALENDAR = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The days of tax are those of China, which has one time and no summer time."""

SPLITS_KEPT = 4096

Line = tuple[str, str, int]
"""The account that is paid, why, and fen."""

_TAXPAYER = sa.select(participants.c.taxpayer).where(participants.c.participant_id == sa.bindparam("seller_id"))


def lines_of(connection: sa.Connection, order: sa.Row[Any], at: datetime) -> list[Line]:
    """Who gets what of an order's price, in fen, each into what is pending: (account, kind, fen).

    The order was cleared for trade before. Raises Problem `no_rate` where the seller is no taxpayer of a known kind.
    """
    found_seller = rows_of(connection, _TAXPAYER, {"seller_id": order.seller_id})
    if not found_seller:
        raise Problem("wrong_state", "The seller is not a participant any more.")
    day = at.astimezone(CALENDAR).date()
    return list(_lines(order.price_fen, day, found_seller[0].taxpayer, order.seller_id, order.shares))


@lru_cache(maxsize=SPLITS_KEPT)
def _lines(price_fen: int, day: date, taxpayer: Taxpayer, seller_id: str, shares: str) -> tuple[Line, ...]:
    """The same sale is split the same way: it is not reckoned again for every buyer of a day."""
    receivers = receivers_of(seller_id, shares)
    found = split(price_fen, rates_on(day, taxpayer), receivers, Clearance(safe=True, gate_open=True))
    return tuple((account_of(line.receiver, "pending"), line.kind, line.amount_fen) for line in found.lines)


def receivers_of(seller_id: str, shares: str) -> list[Receiver]:
    """Who shares a sale after tax and fee. shares: as a listing keeps them, JSON [[participant, 'n/d'], …]."""
    return [
        Receiver(name, "seller" if name == seller_id else "provider", Fraction(share))
        for name, share in json.loads(shares)
    ]


def split_of(lines: Sequence[Sequence[Any]]) -> Split:
    """The split that an order's lines record, for a refund of a part of it."""
    found = [SplitLine(account.removesuffix(":pending"), kind, amount_fen) for account, kind, amount_fen in lines]
    return Split(tuple(found), ())
