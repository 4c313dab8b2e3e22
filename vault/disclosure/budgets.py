"""Privacy budgets: epsilon and delta of each source, unit and year, reserved before a query and committed after it.

What is reserved counts as spent until the query is known to have failed, so that a crash never gives budget back. Whole
numbers are added up: epsilon in millionths, delta in 10^-12, both rounded up. Source: models §7 (sequential
composition).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import sqlalchemy as sa

from vault.errors import JinkuError
from vault.moments import text_of
from vault.registry.tables import METADATA

EPSILON_PARTS = 10**6
DELTA_PARTS = 10**12

PARTS = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
"""Of a loss: a delta of 1 is more 10^-12 than 32 bits hold."""

State = Literal["reserved", "committed", "released"]

budgets = sa.Table(
    "privacy_budget",
    METADATA,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("unit", sa.Text, primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epsilon_micro", PARTS, nullable=False),
    sa.Column("delta_pico", PARTS, nullable=False),
    sa.CheckConstraint("epsilon_micro >= 0 and delta_pico >= 0", name="privacy_budget_not_negative"),
)

spends = sa.Table(
    "privacy_spend",
    METADATA,
    sa.Column("query_id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("epsilon_micro", PARTS, nullable=False),
    sa.Column("delta_pico", PARTS, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reserved_at", sa.Text, nullable=False),
    sa.CheckConstraint("state in ('reserved', 'committed', 'released')", name="privacy_spend_state"),
    sa.CheckConstraint("epsilon_micro > 0 and delta_pico >= 0", name="privacy_spend_not_negative"),
)


@dataclass(frozen=True)
class Loss:
    """A privacy loss (epsilon, delta). Raises ValueError unless epsilon is a finite number above 0 and delta one in
    [0, 1)."""

    epsilon: Decimal
    delta: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if not (self.epsilon.is_finite() and self.epsilon > 0 and self.delta.is_finite() and 0 <= self.delta < 1):
            raise ValueError(f"no privacy loss: epsilon {self.epsilon}, delta {self.delta}")

    @property
    def epsilon_micro(self) -> int:
        """Epsilon in millionths, rounded up."""
        return math.ceil(self.epsilon * EPSILON_PARTS)

    @property
    def delta_pico(self) -> int:
        """Delta in 10^-12, rounded up."""
        return math.ceil(self.delta * DELTA_PARTS)


@dataclass(frozen=True)
class Query:
    """A differentially private query about to be run. query_id: of its own, never used again; unit: whose presence it
    hides (unit of privacy), such as `person`; sources: those whose budgets it spends."""

    query_id: str
    component: str
    sources: tuple[str, ...]
    unit: str
    loss: Loss


@dataclass(frozen=True)
class Spend:
    """What one query took from the budget of one source in a year."""

    query_id: str
    component: str
    source: str
    unit: str
    year: int
    loss: Loss
    state: State


def reserve(connection: sa.Connection, query: Query, limit: Loss, at: datetime) -> None:
    """Take the query's loss from the budget of each of its sources for the year of `at` in UTC, or from none.

    limit: the most that a source and unit may lose in a year. Raises JinkuError `privacy_budget_spent` where it would
    be exceeded, `privacy_query_known` where the query's id was used before; the caller's transaction is then to end
    without effect. Raises ValueError for a query without sources and a time without a zone.
    """
    if not query.sources or at.tzinfo is None:
        raise ValueError("a query spends the budget of at least one source, at a time with a zone")
    moment = at.astimezone(UTC)
    known = sa.select(spends.c.source).where(spends.c.query_id == query.query_id)
    if connection.execute(known).first() is not None:
        raise _query_known(query.query_id, "was run before")
    for source in sorted(set(query.sources)):
        _take(connection, query, source, moment.year, limit)
        connection.execute(
            sa.insert(spends).values(
                query_id=query.query_id,
                source=source,
                unit=query.unit,
                year=moment.year,
                component=query.component,
                epsilon_micro=query.loss.epsilon_micro,
                delta_pico=query.loss.delta_pico,
                state="reserved",
                reserved_at=text_of(at),
            )
        )


def commit(connection: sa.Connection, query_id: str) -> None:
    """The query was answered: what it took is spent for good. Raises JinkuError `privacy_query_known` where nothing is
    reserved for it."""
    _settle(connection, query_id, "committed")


def give_back(connection: sa.Connection, query_id: str) -> None:
    """The query failed and told nothing: what was reserved for it is free again. Raises as `commit` does."""
    of_query = sa.select(spends).where(spends.c.query_id == query_id)
    reserved = connection.execute(of_query).mappings().all()
    _settle(connection, query_id, "released")
    for row in reserved:
        connection.execute(
            sa.update(budgets)
            .where(budgets.c.source == row["source"], budgets.c.unit == row["unit"], budgets.c.year == row["year"])
            .values(
                epsilon_micro=budgets.c.epsilon_micro - row["epsilon_micro"],
                delta_pico=budgets.c.delta_pico - row["delta_pico"],
            )
        )


def spent(connection: sa.Connection, source: str, unit: str, year: int) -> tuple[Decimal, Decimal]:
    """Epsilon and delta that a source and unit lost in a year, what is only reserved included."""
    statement = sa.select(budgets.c.epsilon_micro, budgets.c.delta_pico).where(
        budgets.c.source == source, budgets.c.unit == unit, budgets.c.year == year
    )
    epsilon_micro, delta_pico = connection.execute(statement).first() or (0, 0)
    return Decimal(epsilon_micro) / EPSILON_PARTS, Decimal(delta_pico) / DELTA_PARTS


def spends_of(connection: sa.Connection, query_ids: Sequence[str]) -> tuple[Spend, ...]:
    """What the queries took, source by source."""
    statement = sa.select(spends).where(spends.c.query_id.in_(query_ids)).order_by(spends.c.query_id, spends.c.source)
    return tuple(
        Spend(
            row["query_id"],
            row["component"],
            row["source"],
            row["unit"],
            row["year"],
            Loss(Decimal(row["epsilon_micro"]) / EPSILON_PARTS, Decimal(row["delta_pico"]) / DELTA_PARTS),
            row["state"],
        )
        for row in connection.execute(statement).mappings()
    )


def _take(connection: sa.Connection, query: Query, source: str, year: int, limit: Loss) -> None:
    """Add to what is spent, in one statement that does nothing where it would exceed the limit."""
    of_source = {"source": source, "unit": query.unit, "year": year}
    if connection.execute(sa.select(budgets).filter_by(**of_source)).first() is None:
        connection.execute(sa.insert(budgets).values(**of_source, epsilon_micro=0, delta_pico=0))
    epsilon_micro = budgets.c.epsilon_micro + query.loss.epsilon_micro
    delta_pico = budgets.c.delta_pico + query.loss.delta_pico
    taken = connection.execute(
        sa.update(budgets)
        .filter_by(**of_source)
        .where(epsilon_micro <= math.floor(limit.epsilon * EPSILON_PARTS))
        .where(delta_pico <= math.floor(limit.delta * DELTA_PARTS))
        .values(epsilon_micro=epsilon_micro, delta_pico=delta_pico)
    )
    if taken.rowcount != 1:
        epsilon, delta = spent(connection, source, query.unit, year)
        raise JinkuError(
            "privacy_budget_spent",
            f"epsilon {epsilon} of {limit.epsilon} and delta {delta} of {limit.delta} of {year} are spent, "
            f"so {query.loss.epsilon} and {query.loss.delta} more are too much",
            f"source {source}, unit {query.unit}",
            "Wait for the next year, or ask for a smaller epsilon.",
        )


def _settle(connection: sa.Connection, query_id: str, state: State) -> None:
    settled = connection.execute(
        sa.update(spends).where(spends.c.query_id == query_id, spends.c.state == "reserved").values(state=state)
    )
    if not settled.rowcount:
        raise _query_known(query_id, "has nothing reserved")


def _query_known(query_id: str, cause: str) -> JinkuError:
    return JinkuError("privacy_query_known", f"the query {cause}", query_id, "Give every query an id of its own.")
