"""All tables of the market, as they were first."""

import sqlalchemy as sa
from alembic import op

from market_api import log
from market_api.database import guard
from market_api.ledger.accounts import open_own_accounts

revision = "0001"
down_revision = None

GUARDED = (
    "ledger_transactions",
    "postings",
    "deposits",
    "deposit_reversals",
    "invoices",
    "credit_notes",
    "notices",
    "notice_recipients",
    "negotiation_offers",
    "price_waivers",
    "auction_bidders",
    "auction_bids",
    "auction_reveals",
    "dispute_statements",
    "permitted_revenues",
    "beta_overrides",
    "trade_exports",
    "deliveries",
)
"""Tables whose rows are never changed."""


def upgrade() -> None:
    """Make the tables, guard those that only grow, and open the market's own accounts."""
    _ledger()
    _auctions()
    _bids()
    _oversight()
    _catalogue()
    _words_and_notices()
    _entitlements()
    _idempotency()
    _accounts()
    _log()
    _negotiations()
    _trading()
    _identity()
    _disputes()
    _credit_notes()
    connection = op.get_bind()
    log.create(connection)
    op.create_index("black_box_by_subject", "black_box_entries", ["subject", "leaf_index"])
    for table in GUARDED:
        guard(connection, table)
    open_own_accounts(connection)


def _ledger() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.Column("lowest_fen", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "lowest_fen is null or balance_fen >= lowest_fen", name=op.f("ck_accounts_balance_at_limit")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
    )
    op.create_index(op.f("ix_accounts_owner_id"), "accounts", ["owner_id"], unique=False)
    op.create_table(
        "holds",
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.CheckConstraint("state in ('held', 'posted', 'voided')", name=op.f("ck_holds_state_known")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_holds_amount_positive")),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_holds")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_transactions",
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("reverses", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_ledger_transactions")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("uq_ledger_transactions_reverses"),
        "ledger_transactions",
        ["reverses"],
        unique=True,
        sqlite_where=sa.text("reverses is not null"),
        postgresql_where=sa.text("reverses is not null"),
    )
    op.create_table(
        "postings",
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_postings_amount_positive")),
        sa.CheckConstraint("source <> destination", name=op.f("ck_postings_moves")),
        sa.ForeignKeyConstraint(["destination"], ["accounts.account_id"], name=op.f("fk_postings_destination")),
        sa.ForeignKeyConstraint(["source"], ["accounts.account_id"], name=op.f("fk_postings_source")),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["ledger_transactions.transaction_id"], name=op.f("fk_postings_transaction_id")
        ),
        sa.PrimaryKeyConstraint("transaction_id", "number", name=op.f("pk_postings")),
    )
    op.create_index(op.f("ix_postings_destination"), "postings", ["destination"], unique=False)
    op.create_index(op.f("ix_postings_source"), "postings", ["source"], unique=False)


def _auctions() -> None:
    op.create_table(
        "auctions",
        sa.Column("auction_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("rules_hash", sa.Text(), nullable=False),
        sa.Column("stage_until", sa.Text(), nullable=False),
        sa.Column("last_bid_at", sa.Text(), nullable=True),
        sa.Column("bids", sa.Integer(), nullable=False),
        sa.Column("leader_bid_id", sa.Text(), nullable=True),
        sa.Column("leader", sa.Text(), nullable=True),
        sa.Column("leader_limit_fen", sa.BigInteger(), nullable=True),
        sa.Column("second_fen", sa.BigInteger(), nullable=True),
        sa.Column("price_fen", sa.BigInteger(), nullable=True),
        sa.Column("extensions", sa.Integer(), nullable=False),
        sa.Column("last_call_due", sa.Boolean(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=True),
        sa.Column("awards", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("auction_id", name=op.f("pk_auctions")),
    )
    op.create_index(op.f("ix_auctions_listing_id"), "auctions", ["listing_id"], unique=False)
    op.create_index(op.f("ix_auctions_seller_id"), "auctions", ["seller_id"], unique=False)
    op.create_index("ix_auctions_state_stage_until", "auctions", ["state", "stage_until"], unique=False)
    op.create_table(
        "auction_bidders",
        sa.Column("auction_id", sa.Text(), nullable=False),
        sa.Column("participant_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("hold_id", sa.Text(), nullable=True),
        sa.Column("deposit_fen", sa.BigInteger(), nullable=False),
        sa.Column("entered_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["auction_id"], ["auctions.auction_id"], name=op.f("fk_auction_bidders_auction_id")),
        sa.PrimaryKeyConstraint("auction_id", "participant_id", name=op.f("pk_auction_bidders")),
        sa.UniqueConstraint("auction_id", "owner", name=op.f("uq_auction_bidders_auction_id_owner")),
        sa.UniqueConstraint("auction_id", "pseudonym", name=op.f("uq_auction_bidders_auction_id_pseudonym")),
        sa.UniqueConstraint("hold_id", name=op.f("uq_auction_bidders_hold_id")),
    )


def _bids() -> None:
    op.create_table(
        "auction_bids",
        sa.Column("bid_id", sa.Text(), nullable=False),
        sa.Column("auction_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bidder", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.CheckConstraint("(stage = 'sealed') = (amount_fen is null)", name=op.f("ck_auction_bids_amount_sealed")),
        sa.CheckConstraint("stage in ('limit', 'sealed', 'last_call')", name=op.f("ck_auction_bids_stage_known")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_auction_bids_amount_positive")),
        sa.ForeignKeyConstraint(
            ["auction_id", "bidder"], ["auction_bidders.auction_id", "auction_bidders.pseudonym"], name="fk_bids_bidder"
        ),
        sa.PrimaryKeyConstraint("bid_id", name=op.f("pk_auction_bids")),
        sa.UniqueConstraint("auction_id", "number", name=op.f("uq_auction_bids_auction_id_number")),
    )
    op.create_index(
        "uq_auction_bids_sealed",
        "auction_bids",
        ["auction_id", "bidder", "stage"],
        unique=True,
        sqlite_where=sa.text("stage != 'limit'"),
        postgresql_where=sa.text("stage != 'limit'"),
    )
    op.create_table(
        "auction_reveals",
        sa.Column("bid_id", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("revealed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_auction_reveals_amount_positive")),
        sa.ForeignKeyConstraint(["bid_id"], ["auction_bids.bid_id"], name=op.f("fk_auction_reveals_bid_id")),
        sa.PrimaryKeyConstraint("bid_id", name=op.f("pk_auction_reveals")),
    )


def _oversight() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("flag_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subjects", sa.Text(), nullable=False),
        sa.Column("measure", sa.Double(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opening_reason", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "decision in ('unfounded', 'warned', 'frozen', 'referred')", name=op.f("ck_cases_decision_known")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_cases")),
    )
    op.create_index(
        "uq_cases_flag_id_opened",
        "cases",
        ["flag_id"],
        unique=True,
        sqlite_where=sa.text("state = 'opened'"),
        postgresql_where=sa.text("state = 'opened'"),
    )
    op.create_table(
        "permitted_revenues",
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("operating_cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("permitted_profit_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "operating_cost_fen >= 0 and permitted_profit_fen >= 0 and tax_fen >= 0",
            name=op.f("ck_permitted_revenues_parts_positive"),
        ),
        sa.PrimaryKeyConstraint("component", "period", "number", name=op.f("pk_permitted_revenues")),
    )
    op.create_table(
        "beta_overrides",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=True),
        sa.Column("application_field", sa.Text(), nullable=True),
        sa.Column("beta_millionths", sa.Integer(), nullable=True),
        sa.Column("first_epoch", sa.Text(), nullable=False),
        sa.Column("last_epoch", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "beta_millionths between 800000 and 1200000", name=op.f("ck_beta_overrides_beta_within_bounds")
        ),
        sa.CheckConstraint(
            "(component is null) <> (application_field is null)", name=op.f("ck_beta_overrides_one_target")
        ),
        sa.CheckConstraint("first_epoch <= last_epoch", name=op.f("ck_beta_overrides_term_positive")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_beta_overrides")),
        sa.UniqueConstraint("record_id", name=op.f("uq_beta_overrides_record_id")),
    )
    op.create_table(
        "trade_exports",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("document_hash", sa.Text(), nullable=False),
        sa.Column("log_size", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_trade_exports")),
    )


def _catalogue() -> None:
    op.create_table(
        "catalogue_revision",
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("revision_id", name=op.f("pk_catalogue_revision")),
    )
    op.create_table(
        "listing_words",
        sa.Column("word", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("word", "listing_id", name=op.f("pk_listing_words")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "listings",
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("release_number", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("application_field", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("regime", sa.Text(), nullable=False),
        sa.Column("cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("negotiated_fen", sa.BigInteger(), nullable=False),
        sa.Column("guide_fen", sa.BigInteger(), nullable=False),
        sa.Column("ceiling_fen", sa.BigInteger(), nullable=True),
        sa.Column("price_fen", sa.BigInteger(), nullable=True),
        sa.Column("price_order_fen", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("shares", sa.Text(), nullable=False),
        sa.Column("datasheet_hash", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("rows_id", sa.Text(), nullable=False),
        sa.Column("concepts", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("last_day", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_listings")),
        sa.UniqueConstraint("release_id", name=op.f("uq_listings_release_id")),
    )
    op.create_index(op.f("ix_listings_application_field"), "listings", ["application_field"], unique=False)
    op.create_index(
        "ix_listings_by_changed_at", "listings", ["state", "changed_at", "listing_id", "price_order_fen"], unique=False
    )
    op.create_index(
        "ix_listings_by_listing_id", "listings", ["state", "listing_id", "price_order_fen", "changed_at"], unique=False
    )
    op.create_index(
        "ix_listings_by_price_order_fen",
        "listings",
        ["state", "price_order_fen", "listing_id", "changed_at"],
        unique=False,
    )
    op.create_index(
        "ix_listings_by_title_en",
        "listings",
        ["state", "title_en", "listing_id", "price_order_fen", "changed_at"],
        unique=False,
    )
    op.create_index(op.f("ix_listings_component"), "listings", ["component"], unique=False)
    op.create_index(op.f("ix_listings_rows_id"), "listings", ["rows_id"], unique=False)
    op.create_index(op.f("ix_listings_seller_id"), "listings", ["seller_id"], unique=False)
    op.create_index(
        "uq_listings_one_listed",
        "listings",
        ["component"],
        unique=True,
        sqlite_where=sa.text("state = 'listed'"),
        postgresql_where=sa.text("state = 'listed'"),
    )


def _words_and_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind in ('change', 'retirement', 'freeze', 'release', 'share', 'market_factor')",
            name=op.f("ck_notices_kind_known"),
        ),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_listing_id"), "notices", ["listing_id"], unique=False)
    op.create_table(
        "search_words",
        sa.Column("word", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_words")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notice_recipients",
        sa.Column("participant_id", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.notice_id"], name=op.f("fk_notice_recipients_notice_id")),
        sa.PrimaryKeyConstraint("participant_id", "notice_id", name=op.f("pk_notice_recipients")),
    )


def _entitlements() -> None:
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("entitlement_id", sa.Text(), nullable=False),
        sa.Column("participant_id", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("release_number", sa.Integer(), nullable=False),
        sa.Column("copy_hash", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.Text(), nullable=False),
        sa.CheckConstraint("channel in ('http', 'delta-sharing')", name=op.f("ck_deliveries_channel_known")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_component"), "deliveries", ["component"], unique=False)
    op.create_index("ix_deliveries_entitlement_id_ends_at", "deliveries", ["entitlement_id", "ends_at"], unique=False)
    op.create_table(
        "entitlements",
        sa.Column("entitlement_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("participant_id", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("release_number", sa.Integer(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("terms_hash", sa.Text(), nullable=False),
        sa.Column("pulls_used", sa.Integer(), nullable=False),
        sa.Column("pulls_max", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=False),
        sa.Column("exclusive_until", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("pulls_max is null or pulls_used <= pulls_max", name=op.f("ck_entitlements_pulls_limited")),
        sa.CheckConstraint("pulls_used >= 0", name=op.f("ck_entitlements_pulls_counted")),
        sa.PrimaryKeyConstraint("entitlement_id", name=op.f("pk_entitlements")),
        sa.UniqueConstraint("order_id", name=op.f("uq_entitlements_order_id")),
    )
    op.create_index(
        op.f("ix_entitlements_component_exclusive_until"),
        "entitlements",
        ["component", "exclusive_until"],
        unique=False,
        sqlite_where=sa.text("exclusive_until is not null"),
        postgresql_where=sa.text("exclusive_until is not null"),
    )
    op.create_index(
        op.f("ix_entitlements_component_valid_until"), "entitlements", ["component", "valid_until"], unique=False
    )
    op.create_index(op.f("ix_entitlements_participant_id"), "entitlements", ["participant_id"], unique=False)


def _idempotency() -> None:
    op.create_table(
        "idempotent_requests",
        sa.Column("participant_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("participant_id", "key", name=op.f("pk_idempotent_requests")),
    )
    op.create_index(op.f("ix_idempotent_requests_at"), "idempotent_requests", ["at"], unique=False)


def _accounts() -> None:
    op.create_table(
        "invoices",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("year", "sequence", name=op.f("uq_invoices_year_sequence")),
    )
    op.create_index(op.f("ix_invoices_buyer_id"), "invoices", ["buyer_id"], unique=False)
    op.create_index(op.f("ix_invoices_paid_at"), "invoices", ["paid_at"], unique=False)
    op.create_index(op.f("ix_invoices_seller_id"), "invoices", ["seller_id"], unique=False)
    op.create_table(
        "deposits",
        sa.Column("deposit_id", sa.Text(), nullable=False),
        sa.Column("participant_id", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("booking", sa.Integer(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("booked_by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_deposits_amount_positive")),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["ledger_transactions.transaction_id"], name=op.f("fk_deposits_transaction_id")
        ),
        sa.PrimaryKeyConstraint("deposit_id", name=op.f("pk_deposits")),
        sa.UniqueConstraint("bank_reference", "booking", name=op.f("uq_deposits_bank_reference_booking")),
    )
    op.create_index(op.f("ix_deposits_participant_id"), "deposits", ["participant_id"], unique=False)
    op.create_table(
        "deposit_reversals",
        sa.Column("deposit_id", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reversed_by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["deposit_id"], ["deposits.deposit_id"], name=op.f("fk_deposit_reversals_deposit_id")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transactions.transaction_id"],
            name=op.f("fk_deposit_reversals_transaction_id"),
        ),
        sa.PrimaryKeyConstraint("deposit_id", name=op.f("pk_deposit_reversals")),
    )
    op.create_table(
        "payouts",
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("participant_id", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payouts_amount_positive")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.hold_id"], name=op.f("fk_payouts_hold_id")),
        sa.PrimaryKeyConstraint("payout_id", name=op.f("pk_payouts")),
        sa.UniqueConstraint("bank_reference", name=op.f("uq_payouts_bank_reference")),
        sa.UniqueConstraint("hold_id", name=op.f("uq_payouts_hold_id")),
    )
    op.create_index(op.f("ix_payouts_participant_id"), "payouts", ["participant_id"], unique=False)
    op.create_index(op.f("ix_payouts_state"), "payouts", ["state"], unique=False)


def _log() -> None:
    op.create_table(
        "log_head",
        sa.Column("head_id", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("head_id", name=op.f("pk_log_head")),
    )


def _negotiations() -> None:
    op.create_table(
        "negotiations",
        sa.Column("negotiation_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("datasheet_hash", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("terms_hash", sa.Text(), nullable=False),
        sa.Column("cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("negotiated_fen", sa.BigInteger(), nullable=False),
        sa.Column("ceiling_fen", sa.BigInteger(), nullable=True),
        sa.Column("agreed_fen", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("negotiation_id", name=op.f("pk_negotiations")),
        sa.UniqueConstraint("order_id", name=op.f("uq_negotiations_order_id")),
    )
    op.create_index(op.f("ix_negotiations_buyer_id"), "negotiations", ["buyer_id"], unique=False)
    op.create_index(op.f("ix_negotiations_listing_id"), "negotiations", ["listing_id"], unique=False)
    op.create_index(op.f("ix_negotiations_seller_id"), "negotiations", ["seller_id"], unique=False)
    op.create_index("ix_negotiations_state_expires_at", "negotiations", ["state", "expires_at"], unique=False)
    op.create_table(
        "negotiation_offers",
        sa.Column("negotiation_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("terms_hash", sa.Text(), nullable=False),
        sa.Column("waiver_id", sa.Text(), nullable=True),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.CheckConstraint("party in ('buyer', 'seller')", name=op.f("ck_negotiation_offers_party_known")),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_negotiation_offers_price_positive")),
        sa.ForeignKeyConstraint(
            ["negotiation_id"], ["negotiations.negotiation_id"], name=op.f("fk_negotiation_offers_negotiation_id")
        ),
        sa.PrimaryKeyConstraint("negotiation_id", "number", name=op.f("pk_negotiation_offers")),
        sa.UniqueConstraint("waiver_id", name=op.f("uq_negotiation_offers_waiver_id")),
    )
    op.create_table(
        "price_waivers",
        sa.Column("waiver_id", sa.Text(), nullable=False),
        sa.Column("negotiation_id", sa.Text(), nullable=False),
        sa.Column("lowest_fen", sa.BigInteger(), nullable=False),
        sa.Column("highest_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=False),
        sa.CheckConstraint("0 < lowest_fen and lowest_fen <= highest_fen", name=op.f("ck_price_waivers_range_whole")),
        sa.ForeignKeyConstraint(
            ["negotiation_id"], ["negotiations.negotiation_id"], name=op.f("fk_price_waivers_negotiation_id")
        ),
        sa.PrimaryKeyConstraint("waiver_id", name=op.f("pk_price_waivers")),
    )
    op.create_index(op.f("ix_price_waivers_negotiation_id"), "price_waivers", ["negotiation_id"], unique=False)


def _trading() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("application_field", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("origin_id", sa.Text(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("terms_hash", sa.Text(), nullable=False),
        sa.Column("datasheet_hash", sa.Text(), nullable=False),
        sa.Column("shares", sa.Text(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("refund_lines", sa.Text(), nullable=True),
        sa.Column("pay_until", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.Text(), nullable=True),
        sa.Column("dispute_until", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("origin in ('posted', 'negotiation', 'auction')", name=op.f("ck_orders_origin_known")),
        sa.CheckConstraint("price_fen >= 0", name=op.f("ck_orders_price_positive")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_buyer_id"), "orders", ["buyer_id"], unique=False)
    op.create_index(op.f("ix_orders_component"), "orders", ["component"], unique=False)
    op.create_index(op.f("ix_orders_dispute_until"), "orders", ["dispute_until"], unique=False)
    op.create_index(op.f("ix_orders_seller_id"), "orders", ["seller_id"], unique=False)
    op.create_index(
        "ix_orders_placed",
        "orders",
        ["pay_until"],
        unique=False,
        sqlite_where=sa.text("state = 'placed'"),
        postgresql_where=sa.text("state = 'placed'"),
    )


def _identity() -> None:
    op.create_table(
        "participants",
        sa.Column("participant_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("registered_name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("beneficial_owner", sa.Text(), nullable=True),
        sa.Column("taxpayer", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=True),
        sa.Column("external_subject", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "role in ('provider', 'developer', 'app_developer', 'operator', 'evaluator', 'regulator')",
            name=op.f("ck_participants_role_known"),
        ),
        sa.CheckConstraint(
            "taxpayer in ('general', 'small_scale', 'none')", name=op.f("ck_participants_taxpayer_known")
        ),
        sa.PrimaryKeyConstraint("participant_id", name=op.f("pk_participants")),
        sa.UniqueConstraint("external_subject", name=op.f("uq_participants_external_subject")),
        sa.UniqueConstraint("party", name=op.f("uq_participants_party")),
    )
    op.create_index(op.f("ix_participants_beneficial_owner"), "participants", ["beneficial_owner"], unique=False)
    op.create_index(op.f("ix_participants_state"), "participants", ["state"], unique=False)
    op.create_index(
        "uq_participants_name_key",
        "participants",
        ["name_key"],
        unique=True,
        sqlite_where=sa.text("state != 'refused'"),
        postgresql_where=sa.text("state != 'refused'"),
    )
    op.create_table(
        "credentials",
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("participant_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.Column("last_used_at", sa.Text(), nullable=True),
        sa.CheckConstraint("kind in ('client_secret', 'pull', 'enrolment')", name=op.f("ck_credentials_kind_known")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participants.participant_id"], name=op.f("fk_credentials_participant_id")
        ),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_credentials_secret_hash")),
    )
    op.create_index(op.f("ix_credentials_participant_id"), "credentials", ["participant_id"], unique=False)


def _disputes() -> None:
    op.create_table(
        "disputes",
        sa.Column("dispute_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("entitlement_id", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("has_suspended", sa.Boolean(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("refund_fen", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.Text(), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("licence in ('keeps', 'ends')", name=op.f("ck_disputes_licence_known")),
        sa.CheckConstraint("refund_fen >= 0", name=op.f("ck_disputes_refund_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_disputes_order_id")),
        sa.PrimaryKeyConstraint("dispute_id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("order_id", name=op.f("uq_disputes_order_id")),
    )
    op.create_index(op.f("ix_disputes_buyer_id"), "disputes", ["buyer_id"], unique=False)
    op.create_index(op.f("ix_disputes_seller_id"), "disputes", ["seller_id"], unique=False)
    op.create_index(op.f("ix_disputes_state"), "disputes", ["state"], unique=False)
    op.create_table(
        "dispute_statements",
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("dispute_id", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.CheckConstraint("party in ('buyer', 'seller', 'evaluator')", name=op.f("ck_dispute_statements_party_known")),
        sa.ForeignKeyConstraint(["dispute_id"], ["disputes.dispute_id"], name=op.f("fk_dispute_statements_dispute_id")),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_dispute_statements")),
    )
    op.create_index(op.f("ix_dispute_statements_dispute_id"), "dispute_statements", ["dispute_id"], unique=False)


def _credit_notes() -> None:
    op.create_table(
        "credit_notes",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("dispute_id", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["dispute_id"], ["disputes.dispute_id"], name=op.f("fk_credit_notes_dispute_id")),
        sa.ForeignKeyConstraint(["order_id"], ["invoices.order_id"], name=op.f("fk_credit_notes_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_credit_notes")),
        sa.UniqueConstraint("dispute_id", name=op.f("uq_credit_notes_dispute_id")),
        sa.UniqueConstraint("year", "sequence", name=op.f("uq_credit_notes_year_sequence")),
    )
    op.create_index(op.f("ix_credit_notes_buyer_id"), "credit_notes", ["buyer_id"], unique=False)
    op.create_index(op.f("ix_credit_notes_seller_id"), "credit_notes", ["seller_id"], unique=False)
