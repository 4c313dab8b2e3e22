"""Numbers 1, 2, 3 … of rows that never change, in the order in which their transactions end."""

from typing import Any

import sqlalchemy as sa

from market_api import log
from market_api.market import Transaction

_SIZE = sa.select(log.head.c.size).where(log.head.c.head_id == 1)


def next_number(transaction: Transaction, column: sa.Column[Any]) -> int:
    """The number after the last of a column. The log's head is locked first, which orders all writers, so a caller
    locks nothing else after it."""
    transaction.connection.execute(_SIZE.with_for_update()).scalar_one()
    last = sa.select(sa.func.coalesce(sa.func.max(column), 0))
    return int(transaction.connection.execute(last).scalar_one()) + 1


def log_size(connection: sa.Connection) -> int:
    """How many entries the black box has."""
    return int(connection.execute(_SIZE).scalar_one())
