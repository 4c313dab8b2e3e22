"""Rights, contracts, consents and what subjects asked for."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
