"""A participant's statement: every posting on its own accounts in a period, with balances that add up.

opening + sum of the entries = closing, for each account and for each page: a page closes where the next one opens. Who
is on the other side of a posting is not told; the reference names the order or payout that both know, the voucher the
invoice of a sale or the credit note of a refund, once it is issued, to its seller and its buyer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from market_api.accounts.credit_notes import credit_number_of
from market_api.accounts.invoices import number_of
from market_api.accounts.tables import credit_notes, invoices
from market_api.ledger.accounts import PARTS, account_of
from market_api.ledger.tables import ledger_transactions, postings
from market_api.paging import page_token, read_token
from market_api.problems import Problem
from vault.moments import text_of

BEGINNING = ""
"""Before every moment, as texts sort."""

Sums = dict[str, int]
"""Fen by account."""

Vouchers = Mapping[tuple[str, str], str]
"""Numbers of invoices and credit notes, by the kind of the posting and its order."""

VOUCHERS = (("settlement", invoices, number_of), ("refund", credit_notes, credit_number_of))
"""The kinds of postings that are vouched for, where their vouchers lie, and how these are numbered."""


@dataclass(frozen=True)
class Place:
    """Where an entry stands among all entries of its owner."""

    at: str
    transaction_id: str = ""
    number: int = 0
    account_id: str = ""


@dataclass(frozen=True)
class Span:
    """What is asked for: entries from `begins` on and before `ends`, of which those after `after` are still to come."""

    begins: str
    ends: str
    after: Place


def span_of(begins: datetime | None, ends: datetime | None, token: str, now: datetime) -> Span:
    """The span of a first page, or the one that its token continues, whose bounds are those of the first.

    Without an end it ends now. Raises Problem `invalid_request`.
    """
    if token:
        return _read_span(token)
    first = BEGINNING if begins is None else text_of(begins)
    last = text_of(now + timedelta(microseconds=1)) if ends is None else text_of(ends)
    if first >= last:
        raise Problem("invalid_request", "The period ends before it begins.", "to")
    return Span(first, last, Place(first))


def statement(connection: sa.Connection, participant_id: str, span: Span, size: int) -> Mapping[str, Any]:
    """A page of a statement. Within one transaction, so that all of it is of one state."""
    accounts = [account_of(participant_id, part) for part in PARTS]
    entries = _entries(accounts)
    place = sa.tuple_(entries.c.at, entries.c.transaction_id, entries.c.number, entries.c.account_id)
    after = sa.tuple_(*map(sa.literal, astuple(span.after)))
    coming = sa.select(entries).where(place > after, entries.c.at < span.ends).order_by(*place.clauses)
    rows = connection.execute(coming.limit(size + 1)).mappings().all()
    before = (entries.c.at < span.begins, entries.c.at < span.ends, place <= after)
    opening, closing, page_opening = _sums(connection, entries, accounts, before)
    vouchers = _vouchers(connection, participant_id, rows[:size])
    items, page_closing = _with_balances(rows[:size], page_opening, vouchers)
    document = {
        "participant_id": participant_id,
        "currency": "CNY",
        "from": span.begins or None,
        "to": span.ends,
        "opening": _told(opening),
        "closing": _told(closing),
        "page_opening": _told(page_opening),
        "page_closing": _told(page_closing),
        "items": items,
    }
    if len(rows) > size:
        document["nextPageToken"] = _span_token(span, rows[size - 1])
    return document


def _entries(accounts: Sequence[str]) -> sa.Subquery:
    """A posting as its owner sees it: one entry for each of its own accounts, with the change of that one."""
    moved, when = postings.c, ledger_transactions.c

    def side(account: sa.Column[Any], change: sa.ColumnElement[Any]) -> sa.Select[Any]:
        return (
            sa.select(
                when.at,
                moved.transaction_id,
                moved.number,
                account.label("account_id"),
                when.kind,
                when.reference,
                change.label("change_fen"),
            )
            .join(ledger_transactions, when.transaction_id == moved.transaction_id)
            .where(account.in_(accounts))
        )

    return sa.union_all(side(moved.destination, moved.amount_fen), side(moved.source, -moved.amount_fen)).subquery()


def _sums(
    connection: sa.Connection,
    entries: sa.Subquery,
    accounts: Sequence[str],
    conditions: Sequence[sa.ColumnElement[bool]],
) -> list[Sums]:
    """For each condition, the sum of the entries that meet it, by account."""
    sums = [sa.func.sum(sa.case((each, entries.c.change_fen), else_=0)) for each in conditions]
    found = connection.execute(sa.select(entries.c.account_id, *sums).group_by(entries.c.account_id)).all()
    by_account = {name: totals for name, *totals in found}
    nothing = [0] * len(conditions)
    return [
        {name: int(by_account.get(name, nothing)[number]) for name in accounts} for number in range(len(conditions))
    ]


def _vouchers(connection: sa.Connection, participant_id: str, rows: Sequence[Mapping[Any, Any]]) -> Vouchers:
    """The vouchers of entries, of those in which the participant sells or buys."""
    found: dict[tuple[str, str], str] = {}
    for kind, table, numbered in VOUCHERS:
        if order_ids := {row["reference"] for row in rows if row["kind"] == kind}:
            own = table.c
            is_party = sa.or_(own.seller_id == participant_id, own.buyer_id == participant_id)
            query = sa.select(own.order_id, own.year, own.sequence).where(own.order_id.in_(order_ids), is_party)
            found |= {(kind, name): numbered(year, sequence) for name, year, sequence in connection.execute(query)}
    return found


def _with_balances(
    rows: Sequence[Mapping[Any, Any]], opening: Sums, vouchers: Vouchers
) -> tuple[list[dict[str, Any]], Sums]:
    """The entries, each with its account's balance after it, and the balances after all of them."""
    balances, items = dict(opening), []
    for row in rows:
        balances[row["account_id"]] += row["change_fen"]
        items.append(
            {
                "at": row["at"],
                "transaction_id": row["transaction_id"],
                "number": row["number"],
                "account": row["account_id"].rpartition(":")[2],
                "kind": row["kind"],
                "reference": row["reference"],
                "voucher": vouchers.get((row["kind"], row["reference"])),
                "change_fen": row["change_fen"],
                "balance_fen": balances[row["account_id"]],
            }
        )
    return items, balances


def _told(sums: Sums) -> dict[str, int]:
    parts = {f"{name.rpartition(':')[2]}_fen": amount for name, amount in sums.items()}
    return {**parts, "total_fen": sum(sums.values())}


def _span_token(span: Span, last: Mapping[Any, Any]) -> str:
    place = (last["at"], last["transaction_id"], str(last["number"]), last["account_id"])
    return page_token("|".join((span.begins, span.ends, *place)))


def _read_span(token: str) -> Span:
    parts = read_token(token).split("|")
    if len(parts) != 6 or not (parts[4].isascii() and parts[4].isdigit() and len(parts[4]) < 10):
        raise Problem("invalid_request", "It is no token that this list gave.", "pageToken")
    begins, ends, at, transaction_id, number, account_id = parts
    return Span(begins, ends, Place(at, transaction_id, int(number), account_id))
