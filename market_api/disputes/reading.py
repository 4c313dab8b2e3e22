"""Disputes as those see them who may: the parties their own, evaluators the open ones, arbiter and regulator all."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.disputes.independence import require_independent
from market_api.disputes.tables import disputes, statements
from market_api.paging import page, read_token
from market_api.problems import Problem
from market_api.trading.tables import orders

TOLD = (
    "dispute_id",
    "state",
    "order_id",
    "buyer_id",
    "seller_id",
    "entitlement_id",
    "ground",
    "reason",
    "refund_fen",
    "licence",
    "created_at",
    "changed_at",
)

_OWN = disputes.c


def disputes_of(
    connection: sa.Connection, participant_id: str, state: str | None, token: str, size: int
) -> Mapping[str, Any]:
    """A page of the disputes in which a participant is a party, the oldest first; all or those of a state."""
    return _page(connection, _of(participant_id), state, token, size)


def all_disputes(connection: sa.Connection, state: str | None, token: str, size: int) -> Mapping[str, Any]:
    """A page of all disputes, or those of a state, the oldest first."""
    return _page(connection, sa.true(), state, token, size)


def dispute_of(connection: sa.Connection, participant_id: str, dispute_id: str) -> dict[str, Any]:
    """A party's own dispute, with what was said. Raises Problem `not_found`, also for those of others."""
    return _whole(connection, _row(connection, dispute_id, _of(participant_id)))


def any_dispute(connection: sa.Connection, dispute_id: str) -> dict[str, Any]:
    """Any dispute, with what was said. Raises Problem `not_found`."""
    return _whole(connection, _row(connection, dispute_id, sa.true()))


def evaluated_dispute(connection: sa.Connection, evaluator_id: str, dispute_id: str) -> dict[str, Any]:
    """An open dispute, as an evaluator sees it. Raises Problem `not_found`, and `not_permitted` where it has a part."""
    row = _row(connection, dispute_id, _OWN.state == "opened")
    require_independent(connection, evaluator_id, order_row(connection, row.order_id))
    return _whole(connection, row)


def sale_of(connection: sa.Connection, dispute_id: str, participant_id: str | None) -> tuple[sa.Row[Any], sa.Row[Any]]:
    """The order of a dispute, and the dispute. participant_id: a party, None for any. Raises Problem `not_found`."""
    row = _row(connection, dispute_id, sa.true() if participant_id is None else _of(participant_id))
    return order_row(connection, row.order_id), row


def order_row(connection: sa.Connection, order_id: str) -> sa.Row[Any]:
    """The order that is disputed."""
    return connection.execute(sa.select(orders).where(orders.c.order_id == order_id)).one()


def _page(
    connection: sa.Connection, which: sa.ColumnElement[bool], state: str | None, token: str, size: int
) -> Mapping[str, Any]:
    query = sa.select(disputes).where(which, _OWN.dispute_id > read_token(token))
    if state is not None:
        query = query.where(_OWN.state == state)
    rows = connection.execute(query.order_by(_OWN.dispute_id).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.dispute_id), _document)


def _of(participant_id: str) -> sa.ColumnElement[bool]:
    return sa.or_(_OWN.buyer_id == participant_id, _OWN.seller_id == participant_id)


def _row(connection: sa.Connection, dispute_id: str, which: sa.ColumnElement[bool]) -> sa.Row[Any]:
    row = connection.execute(sa.select(disputes).where(_OWN.dispute_id == dispute_id, which)).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no dispute '{dispute_id}' for you.")
    return row


def _document(row: sa.Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in TOLD}


def _whole(connection: sa.Connection, row: sa.Row[Any]) -> dict[str, Any]:
    """Who of the evaluators spoke, and who decided, the parties are not told."""
    order = order_row(connection, row.order_id)
    said = sa.select(statements).where(statements.c.dispute_id == row.dispute_id).order_by(statements.c.statement_id)
    sold = {name: getattr(order, name) for name in ("component", "release_id", "datasheet_hash", "price_fen")}
    return {**_document(row), **sold, "statements": [_statement(each) for each in connection.execute(said)]}


def _statement(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "statement_id": row.statement_id,
        "party": row.party,
        "statement": row.text,
        "evidence": json.loads(row.evidence),
        "made_at": row.made_at,
    }
