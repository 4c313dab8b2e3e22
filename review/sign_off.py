"""Sign-off by people, where a rule asks for it: two reviewers, neither the author, each blind to the other.

A decision holds for one content (data, models, contracts and policy by hash): what is made anew is decided anew.
Who a reviewer is, is shown by a token that only its owner has; the registry keeps its salted hash.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from vault.black_box.recording import Record
from vault.errors import JinkuError
from vault.moments import text_of
from vault.registry.tables import METADATA

REVIEWERS_NEEDED = 2
TOKEN_BYTES = 32

Verdict = Literal["approve", "refuse"]
State = Literal["pending", "approved", "refused"]

reviewers = sa.Table(
    "reviewer",
    METADATA,
    sa.Column("reviewer_id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("token_hash", sa.Text, nullable=False),
    sa.Column("admitted_at", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text),
)

decisions = sa.Table(
    "decision",
    METADATA,
    sa.Column("decision_id", sa.Integer, primary_key=True),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("content_key", sa.Text, nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_at", sa.Text, nullable=False),
    sa.UniqueConstraint("component", "content_key", "reviewer", name="decision_once"),
    sa.CheckConstraint("verdict in ('approve', 'refuse')", name="decision_verdict"),
)


@dataclass(frozen=True)
class Decision:
    """What one reviewer decided of one content of a component, and why."""

    reviewer: str
    verdict: Verdict
    reason: str
    decided_at: datetime


@dataclass(frozen=True)
class SignOff:
    """Where the sign-off of one content stands. decisions are empty while anyone still has to decide."""

    state: State
    decided: int
    decisions: tuple[Decision, ...]


def admit_reviewer(record: Record, name: str, token: bytes, salt: bytes, at: datetime) -> None:
    """Let a person sign off. token: 32 random bytes that only they are given; its hash is kept.

    Raises JinkuError `reviewer_known`.
    """
    if record.connection.execute(sa.select(reviewers.c.name).where(reviewers.c.name == name)).first():
        raise JinkuError(
            "reviewer_known",
            f"{name} was admitted before",
            "registry",
            "Choose another name; names are not used twice.",
        )
    record.connection.execute(
        sa.insert(reviewers).values(
            name=name, salt=salt.hex(), token_hash=_token_hash(token, salt), admitted_at=text_of(at), revoked_at=None
        )
    )
    record.log("grant", name, {"right": "sign_off"}, "jinku")


def revoke_reviewer(record: Record, name: str, at: datetime) -> None:
    """End a person's right to sign off; what they decided stands. Raises JinkuError `reviewer_unknown`."""
    changed = record.connection.execute(
        sa.update(reviewers)
        .where(reviewers.c.name == name, reviewers.c.revoked_at.is_(None))
        .values(revoked_at=text_of(at))
    )
    if not changed.rowcount:
        raise _unknown(name)
    record.log("grant", name, {"right": "sign_off", "revoked": True}, "jinku")


def admitted(connection: sa.Connection) -> tuple[str, ...]:
    """Everyone who may sign off now."""
    statement = sa.select(reviewers.c.name).where(reviewers.c.revoked_at.is_(None)).order_by(reviewers.c.name)
    return tuple(connection.execute(statement).scalars())


def authenticate(connection: sa.Connection, name: str, token: bytes) -> None:
    """Refuse whoever does not hold the token. Raises JinkuError `reviewer_unknown` and `reviewer_token`."""
    row = connection.execute(
        sa.select(reviewers).where(reviewers.c.name == name, reviewers.c.revoked_at.is_(None))
    ).first()
    if row is None:
        raise _unknown(name)
    if not hmac.compare_digest(row.token_hash, _token_hash(token, bytes.fromhex(row.salt))):
        raise JinkuError(
            "reviewer_token", f"the token is not that of {name}", "registry", "Give the token you were admitted with."
        )


def decide(
    record: Record,
    component: str,
    content_key: str,
    decision: Decision,
    authors: Sequence[str],
) -> SignOff:
    """Put a reviewer's decision on record and into the black box; says where the sign-off stands after it.

    Only `approve` and `refuse` of those who were authenticated come here. Raises JinkuError `reviewer_is_author`,
    `no_author` (nobody is named as author, so independence cannot be shown), `decided_before`, `reason_missing` and
    `decided_by_all`.
    """
    where = f"components/{component}"
    if not authors:
        raise JinkuError(
            "no_author",
            "the contract names no author, so nobody can be shown to be independent of them",
            where,
            "Name the authors in the contract's `authors`.",
        )
    if decision.reviewer in authors:
        raise JinkuError(
            "reviewer_is_author",
            f"{decision.reviewer} made this component and cannot review it",
            where,
            "Ask two reviewers who had no part in it.",
        )
    if not decision.reason.strip():
        raise JinkuError("reason_missing", "a decision needs a reason", where, "Give one with --reason.")
    before = _decisions(record.connection, component, content_key)
    if decision.reviewer in {each.reviewer for each in before}:
        raise JinkuError(
            "decided_before",
            f"{decision.reviewer} has decided on this content already",
            where,
            "A decision stands; another reviewer has to decide.",
        )
    if len(before) >= REVIEWERS_NEEDED:
        raise JinkuError(
            "decided_by_all", "both reviewers have decided on this content", where, "Run again after a change of it."
        )
    record.connection.execute(
        sa.insert(decisions).values(
            component=component,
            content_key=content_key,
            reviewer=decision.reviewer,
            verdict=decision.verdict,
            reason=decision.reason.strip(),
            decided_at=text_of(decision.decided_at),
        )
    )
    record.log(
        "decision",
        component,
        {"content": content_key, "verdict": decision.verdict, "reason": decision.reason.strip()},
        decision.reviewer,
    )
    return sign_off(record.connection, component, content_key)


def sign_off(connection: sa.Connection, component: str, content_key: str) -> SignOff:
    """Where the sign-off of a content stands. Approved: by two reviewers, refused by none.

    Until both have decided, nobody is told what the first decided, or who that was.
    """
    found = _decisions(connection, component, content_key)
    if len(found) < REVIEWERS_NEEDED:
        return SignOff("pending", len(found), ())
    is_approved = all(each.verdict == "approve" for each in found)
    return SignOff("approved" if is_approved else "refused", len(found), found)


def _decisions(connection: sa.Connection, component: str, content_key: str) -> tuple[Decision, ...]:
    statement = (
        sa.select(decisions)
        .where(decisions.c.component == component, decisions.c.content_key == content_key)
        .order_by(decisions.c.decision_id)
    )
    return tuple(
        Decision(row.reviewer, row.verdict, row.reason, datetime.fromisoformat(row.decided_at))
        for row in connection.execute(statement)
    )


def _token_hash(token: bytes, salt: bytes) -> str:
    """A plain salted hash is enough: tokens are 32 random bytes, not words that could be guessed."""
    return hashlib.sha256(salt + token).hexdigest()


def _unknown(name: str) -> JinkuError:
    return JinkuError(
        "reviewer_unknown", f"{name} may not sign off", "registry", "`jinku reviewer list` names those who may."
    )
