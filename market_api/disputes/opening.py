"""Opening a dispute, saying something to it, and leaving it.

While it is open the order is disputed, so that what it earned stays pending, and its entitlement is out of use.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.disputes.evidence import found_evidence
from market_api.disputes.independence import require_independent
from market_api.disputes.requests import DisputeRequest, StatementRequest
from market_api.disputes.tables import disputes, statements
from market_api.entitlements.changing import entitlement_of_order, resume, suspend
from market_api.entitlements.tables import entitlements
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.states import DISPUTE, ENTITLEMENT, ORDER, advance, begin, locked
from market_api.trading.tables import orders
from vault.moments import text_of
from vault.releases.datasheet import hash_of

STATEMENTS_MAX = 20
"""Of each side: the buyer, the seller, all evaluators."""


def open_dispute(transaction: Transaction, buyer_id: str, request: DisputeRequest) -> Mapping[str, Any]:
    """Contest a paid order within its term; gives the dispute's name and state.

    Raises Problem `not_found` for another's order, `wrong_state` where it is not paid, was disputed before or its term
    has passed, and what `found_evidence` raises.
    """
    order = _locked_order(transaction, request.order_id)
    if order.buyer_id != buyer_id:
        raise Problem("not_found", f"There is no order '{request.order_id}' for you.")
    earlier = sa.select(disputes.c.dispute_id).where(disputes.c.order_id == order.order_id)
    if transaction.connection.execute(earlier).first() is not None:
        raise Problem("wrong_state", "The order was disputed before; an order is disputed once.", state=order.state)
    if order.state == "settled" and order.dispute_until < text_of(transaction.at):
        raise Problem("wrong_state", f"The order could be disputed until {order.dispute_until}.", state=order.state)
    dispute_id = transaction.new_identifier("dsp")
    advance(transaction, ORDER, orders, order, "dispute", {"dispute_id": dispute_id})
    entitlement = entitlement_of_order(transaction.connection, order.order_id)
    assert entitlement is not None  # it was granted as the order was settled
    values = {
        "dispute_id": dispute_id,
        "order_id": order.order_id,
        "buyer_id": order.buyer_id,
        "seller_id": order.seller_id,
        "entitlement_id": entitlement.entitlement_id,
        "ground": request.ground,
        "has_suspended": _suspended(transaction, entitlement.entitlement_id, dispute_id),
    }
    told = ("order_id", "entitlement_id", "ground", "has_suspended")
    dispute = begin(transaction, DISPUTE, disputes, values, {name: values[name] for name in told})
    _said(transaction, order, dispute, "buyer", request)
    return {"dispute_id": dispute_id, "state": DISPUTE.first, "order_id": order.order_id}


def add_party_statement(
    transaction: Transaction, participant_id: str, dispute_id: str, request: StatementRequest
) -> Mapping[str, Any]:
    """Take what the buyer or the seller says to an open dispute.

    Raises Problem `not_found` for another's dispute, `wrong_state` where it is over or enough was said, and what
    `found_evidence` raises.
    """
    order, dispute = locked_with_order(transaction, dispute_id)
    if participant_id not in (dispute.buyer_id, dispute.seller_id):
        raise _unknown(dispute_id)
    party = "buyer" if participant_id == dispute.buyer_id else "seller"
    return _said(transaction, order, dispute, party, request)


def add_evaluation(
    transaction: Transaction, evaluator_id: str, dispute_id: str, request: StatementRequest
) -> Mapping[str, Any]:
    """Take what an evaluator found.

    Raises Problem `not_permitted` where it has a part in the sale, and as `add_party_statement` does.
    """
    order, dispute = locked_with_order(transaction, dispute_id)
    require_independent(transaction.connection, evaluator_id, order)
    return _said(transaction, order, dispute, "evaluator", request)


def withdraw(transaction: Transaction, buyer_id: str, dispute_id: str) -> Mapping[str, Any]:
    """Leave one's own dispute: the sale stands. Raises Problem `not_found` for another's, and `wrong_state`."""
    order, dispute = locked_with_order(transaction, dispute_id)
    if dispute.buyer_id != buyer_id:
        raise _unknown(dispute_id)
    advance(transaction, DISPUTE, disputes, dispute, "withdraw", {"order_id": order.order_id}, licence="keeps")
    let_stand(transaction, order, dispute)
    return {"dispute_id": dispute_id, "state": "withdrawn", "order_id": order.order_id}


def let_stand(transaction: Transaction, order: sa.Row[Any], dispute: sa.Row[Any]) -> None:
    """Have the sale stand as it was: its term for disputes and that of the licence ran on."""
    advance(transaction, ORDER, orders, order, "uphold", {"dispute_id": dispute.dispute_id})
    give_back(transaction, dispute)


def give_back(transaction: Transaction, dispute: sa.Row[Any]) -> None:
    """Put the entitlement into use again, where it was this dispute that took it out, and it did not end meanwhile."""
    entitlement = locked(transaction, ENTITLEMENT, entitlements, dispute.entitlement_id)
    if dispute.has_suspended and entitlement.state == "suspended":
        resume(transaction, dispute.entitlement_id)


def locked_with_order(transaction: Transaction, dispute_id: str) -> tuple[sa.Row[Any], sa.Row[Any]]:
    """The order of a dispute and the dispute, locked in the order of all locks. Raises Problem `not_found`."""
    own = disputes.c
    query = sa.select(own.order_id, own.entitlement_id).where(own.dispute_id == dispute_id)
    found = transaction.connection.execute(query).one_or_none()
    if found is None:
        raise _unknown(dispute_id)
    order = _locked_order(transaction, found.order_id)
    locked(transaction, ENTITLEMENT, entitlements, found.entitlement_id)
    return order, locked(transaction, DISPUTE, disputes, dispute_id)


def _locked_order(transaction: Transaction, order_id: str) -> sa.Row[Any]:
    return locked(transaction, ORDER, orders, order_id)


def _suspended(transaction: Transaction, entitlement_id: str, dispute_id: str) -> bool:
    entitlement = locked(transaction, ENTITLEMENT, entitlements, entitlement_id)
    if entitlement.state != "active":
        return False
    suspend(transaction, entitlement_id, f"the dispute {dispute_id} about its order is open")
    return True


def _said(
    transaction: Transaction, order: sa.Row[Any], dispute: sa.Row[Any], party: str, request: StatementRequest
) -> Mapping[str, Any]:
    """Keep what whoever acts says; the black box is told its hash and what it refers to."""
    connection, dispute_id = transaction.connection, dispute.dispute_id
    _require_room(connection, dispute_id, party)
    evidence = found_evidence(transaction.market, connection, order, dispute, request.evidence)
    statement_id = transaction.new_identifier("stm")
    told = {"party": party, "statement_id": statement_id, "text_hash": hash_of(request.statement)}
    advance(transaction, DISPUTE, disputes, dispute, "evidence", told | {"references": _named(request)})
    connection.execute(
        sa.insert(statements).values(
            statement_id=statement_id,
            dispute_id=dispute_id,
            party=party,
            author_id=transaction.actor,
            text=request.statement,
            evidence=json.dumps(evidence, ensure_ascii=False),
            made_at=text_of(transaction.at),
        )
    )
    return {"dispute_id": dispute_id, "statement_id": statement_id, "party": party}


def _named(request: StatementRequest) -> list[dict[str, Any]]:
    return [each.model_dump() for each in request.evidence]


def _require_room(connection: sa.Connection, dispute_id: str, party: str) -> None:
    own = statements.c
    said = sa.select(sa.func.count()).where(own.dispute_id == dispute_id, own.party == party)
    if connection.execute(said).scalar_one() >= STATEMENTS_MAX:
        raise Problem("wrong_state", f"The {party} has made {STATEMENTS_MAX} statements, which is all that is taken.")


def _unknown(dispute_id: str) -> Problem:
    return Problem("not_found", f"There is no dispute '{dispute_id}' for you.")
