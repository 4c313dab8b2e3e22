"""What earlier releases disclosed, by lineage: their columns may have been called anything."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the lineage; of what was disclosed before it is not known."""
    op.add_column("disclosed_set", sa.Column("lineage", sa.Text, nullable=False, server_default=""))
