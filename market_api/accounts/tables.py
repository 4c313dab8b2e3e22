"""The tables of funds that come and go, of invoices and credit notes. What was booked or issued is never changed."""

import sqlalchemy as sa

from market_api.schema import METADATA

deposits = sa.Table(
    "deposits",
    METADATA,
    sa.Column("deposit_id", sa.Text, primary_key=True),
    sa.Column("participant_id", sa.Text, nullable=False, index=True),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("bank_reference", sa.Text, nullable=False),
    sa.Column("booking", sa.Integer, nullable=False),
    sa.Column("transaction_id", sa.Text, sa.ForeignKey("ledger_transactions.transaction_id"), nullable=False),
    sa.Column("booked_by", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
    sa.UniqueConstraint("bank_reference", "booking"),
)
"""bank_reference: of the transfer, in one form, so that none is booked twice; booking: 1, and one more for each booking
of the transfer that was reversed before; booked_by: the operator."""

deposit_reversals = sa.Table(
    "deposit_reversals",
    METADATA,
    sa.Column("deposit_id", sa.Text, sa.ForeignKey("deposits.deposit_id"), primary_key=True),
    sa.Column("transaction_id", sa.Text, sa.ForeignKey("ledger_transactions.transaction_id"), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reversed_by", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
"""transaction_id: that took the deposit's own back; reversed_by: the operator."""

payouts = sa.Table(
    "payouts",
    METADATA,
    sa.Column("payout_id", sa.Text, primary_key=True),
    sa.Column("participant_id", sa.Text, nullable=False, index=True),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("hold_id", sa.Text, sa.ForeignKey("holds.hold_id"), nullable=False, unique=True),
    sa.Column("bank_reference", sa.Text, unique=True),
    sa.Column("reason", sa.Text),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
    sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
)
"""hold_id: what is set aside for it; bank_reference: of the transfer by which it was paid; reason: of a rejection."""

invoices = sa.Table(
    "invoices",
    METADATA,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("buyer_id", sa.Text, nullable=False, index=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("paid_at", sa.Text, nullable=False, index=True),
    sa.Column("issued_at", sa.Text, nullable=False),
    sa.UniqueConstraint("year", "sequence"),
)
"""sequence: 1, 2, 3 … within a year, without a gap; document: the invoice as it was issued, JSON."""

credit_notes = sa.Table(
    "credit_notes",
    METADATA,
    sa.Column("order_id", sa.Text, sa.ForeignKey("invoices.order_id"), primary_key=True),
    sa.Column("dispute_id", sa.Text, sa.ForeignKey("disputes.dispute_id"), nullable=False, unique=True),
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("buyer_id", sa.Text, nullable=False, index=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("issued_at", sa.Text, nullable=False),
    sa.UniqueConstraint("year", "sequence"),
)
"""One for an invoice at most, as an order is disputed once; sequence: a series of its own within a year, without a gap;
document: the credit note as it was issued, JSON."""

GUARDED = ("deposits", "deposit_reversals", "invoices", "credit_notes")
