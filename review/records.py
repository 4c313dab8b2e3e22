"""Reviews on record: what was found of one content of a component, under one policy. Rows are added, never changed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from review.findings import Finding, security
from vault.black_box.recording import Record
from vault.moments import text_of
from vault.registry.tables import METADATA

reviews = sa.Table(
    "review",
    METADATA,
    sa.Column("review_id", sa.Integer, primary_key=True),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("data_hash", sa.Text, nullable=False),
    sa.Column("model_hash", sa.Text, nullable=False),
    sa.Column("contract_hash", sa.Text, nullable=False),
    sa.Column("policy_hash", sa.Text, nullable=False),
    sa.Column("cache_key", sa.Text, nullable=False),
    sa.Column("security", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("reviewed_at", sa.Text, nullable=False),
    sa.CheckConstraint("security in (0, 1)", name="review_security"),
    sa.Index("review_by_component", "component", "review_id"),
)


@dataclass(frozen=True)
class Content:
    """What exactly was reviewed, by hash: the rows, the compiled models below them, the contracts, the policy."""

    data_hash: str
    model_hash: str
    contract_hash: str
    policy_hash: str

    @property
    def key(self) -> str:
        """One hash of all four; a sign-off holds for it and for nothing else."""
        told = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True)
class Review:
    """One review of one component. review_id is 0 until it is on record.

    cache_key: what the findings of model and result rest on beside the content; equal keys give equal findings.
    """

    component: str
    content: Content
    cache_key: str
    findings: tuple[Finding, ...]
    blocking: frozenset[str]
    run_id: str
    reviewed_at: datetime
    review_id: int = 0

    @property
    def security(self) -> int:
        """S(X): 1 where every blocking check passed, 0 otherwise."""
        return security(self.findings, self.blocking)

    @property
    def obstacles(self) -> tuple[Finding, ...]:
        """Why S is 0: the blocking checks that did not pass, those without any finding included."""
        found = {each.check: each for each in self.findings}
        return tuple(
            found.get(
                check, Finding(check, _part(check), "error", "the check left no finding, and no evidence refuses")
            )
            for check in sorted(self.blocking)
            if check not in found or found[check].outcome != "pass"
        )

    @property
    def is_pending(self) -> bool:
        """Whether nothing but people's decisions is missing."""
        return bool(self.obstacles) and all(each.outcome == "pending" for each in self.obstacles)


def record_review(record: Record, review: Review) -> Review:
    """Put a review on record and into the black box, in one transaction; gives it back with its number.

    Raises ValueError for a time without a zone.
    """
    row = {
        "component": review.component,
        **asdict(review.content),
        "cache_key": review.cache_key,
        "security": review.security,
        "document": json.dumps(
            {"findings": [asdict(each) for each in review.findings], "blocking": sorted(review.blocking)},
            ensure_ascii=False,
            allow_nan=False,
        ),
        "run_id": review.run_id,
        "reviewed_at": text_of(review.reviewed_at),
    }
    added = record.connection.execute(sa.insert(reviews).values(**row))
    (number,) = added.inserted_primary_key or (0,)
    outcomes = {each.check: each.outcome for each in review.findings}
    record.log(
        "review",
        review.component,
        {"review": int(number), "security": review.security, "outcomes": outcomes, **asdict(review.content)},
        "jinku",
    )
    return Review(**{**_parts(review), "review_id": int(number)})


def latest_reviews(connection: sa.Connection) -> dict[str, Review]:
    """The last review of every component, by name."""
    last = sa.select(sa.func.max(reviews.c.review_id)).group_by(reviews.c.component)
    statement = sa.select(reviews).where(reviews.c.review_id.in_(last)).order_by(reviews.c.component)
    return {row["component"]: _review(row) for row in connection.execute(statement).mappings()}


def latest_review(connection: sa.Connection, component: str) -> Review | None:
    """The last review of a component; None where there was none."""
    statement = sa.select(reviews).where(reviews.c.component == component).order_by(reviews.c.review_id.desc()).limit(1)
    row = connection.execute(statement).mappings().first()
    return None if row is None else _review(row)


def _review(row: Mapping[Any, Any]) -> Review:
    document = json.loads(row["document"])
    return Review(
        row["component"],
        Content(row["data_hash"], row["model_hash"], row["contract_hash"], row["policy_hash"]),
        row["cache_key"],
        tuple(Finding(**each) for each in document["findings"]),
        frozenset(document["blocking"]),
        row["run_id"],
        datetime.fromisoformat(row["reviewed_at"]),
        row["review_id"],
    )


def _parts(review: Review) -> dict[str, Any]:
    return {name: getattr(review, name) for name in review.__dataclass_fields__}


def _part(check: str) -> Any:
    return {"O": "origin", "M": "model", "R": "result"}.get(check[:1], "origin")
