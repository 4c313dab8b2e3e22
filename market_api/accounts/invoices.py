"""Invoices: for each sale that was paid, one, with a number in a sequence without gaps; it stays as it was issued.

The price of a sale includes VAT: net + VAT = gross, to the fen, as the payment was split. Invoices are issued in the
order of payment soon after it, not within it, so that settlements do not wait in line for a number. What went back of
one is told by its credit note (see `credit_notes`), which is shown beside it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from market_api.accounts.series import issue_once, next_sequence
from market_api.accounts.tables import credit_notes, invoices
from market_api.identity.tables import participants
from market_api.market import Market, Transaction
from market_api.paging import page, read_token
from market_api.problems import Problem
from market_api.rates.tables import rates_on
from market_api.trading.splitting import CALENDAR, split_of
from market_api.trading.tables import orders
from pricing.exact import whole_fen
from vault.moments import text_of

ISSUED_AT_ONCE_MAX = 200
LATE = timedelta(days=1)
"""A payment is on record this long after its time at the latest."""


@dataclass(frozen=True)
class InvoiceLine:
    """What was sold, and for how much: net and VAT in fen, and the rate of VAT on the net price."""

    description: str
    net_fen: int
    vat_rate: Fraction
    vat_fen: int

    def __post_init__(self) -> None:
        whole_fen("net_fen", self.net_fen)
        whole_fen("vat_fen", self.vat_fen)

    @property
    def gross_fen(self) -> int:
        """What is paid for it."""
        return self.net_fen + self.vat_fen

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "description": self.description,
            "net_fen": self.net_fen,
            "vat_rate": f"{float(self.vat_rate):.10g}",
            "vat_fen": self.vat_fen,
            "gross_fen": self.gross_fen,
        }


@dataclass(frozen=True)
class Party:
    """Seller or buyer, by the name under which it is registered."""

    participant_id: str
    registered_name: str


@dataclass(frozen=True)
class Invoice:
    """An invoice: sequence: 1, 2, 3 … within a year, which is that of issued_at in China's calendar."""

    order_id: str
    year: int
    sequence: int
    seller: Party
    buyer: Party
    lines: tuple[InvoiceLine, ...]
    issued_at: datetime

    def __post_init__(self) -> None:
        if not self.lines or self.sequence < 1:
            raise ValueError("an invoice has a line at least, and a number from 1 on")

    @property
    def number(self) -> str:
        """Such as 2026-000001."""
        return number_of(self.year, self.sequence)

    def document(self) -> dict[str, Any]:
        """As it is kept and shown. Amounts in fen; rates as decimals."""
        return {
            "number": self.number,
            "order_id": self.order_id,
            "issued_at": text_of(self.issued_at),
            "currency": "CNY",
            "seller": {"participant_id": self.seller.participant_id, "registered_name": self.seller.registered_name},
            "buyer": {"participant_id": self.buyer.participant_id, "registered_name": self.buyer.registered_name},
            "lines": [line.document() for line in self.lines],
            "net_fen": sum(line.net_fen for line in self.lines),
            "vat_fen": sum(line.vat_fen for line in self.lines),
            "gross_fen": sum(line.gross_fen for line in self.lines),
        }


def number_of(year: int, sequence: int) -> str:
    """An invoice's number."""
    return f"{year}-{sequence:06d}"


def issue_due(market: Market) -> int:
    """Issue the invoices of all orders that were paid and have none, in the order of payment; gives how many."""
    return issue_once(market, _due, _issue)


def invoice_of(connection: sa.Connection, participant_id: str, order_id: str) -> Mapping[str, Any]:
    """The invoice of an order, for its seller and its buyer, with its credit note. Raises Problem `not_found`."""
    row = connection.execute(_own(participant_id).where(invoices.c.order_id == order_id)).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no invoice for the order '{order_id}' for you, or not yet.")
    return _document(row)


def invoices_page(connection: sa.Connection, participant_id: str, token: str, size: int) -> Mapping[str, Any]:
    """A page of the invoices in which a participant sells or buys, by their orders, the oldest first."""
    query = _own(participant_id).where(invoices.c.order_id > read_token(token)).order_by(invoices.c.order_id)
    rows = connection.execute(query.limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.order_id), _document)


def _issue(transaction: Transaction) -> int:
    connection, at = transaction.connection, transaction.at
    year = at.astimezone(CALENDAR).year
    due = _due(connection, ISSUED_AT_ONCE_MAX)
    names = _registered_names(connection, [name for row in due for name in (row.seller_id, row.buyer_id)])
    for sequence, row in enumerate(due, next_sequence(connection, invoices, year)):
        seller, buyer = Party(row.seller_id, names[row.seller_id]), Party(row.buyer_id, names[row.buyer_id])
        _write(transaction, Invoice(row.order_id, year, sequence, seller, buyer, (_line(row),), at), row.settled_at)
    return len(due)


def _due(connection: sa.Connection, limit: int) -> Sequence[sa.Row[Any]]:
    """Orders that were paid and have no invoice, in the order of payment.

    The term for disputes begins with the payment, so an order that was paid after the last one with an invoice has a
    term that ends after that; the index of these terms finds such orders without going through all others.
    """
    own, taxpayer = orders.c, participants.c.taxpayer
    last = connection.execute(sa.select(sa.func.max(invoices.c.paid_at))).scalar_one()
    since = "" if last is None else text_of(datetime.fromisoformat(last) - LATE)
    query = (
        sa.select(orders, taxpayer)
        .join(participants, participants.c.participant_id == own.seller_id)
        .outerjoin(invoices, invoices.c.order_id == own.order_id)
        .where(own.settled_at.is_not(None), own.price_fen > 0, invoices.c.order_id.is_(None))
        .where(own.dispute_until >= since)
        .order_by(own.settled_at, own.order_id)
        .limit(limit)
    )
    return connection.execute(query).all()


def _line(order: sa.Row[Any]) -> InvoiceLine:
    """What was paid for an order, as the payment was split."""
    vat_fen = split_of(json.loads(order.lines)).of_kind("tax")
    day = datetime.fromisoformat(order.settled_at).astimezone(CALENDAR).date()
    rate = rates_on(day, order.taxpayer).vat.rate
    return InvoiceLine(order.component, order.price_fen - vat_fen, rate, vat_fen)


def _write(transaction: Transaction, invoice: Invoice, paid_at: str) -> None:
    document = invoice.document()
    transaction.connection.execute(
        sa.insert(invoices).values(
            order_id=invoice.order_id,
            year=invoice.year,
            sequence=invoice.sequence,
            seller_id=invoice.seller.participant_id,
            buyer_id=invoice.buyer.participant_id,
            document=json.dumps(document, ensure_ascii=False),
            paid_at=paid_at,
            issued_at=text_of(invoice.issued_at),
        )
    )
    told = {name: document[name] for name in ("number", "net_fen", "vat_fen", "gross_fen")}
    transaction.log("invoice.issue", invoice.order_id, told)


def _registered_names(connection: sa.Connection, participant_ids: Sequence[str]) -> dict[str, str]:
    own = participants.c
    rows = connection.execute(
        sa.select(own.participant_id, own.registered_name).where(own.participant_id.in_(set(participant_ids)))
    )
    return {row.participant_id: row.registered_name for row in rows}


def _own(participant_id: str) -> sa.Select[Any]:
    own = invoices.c
    return (
        sa.select(invoices, credit_notes.c.document.label("credited"))
        .outerjoin(credit_notes, credit_notes.c.order_id == own.order_id)
        .where(sa.or_(own.seller_id == participant_id, own.buyer_id == participant_id))
    )


CREDITED = ("number", "issued_at", "net_fen", "vat_fen", "gross_fen")


def _document(row: sa.Row[Any]) -> dict[str, Any]:
    """The invoice as it was issued, and what was credited of it since, null where nothing was."""
    credited = None if row.credited is None else json.loads(row.credited)
    told = None if credited is None else {name: credited[name] for name in CREDITED}
    return {**json.loads(row.document), "credit_note": told}
