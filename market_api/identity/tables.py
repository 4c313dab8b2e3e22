"""The tables of participants and their credentials. No secret is in them, and no declared owner in the clear."""

import sqlalchemy as sa

from market_api.schema import METADATA

participants = sa.Table(
    "participants",
    METADATA,
    sa.Column("participant_id", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("registered_name", sa.Text, nullable=False),
    sa.Column("name_key", sa.Text, nullable=False),
    sa.Column("beneficial_owner", sa.Text, index=True),
    sa.Column("taxpayer", sa.Text, nullable=False),
    sa.Column("party", sa.Text, unique=True),
    sa.Column("external_subject", sa.Text, unique=True),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False, default=""),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
    sa.CheckConstraint(
        "role in ('provider', 'developer', 'app_developer', 'operator', 'evaluator', 'regulator')", name="role_known"
    ),
    sa.CheckConstraint("taxpayer in ('general', 'small_scale', 'none')", name="taxpayer_known"),
)
"""name_key: the name as it is compared (see `names`), unique among those who were not refused; beneficial_owner: a
keyed hash of the declared owner's registration id, by which common ownership is found; party: the name under which
datasheets know it, confirmed at admission; external_subject: its subject at the external OpenID
issuer; reason: of its state."""

sa.Index(
    "uq_participants_name_key",
    participants.c.name_key,
    unique=True,
    sqlite_where=participants.c.state != "refused",
    postgresql_where=participants.c.state != "refused",
)

credentials = sa.Table(
    "credentials",
    METADATA,
    sa.Column("credential_id", sa.Text, primary_key=True),
    sa.Column("participant_id", sa.Text, sa.ForeignKey("participants.participant_id"), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.Text, nullable=False, unique=True),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text),
    sa.Column("revoked_at", sa.Text),
    sa.Column("last_used_at", sa.Text),
    sa.CheckConstraint("kind in ('client_secret', 'pull', 'enrolment')", name="kind_known"),
)
"""kind: a client secret gets tokens, a pull token pulls, an enrolment code gets a client secret, once; secret_hash:
SHA-256 of a pull token, which is 256 bits at random, Argon2id of the others; scopes: the most that it gives, with
spaces between; last_used_at: to the hour."""
