"""Entitlements: one for each settled order."""

import sqlalchemy as sa

from market_api.schema import METADATA

entitlements = sa.Table(
    "entitlements",
    METADATA,
    sa.Column("entitlement_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False, unique=True),
    sa.Column("participant_id", sa.Text, nullable=False, index=True),
    sa.Column("listing_id", sa.Text, nullable=False, index=True),
    sa.Column("component", sa.Text, nullable=False, index=True),
    sa.Column("release_number", sa.Integer, nullable=False),
    sa.Column("terms", sa.Text, nullable=False),
    sa.Column("terms_hash", sa.Text, nullable=False),
    sa.Column("pulls_used", sa.Integer, nullable=False),
    sa.Column("pulls_max", sa.Integer),
    sa.Column("valid_from", sa.Text, nullable=False),
    sa.Column("valid_until", sa.Text, nullable=False),
    sa.Column("exclusive_until", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
    sa.CheckConstraint("pulls_used >= 0", name="pulls_counted"),
    sa.CheckConstraint("pulls_max is null or pulls_used <= pulls_max", name="pulls_limited"),
)
"""release_number: of the release that was bought; with updates in its terms, later ones are included."""
