"""What the black box says happened, done again in its order: it must lead to what the tables hold, and to nothing else.

Entries are written within the transaction of what they record, and one after the other, so their order is a serial
order of everything that was done, however many did it at once.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from market_api.accounts.tables import payouts
from market_api.auctions.tables import auctions
from market_api.catalogue.tables import listings
from market_api.disputes.tables import disputes
from market_api.entitlements.tables import entitlements
from market_api.identity.tables import participants
from market_api.ledger.tables import accounts
from market_api.negotiations.tables import negotiations
from market_api.oversight.tables import cases
from market_api.states import MACHINES
from market_api.trading.tables import orders
from vault.black_box import tables

TABLES: Mapping[str, sa.Table] = {
    "participant": participants,
    "listing": listings,
    "negotiation": negotiations,
    "auction": auctions,
    "order": orders,
    "entitlement": entitlements,
    "dispute": disputes,
    "payout": payouts,
    "case": cases,
}


@dataclass
class Replayed:
    """Balances in fen by account, states by (machine, name), how often each step was taken, and what cannot be."""

    balances: dict[str, int] = field(default_factory=dict)
    states: dict[tuple[str, str], str] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    impossible: list[str] = field(default_factory=list)

    def take(self, subject: str, payload: Mapping[str, Any]) -> None:
        """Do what an entry says."""
        step = str(payload["step"])
        self.steps[step] = self.steps.get(step, 0) + 1
        machine, _, event = step.partition(".")
        if step == "ledger.post":
            self._post(payload["postings"])
        elif machine in MACHINES and "to" in payload:
            self._move(machine, subject, event, payload)

    def _post(self, postings: list[list[Any]]) -> None:
        for source, destination, amount_fen in postings:
            self.balances[source] = self.balances.get(source, 0) - amount_fen
            self.balances[destination] = self.balances.get(destination, 0) + amount_fen

    def _move(self, machine: str, subject: str, event: str, payload: Mapping[str, Any]) -> None:
        before = self.states.get((machine, subject))
        wanted = MACHINES[machine].first if event == "begin" else MACHINES[machine].after(before or "", event)
        if payload.get("from") != before or payload["to"] != wanted:
            self.impossible.append(f"{machine} {subject} is {before}, and {event} has it be {payload['to']}")
        self.states[machine, subject] = str(payload["to"])


def replayed(connection: sa.Connection) -> Replayed:
    """All that was logged, done again."""
    found = Replayed()
    for subject, payload in _entries(connection):
        found.take(subject, payload)
    return found


def contradictions(connection: sa.Connection) -> list[str]:
    """Where the tables hold something else than the replay comes to; none where all is well."""
    told = replayed(connection)
    return [*told.impossible, *_wrong_balances(connection, told), *_wrong_states(connection, told)]


def _entries(connection: sa.Connection) -> Iterator[tuple[str, Mapping[str, Any]]]:
    own, said = tables.entries.c, tables.payloads.c
    query = sa.select(own.subject, said.payload).join(tables.payloads, said.leaf_index == own.leaf_index)
    for subject, payload in connection.execute(query.order_by(own.leaf_index)):
        yield subject, json.loads(payload)


def _wrong_balances(connection: sa.Connection, told: Replayed) -> list[str]:
    held = dict(connection.execute(sa.select(accounts.c.account_id, accounts.c.balance_fen)).tuples().all())
    names = sorted({*held, *told.balances})
    return [
        f"{name} holds {held.get(name)} fen, the black box says {told.balances.get(name, 0)}"
        for name in names
        if held.get(name) != told.balances.get(name, 0)
    ]


def _wrong_states(connection: sa.Connection, told: Replayed) -> list[str]:
    held = {
        (machine, name): state
        for machine, table in TABLES.items()
        for name, state in connection.execute(sa.select(table.primary_key.columns[0], table.c.state)).tuples()
    }
    names = sorted({*held, *told.states})
    return [
        f"{' '.join(name)} is {held.get(name)}, the black box says {told.states.get(name)}"
        for name in names
        if held.get(name) != told.states.get(name)
    ]
