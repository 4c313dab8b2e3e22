"""The registry's tables of rights and consent. Rows are added, never changed: what holds follows from the last one."""

import sqlalchemy as sa

from vault.registry.tables import METADATA

applications = sa.Table(
    "right_application",
    METADATA,
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
    sa.Index("right_by_subject", "confirmation", "subject"),
)

verdicts = sa.Table(
    "right_verdict",
    METADATA,
    sa.Column("verdict_id", sa.Integer, primary_key=True),
    sa.Column("application_id", sa.ForeignKey("right_application.application_id"), nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("decided_at", sa.Text, nullable=False),
    sa.UniqueConstraint("application_id", "verdict", name="right_verdict_once"),
    sa.CheckConstraint("verdict in ('granted', 'refused', 'revoked', 'superseded')", name="right_verdict_known"),
)

grade_decisions = sa.Table(
    "grade_decision",
    METADATA,
    sa.Column("grade_decision_id", sa.Integer, primary_key=True),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("decided_at", sa.Text, nullable=False),
    sa.Index("grade_decision_by_component", "component", "grade_decision_id"),
)

consent_events = sa.Table(
    "consent_event",
    METADATA,
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
    sa.Index("consent_by_principal", "pii_principal_id", "source", "purpose", "event_id"),
    sa.Index("consent_by_state", "source", "event_state", "event_id"),
)
"""Consents given and withdrawn, in the field names of ISO/IEC TS 27560 where it has one. No person stands here in the
clear: `pii_principal_id` is the keyed pseudonym."""

receipts = sa.Table(
    "consent_receipt",
    METADATA,
    sa.Column("receipt_id", sa.Text, primary_key=True),
    sa.Column("pii_principal_id", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("issued_at", sa.Text, nullable=False),
    sa.Index("receipt_by_principal", "pii_principal_id"),
)

corrections = sa.Table(
    "correction_request",
    METADATA,
    sa.Column("request_id", sa.Integer, primary_key=True),
    sa.Column("pii_principal_id", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("column_name", sa.Text, nullable=False),
    sa.Column("entity_id", sa.Text, nullable=False),
    sa.Column("requested_at", sa.Text, nullable=False),
    sa.Index("correction_by_principal", "pii_principal_id"),
)

shreddings = sa.Table(
    "shredded_batch",
    METADATA,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("shredded_at", sa.Text, nullable=False),
)

stale_marks = sa.Table(
    "stale_mark",
    METADATA,
    sa.Column("mark_id", sa.Integer, primary_key=True),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("marked_at", sa.Text, nullable=False),
    sa.Index("stale_by_component", "component", "mark_id"),
)
