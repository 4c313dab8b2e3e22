"""Posting: the one way in which a balance changes.

A transaction's postings stand together or not at all. Balances are locked in the order of their names, so that two
transactions over the same accounts wait in line and not for each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from market_api.ledger.tables import accounts, ledger_transactions, postings
from market_api.market import Transaction
from market_api.problems import Problem
from vault.moments import text_of


@dataclass(frozen=True)
class Posting:
    """An amount from one account to another; fen, above 0. Raises ValueError else, and within one account."""

    source: str
    destination: str
    amount_fen: int

    def __post_init__(self) -> None:
        if self.amount_fen <= 0 or self.source == self.destination:
            raise ValueError("a posting moves an amount above 0 between two accounts")


_LOCKED = (
    sa.select(accounts.c.account_id, accounts.c.balance_fen, accounts.c.lowest_fen)
    .where(accounts.c.account_id.in_(sa.bindparam("names", expanding=True)))
    .order_by(accounts.c.account_id)
    .with_for_update()
)
_MOVED = (
    sa.update(accounts)
    .where(accounts.c.account_id == sa.bindparam("name"))
    .values(balance_fen=accounts.c.balance_fen + sa.bindparam("change_fen"))
)

_BEGUN = sa.insert(ledger_transactions)
_WRITTEN = sa.insert(postings)


def post(
    transaction: Transaction, kind: str, reference: str, moved: Sequence[Posting], reverses: str | None = None
) -> str:
    """Post a ledger transaction, logged; gives its name.

    kind: such as 'deposit' or 'settlement'; reference: what it is about; reverses: the transaction it takes back.
    Raises Problem `funds_missing` where an account would go below its limit, and ValueError where nothing is posted or
    an account is not there.
    """
    return post_all(transaction, [(kind, reference, moved)], reverses)[0]


def post_all(
    transaction: Transaction, wanted: Sequence[tuple[str, str, Sequence[Posting]]], reverses: str | None = None
) -> list[str]:
    """Post several ledger transactions, each of (kind, reference, postings), with one lock of all their accounts.

    What an account lacks in between it must not lack at the end. Gives their names; raises as `post` does.
    """
    if not all(moved for _, _, moved in wanted):
        raise ValueError("a ledger transaction has at least one posting")
    _move(transaction.connection, [posting for _, _, moved in wanted for posting in moved])
    names = [transaction.new_identifier("txn") for _ in wanted]
    at = text_of(transaction.at)
    rows = [
        {"transaction_id": name, "kind": kind, "reference": reference, "at": at, "reverses": reverses}
        for name, (kind, reference, _) in zip(names, wanted, strict=True)
    ]
    transaction.connection.execute(_BEGUN, rows)
    lines = [
        _line(name, number, posting)
        for name, (_, _, moved) in zip(names, wanted, strict=True)
        for number, posting in enumerate(moved, 1)
    ]
    transaction.connection.execute(_WRITTEN, lines)
    for name, (kind, reference, moved) in zip(names, wanted, strict=True):
        told = [[each.source, each.destination, each.amount_fen] for each in moved]
        transaction.log(
            "ledger.post", name, {"kind": kind, "reference": reference, "postings": told, "reverses": reverses}
        )
    return names


def reverse(transaction: Transaction, name: str, kind: str, reference: str) -> str:
    """Take a ledger transaction back whole, by its postings the other way round: nothing is ever deleted.

    Raises Problem `wrong_state` where that was done before, `funds_missing`, and ValueError for an unknown one.
    """
    connection = transaction.connection
    earlier = sa.select(ledger_transactions.c.transaction_id).where(ledger_transactions.c.reverses == name)
    if connection.execute(earlier).first() is not None:
        raise Problem("wrong_state", "This ledger transaction was taken back already.")
    moved = [Posting(each.destination, each.source, each.amount_fen) for each in postings_of(connection, name)]
    return post(transaction, kind, reference, moved, reverses=name)


def postings_of(connection: sa.Connection, name: str) -> list[Posting]:
    """The postings of a ledger transaction in their order."""
    own = postings.c
    rows = connection.execute(
        sa.select(own.source, own.destination, own.amount_fen).where(own.transaction_id == name).order_by(own.number)
    )
    return [Posting(*row) for row in rows]


def _move(connection: sa.Connection, moved: Iterable[Posting]) -> None:
    changes: dict[str, int] = {}
    for posting in moved:
        changes[posting.source] = changes.get(posting.source, 0) - posting.amount_fen
        changes[posting.destination] = changes.get(posting.destination, 0) + posting.amount_fen
    found = connection.execute(_LOCKED, {"names": sorted(changes)}).all()
    if lost := sorted(set(changes) - {row.account_id for row in found}):
        raise ValueError(f"there is no account {lost[0]}")
    for row in found:
        missing_fen = 0 if row.lowest_fen is None else row.lowest_fen - row.balance_fen - changes[row.account_id]
        if missing_fen > 0:
            raise _funds_missing(row.account_id, missing_fen)
    changed = [{"name": name, "change_fen": change} for name, change in sorted(changes.items()) if change]
    if changed:
        connection.execute(_MOVED, changed)


def _funds_missing(account_id: str, missing_fen: int) -> Problem:
    part = account_id.rpartition(":")[2]
    return Problem(
        "funds_missing",
        f"The {part} funds lack {missing_fen} fen; pay in at least as much and try again.",
        missing_fen=missing_fen,
        account=account_id,
    )


def _line(name: str, number: int, posting: Posting) -> dict[str, Any]:
    return {
        "transaction_id": name,
        "number": number,
        "source": posting.source,
        "destination": posting.destination,
        "amount_fen": posting.amount_fen,
    }
