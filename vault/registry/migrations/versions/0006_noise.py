"""Noise that was drawn, and the way to what was last decided on a subject; reviews and decisions stand as they are."""

import sqlalchemy as sa
from alembic import op

from vault.registry.guards import never_changed

revision = "0006"
down_revision = "0005"

PARTS = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Make the table and the index, and have draws, reviews and decisions refuse every change."""
    op.create_table(
        "noise_draw",
        sa.Column("draw_id", sa.Text, primary_key=True),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("content_key", sa.Text, nullable=False),
        sa.Column("declared_hash", sa.Text, nullable=False),
        sa.Column("data_hash", sa.Text, nullable=False),
        sa.Column("mechanism", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("epsilon_micro", PARTS, nullable=False),
        sa.Column("delta_pico", PARTS, nullable=False),
        sa.Column("drawn_at", sa.Text, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sa.CheckConstraint("epsilon_micro > 0 and delta_pico >= 0", name="noise_draw_loses"),
    )
    op.create_index("noise_draw_by_component", "noise_draw", ["component", "content_key"])
    decided = sa.text("kind in ('decision', 'grant', 'consent')")
    op.create_index(
        "black_box_decided",
        "black_box_entries",
        ["subject", "at"],
        sqlite_where=decided,
        postgresql_where=decided,
    )
    for table in ("noise_draw", "review", "decision"):
        never_changed(op.get_bind(), table, f"a row of {table} is never changed")
