"""Listings: a released component, offered by its developer at prices that its signed datasheet states."""

import sqlalchemy as sa

from market_api.schema import METADATA

listings = sa.Table(
    "listings",
    METADATA,
    sa.Column("listing_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("component", sa.Text, nullable=False, index=True),
    sa.Column("release_number", sa.Integer, nullable=False),
    sa.Column("release_id", sa.Text, nullable=False, unique=True),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("application_field", sa.Text, nullable=False, index=True),
    sa.Column("title_en", sa.Text, nullable=False),
    sa.Column("title_zh", sa.Text, nullable=False),
    sa.Column("search_text", sa.Text, nullable=False),
    sa.Column("regime", sa.Text, nullable=False),
    sa.Column("cost_fen", sa.BigInteger, nullable=False),
    sa.Column("negotiated_fen", sa.BigInteger, nullable=False),
    sa.Column("guide_fen", sa.BigInteger, nullable=False),
    sa.Column("ceiling_fen", sa.BigInteger),
    sa.Column("price_fen", sa.BigInteger),
    sa.Column("terms", sa.Text, nullable=False),
    sa.Column("shares", sa.Text, nullable=False),
    sa.Column("datasheet_hash", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
)
"""cost_fen: P', below which nothing is sold; negotiated_fen: P¹; guide_fen: P², the reserve; ceiling_fen: of a guided
regime; price_fen: the posted price, null where it is only negotiated or auctioned; terms: the licence that is offered,
as JSON; shares: who gets which share of a sale, as JSON [[participant, 'numerator/denominator'], …]."""
