"""All trades: every sale that was paid, whatever became of it since."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from market_api.oversight.periods import Period
from market_api.paging import page, read_token
from market_api.trading.reading import order_document
from market_api.trading.tables import orders

_OWN = orders.c


@dataclass(frozen=True)
class Asked:
    """Which trades: those of a component, of a participant on either side, of a field, paid within a period."""

    period: Period
    component: str | None = None
    participant_id: str | None = None
    application_field: str | None = None


def trades_page(connection: sa.Connection, asked: Asked, token: str, size: int) -> Mapping[str, Any]:
    """A page of trades, the oldest order first. Raises Problem `invalid_request`."""
    query = sa.select(orders).where(*_conditions(asked), _OWN.order_id > read_token(token))
    rows = connection.execute(query.order_by(_OWN.order_id).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.order_id), _document)


def _conditions(asked: Asked) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [_OWN.settled_at >= asked.period.begins, _OWN.settled_at < asked.period.ends]
    if asked.component is not None:
        found.append(_OWN.component == asked.component)
    if asked.participant_id is not None:
        found.append(sa.or_(_OWN.buyer_id == asked.participant_id, _OWN.seller_id == asked.participant_id))
    if asked.application_field is not None:
        found.append(_OWN.application_field == asked.application_field)
    return found


def _document(row: sa.Row[Any]) -> dict[str, Any]:
    refunded = json.loads(row.refund_lines or "[]")
    return {
        **order_document(row),
        "application_field": row.application_field,
        "payment_id": row.payment_id,
        "lines": json.loads(row.lines),
        "refund_fen": sum(amount_fen for _, _, amount_fen in refunded),
    }
