"""What earlier releases disclosed, and the privacy budgets."""

import sqlalchemy as sa
from alembic import op

from vault.registry.guards import never_changed

revision = "0004"
down_revision = "0003"

PARTS = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Make the tables, and have them refuse changes; a spend is settled once."""
    _disclosures()
    _budgets()
    for table, changes, condition in (
        ("disclosed_set", ("update", "delete"), ""),
        ("disclosed_source", ("update", "delete"), ""),
        ("privacy_budget", ("delete",), ""),
        ("privacy_spend", ("update",), "old.state <> 'reserved'"),
        ("privacy_spend", ("delete",), ""),
    ):
        never_changed(op.get_bind(), table, f"a row of {table} is never changed", changes, condition)


def _disclosures() -> None:
    op.create_table(
        "disclosed_set",
        sa.Column("release_id", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("entity_kind", sa.Text, nullable=False),
        sa.Column("memberships", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.Text, nullable=False),
    )
    op.create_table(
        "disclosed_source",
        sa.Column("release_id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
    )
    op.create_index("disclosed_source_by_source", "disclosed_source", ["source"])


def _budgets() -> None:
    op.create_table(
        "privacy_budget",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("epsilon_micro", PARTS, nullable=False),
        sa.Column("delta_pico", PARTS, nullable=False),
        sa.CheckConstraint("epsilon_micro >= 0 and delta_pico >= 0", name="privacy_budget_not_negative"),
    )
    op.create_table(
        "privacy_spend",
        sa.Column("query_id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("epsilon_micro", PARTS, nullable=False),
        sa.Column("delta_pico", PARTS, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reserved_at", sa.Text, nullable=False),
        sa.CheckConstraint("state in ('reserved', 'committed', 'released')", name="privacy_spend_state"),
        sa.CheckConstraint("epsilon_micro > 0 and delta_pico >= 0", name="privacy_spend_not_negative"),
    )
