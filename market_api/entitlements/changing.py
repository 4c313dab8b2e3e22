"""What others decide on an entitlement, each for a reason that its holder is told, and its end by time.

The black box holds the hash of a reason: what somebody wrote may name somebody.

A pull under way is cut off within a second of any of these, and of what is decided on its holder or its listing.
"""

from typing import Any

import sqlalchemy as sa

from market_api.entitlements.tables import entitlements
from market_api.market import Market, Transaction
from market_api.one_by_one import one_by_one
from market_api.states import ENTITLEMENT, advance, locked
from vault.moments import text_of
from vault.releases.datasheet import hash_of

EXPIRED_AT_ONCE = 1_000
"""More are left to the next run."""

_OWN = entitlements.c
_DUE = (
    sa.select(_OWN.entitlement_id)
    .where(_OWN.state.in_(["active", "suspended"]), _OWN.valid_until <= sa.bindparam("now"))
    .order_by(_OWN.entitlement_id)
    .limit(EXPIRED_AT_ONCE)
)


def suspend(transaction: Transaction, entitlement_id: str, reason: str) -> str:
    """Take an entitlement out of use for a while; gives its state. Raises Problem `not_found` and `wrong_state`."""
    return _decided(transaction, entitlement_id, "suspend", reason)


def resume(transaction: Transaction, entitlement_id: str) -> str:
    """Give a suspended entitlement back; gives its state. Its term ran on. Raises Problem as `suspend` does."""
    return _decided(transaction, entitlement_id, "resume", None)


def revoke(transaction: Transaction, entitlement_id: str, reason: str) -> str:
    """End an entitlement for good; gives its state. Raises Problem `not_found` and `wrong_state`."""
    return _decided(transaction, entitlement_id, "revoke", reason)


def entitlement_of_order(connection: sa.Connection, order_id: str) -> sa.Row[Any] | None:
    """What an order was given; None where it was not settled."""
    return connection.execute(sa.select(entitlements).where(_OWN.order_id == order_id)).one_or_none()


def expire_ended(market: Market) -> None:
    """Have every entitlement whose term is over say so, each in a transaction of its own.

    What is over permits nothing before this, too.
    """
    now = text_of(market.clock())
    due = market.read(lambda connection: connection.execute(_DUE, {"now": now}).scalars().all())
    one_by_one(market, "expire_ended", due, _expire)


def _expire(transaction: Transaction, entitlement_id: str) -> None:
    """Expire one that still is to be, now that it is locked."""
    row = locked(transaction, ENTITLEMENT, entitlements, entitlement_id)
    if row.state in ("active", "suspended") and row.valid_until <= text_of(transaction.at):
        advance(transaction, ENTITLEMENT, entitlements, row, "expire", {"valid_until": row.valid_until})


def _decided(transaction: Transaction, entitlement_id: str, event: str, reason: str | None) -> str:
    row = locked(transaction, ENTITLEMENT, entitlements, entitlement_id)
    told = {} if reason is None else {"reason_hash": hash_of(reason)}
    return advance(transaction, ENTITLEMENT, entitlements, row, event, told, reason=reason)
