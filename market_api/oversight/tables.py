"""Cases that a regulator opened, the revenue that public components may earn in a period, the β that the regulator set,
and the documents of trades that left for the vault."""

import sqlalchemy as sa

from market_api.schema import METADATA

cases = sa.Table(
    "cases",
    METADATA,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("flag_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subjects", sa.Text, nullable=False),
    sa.Column("measure", sa.Double, nullable=False),
    sa.Column("threshold", sa.Double, nullable=False),
    sa.Column("explanation", sa.Text, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("opening_reason", sa.Text, nullable=False),
    sa.Column("decision", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
    sa.CheckConstraint("decision in ('unfounded', 'warned', 'frozen', 'referred')", name="decision_known"),
)
"""flag_id to explanation: the flag as the screen gave it when the case was opened; subjects: as JSON."""

sa.Index(
    "uq_cases_flag_id_opened",
    cases.c.flag_id,
    unique=True,
    sqlite_where=cases.c.state == "opened",
    postgresql_where=cases.c.state == "opened",
)

permitted_revenues = sa.Table(
    "permitted_revenues",
    METADATA,
    sa.Column("component", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("operating_cost_fen", sa.BigInteger, nullable=False),
    sa.Column("permitted_profit_fen", sa.BigInteger, nullable=False),
    sa.Column("tax_fen", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.CheckConstraint("operating_cost_fen >= 0 and permitted_profit_fen >= 0 and tax_fen >= 0", name="parts_positive"),
)
"""period: a quarter such as '2026q4'; number: 1, 2, 3 …, of which the last is in force. Rows never change."""

beta_overrides = sa.Table(
    "beta_overrides",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("record_id", sa.Text, nullable=False, unique=True),
    sa.Column("component", sa.Text),
    sa.Column("application_field", sa.Text),
    sa.Column("beta_millionths", sa.Integer),
    sa.Column("first_epoch", sa.Text, nullable=False),
    sa.Column("last_epoch", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.CheckConstraint("beta_millionths between 800000 and 1200000", name="beta_within_bounds"),
    sa.CheckConstraint("(component is null) <> (application_field is null)", name="one_target"),
    sa.CheckConstraint("first_epoch <= last_epoch", name="term_positive"),
)
"""β of P² for a component or a field, over the quarters first_epoch to last_epoch; beta_millionths: null where earlier
records are taken back. Of two records of one target the one with the higher number is in force. Rows never change."""

trade_exports = sa.Table(
    "trade_exports",
    METADATA,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("until", sa.Text, nullable=False),
    sa.Column("document_hash", sa.Text, nullable=False),
    sa.Column("log_size", sa.Integer, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
"""The documents of cleared trades: sequence: 1, 2, 3 …; log_size: of the black box when their records were read. Rows
never change."""
