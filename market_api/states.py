"""State machines as tables: what may follow what, and the one function that moves anything from state to state.

`advance` locks the row, checks the move, writes it and records it in the black box: one transaction, or nothing.
On PostgreSQL rows are locked in the order of LOCK_ORDER, then accounts by name, then the log's head, so that no two
transactions wait for each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from market_api.market import Transaction
from market_api.problems import Problem
from market_api.statements import filled, row_of, rows_of, run, run_later

LOCK_ORDER = ("participant", "listing", "negotiation", "auction", "order", "entitlement", "dispute", "payout", "case")
"""Whoever locks several kinds of things in one transaction does it in this order."""

Moves = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Machine:
    """The states of one kind of thing. name: such as 'order'; moves: (state, event) -> the state after it."""

    name: str
    first: str
    moves: Moves

    @property
    def states(self) -> frozenset[str]:
        """All of them."""
        return frozenset([self.first, *(state for state, _ in self.moves), *self.moves.values()])

    def after(self, state: str, event: str) -> str | None:
        """The state that an event leads to; None where it may not happen now."""
        return self.moves.get((state, event))

    def events(self, state: str) -> tuple[str, ...]:
        """What may happen in a state."""
        return tuple(sorted(event for start, event in self.moves if start == state))


def _machine(name: str, first: str, moves: dict[tuple[str, str], str]) -> Machine:
    return Machine(name, first, MappingProxyType(moves))


PARTICIPANT = _machine(
    "participant",
    "applied",
    {
        ("applied", "admit"): "admitted",
        ("applied", "refuse"): "refused",
        ("admitted", "suspend"): "suspended",
        ("suspended", "reinstate"): "admitted",
        ("admitted", "freeze"): "frozen",
        ("suspended", "freeze"): "frozen",
        ("frozen", "release"): "suspended",
    },
)
LISTING = _machine(
    "listing",
    "listed",
    {
        ("listed", "freeze"): "frozen",
        ("frozen", "release"): "listed",
        ("frozen", "release_superseded"): "superseded",
        ("listed", "retire"): "retired",
        ("frozen", "retire"): "retired",
        ("listed", "supersede"): "superseded",
        ("superseded", "freeze"): "frozen",
        ("superseded", "retire"): "retired",
    },
)
NEGOTIATION = _machine(
    "negotiation",
    "open",
    {
        ("open", "offer"): "open",
        ("open", "agree"): "agreed",
        ("open", "reject"): "rejected",
        ("open", "expire"): "expired",
        ("open", "withdraw"): "withdrawn",
    },
)
AUCTION = _machine(
    "auction",
    "announced",
    {
        ("announced", "open"): "open",
        ("announced", "cancel"): "cancelled",
        ("open", "bid"): "open",
        ("open", "last_call"): "last_call",
        ("open", "reveal"): "revealing",
        ("last_call", "bid"): "last_call",
        ("revealing", "bid"): "revealing",
        ("open", "close"): "closed",
        ("last_call", "close"): "closed",
        ("revealing", "close"): "closed",
        ("open", "cancel"): "cancelled",
        ("last_call", "cancel"): "cancelled",
        ("revealing", "cancel"): "cancelled",
    },
)
ORDER = _machine(
    "order",
    "placed",
    {
        ("placed", "settle"): "settled",
        ("placed", "cancel"): "cancelled",
        ("placed", "expire"): "expired",
        ("settled", "dispute"): "disputed",
        ("settled", "complete"): "completed",
        ("disputed", "uphold"): "settled",
        ("disputed", "refund"): "refunded",
        ("disputed", "refund_part"): "settled",
    },
)
ENTITLEMENT = _machine(
    "entitlement",
    "active",
    {
        ("active", "suspend"): "suspended",
        ("suspended", "resume"): "active",
        ("active", "expire"): "expired",
        ("suspended", "expire"): "expired",
        ("active", "revoke"): "revoked",
        ("suspended", "revoke"): "revoked",
    },
)
DISPUTE = _machine(
    "dispute",
    "opened",
    {
        ("opened", "evidence"): "opened",
        ("opened", "withdraw"): "withdrawn",
        ("opened", "uphold"): "upheld",
        ("opened", "reject"): "rejected",
    },
)
PAYOUT = _machine(
    "payout",
    "requested",
    {
        ("requested", "confirm"): "paid",
        ("requested", "reject"): "rejected",
        ("requested", "cancel"): "cancelled",
    },
)
CASE = _machine("case", "opened", {("opened", "close"): "closed"})
MACHINES: Mapping[str, Machine] = MappingProxyType(
    {
        each.name: each
        for each in (PARTICIPANT, LISTING, NEGOTIATION, AUCTION, ORDER, ENTITLEMENT, DISPUTE, PAYOUT, CASE)
    }
)


@cache
def _locking(table: sa.Table, shared: bool) -> sa.Select[Any]:
    key = table.primary_key.columns[0]
    return sa.select(table).where(key == sa.bindparam("identifier")).with_for_update(read=shared)


@cache
def _beginning(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


@cache
def _moving(table: sa.Table, changed: tuple[str, ...]) -> sa.Update:
    """Statements are made once for each set of columns: making them takes longer than running them."""
    key = table.primary_key.columns[0]
    values = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in changed}
    is_same = sa.and_(key == sa.bindparam("identifier"), table.c.state == sa.bindparam("state_before"))
    return sa.update(table).where(is_same).values(**values)


def locked(
    transaction: Transaction, machine: Machine, table: sa.Table, identifier: str, *, shared: bool = False
) -> sa.Row[Any]:
    """The row of a thing, locked until the transaction ends. shared: others may lock it so too, as long as none of them
    moves it. Raises Problem `not_found`."""
    rows = rows_of(transaction.connection, _locking(table, shared), {"identifier": identifier})
    if not rows:
        raise Problem("not_found", f"There is no {machine.name} '{identifier}' for you.")
    row: sa.Row[Any] = rows[0]
    return row


def advance(
    transaction: Transaction,
    machine: Machine,
    table: sa.Table,
    row: sa.Row[Any],
    event: str,
    payload: Mapping[str, Any],
    **changes: Any,
) -> str:
    """Move a thing, which `locked` or `begin` gave, to the state that an event leads to, and log it; gives that state.

    The table has the columns `state` and `changed_at`; changes: of further columns; payload: what the black box is
    told beside the event and the states. Raises Problem `wrong_state`, which names what may be done instead.
    """
    changed = _moved(transaction, machine, table, row, event, payload, changes)
    told = {f"new_{name}": value for name, value in changed.items()}
    told |= {"identifier": getattr(row, _key(table)), "state_before": row.state}
    if run(transaction.connection, _moving(table, tuple(changed)), told).rowcount != 1:
        raise Problem("wrong_state", f"The {machine.name} is not {row.state} any more; look at it again.")
    return str(changed["state"])


def begin(
    transaction: Transaction, machine: Machine, table: sa.Table, values: Mapping[str, Any], payload: Mapping[str, Any]
) -> sa.Row[Any]:
    """Write a new thing in its first state and log it as '<machine>.begin'; gives its row.

    values: all columns but the state's and those that are null.
    """
    row = draft(transaction, machine, table, values, payload)
    run(transaction.connection, _beginning(table), row._asdict())
    return row


def draft(
    transaction: Transaction, machine: Machine, table: sa.Table, values: Mapping[str, Any], payload: Mapping[str, Any]
) -> sa.Row[Any]:
    """As `begin`, of a thing that is written by `write` or `write_advanced` in the same transaction."""
    at = transaction.moment
    row: sa.Row[Any] = row_of(
        table, filled(table, {"state": machine.first, "created_at": at, "changed_at": at, **values})
    )
    transaction.log(f"{machine.name}.begin", values[_key(table)], {"to": machine.first, **payload})
    return row


def write(transaction: Transaction, table: sa.Table, row: sa.Row[Any]) -> None:
    """Write what was drafted; nobody waits for it, see `run_later`."""
    run_later(transaction.connection, _beginning(table), row._asdict())


def write_advanced(
    transaction: Transaction,
    machine: Machine,
    table: sa.Table,
    row: sa.Row[Any],
    event: str,
    payload: Mapping[str, Any],
    **changes: Any,
) -> str:
    """As `write`, in the state that an event leads to; else as `advance`."""
    changed = _moved(transaction, machine, table, row, event, payload, changes)
    run_later(transaction.connection, _beginning(table), {**row._asdict(), **changed})
    return str(changed["state"])


def _moved(
    transaction: Transaction,
    machine: Machine,
    table: sa.Table,
    row: sa.Row[Any],
    event: str,
    payload: Mapping[str, Any],
    changes: Mapping[str, Any],
) -> dict[str, Any]:
    """What changes of a row by an event, which is logged."""
    after = machine.after(row.state, event)
    if after is None:
        possible = ", ".join(machine.events(row.state)) or "nothing any more"
        raise Problem(
            "wrong_state",
            f"The {machine.name} is {row.state}, so '{event}' cannot happen; what can: {possible}.",
            state=row.state,
        )
    transaction.log(f"{machine.name}.{event}", getattr(row, _key(table)), {"from": row.state, "to": after, **payload})
    return {"state": after, "changed_at": transaction.moment, **changes}


def _key(table: sa.Table) -> str:
    return str(table.primary_key.columns[0].name)
