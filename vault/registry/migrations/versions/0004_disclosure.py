"""What earlier releases disclosed, and the privacy budgets."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
