"""Orders: what was agreed, however it came about, until it is paid, delivered and done."""

import sqlalchemy as sa

from market_api.schema import METADATA

PLACED = sa.text("state = 'placed'")
"""Written out, as the index of orders that are to be paid is used only by a condition of the same words."""

orders = sa.Table(
    "orders",
    METADATA,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("listing_id", sa.Text, nullable=False),
    sa.Column("release_id", sa.Text, nullable=False),
    sa.Column("component", sa.Text, nullable=False, index=True),
    sa.Column("application_field", sa.Text, nullable=False),
    sa.Column("buyer_id", sa.Text, nullable=False, index=True),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("origin_id", sa.Text, nullable=False),
    sa.Column("price_fen", sa.BigInteger, nullable=False),
    sa.Column("terms", sa.Text, nullable=False),
    sa.Column("terms_hash", sa.Text, nullable=False),
    sa.Column("datasheet_hash", sa.Text, nullable=False),
    sa.Column("shares", sa.Text, nullable=False),
    sa.Column("lines", sa.Text),
    sa.Column("payment_id", sa.Text),
    sa.Column("refund_lines", sa.Text),
    sa.Column("pay_until", sa.Text, nullable=False),
    sa.Column("settled_at", sa.Text),
    sa.Column("dispute_until", sa.Text, index=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
    sa.CheckConstraint("price_fen >= 0", name="price_positive"),
    sa.CheckConstraint("origin in ('posted', 'negotiation', 'auction')", name="origin_known"),
    sa.Index("ix_orders_placed", "pay_until", sqlite_where=PLACED, postgresql_where=PLACED),
)
"""origin_id: of the listing, negotiation or auction; lines: how the payment was split, as JSON [[account, kind, fen]];
payment_id: the ledger transaction of the settlement; refund_lines: what of the lines went back to the buyer after a
dispute; dispute_until: until when it may be disputed, and the money that was earned is pending."""
