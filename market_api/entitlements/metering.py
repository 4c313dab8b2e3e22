"""Metering: a pull is one granted delivery of one release, counted once and logged before its first byte is served.

The count, the delivery and its entry in the black box are one transaction, in which the entitlement is locked: of two
that want the last pull one gets it. Within the delivery's life the same release under the same entitlement may be asked
for again, whole or in ranges, by either way and in any form, and is not counted again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from market_api.entitlements.standing import Cause, require_permitted, standing_of
from market_api.entitlements.tables import deliveries, entitlements
from market_api.market import Transaction
from market_api.states import ENTITLEMENT, locked
from vault.moments import text_of

DELIVERY_LIFE = timedelta(hours=1)

_OWN = deliveries.c
_OPEN = sa.select(deliveries).where(
    _OWN.entitlement_id.in_(sa.bindparam("entitlement_ids", expanding=True)), _OWN.ends_at > sa.bindparam("now")
)
_ONE = sa.select(deliveries).where(_OWN.delivery_id == sa.bindparam("delivery_id"))
_COUNT = (
    sa.update(entitlements)
    .where(entitlements.c.entitlement_id == sa.bindparam("counted_id"))
    .values(pulls_used=entitlements.c.pulls_used + 1)
)


@dataclass(frozen=True)
class Delivery:
    """One pull that was counted. copy_hash: of the manifest of the copy; times as text."""

    delivery_id: str
    entitlement_id: str
    participant_id: str
    component: str
    release_number: int
    copy_hash: str
    channel: str
    begun_at: str
    ends_at: str


def open_deliveries(
    connection: sa.Connection, entitlement_ids: Sequence[str], at: datetime
) -> dict[tuple[str, int], Delivery]:
    """The deliveries that may be asked for again uncounted, by entitlement and release."""
    rows = connection.execute(_OPEN, {"entitlement_ids": list(entitlement_ids), "now": text_of(at)})
    found = [Delivery(*row) for row in rows]
    return {(each.entitlement_id, each.release_number): each for each in found}


def delivery_of(connection: sa.Connection, delivery_id: str) -> Delivery | None:
    """A delivery by its name."""
    row = connection.execute(_ONE, {"delivery_id": delivery_id}).one_or_none()
    return None if row is None else Delivery(*row)


def deliver(transaction: Transaction, entitlement_id: str, number: int, copy_hash: str, channel: str) -> Delivery:
    """Count a pull of a release and log it, or go on with one whose life is not over.

    copy_hash: of the manifest of the copy that is ready to be served. Everything that permits it is asked again under
    the lock. Raises Problem `not_entitled`.
    """
    entitlement = locked(transaction, ENTITLEMENT, entitlements, entitlement_id)
    require_permitted(standing_of(transaction.connection, entitlement_id, number), transaction.at)
    opened = open_deliveries(transaction.connection, [entitlement_id], transaction.at)
    if (delivery := opened.get((entitlement_id, number))) is not None:
        return delivery
    require_pull_left(entitlement)
    transaction.connection.execute(_COUNT, {"counted_id": entitlement_id})
    return _begun(transaction, entitlement, number, copy_hash, channel)


def require_pull_left(entitlement: sa.Row[Any]) -> None:
    """Raises Problem `not_entitled` where all pulls are used up."""
    if entitlement.pulls_max is not None and entitlement.pulls_used >= entitlement.pulls_max:
        detail = f"All {entitlement.pulls_max} pulls of the entitlement are used up; buy it again to pull more."
        raise Cause("pulls_used_up", detail).problem()


def _begun(transaction: Transaction, entitlement: sa.Row[Any], number: int, copy_hash: str, channel: str) -> Delivery:
    delivery = Delivery(
        delivery_id=transaction.new_identifier("dlv"),
        entitlement_id=entitlement.entitlement_id,
        participant_id=entitlement.participant_id,
        component=entitlement.component,
        release_number=number,
        copy_hash=copy_hash,
        channel=channel,
        begun_at=text_of(transaction.at),
        ends_at=text_of(transaction.at + DELIVERY_LIFE),
    )
    transaction.connection.execute(sa.insert(deliveries).values(**vars(delivery)))
    told = {
        "delivery_id": delivery.delivery_id,
        "participant_id": delivery.participant_id,
        "release": f"{delivery.component}@{number}",
        "copy_hash": copy_hash,
        "terms_hash": entitlement.terms_hash,
        "channel": channel,
        "pulls_used": entitlement.pulls_used + 1,
    }
    transaction.log("delivery.pull", delivery.entitlement_id, told)
    return delivery
