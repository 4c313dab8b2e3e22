"""Reviews, the people who may sign off, and what they decided."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "review",
        sa.Column("review_id", sa.Integer, primary_key=True),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("data_hash", sa.Text, nullable=False),
        sa.Column("model_hash", sa.Text, nullable=False),
        sa.Column("contract_hash", sa.Text, nullable=False),
        sa.Column("policy_hash", sa.Text, nullable=False),
        sa.Column("cache_key", sa.Text, nullable=False),
        sa.Column("security", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("reviewed_at", sa.Text, nullable=False),
        sa.CheckConstraint("security in (0, 1)", name="review_security"),
    )
    op.create_index("review_by_component", "review", ["component", "review_id"])
    op.create_table(
        "reviewer",
        sa.Column("reviewer_id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("admitted_at", sa.Text, nullable=False),
        sa.Column("revoked_at", sa.Text),
    )
    op.create_table(
        "decision",
        sa.Column("decision_id", sa.Integer, primary_key=True),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("content_key", sa.Text, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Text, nullable=False),
        sa.UniqueConstraint("component", "content_key", "reviewer", name="decision_once"),
        sa.CheckConstraint("verdict in ('approve', 'refuse')", name="decision_verdict"),
    )
