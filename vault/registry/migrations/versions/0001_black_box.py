"""The black box: entries, their tree and its checkpoints."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
