"""Releases and refusals on record. Rows are added, never changed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vault.moments import text_of
from vault.registry.tables import METADATA

releases = sa.Table(
    "release",
    METADATA,
    sa.Column("release_id", sa.Text, primary_key=True),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("data_hash", sa.Text, nullable=False),
    sa.Column("datasheet_hash", sa.Text, nullable=False, unique=True),
    sa.Column("review_id", sa.Integer, nullable=False),
    sa.Column("valuation_id", sa.Integer, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("published_at", sa.Text, nullable=False),
    sa.Column("entry", sa.Integer, nullable=False),
    sa.UniqueConstraint("component", "number", name="release_number_once"),
    sa.CheckConstraint("number >= 1", name="release_number_counts"),
)

refusals = sa.Table(
    "refusal",
    METADATA,
    sa.Column("refusal_id", sa.Integer, primary_key=True),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("causes", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("refused_at", sa.Text, nullable=False),
    sa.Column("entry", sa.Integer, nullable=False),
    sa.Index("refusal_by_component", "component", "refusal_id"),
)


@dataclass(frozen=True)
class Release:
    """One release on record.

    content_hash: of all that makes it what it is; datasheet_hash: of the signed datasheet; review_id, valuation_id:
    the records it rests on; entry: its index in the black box.
    """

    release_id: str
    component: str
    number: int
    tier: str
    rows: int
    content_hash: str
    data_hash: str
    datasheet_hash: str
    review_id: int
    valuation_id: int
    run_id: str
    published_at: datetime
    entry: int


@dataclass(frozen=True)
class Refusal:
    """Why a component was not released. entry: its index in the black box."""

    component: str
    causes: tuple[str, ...]
    run_id: str
    refused_at: datetime
    entry: int


def add_release(connection: sa.Connection, release: Release) -> None:
    """Put a release on record. Raises ValueError for a time without a zone, IntegrityError for one that is there."""
    row = {**asdict(release), "published_at": text_of(release.published_at)}
    connection.execute(sa.insert(releases).values(**row))


def add_refusal(connection: sa.Connection, refusal: Refusal) -> None:
    """Put a refusal on record. Raises ValueError for a time without a zone."""
    causes = json.dumps(refusal.causes, ensure_ascii=False)
    row = {**asdict(refusal), "causes": causes, "refused_at": text_of(refusal.refused_at)}
    connection.execute(sa.insert(refusals).values(**row))


def last_release(connection: sa.Connection, component: str) -> Release | None:
    """The newest release of a component; None where there is none."""
    return latest_releases(connection).get(component)


def latest_releases(connection: sa.Connection) -> dict[str, Release]:
    """The newest release of every component, by name."""
    newest = sa.select(releases.c.component, sa.func.max(releases.c.number)).group_by(releases.c.component)
    statement = (
        sa.select(releases)
        .where(sa.tuple_(releases.c.component, releases.c.number).in_(newest))
        .order_by(releases.c.component)
    )
    return {row["component"]: _release(row) for row in connection.execute(statement).mappings()}


def releases_of(connection: sa.Connection, component: str) -> tuple[Release, ...]:
    """All releases of a component, oldest first."""
    statement = sa.select(releases).where(releases.c.component == component).order_by(releases.c.number)
    return tuple(_release(row) for row in connection.execute(statement).mappings())


def released_valuations(connection: sa.Connection) -> frozenset[int]:
    """The numbers of all valuations that went out with a release."""
    return frozenset(connection.execute(sa.select(releases.c.valuation_id)).scalars())


def release_by_id(connection: sa.Connection, release_id: str) -> Release | None:
    """A release by its name, such as 'zone_hourly_mobility@3'."""
    row = connection.execute(sa.select(releases).where(releases.c.release_id == release_id)).mappings().first()
    return None if row is None else _release(row)


def release_by_datasheet(connection: sa.Connection, datasheet_hash: str) -> Release | None:
    """The release that a datasheet is that of."""
    statement = sa.select(releases).where(releases.c.datasheet_hash == datasheet_hash)
    row = connection.execute(statement).mappings().first()
    return None if row is None else _release(row)


def refusals_of(connection: sa.Connection, component: str, most: int = 1000) -> tuple[Refusal, ...]:
    """The last refusals of a component, oldest first."""
    statement = (
        sa.select(refusals).where(refusals.c.component == component).order_by(refusals.c.refusal_id.desc()).limit(most)
    )
    return tuple(reversed([_refusal(row) for row in connection.execute(statement).mappings()]))


def latest_refusals(connection: sa.Connection) -> dict[str, Refusal]:
    """The last refusal of every component that was ever refused, by name."""
    last = sa.select(sa.func.max(refusals.c.refusal_id)).group_by(refusals.c.component)
    statement = sa.select(refusals).where(refusals.c.refusal_id.in_(last)).order_by(refusals.c.component)
    return {row["component"]: _refusal(row) for row in connection.execute(statement).mappings()}


def _release(row: Mapping[Any, Any]) -> Release:
    return Release(**{**row, "published_at": datetime.fromisoformat(row["published_at"])})


def _refusal(row: Mapping[Any, Any]) -> Refusal:
    causes: Sequence[str] = json.loads(row["causes"])
    return Refusal(
        row["component"], tuple(causes), row["run_id"], datetime.fromisoformat(row["refused_at"]), row["entry"]
    )
