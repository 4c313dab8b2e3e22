"""Grades: a component inherits the highest grade of its sources (就高从严) unless a signed decision on record says that
what was made of them is of a lower one (GB/T 43697-2024, annex on derived data). Core data is never graded down.
Source: models §7 (O2).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vault.black_box.recording import Record
from vault.contract import Grade
from vault.errors import JinkuError
from vault.moments import text_of
from vault.rights.tables import grade_decisions
from vault.signing import sign, verify_signature

GRADES: tuple[Grade, ...] = ("general", "important", "core")
"""From the lowest to the highest."""


@dataclass(frozen=True)
class Downgrade:
    """A decision that a component made from these sources is of a lower grade than they are.

    is_genuine: whether a key of this vault signed it as it stands.
    """

    component: str
    grade: Grade
    sources: tuple[str, ...]
    reason: str
    decided_by: str
    decided_at: datetime
    is_genuine: bool


def highest_grade(grades: Iterable[Grade]) -> Grade:
    """The highest of some grades; `general` of none."""
    return max(grades, key=GRADES.index, default="general")


def downgrade(
    record: Record,
    key: Ed25519PrivateKey,
    component: str,
    sources: Sequence[tuple[str, Grade]],
    reason: str,
    by: str,
    at: datetime,
) -> None:
    """Sign and record that a component made from important sources is general; it holds for these sources only.

    Raises JinkuError `grade_core` where one of them is core, and `grade_reason` without a reason.
    """
    core = ", ".join(name for name, grade in sources if grade == "core")
    if core:
        raise JinkuError(
            "grade_core",
            f"core data is never graded down: {core}",
            f"components/{component}",
            "Make the component without these sources.",
        )
    if not reason.strip():
        raise JinkuError(
            "grade_reason", "a lower grade needs a reason", f"components/{component}", "Give one with --reason."
        )
    document = {
        "component": component,
        "grade": "general",
        "sources": sorted(name for name, _ in sources),
        "reason": reason.strip(),
        "decided_by": by,
        "decided_at": text_of(at),
    }
    record.connection.execute(
        sa.insert(grade_decisions).values(
            component=component,
            document=json.dumps(document, ensure_ascii=False),
            signature=json.dumps(sign(key, document)),
            decided_at=text_of(at),
        )
    )
    record.log("decision", component, {"grade": "general", "reason": reason.strip()}, by)


def downgrade_on_record(
    connection: sa.Connection, component: str, keys: Mapping[str, Ed25519PublicKey]
) -> Downgrade | None:
    """The last decision on a component's grade; None where there is none. `keys`: those that may have signed it."""
    statement = (
        sa.select(grade_decisions)
        .where(grade_decisions.c.component == component)
        .order_by(grade_decisions.c.grade_decision_id.desc())
        .limit(1)
    )
    row = connection.execute(statement).first()
    if row is None:
        return None
    document: dict[str, Any] = json.loads(row.document)
    return Downgrade(
        document["component"],
        document["grade"],
        tuple(document["sources"]),
        document["reason"],
        document["decided_by"],
        datetime.fromisoformat(document["decided_at"]),
        document["component"] == component and verify_signature(document, json.loads(row.signature), keys),
    )
