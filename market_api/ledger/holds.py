"""Holds: an amount set aside until it is decided, which is then posted or voided, once."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from market_api.ledger.accounts import account_of
from market_api.ledger.posting import Posting, post, post_all
from market_api.ledger.tables import holds
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.statements import run_later

_WRITTEN = sa.insert(holds)

Line = tuple[str, int]
"""An account, and the fen that it is to get."""


def hold(transaction: Transaction, owner_id: str, amount_fen: int, reference: str) -> str:
    """Set an amount aside out of the owner's available funds; gives the hold's name.

    Fen, above 0, else ValueError. Raises Problem `funds_missing`.
    """
    moved = [Posting(account_of(owner_id), account_of(owner_id, "held"), amount_fen)]
    post(transaction, "hold", reference, moved)
    return _written(transaction, owner_id, amount_fen, reference, "held")


def post_hold(transaction: Transaction, hold_id: str, kind: str, lines: Sequence[Line]) -> str:
    """Pay from a hold; what is left of it is the owner's again. Gives the name of the ledger transaction.

    Raises Problem `wrong_state` where the hold ended before, ValueError where the lines are more than it or none.
    """
    row = _ended(transaction, hold_id, "posted")
    held = account_of(row.owner_id, "held")
    rest_fen = row.amount_fen - sum(amount for _, amount in lines)
    if rest_fen < 0 or not lines:
        raise ValueError("a hold pays some of its amount and no more than all of it")
    moved = [Posting(held, account, amount) for account, amount in lines]
    if rest_fen:
        moved.append(Posting(held, account_of(row.owner_id), rest_fen))
    return post(transaction, kind, row.reference, moved)


def void_hold(transaction: Transaction, hold_id: str) -> str:
    """Give a held amount back to its owner. Raises Problem `wrong_state` where the hold ended before."""
    row = _ended(transaction, hold_id, "voided")
    return post(transaction, "void", row.reference, [_given_back(row)])


def void_holds(transaction: Transaction, hold_ids: Sequence[str]) -> None:
    """Give several held amounts back at once. Raises Problem `wrong_state` where one of them ended before."""
    own = holds.c
    ended = transaction.connection.execute(
        sa.update(holds)
        .where(own.hold_id.in_(hold_ids), own.state == "held")
        .values(state="voided", ended_at=transaction.moment)
        .returning(own.hold_id, own.owner_id, own.reference, own.amount_fen)
    ).all()
    if len(ended) != len(set(hold_ids)):
        raise Problem("wrong_state", "An amount is not set aside any more: it was paid or given back before.")
    if ended:
        post_all(transaction, [("void", row.reference, [_given_back(row)]) for row in sorted(ended)])


def hold_and_post(
    transaction: Transaction, owner_id: str, reference: str, kind: str, lines: Sequence[Line], payment_id: str
) -> str:
    """Hold an amount and pay all of it at once, with one lock of the accounts: a sale at a posted price.

    payment_id: the name that the payment gets. Gives the hold's name. Raises Problem `funds_missing`, ValueError where
    there are no lines.
    """
    amount_fen, held = sum(amount for _, amount in lines), account_of(owner_id, "held")
    set_aside = [Posting(account_of(owner_id), held, amount_fen)]
    paid = [Posting(held, account, amount) for account, amount in lines]
    hold_id = _written(transaction, owner_id, amount_fen, reference, "posted")
    names = [transaction.new_identifier("txn"), payment_id]
    post_all(transaction, [("hold", reference, set_aside), (kind, reference, paid)], names=names)
    return hold_id


def _given_back(row: Any) -> Posting:
    return Posting(account_of(row.owner_id, "held"), account_of(row.owner_id), row.amount_fen)


def _written(transaction: Transaction, owner_id: str, amount_fen: int, reference: str, state: str) -> str:
    hold_id, at = transaction.new_identifier("hld"), transaction.moment
    values = {
        "hold_id": hold_id,
        "owner_id": owner_id,
        "reference": reference,
        "amount_fen": amount_fen,
        "state": state,
        "created_at": at,
        "ended_at": None if state == "held" else at,
    }
    run_later(transaction.connection, _WRITTEN, values)
    return hold_id


def _ended(transaction: Transaction, hold_id: str, state: str) -> sa.Row[tuple[str, str, int]]:
    """End a hold, which only one can do, and give its owner, reference and amount."""
    own = holds.c
    ended = transaction.connection.execute(
        sa.update(holds)
        .where(own.hold_id == hold_id, own.state == "held")
        .values(state=state, ended_at=transaction.moment)
        .returning(own.owner_id, own.reference, own.amount_fen)
    ).one_or_none()
    if ended is None:
        raise Problem("wrong_state", "The amount is not set aside any more: it was paid or given back before.")
    return ended
