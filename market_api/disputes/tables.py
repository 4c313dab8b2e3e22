"""Disputes, one for an order at most, and what parties and evaluators said to them, which is only ever added."""

import sqlalchemy as sa

from market_api.schema import METADATA

disputes = sa.Table(
    "disputes",
    METADATA,
    sa.Column("dispute_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("order_id", sa.Text, sa.ForeignKey("orders.order_id"), nullable=False, unique=True),
    sa.Column("buyer_id", sa.Text, nullable=False, index=True),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("entitlement_id", sa.Text, nullable=False),
    sa.Column("ground", sa.Text, nullable=False),
    sa.Column("has_suspended", sa.Boolean, nullable=False),
    sa.Column("decided_by", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("refund_fen", sa.BigInteger),
    sa.Column("refund_id", sa.Text),
    sa.Column("licence", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
    sa.CheckConstraint("refund_fen >= 0", name="refund_positive"),
    sa.CheckConstraint("licence in ('keeps', 'ends')", name="licence_known"),
)
"""has_suspended: whether it was this dispute that took the entitlement out of use; refund_fen, refund_id: what was
given back, and by which ledger transaction; licence: what became of it; decided_by, reason: null where withdrawn."""

statements = sa.Table(
    "dispute_statements",
    METADATA,
    sa.Column("statement_id", sa.Text, primary_key=True),
    sa.Column("dispute_id", sa.Text, sa.ForeignKey("disputes.dispute_id"), nullable=False, index=True),
    sa.Column("party", sa.Text, nullable=False),
    sa.Column("author_id", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.CheckConstraint("party in ('buyer', 'seller', 'evaluator')", name="party_known"),
)
"""evidence: as JSON, each reference with what was found when it was given."""
