"""The black box: entries, their tree and its checkpoints."""

import sqlalchemy as sa
from alembic import op

from vault.black_box.tables import guard

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, and have them refuse every change."""
    op.create_table(
        "black_box_entries",
        sa.Column("leaf_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("payload_hash", sa.Text, nullable=False),
    )
    op.create_table(
        "black_box_payloads",
        sa.Column("leaf_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_table(
        "black_box_nodes",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "black_box_checkpoints",
        sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("line", sa.Text, nullable=False),
    )
    guard(op.get_bind())
