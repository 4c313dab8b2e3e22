"""Releases, and what was refused instead of being released."""

import sqlalchemy as sa
from alembic import op

from vault.registry.guards import never_changed

revision = "0003"
down_revision = "0002"

TABLES = ("release", "refusal")


def upgrade() -> None:
    """Make the tables, and have them refuse every change of a row."""
    op.create_table(
        "release",
        sa.Column("release_id", sa.Text, primary_key=True),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("tier", sa.Text, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("data_hash", sa.Text, nullable=False),
        sa.Column("datasheet_hash", sa.Text, nullable=False, unique=True),
        sa.Column("review_id", sa.Integer, nullable=False),
        sa.Column("valuation_id", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("published_at", sa.Text, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sa.UniqueConstraint("component", "number", name="release_number_once"),
        sa.CheckConstraint("number >= 1", name="release_number_counts"),
    )
    op.create_table(
        "refusal",
        sa.Column("refusal_id", sa.Integer, primary_key=True),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("causes", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("refused_at", sa.Text, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
    )
    op.create_index("refusal_by_component", "refusal", ["component", "refusal_id"])
    for table in TABLES:
        never_changed(op.get_bind(), table, f"a {table} is never changed")
