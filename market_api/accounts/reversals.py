"""Reversing a deposit that was booked wrongly: to another participant, or with another amount than was transferred.

Nothing is deleted: the booking is taken back whole, by its postings the other way round, and the statement shows both.
Its transfer can be booked again then, rightly.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.accounts.funds import deposit_document, deposit_row
from market_api.accounts.tables import deposit_reversals
from market_api.identity.tables import participants
from market_api.ledger.posting import reverse
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.states import PARTICIPANT, locked
from vault.moments import text_of
from vault.releases.datasheet import hash_of


def reverse_deposit(transaction: Transaction, deposit_id: str, reason: str) -> Mapping[str, Any]:
    """Take a deposit back, for a reason.

    Raises Problem `not_found` for what is no deposit, `wrong_state` where it was reversed before or the regulator froze
    its owner, and `funds_missing` where some of it was spent or is set aside, which names the fen that are lacking.
    """
    connection = transaction.connection
    owner_id = deposit_row(connection, deposit_id).participant_id
    owner = locked(transaction, PARTICIPANT, participants, owner_id)
    booked = deposit_row(connection, deposit_id)  # as it is now that nobody else reverses it
    if booked.reversed_at is not None:
        raise Problem("wrong_state", "The deposit was reversed before.", state="reversed")
    if owner.state == "frozen":
        raise Problem(
            "wrong_state", "The regulator has frozen its owner, whose funds stay as they are.", state=owner.state
        )
    transaction_id = _taken_back(transaction, booked)
    values = {
        "deposit_id": deposit_id,
        "transaction_id": transaction_id,
        "reason": reason,
        "reversed_by": transaction.actor,
        "at": text_of(transaction.at),
    }
    connection.execute(sa.insert(deposit_reversals).values(**values))
    told = {"reverses": booked.transaction_id, "transaction_id": transaction_id, "reason_hash": hash_of(reason)}
    transaction.log("deposit.reverse", deposit_id, told)
    return deposit_document(deposit_row(connection, deposit_id))


def _taken_back(transaction: Transaction, booked: sa.Row[Any]) -> str:
    try:
        return reverse(transaction, booked.transaction_id, "deposit_reversal", booked.deposit_id)
    except Problem as problem:
        if problem.code != "funds_missing":
            raise
        missing_fen = problem.further["missing_fen"]
        raise Problem(
            "funds_missing",
            f"Of the {booked.amount_fen} fen of the deposit {missing_fen} are spent or set aside; it is reversed once "
            "its owner's available funds hold all of it.",
            missing_fen=missing_fen,
        ) from None
