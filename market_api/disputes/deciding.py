"""Deciding a dispute, once: money moves, the licence ends or goes on, the reason is kept, all in one transaction.

A whole refund takes the payment back posting by posting, tax and fee among them. A part goes back from every line of
the payment in proportion. Both come out of what is pending, so nobody has to give back what it spent.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.disputes.independence import require_independent
from market_api.disputes.opening import give_back, let_stand, locked_with_order
from market_api.disputes.requests import DecisionRequest
from market_api.disputes.tables import disputes
from market_api.entitlements.changing import revoke
from market_api.entitlements.tables import entitlements
from market_api.ledger.accounts import account_of
from market_api.ledger.posting import Posting, post, reverse
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.rates.splitting import reversal
from market_api.states import DISPUTE, ENTITLEMENT, ORDER, advance, locked
from market_api.trading.splitting import split_of
from market_api.trading.tables import orders
from vault.releases.datasheet import hash_of


def decide(transaction: Transaction, arbiter_id: str, dispute_id: str, request: DecisionRequest) -> Mapping[str, Any]:
    """Uphold or reject a dispute; gives what was decided.

    Raises Problem `not_found`, `not_permitted` where the arbiter has a part in the sale, `wrong_state` where it is
    over, and `invalid_request` for a refund above the price, of nothing, or of all of it with the licence kept.
    """
    order, dispute = locked_with_order(transaction, dispute_id)
    require_independent(transaction.connection, arbiter_id, order)
    told = {"order_id": order.order_id, "reason_hash": hash_of(request.reason)}
    changes: dict[str, Any] = {"decided_by": arbiter_id, "reason": request.reason}
    if request.outcome == "rejected":
        changes |= {"licence": "keeps"}
        advance(transaction, DISPUTE, disputes, dispute, "reject", told, **changes)
        let_stand(transaction, order, dispute)
    else:
        refund_fen = _refundable(order, request)
        changes |= {"refund_fen": refund_fen, "licence": request.licence}
        _require_open(dispute)
        changes["refund_id"] = _refunded(transaction, order, refund_fen)
        told |= {name: changes[name] for name in ("refund_fen", "refund_id", "licence")}
        advance(transaction, DISPUTE, disputes, dispute, "uphold", told, **changes)
        _end_licence(transaction, dispute, request)
    return {
        "dispute_id": dispute_id,
        "state": request.outcome,
        "order_id": order.order_id,
        "refund_fen": changes.get("refund_fen", 0),
        "licence": changes["licence"],
    }


def _require_open(dispute: sa.Row[Any]) -> None:
    """Asked before money moves; `advance` asks it again."""
    if dispute.state != DISPUTE.first:
        raise Problem("wrong_state", f"The dispute is {dispute.state}; it is decided once.", state=dispute.state)


def _refundable(order: sa.Row[Any], request: DecisionRequest) -> int:
    refund_fen = request.refund_fen or 0
    if refund_fen > order.price_fen:
        raise Problem(
            "invalid_request", f"No more goes back than the {order.price_fen} fen that were paid.", "refund_fen"
        )
    if refund_fen == order.price_fen and request.licence == "keeps":
        raise Problem("invalid_request", "Whoever gets all of the price back does not keep the licence.", "licence")
    if not refund_fen and order.price_fen:
        raise Problem("invalid_request", "What is upheld gives something back; else reject it.", "refund_fen")
    return refund_fen


def _refunded(transaction: Transaction, order: sa.Row[Any], refund_fen: int) -> str | None:
    """Give the refund back and move the order on; gives the ledger transaction, None where nothing was paid."""
    if refund_fen == order.price_fen:
        refund_id = (
            None if order.payment_id is None else reverse(transaction, order.payment_id, "refund", order.order_id)
        )
        told = {"refund_fen": refund_fen, "refund_id": refund_id}
        advance(transaction, ORDER, orders, order, "refund", told, refund_lines=order.lines)
        return refund_id
    part = reversal(split_of(json.loads(order.lines)), refund_fen)
    lines = [(account_of(line.receiver, "pending"), line.kind, line.amount_fen) for line in part.lines]
    moved = [Posting(account, account_of(order.buyer_id), amount_fen) for account, _, amount_fen in lines]
    refund_id = post(transaction, "refund", order.order_id, moved)
    told = {"refund_fen": refund_fen, "refund_id": refund_id}
    advance(transaction, ORDER, orders, order, "refund_part", told, refund_lines=json.dumps(lines))
    return refund_id


def _end_licence(transaction: Transaction, dispute: sa.Row[Any], request: DecisionRequest) -> None:
    if request.licence == "keeps":
        give_back(transaction, dispute)
        return
    entitlement = locked(transaction, ENTITLEMENT, entitlements, dispute.entitlement_id)
    if entitlement.state in ("active", "suspended"):
        revoke(transaction, dispute.entitlement_id, f"the dispute {dispute.dispute_id} about its order was upheld")
