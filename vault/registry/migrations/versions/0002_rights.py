"""Rights, contracts, consents and what subjects asked for."""

import sqlalchemy as sa
from alembic import op

from vault.registry.guards import never_changed

revision = "0002"
down_revision = "0001"

TABLES = (
    "right_application",
    "right_verdict",
    "grade_decision",
    "consent_event",
    "consent_receipt",
    "correction_request",
    "shredded_batch",
    "stale_mark",
)


def upgrade() -> None:
    """Make the tables, and have them refuse every change of a row."""
    _rights()
    _consents()
    _consequences()
    for table in TABLES:
        never_changed(op.get_bind(), table, f"a row of {table} is never changed")


def _rights() -> None:
    op.create_table(
        "right_application",
        sa.Column("application_id", sa.Integer, primary_key=True),
        sa.Column("confirmation", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("resources", sa.Text, nullable=False),
        sa.Column("purposes", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("valid_from", sa.Text, nullable=False),
        sa.Column("valid_until", sa.Text, nullable=False),
        sa.Column("contract", sa.Text, nullable=False),
        sa.Column("terms_hash", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("is_declared", sa.Boolean, nullable=False),
        sa.Column("applied_by", sa.Text, nullable=False),
        sa.Column("applied_at", sa.Text, nullable=False),
        sa.CheckConstraint("confirmation in ('holding', 'processing', 'operating')", name="right_confirmation"),
    )
    op.create_index("right_by_subject", "right_application", ["confirmation", "subject"])
    op.create_table(
        "right_verdict",
        sa.Column("verdict_id", sa.Integer, primary_key=True),
        sa.Column("application_id", sa.Integer, sa.ForeignKey("right_application.application_id"), nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Text, nullable=False),
        sa.UniqueConstraint("application_id", "verdict", name="right_verdict_once"),
        sa.CheckConstraint("verdict in ('granted', 'refused', 'revoked', 'superseded')", name="right_verdict_known"),
    )
    op.create_table(
        "grade_decision",
        sa.Column("grade_decision_id", sa.Integer, primary_key=True),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Text, nullable=False),
    )
    op.create_index("grade_decision_by_component", "grade_decision", ["component", "grade_decision_id"])


def _consents() -> None:
    op.create_table(
        "consent_event",
        sa.Column("event_id", sa.Integer, primary_key=True),
        sa.Column("record_id", sa.Text, nullable=False),
        sa.Column("pii_principal_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("event_state", sa.Text, nullable=False),
        sa.Column("event_time", sa.Text, nullable=False),
        sa.Column("valid_until", sa.Text),
        sa.Column("privacy_notice", sa.Text, nullable=False),
        sa.Column("is_separate", sa.Boolean, nullable=False),
        sa.Column("is_by_guardian", sa.Boolean, nullable=False),
        sa.Column("is_erasure", sa.Boolean, nullable=False),
        sa.Column("entity_id", sa.Text, nullable=False),
        sa.CheckConstraint("event_state in ('given', 'withdrawn')", name="consent_state_known"),
        sa.CheckConstraint("event_state <> 'given' or valid_until is not null", name="consent_ends"),
    )
    op.create_index("consent_by_principal", "consent_event", ["pii_principal_id", "source", "purpose", "event_id"])
    op.create_index("consent_by_state", "consent_event", ["source", "event_state", "event_id"])
    op.create_table(
        "consent_receipt",
        sa.Column("receipt_id", sa.Text, primary_key=True),
        sa.Column("pii_principal_id", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("issued_at", sa.Text, nullable=False),
    )
    op.create_index("receipt_by_principal", "consent_receipt", ["pii_principal_id"])
    op.create_table(
        "correction_request",
        sa.Column("request_id", sa.Integer, primary_key=True),
        sa.Column("pii_principal_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("column_name", sa.Text, nullable=False),
        sa.Column("entity_id", sa.Text, nullable=False),
        sa.Column("requested_at", sa.Text, nullable=False),
    )
    op.create_index("correction_by_principal", "correction_request", ["pii_principal_id"])


def _consequences() -> None:
    op.create_table(
        "shredded_batch",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("shredded_at", sa.Text, nullable=False),
    )
    op.create_table(
        "stale_mark",
        sa.Column("mark_id", sa.Integer, primary_key=True),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("marked_at", sa.Text, nullable=False),
    )
    op.create_index("stale_by_component", "stale_mark", ["component", "mark_id"])
