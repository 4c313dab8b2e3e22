"""Funds that come from the bank and go there: deposits that the operator books, payouts that it confirms or rejects.

A transfer's reference is booked once, and once more where its booking was reversed (see `reversals`). A payout's amount
is set aside when it is asked for and leaves the market when the transfer was made; that is decided once.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.accounts.tables import deposit_reversals, deposits, payouts
from market_api.identity.participants import unique
from market_api.identity.tables import participants
from market_api.ledger.accounts import OUTSIDE, account_of
from market_api.ledger.holds import hold, post_hold, void_hold
from market_api.ledger.posting import Posting, post
from market_api.market import Transaction
from market_api.paging import page, read_token
from market_api.permissions import TRADERS
from market_api.problems import Problem
from market_api.states import PARTICIPANT, PAYOUT, advance, begin, locked
from vault.moments import text_of

WITH_ACCOUNTS = ("admitted", "suspended", "frozen")
BOOKED_BEFORE = "This transfer was booked before."

_BOOKED = sa.select(
    deposits, deposit_reversals.c.at.label("reversed_at"), deposit_reversals.c.reason.label("reversal_reason")
).outerjoin(deposit_reversals, deposit_reversals.c.deposit_id == deposits.c.deposit_id)


def bank_reference(value: str) -> str:
    """A transfer's reference in the one form in which it is compared. Raises ValueError for what is none."""
    composed = "".join(unicodedata.normalize("NFKC", value).upper().split())
    if not (composed.isascii() and composed.isprintable() and any(each.isalnum() for each in composed)):
        raise ValueError("it is no reference of a transfer: letters, digits and signs of ASCII")
    return composed


def deposit(transaction: Transaction, participant_id: str, amount_fen: int, reference: str) -> Mapping[str, Any]:
    """Book a transfer that came in. reference: as `bank_reference` gives it.

    Raises Problem `not_found`, `wrong_state` for a participant that holds no funds, `taken` for a transfer that was
    booked before.
    """
    row = locked(transaction, PARTICIPANT, participants, participant_id)
    if row.state not in WITH_ACCOUNTS or row.role not in TRADERS:
        raise Problem("wrong_state", f"A participant that is {row.state} and {row.role} holds no funds here.")
    booking = _next_booking(transaction.connection, reference)
    deposit_id = transaction.new_identifier("dep")
    moved = [Posting(OUTSIDE, account_of(participant_id), amount_fen)]
    values = {
        "deposit_id": deposit_id,
        "participant_id": participant_id,
        "amount_fen": amount_fen,
        "bank_reference": reference,
        "booking": booking,
        "transaction_id": post(transaction, "deposit", deposit_id, moved),
        "booked_by": transaction.actor,
        "at": text_of(transaction.at),
    }
    with unique(BOOKED_BEFORE, "bank_reference"):
        transaction.connection.execute(sa.insert(deposits).values(**values))
    return {**values, "reversal": None}


def deposit_row(connection: sa.Connection, deposit_id: str) -> sa.Row[Any]:
    """A transfer that was booked, with its reversal where it has one. Raises Problem `not_found`."""
    row = connection.execute(_BOOKED.where(deposits.c.deposit_id == deposit_id)).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no deposit '{deposit_id}' for you.")
    return row


def deposit_document(row: sa.Row[Any]) -> dict[str, Any]:
    """A transfer that was booked. reversal: when it was reversed and why, null where it was not."""
    told = {column.name: getattr(row, column.name) for column in deposits.columns}
    is_reversed = row.reversed_at is not None
    return {**told, "reversal": {"at": row.reversed_at, "reason": row.reversal_reason} if is_reversed else None}


def deposits_page(connection: sa.Connection, participant_id: str, token: str, size: int) -> Mapping[str, Any]:
    """A page of the transfers that were booked for a participant, the oldest first."""
    own = deposits.c
    query = _BOOKED.where(own.participant_id == participant_id, own.deposit_id > read_token(token))
    rows = connection.execute(query.order_by(own.deposit_id).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.deposit_id), deposit_document)


def request_payout(transaction: Transaction, participant_id: str, amount_fen: int) -> Mapping[str, Any]:
    """Ask for funds to be paid out, which sets them aside. Raises Problem `funds_missing`."""
    payout_id = transaction.new_identifier("pay")
    values = {
        "payout_id": payout_id,
        "participant_id": participant_id,
        "amount_fen": amount_fen,
        "hold_id": hold(transaction, participant_id, amount_fen, payout_id),
    }
    begin(transaction, PAYOUT, payouts, values, {"participant_id": participant_id, "amount_fen": amount_fen})
    return payout(transaction.connection, payout_id)


def confirm_payout(transaction: Transaction, payout_id: str, reference: str) -> Mapping[str, Any]:
    """Record that a payout was transferred.

    Raises Problem `not_found`, `wrong_state` where it was decided before or its owner is suspended or frozen, and
    `taken` for a reference that was given before.
    """
    owner_id = payout(transaction.connection, payout_id)["participant_id"]
    owner = locked(transaction, PARTICIPANT, participants, owner_id)
    row = locked(transaction, PAYOUT, payouts, payout_id)
    if owner.state != "admitted":
        raise Problem("wrong_state", f"The participant is {owner.state}, so nothing is paid out to it.")
    with unique("Another payout has this reference.", "bank_reference"):
        advance(transaction, PAYOUT, payouts, row, "confirm", {}, bank_reference=reference)
    post_hold(transaction, row.hold_id, "payout", [(OUTSIDE, row.amount_fen)])
    return payout(transaction.connection, payout_id)


def reject_payout(transaction: Transaction, payout_id: str, reason: str) -> Mapping[str, Any]:
    """Give the amount of a payout back to its owner. Raises Problem `not_found`, `wrong_state`."""
    return _given_back(transaction, payout_id, "reject", reason=reason)


def cancel_payout(transaction: Transaction, participant_id: str, payout_id: str) -> Mapping[str, Any]:
    """Take one's own request back. Raises Problem `not_found`, also for another's, and `wrong_state`."""
    if payout(transaction.connection, payout_id)["participant_id"] != participant_id:
        raise _no_payout(payout_id)
    return _given_back(transaction, payout_id, "cancel")


def payout(connection: sa.Connection, payout_id: str) -> Mapping[str, Any]:
    """A payout. Raises Problem `not_found`."""
    row = connection.execute(sa.select(payouts).where(payouts.c.payout_id == payout_id)).one_or_none()
    if row is None:
        raise _no_payout(payout_id)
    return _document(row)


def payouts_page(
    connection: sa.Connection, participant_id: str | None, state: str | None, token: str, size: int
) -> Mapping[str, Any]:
    """A page of payouts, the oldest first: of one participant or of all, in one state or in all."""
    own = payouts.c
    query = sa.select(payouts).where(own.payout_id > read_token(token))
    if participant_id is not None:
        query = query.where(own.participant_id == participant_id)
    if state is not None:
        query = query.where(own.state == state)
    rows = connection.execute(query.order_by(own.payout_id).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.payout_id), _document)


def _next_booking(connection: sa.Connection, reference: str) -> int:
    """The number of a transfer's next booking. Raises Problem `taken` where one stands."""
    earlier = connection.execute(_BOOKED.where(deposits.c.bank_reference == reference)).all()
    if any(row.reversed_at is None for row in earlier):
        raise Problem("taken", BOOKED_BEFORE, "bank_reference")
    return len(earlier) + 1


def _given_back(transaction: Transaction, payout_id: str, event: str, **changes: Any) -> Mapping[str, Any]:
    row = locked(transaction, PAYOUT, payouts, payout_id)
    advance(transaction, PAYOUT, payouts, row, event, {}, **changes)
    void_hold(transaction, row.hold_id)
    return payout(transaction.connection, payout_id)


def _no_payout(payout_id: str) -> Problem:
    return Problem("not_found", f"There is no payout '{payout_id}' for you.")


def _document(row: sa.Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "hold_id"}
