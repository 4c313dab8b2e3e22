"""The proof that nothing was lost: balances against postings, holds against held funds, all in one state."""

import sqlalchemy as sa

from market_api.ledger.tables import accounts, holds, ledger_transactions, postings


def ledger_faults(connection: sa.Connection) -> tuple[str, ...]:
    """What does not add up; empty where all of it does. Within one transaction."""
    return (*_wrong_balances(connection), *_wrong_holds(connection), *_lone_transactions(connection))


def total_fen(connection: sa.Connection) -> int:
    """The sum of all balances: 0, whatever was posted."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(accounts.c.balance_fen), 0))).scalar_one())


def _wrong_balances(connection: sa.Connection) -> list[str]:
    own = postings.c
    moves = sa.union_all(
        sa.select(own.destination.label("account_id"), own.amount_fen.label("change_fen")),
        sa.select(own.source.label("account_id"), (-own.amount_fen).label("change_fen")),
    ).subquery()
    posted = (
        sa.select(moves.c.account_id, sa.func.sum(moves.c.change_fen).label("posted_fen"))
        .group_by(moves.c.account_id)
        .subquery()
    )
    wrong = (
        sa.select(accounts.c.account_id, accounts.c.balance_fen, sa.func.coalesce(posted.c.posted_fen, 0))
        .outerjoin(posted, posted.c.account_id == accounts.c.account_id)
        .where(accounts.c.balance_fen != sa.func.coalesce(posted.c.posted_fen, 0))
    )
    return [f"{name} holds {balance} fen, its postings say {said}" for name, balance, said in connection.execute(wrong)]


def _wrong_holds(connection: sa.Connection) -> list[str]:
    held = (
        sa.select(holds.c.owner_id, sa.func.sum(holds.c.amount_fen).label("held_fen"))
        .where(holds.c.state == "held")
        .group_by(holds.c.owner_id)
        .subquery()
    )
    own, said_fen = accounts.c, sa.func.coalesce(held.c.held_fen, 0)
    wrong = (
        sa.select(own.account_id, own.balance_fen, said_fen)
        .outerjoin(held, held.c.owner_id == own.owner_id)
        .where(own.account_id.like("%:held"), own.balance_fen != said_fen)
    )
    return [f"{name} holds {balance} fen, its holds say {said}" for name, balance, said in connection.execute(wrong)]


def _lone_transactions(connection: sa.Connection) -> list[str]:
    lone = (
        sa.select(ledger_transactions.c.transaction_id)
        .outerjoin(postings, postings.c.transaction_id == ledger_transactions.c.transaction_id)
        .where(postings.c.transaction_id.is_(None))
    )
    return [f"{name} has no postings" for name in connection.execute(lone).scalars()]
