"""Numbered series of vouchers: what is due is issued together, each with the next number of its year, and none is left
out or given twice."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from market_api.market import Market, Transaction


def issue_once(
    market: Market, due: Callable[[sa.Connection, int], Sequence[sa.Row[Any]]], issue: Callable[[Transaction], int]
) -> int:
    """Issue what is due, where anything is; gives how many.

    due: of a connection, at most so many; issue: writes all of them. Of two processes that do it at once one comes to
    nothing and finds it done the next time.
    """
    if not market.read(lambda connection: due(connection, 1)):
        return 0
    try:
        return market.act("market", issue)
    except sa.exc.IntegrityError:  # another one took the same number first, and all of this one came to nothing
        return 0


def next_sequence(connection: sa.Connection, table: sa.Table, year: int) -> int:
    """The number after the last one of a year: 1, 2, 3 … table: has the columns `year` and `sequence`."""
    own = table.c
    last = sa.select(sa.func.coalesce(sa.func.max(own.sequence), 0)).where(own.year == year)
    return int(connection.execute(last).scalar_one()) + 1
