"""Listings: a released component, offered by its developer at prices that its signed datasheet states; the words by
which they are found; and what holders were told of them."""

import sqlalchemy as sa

from market_api.schema import METADATA

SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text in the order of its code points on both databases."""

PRICE_LAST_FEN = 2**62
"""Stands in the order of prices where none is posted."""

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
    sa.Column("title_en", SORTED, nullable=False),
    sa.Column("title_zh", sa.Text, nullable=False),
    sa.Column("search_text", sa.Text, nullable=False),
    sa.Column("regime", sa.Text, nullable=False),
    sa.Column("cost_fen", sa.BigInteger, nullable=False),
    sa.Column("negotiated_fen", sa.BigInteger, nullable=False),
    sa.Column("guide_fen", sa.BigInteger, nullable=False),
    sa.Column("ceiling_fen", sa.BigInteger),
    sa.Column("price_fen", sa.BigInteger),
    sa.Column("price_order_fen", sa.BigInteger, nullable=False, default=PRICE_LAST_FEN),
    sa.Column("terms", sa.Text, nullable=False),
    sa.Column("shares", sa.Text, nullable=False),
    sa.Column("datasheet_hash", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False, default="{}"),
    sa.Column("rows_id", sa.Text, nullable=False, default="", index=True),
    sa.Column("concepts", sa.Text, nullable=False, default="[]"),
    sa.Column("changes", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("last_day", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
)
"""cost_fen: P', below which nothing is sold, 0 where the regime makes it free; negotiated_fen: P¹; guide_fen: P², the
reserve, P¹ where no P² follows; both as the regime leaves them; ceiling_fen: of a guided regime; price_fen: the posted
price, null where it is only negotiated or auctioned; price_order_fen: the same, last where it is null; terms: the
licence that is offered, as JSON; shares: who gets which share of a sale, as JSON [[participant, 'numerator/
denominator'], …]; facts: what of the datasheet is shown in lists, as JSON; rows_id, concepts: the source rows and the
columns, as the lint knows them; changes: against the listing before it, as JSON; reason: of its state; last_day: until
which a retired component is delivered."""

sa.Index(
    "uq_listings_one_listed",
    listings.c.component,
    unique=True,
    sqlite_where=listings.c.state == "listed",
    postgresql_where=listings.c.state == "listed",
)
for order in (
    (listings.c.listing_id, listings.c.price_order_fen, listings.c.changed_at),
    (listings.c.changed_at, listings.c.listing_id, listings.c.price_order_fen),
    (listings.c.price_order_fen, listings.c.listing_id, listings.c.changed_at),
    (listings.c.title_en, listings.c.listing_id, listings.c.price_order_fen, listings.c.changed_at),
):
    sa.Index(f"ix_listings_by_{order[0].name}", listings.c.state, *order)

listing_words = sa.Table(
    "listing_words",
    METADATA,
    sa.Column("word", SORTED, primary_key=True),
    sa.Column("listing_id", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)
"""The words of the listings that are listed now; field, regime, columns and concepts are words as well, such as
'field:governance'."""

search_words = sa.Table("search_words", METADATA, sa.Column("word", SORTED, primary_key=True), sqlite_with_rowid=False)
"""Every word there ever was, so that its beginning is enough to find it."""

catalogue_revision = sa.Table(
    "catalogue_revision",
    METADATA,
    sa.Column("revision_id", sa.Integer, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)
"""One row: how often the catalogue changed."""

notices = sa.Table(
    "notices",
    METADATA,
    sa.Column("notice_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("listing_id", sa.Text, nullable=False, index=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.CheckConstraint(
        "kind in ('change', 'retirement', 'freeze', 'release', 'share', 'market_factor')", name="kind_known"
    ),
)

notice_recipients = sa.Table(
    "notice_recipients",
    METADATA,
    sa.Column("participant_id", sa.Text, primary_key=True),
    sa.Column("notice_id", sa.Text, sa.ForeignKey("notices.notice_id"), primary_key=True),
)
