"""Negotiations, their offers, and the regulator's waivers. Offers and waivers are only ever added."""

import sqlalchemy as sa

from market_api.schema import METADATA

negotiations = sa.Table(
    "negotiations",
    METADATA,
    sa.Column("negotiation_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("listing_id", sa.Text, nullable=False, index=True),
    sa.Column("release_id", sa.Text, nullable=False),
    sa.Column("datasheet_hash", sa.Text, nullable=False),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("buyer_id", sa.Text, nullable=False, index=True),
    sa.Column("terms", sa.Text, nullable=False),
    sa.Column("terms_hash", sa.Text, nullable=False),
    sa.Column("cost_fen", sa.BigInteger, nullable=False),
    sa.Column("negotiated_fen", sa.BigInteger, nullable=False),
    sa.Column("ceiling_fen", sa.BigInteger),
    sa.Column("agreed_fen", sa.BigInteger),
    sa.Column("order_id", sa.Text, unique=True),
    sa.Column("expires_at", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
    sa.Index("ix_negotiations_state_expires_at", "state", "expires_at"),
)
"""cost_fen, negotiated_fen, ceiling_fen: P', P¹ and the ceiling as the listing had them at the opening, which give the
band; expires_at: until when the standing offer can be answered."""

offers = sa.Table(
    "negotiation_offers",
    METADATA,
    sa.Column("negotiation_id", sa.Text, sa.ForeignKey("negotiations.negotiation_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("party", sa.Text, nullable=False),
    sa.Column("price_fen", sa.BigInteger, nullable=False),
    sa.Column("terms_hash", sa.Text, nullable=False),
    sa.Column("waiver_id", sa.Text, unique=True),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.CheckConstraint("party in ('buyer', 'seller')", name="party_known"),
    sa.CheckConstraint("price_fen > 0", name="price_positive"),
)
"""waiver_id: of the regulator, for a price outside the band; one waiver serves one offer."""

waivers = sa.Table(
    "price_waivers",
    METADATA,
    sa.Column("waiver_id", sa.Text, primary_key=True),
    sa.Column("negotiation_id", sa.Text, sa.ForeignKey("negotiations.negotiation_id"), nullable=False, index=True),
    sa.Column("lowest_fen", sa.BigInteger, nullable=False),
    sa.Column("highest_fen", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("granted_by", sa.Text, nullable=False),
    sa.Column("granted_at", sa.Text, nullable=False),
    sa.Column("valid_until", sa.Text, nullable=False),
    sa.CheckConstraint("0 < lowest_fen and lowest_fen <= highest_fen", name="range_whole"),
)
"""A waiver is used by the offer that names it."""
