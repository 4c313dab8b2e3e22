"""Posting: the one way in which a balance changes.

A transaction's postings stand together or not at all. Balances are locked in the order of their names, so that two
transactions over the same accounts wait in line and not for each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa

from market_api.ledger.accounts import spendable
from market_api.ledger.tables import accounts, ledger_transactions, postings
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.statements import add_to_each_later, insert_later, rows_of, send


@dataclass(frozen=True)
class Posting:
    """An amount from one account to another; fen, above 0. Raises ValueError else, and within one account."""

    source: str
    destination: str
    amount_fen: int

    def __post_init__(self) -> None:
        if self.amount_fen <= 0 or self.source == self.destination:
            raise ValueError("a posting moves an amount above 0 between two accounts")


def lock_accounts(connection: sa.Connection, owner_ids: Sequence[str] | sa.SelectBase) -> None:
    """Lock all accounts of owners at once, before several postings over them that are not of one call.

    owner_ids: names, or the query that finds them.
    """
    own = accounts.c
    wanted = sa.select(own.account_id).where(own.owner_id.in_(owner_ids)).order_by(own.account_id)
    connection.execute(wanted.with_for_update(key_share=True)).all()


def post(
    transaction: Transaction, kind: str, reference: str, moved: Sequence[Posting], reverses: str | None = None
) -> str:
    """Post a ledger transaction, logged; gives its name.

    kind: such as 'deposit' or 'settlement'; reference: what it is about; reverses: the transaction it takes back.
    Raises Problem `funds_missing` where an account would go below its limit, ValueError where nothing is posted, and
    sqlalchemy's IntegrityError where an account is not there.
    """
    return post_all(transaction, [(kind, reference, moved)], reverses)[0]


def post_all(
    transaction: Transaction,
    wanted: Sequence[tuple[str, str, Sequence[Posting]]],
    reverses: str | None = None,
    names: Sequence[str] | None = None,
) -> list[str]:
    """Post several ledger transactions, each of (kind, reference, postings), with one lock of all their accounts.

    What an account lacks in between it must not lack at the end. names: theirs, else new ones. Gives their names;
    raises as `post` does.
    """
    if not all(moved for _, _, moved in wanted):
        raise ValueError("a ledger transaction has at least one posting")
    names = list(names or (transaction.new_identifier("txn") for _ in wanted))
    for name, (kind, reference, moved) in zip(names, wanted, strict=True):
        told = [[each.source, each.destination, each.amount_fen] for each in moved]
        transaction.log(
            "ledger.post", name, {"kind": kind, "reference": reference, "postings": told, "reverses": reverses}
        )
    at = transaction.moment
    rows = [(name, kind, reference, at, reverses) for name, (kind, reference, _) in zip(names, wanted, strict=True)]
    lines = [
        (name, number, posting.source, posting.destination, posting.amount_fen)
        for name, (_, _, moved) in zip(names, wanted, strict=True)
        for number, posting in enumerate(moved, 1)
    ]
    insert_later(transaction.connection, ledger_transactions, rows)
    insert_later(transaction.connection, postings, lines)
    _move(transaction.connection, [posting for _, _, moved in wanted for posting in moved])
    return names


def reverse(transaction: Transaction, name: str, kind: str, reference: str) -> str:
    """Take a ledger transaction back whole, by its postings the other way round: nothing is ever deleted.

    What was paid from a hold goes to its owner's available funds. Raises Problem `wrong_state` where it was taken back
    before, `funds_missing`, and ValueError for an unknown one and one that only set an amount aside or gave it back.
    """
    connection, own = transaction.connection, ledger_transactions.c
    found = connection.execute(sa.select(own.kind).where(own.transaction_id == name).with_for_update()).scalar()
    if found is None or found in ("hold", "void"):
        raise ValueError("what is taken back is a ledger transaction that paid something")
    if connection.execute(sa.select(own.transaction_id).where(own.reverses == name)).first() is not None:
        raise Problem("wrong_state", "This ledger transaction was taken back already.")
    paid = [(each.destination, spendable(each.source), each.amount_fen) for each in postings_of(connection, name)]
    moved = [Posting(*each) for each in paid if each[0] != each[1]]
    return post(transaction, kind, reference, moved, reverses=name)


def postings_of(connection: sa.Connection, name: str) -> list[Posting]:
    """The postings of a ledger transaction in their order."""
    own = postings.c
    rows = connection.execute(
        sa.select(own.source, own.destination, own.amount_fen).where(own.transaction_id == name).order_by(own.number)
    )
    return [Posting(*row) for row in rows]


def _move(connection: sa.Connection, moved: Iterable[Posting]) -> None:
    """Change the balances. All else is sent before the accounts are locked, as others wait from there to the end."""
    changes: dict[str, int] = {}
    for posting in moved:
        changes[posting.source] = changes.get(posting.source, 0) - posting.amount_fen
        changes[posting.destination] = changes.get(posting.destination, 0) + posting.amount_fen
    names = {f"name_{place}": name for place, name in enumerate(sorted(changes))}
    send(connection)
    found = rows_of(connection, _locking(len(names)), names)
    for row in found:
        missing_fen = 0 if row.lowest_fen is None else row.lowest_fen - row.balance_fen - changes[row.account_id]
        if missing_fen > 0:
            raise _funds_missing(row.account_id, missing_fen)
    if changed := {name: change for name, change in changes.items() if change}:
        add_to_each_later(connection, accounts, accounts.c.balance_fen, changed)


@cache
def _locking(count: int) -> sa.Select[tuple[str, int, int | None]]:
    own = accounts.c
    names: list[sa.BindParameter[str]] = [sa.bindparam(f"name_{place}") for place in range(count)]
    columns = sa.select(own.account_id, own.balance_fen, own.lowest_fen).order_by(own.account_id)
    return columns.where(sa.or_(*(own.account_id == name for name in names))).with_for_update(key_share=True)


def _funds_missing(account_id: str, missing_fen: int) -> Problem:
    part = account_id.rpartition(":")[2]
    return Problem(
        "funds_missing",
        f"The {part} funds lack {missing_fen} fen; pay in at least as much and try again.",
        missing_fen=missing_fen,
        account=account_id,
    )
