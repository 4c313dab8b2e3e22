"""Entitlements: one for each settled order; and the pulls that were counted against them."""

import sqlalchemy as sa

from market_api.schema import METADATA

EXCLUSIVE = sa.text("exclusive_until is not null")

entitlements = sa.Table(
    "entitlements",
    METADATA,
    sa.Column("entitlement_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False, unique=True),
    sa.Column("participant_id", sa.Text, nullable=False, index=True),
    sa.Column("listing_id", sa.Text, nullable=False),
    sa.Column("component", sa.Text, nullable=False),
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
    sa.Index("ix_entitlements_component_valid_until", "component", "valid_until"),
    sa.Index(
        "ix_entitlements_component_exclusive_until",
        "component",
        "exclusive_until",
        sqlite_where=EXCLUSIVE,
        postgresql_where=EXCLUSIVE,
    ),
)
"""release_number: of the release that was bought; with updates in its terms, later ones are included."""

deliveries = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("delivery_id", sa.Text, primary_key=True),
    sa.Column("entitlement_id", sa.Text, nullable=False),
    sa.Column("participant_id", sa.Text, nullable=False),
    sa.Column("component", sa.Text, nullable=False, index=True),
    sa.Column("release_number", sa.Integer, nullable=False),
    sa.Column("copy_hash", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("begun_at", sa.Text, nullable=False),
    sa.Column("ends_at", sa.Text, nullable=False),
    sa.CheckConstraint("channel in ('http', 'delta-sharing')", name="channel_known"),
    sa.Index("ix_deliveries_entitlement_id_ends_at", "entitlement_id", "ends_at"),
)
"""One row for each pull that was counted; rows never change. copy_hash: of the signed manifest of the copy that was
delivered; channel: the way by which it was asked for first; until ends_at it may be asked for again uncounted."""
