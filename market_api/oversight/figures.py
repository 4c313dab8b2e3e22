"""Figures of the market as it stands, for whoever watches it."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from market_api.disputes.tables import disputes
from market_api.ledger.tables import accounts
from market_api.log import head
from market_api.trading.tables import orders


@dataclass(frozen=True)
class Figures:
    """orders: how many, by state; pending_fen: earned and still open to dispute; held_fen: set aside; log_entries: of
    the black box; open_disputes: that wait for a decision."""

    orders: Mapping[str, int]
    pending_fen: int
    held_fen: int
    log_entries: int
    open_disputes: int


def market_figures(connection: sa.Connection) -> Figures:
    """The figures, asked of the database each time."""
    counted = sa.select(orders.c.state, sa.func.count()).group_by(orders.c.state)
    opened = sa.select(sa.func.count()).where(disputes.c.state == "opened")
    return Figures(
        orders={state: int(number) for state, number in connection.execute(counted)},
        pending_fen=_sum_fen(connection, "pending"),
        held_fen=_sum_fen(connection, "held"),
        log_entries=int(connection.execute(sa.select(head.c.size)).scalar_one()),
        open_disputes=int(connection.execute(opened).scalar_one()),
    )


def _sum_fen(connection: sa.Connection, part: str) -> int:
    own = accounts.c
    query = sa.select(sa.func.coalesce(sa.func.sum(own.balance_fen), 0)).where(own.account_id.like(f"%:{part}"))
    return int(connection.execute(query).scalar_one())
