"""Credit notes (贷记单): for each invoice of which something went back, one, with a number of a series of its own.

The invoice stays as it was issued. What is credited is what the refund posted, line by line of the payment: its tax is
the VAT, at the rate of the invoice; all else is net, the fee that the market gave back among it. So, to the fen, in sum
and for each pair of parties: invoices - credit notes = what was paid - what was refunded.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from market_api.accounts.invoices import ISSUED_AT_ONCE_MAX, InvoiceLine, number_of
from market_api.accounts.series import issue_once, next_sequence
from market_api.accounts.tables import credit_notes, invoices
from market_api.disputes.tables import disputes
from market_api.market import Market, Transaction
from market_api.paging import page, read_token
from market_api.problems import Problem
from market_api.rates.splitting import Split
from market_api.trading.splitting import CALENDAR, split_of
from market_api.trading.tables import orders
from pricing.exact import whole_fen
from vault.moments import text_of


@dataclass(frozen=True)
class CreditNote:
    """What is taken back of an invoice. invoice: its document; line: what is credited; fee_fen: the part of the line's
    net that is the market's fee; sequence: 1, 2, 3 … within a year, as for invoices.

    Raises ValueError for more than was invoiced, and for nothing.
    """

    invoice: Mapping[str, Any]
    dispute_id: str
    year: int
    sequence: int
    line: InvoiceLine
    fee_fen: int
    issued_at: datetime

    def __post_init__(self) -> None:
        if self.sequence < 1 or self.line.gross_fen < 1:
            raise ValueError("a credit note takes something back, and has a number from 1 on")
        if self.line.net_fen > self.invoice["net_fen"] or self.line.vat_fen > self.invoice["vat_fen"]:
            raise ValueError("a credit note takes back no more than was invoiced")
        if whole_fen("fee_fen", self.fee_fen) > self.line.net_fen:
            raise ValueError("the fee is a part of the net")

    @property
    def number(self) -> str:
        """Such as CN-2026-000001."""
        return credit_number_of(self.year, self.sequence)

    def document(self) -> dict[str, Any]:
        """As it is kept and shown. Amounts in fen, each above what it takes back; rates as decimals."""
        return {
            "number": self.number,
            "invoice_number": self.invoice["number"],
            "order_id": self.invoice["order_id"],
            "dispute_id": self.dispute_id,
            "issued_at": text_of(self.issued_at),
            "currency": self.invoice["currency"],
            "seller": self.invoice["seller"],
            "buyer": self.invoice["buyer"],
            "lines": [self.line.document()],
            "net_fen": self.line.net_fen,
            "vat_fen": self.line.vat_fen,
            "gross_fen": self.line.gross_fen,
            "fee_fen": self.fee_fen,
        }


def credit_number_of(year: int, sequence: int) -> str:
    """A credit note's number, which no invoice has."""
    return f"CN-{number_of(year, sequence)}"


def issue_credit_notes(market: Market) -> int:
    """Issue the credit notes of all invoices of which something went back, in the order of the decisions; gives how
    many.

    An order whose invoice is still to be issued waits for it.
    """
    return issue_once(market, _due, _issue)


def credit_note_of(connection: sa.Connection, participant_id: str, order_id: str) -> Mapping[str, Any]:
    """The credit note of an order, for its seller and its buyer. Raises Problem `not_found`."""
    row = connection.execute(_own(participant_id).where(credit_notes.c.order_id == order_id)).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no credit note for the order '{order_id}' for you, or not yet.")
    return _document(row)


def credit_notes_page(connection: sa.Connection, participant_id: str, token: str, size: int) -> Mapping[str, Any]:
    """A page of the credit notes in which a participant sells or buys, by their orders, the oldest first."""
    own = credit_notes.c
    query = _own(participant_id).where(own.order_id > read_token(token)).order_by(own.order_id)
    rows = connection.execute(query.limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.order_id), _document)


def _issue(transaction: Transaction) -> int:
    connection, at = transaction.connection, transaction.at
    year = at.astimezone(CALENDAR).year
    due = _due(connection, ISSUED_AT_ONCE_MAX)
    for sequence, row in enumerate(due, next_sequence(connection, credit_notes, year)):
        given_back, invoice = split_of(json.loads(row.refund_lines)), json.loads(row.document)
        _write(transaction, CreditNote(invoice, row.dispute_id, year, sequence, *_amounts(invoice, given_back), at))
    return len(due)


def _due(connection: sa.Connection, limit: int) -> Sequence[sa.Row[Any]]:
    """Refunds of orders that have an invoice and no credit note, in the order in which they were decided.

    All refunds that ever were are gone through, by the index of the disputes' states; they are few beside the sales.
    """
    own = disputes.c
    query = (
        sa.select(own.dispute_id, orders.c.refund_lines, invoices.c.document)
        .join(invoices, invoices.c.order_id == own.order_id)
        .join(orders, orders.c.order_id == own.order_id)
        .outerjoin(credit_notes, credit_notes.c.order_id == own.order_id)
        .where(own.state == "upheld", own.refund_id.is_not(None), credit_notes.c.order_id.is_(None))
        .order_by(own.changed_at, own.dispute_id)
        .limit(limit)
    )
    return connection.execute(query).all()


def _amounts(invoice: Mapping[str, Any], given_back: Split) -> tuple[InvoiceLine, int]:
    """What is credited, and the fee in it, of what a refund posted."""
    sold, vat_fen = invoice["lines"][0], given_back.of_kind("tax")
    net_fen = given_back.payment_fen - vat_fen
    line = InvoiceLine(sold["description"], net_fen, Fraction(sold["vat_rate"]), vat_fen)
    return line, given_back.of_kind("fee")


def _write(transaction: Transaction, note: CreditNote) -> None:
    document = note.document()
    transaction.connection.execute(
        sa.insert(credit_notes).values(
            order_id=document["order_id"],
            dispute_id=note.dispute_id,
            year=note.year,
            sequence=note.sequence,
            seller_id=document["seller"]["participant_id"],
            buyer_id=document["buyer"]["participant_id"],
            document=json.dumps(document, ensure_ascii=False),
            issued_at=document["issued_at"],
        )
    )
    told = ("number", "invoice_number", "dispute_id", "net_fen", "vat_fen", "gross_fen", "fee_fen")
    transaction.log("credit_note.issue", document["order_id"], {name: document[name] for name in told})


def _own(participant_id: str) -> sa.Select[Any]:
    own = credit_notes.c
    return sa.select(credit_notes).where(sa.or_(own.seller_id == participant_id, own.buyer_id == participant_id))


def _document(row: sa.Row[Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row.document)
    return found
