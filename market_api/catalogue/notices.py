"""Notices: what participants are told of a component that they hold, sell or share in. They are never changed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa

from market_api.catalogue.tables import notice_recipients, notices
from market_api.entitlements.tables import entitlements
from market_api.market import Transaction
from market_api.paging import page, read_token
from vault.moments import text_of

Kind = Literal["change", "retirement", "freeze", "release", "share", "market_factor"]


def tell(
    transaction: Transaction,
    kind: Kind,
    component: str,
    listing_id: str,
    document: Mapping[str, Any],
    participants: Sequence[str] = (),
    *,
    holders: bool = False,
) -> str:
    """Tell participants, and whoever holds the component now, of something; gives the notice's name.

    component, listing_id: what it is about; of a market factor that the regulator set for a whole field, 'field:' and
    its name, and the record. document: plain values, which all of them may see.
    """
    notice_id = transaction.new_identifier("ntc")
    connection = transaction.connection
    connection.execute(
        sa.insert(notices).values(
            notice_id=notice_id,
            kind=kind,
            component=component,
            listing_id=listing_id,
            document=json.dumps(document, ensure_ascii=False),
            at=text_of(transaction.at),
        )
    )
    told = set(participants)
    if holders:
        told |= set(connection.execute(_holders(component, text_of(transaction.at))).scalars())
    if told:
        rows = [{"participant_id": each, "notice_id": notice_id} for each in sorted(told)]
        connection.execute(sa.insert(notice_recipients), rows)
    transaction.log("listing.notice", listing_id, {"notice": notice_id, "about": kind, "recipients": len(told)})
    return notice_id


def notices_page(connection: sa.Connection, participant_id: str, token: str, size: int) -> Mapping[str, Any]:
    """A page of the notices to a participant, the newest first."""
    own, after = notice_recipients.c, read_token(token)
    query = (
        sa.select(notices)
        .join(notice_recipients, own.notice_id == notices.c.notice_id)
        .where(own.participant_id == participant_id)
        .order_by(own.notice_id.desc())
    )
    if after:
        query = query.where(own.notice_id < after)
    rows = connection.execute(query.limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.notice_id), _document)


def _holders(component: str, now: str) -> sa.Select[tuple[str]]:
    own = entitlements.c
    is_held = (own.component == component, own.state.in_(["active", "suspended"]), own.valid_until > now)
    return sa.select(own.participant_id).where(*is_held).distinct()


def _document(row: sa.Row[Any]) -> Mapping[str, Any]:
    return {
        "notice_id": row.notice_id,
        "kind": row.kind,
        "component": row.component,
        "listing_id": row.listing_id,
        "at": row.at,
        "told": json.loads(row.document),
    }
