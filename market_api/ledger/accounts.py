"""Accounts: three of each participant's funds, and those of the market, the tax office and the world outside."""

from typing import Literal

import sqlalchemy as sa

from market_api.ledger.tables import accounts

Part = Literal["available", "held", "pending"]
PARTS: tuple[Part, ...] = ("available", "held", "pending")
MARKET, TAX = "market", "tax"
OUTSIDE = "outside"
"""Where deposits come from and payouts go to: the one account without a limit."""


def account_of(owner_id: str, part: Part = "available") -> str:
    """The name of an account. available: to spend; held: set aside for something that is not decided; pending: earned,
    but still open to dispute."""
    return f"{owner_id}:{part}"


def spendable(account_id: str) -> str:
    """Where money goes back to that came from an account: what a hold paid is its owner's to spend again, as the hold
    ended."""
    owner_id, _, part = account_id.rpartition(":")
    return account_of(owner_id) if part == "held" else account_id


def open_accounts(connection: sa.Connection, owner_id: str) -> None:
    """Open the three accounts of an owner, empty and never below nothing."""
    rows = [
        {"account_id": account_of(owner_id, part), "owner_id": owner_id, "balance_fen": 0, "lowest_fen": 0}
        for part in PARTS
    ]
    connection.execute(sa.insert(accounts), rows)


def open_own_accounts(connection: sa.Connection) -> None:
    """Open the accounts of the market, the tax office and the world outside: what the first migration does."""
    for owner_id in (MARKET, TAX):
        open_accounts(connection, owner_id)
    connection.execute(sa.insert(accounts).values(account_id=OUTSIDE, owner_id=OUTSIDE, balance_fen=0, lowest_fen=None))


def balances(connection: sa.Connection, owner_id: str) -> dict[str, int]:
    """The balances of an owner's accounts in fen, by part."""
    own = accounts.c
    rows = connection.execute(sa.select(own.account_id, own.balance_fen).where(own.owner_id == owner_id))
    return {name.rpartition(":")[2]: balance for name, balance in rows}
