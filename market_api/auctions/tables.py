"""Auctions, who bids in them, bids and reveals. All but the auction's own row is only ever added."""

import sqlalchemy as sa

from market_api.schema import METADATA

auctions = sa.Table(
    "auctions",
    METADATA,
    sa.Column("auction_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("listing_id", sa.Text, nullable=False, index=True),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("rules", sa.Text, nullable=False),
    sa.Column("rules_hash", sa.Text, nullable=False),
    sa.Column("stage_until", sa.Text, nullable=False),
    sa.Column("last_bid_at", sa.Text),
    sa.Column("bids", sa.Integer, nullable=False),
    sa.Column("leader_bid_id", sa.Text),
    sa.Column("leader", sa.Text),
    sa.Column("leader_limit_fen", sa.BigInteger),
    sa.Column("second_fen", sa.BigInteger),
    sa.Column("price_fen", sa.BigInteger),
    sa.Column("extensions", sa.Integer, nullable=False),
    sa.Column("last_call_due", sa.Boolean, nullable=False),
    sa.Column("seed", sa.Text),
    sa.Column("awards", sa.Text),
    sa.Column("cause", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
    sa.Index("ix_auctions_state_stage_until", "state", "stage_until"),
)
"""stage_until: when the present stage ends; bids: how many there are, told to nobody before the close; leader to
last_call_due: the standing of an English auction after its last bid; seed: revealed at the close; awards: as JSON
[{bid_id, bidder, price_fen}]; cause: why it was cancelled."""

bidders = sa.Table(
    "auction_bidders",
    METADATA,
    sa.Column("auction_id", sa.Text, sa.ForeignKey("auctions.auction_id"), primary_key=True),
    sa.Column("participant_id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("pseudonym", sa.Text, nullable=False),
    sa.Column("hold_id", sa.Text, unique=True),
    sa.Column("deposit_fen", sa.BigInteger, nullable=False),
    sa.Column("entered_at", sa.Text, nullable=False),
    sa.UniqueConstraint("auction_id", "owner"),
    sa.UniqueConstraint("auction_id", "pseudonym"),
)
"""owner: the keyed hash of the beneficial owner, the participant where none is declared; pseudonym: how records name
the bidder; hold_id: of the deposit, null where it is 0 fen."""

bids = sa.Table(
    "auction_bids",
    METADATA,
    sa.Column("bid_id", sa.Text, primary_key=True),
    sa.Column("auction_id", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("bidder", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("commitment", sa.Text, nullable=False),
    sa.Column("amount_fen", sa.BigInteger),
    sa.Column("nonce", sa.Text),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.UniqueConstraint("auction_id", "number"),
    sa.ForeignKeyConstraint(
        ["auction_id", "bidder"], ["auction_bidders.auction_id", "auction_bidders.pseudonym"], name="fk_bids_bidder"
    ),
    sa.CheckConstraint("stage in ('limit', 'sealed', 'last_call')", name="stage_known"),
    sa.CheckConstraint("(stage = 'sealed') = (amount_fen is null)", name="amount_sealed"),
    sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
)
"""bidder: its pseudonym; stage: a limit of an English auction, one of its last call, or a sealed commitment, whose
amount and nonce stand in its reveal."""

sa.Index(
    "uq_auction_bids_sealed",
    bids.c.auction_id,
    bids.c.bidder,
    bids.c.stage,
    unique=True,
    sqlite_where=bids.c.stage != "limit",
    postgresql_where=bids.c.stage != "limit",
)

reveals = sa.Table(
    "auction_reveals",
    METADATA,
    sa.Column("bid_id", sa.Text, sa.ForeignKey("auction_bids.bid_id"), primary_key=True),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("nonce", sa.Text, nullable=False),
    sa.Column("revealed_at", sa.Text, nullable=False),
    sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
)
