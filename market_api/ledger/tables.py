"""The ledger's tables. Postings and their transactions are only ever added; a balance is the sum of its postings."""

import sqlalchemy as sa

from market_api.schema import METADATA

accounts = sa.Table(
    "accounts",
    METADATA,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("owner_id", sa.Text, nullable=False, index=True),
    sa.Column("balance_fen", sa.BigInteger, nullable=False),
    sa.Column("lowest_fen", sa.BigInteger),
    sa.CheckConstraint("lowest_fen is null or balance_fen >= lowest_fen", name="balance_at_limit"),
)
"""lowest_fen: the balance never goes below it; null for the world outside, which money comes from and goes to."""

REVERSAL = sa.text("reverses is not null")

ledger_transactions = sa.Table(
    "ledger_transactions",
    METADATA,
    sa.Column("transaction_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("reverses", sa.Text),
    sa.Index(
        "uq_ledger_transactions_reverses", "reverses", unique=True, sqlite_where=REVERSAL, postgresql_where=REVERSAL
    ),
    sqlite_with_rowid=False,
)
"""reference: what it is about, such as an order; reverses: the transaction that it takes back, at most once."""

postings = sa.Table(
    "postings",
    METADATA,
    sa.Column("transaction_id", sa.Text, sa.ForeignKey("ledger_transactions.transaction_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("source", sa.Text, sa.ForeignKey("accounts.account_id"), nullable=False, index=True),
    sa.Column("destination", sa.Text, sa.ForeignKey("accounts.account_id"), nullable=False, index=True),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
    sa.CheckConstraint("source <> destination", name="moves"),
)

holds = sa.Table(
    "holds",
    METADATA,
    sa.Column("hold_id", sa.Text, primary_key=True),
    sa.Column("owner_id", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
    sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
    sa.CheckConstraint("state in ('held', 'posted', 'voided')", name="state_known"),
    sqlite_with_rowid=False,
)

GUARDED = ("ledger_transactions", "postings")
