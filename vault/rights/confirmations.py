"""The registry of the three confirmations of rights (三次确权): who may hold, process and operate what.

A right is applied for, then granted or refused by someone else, ends on its day, and may be revoked before. Each of
these steps stands in the registry and, in the same transaction, in the black box. What was not applied for, not
granted, has ended, was revoked or was granted for something else is no right.
Source: models §7 (O4).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import rfc8785
import sqlalchemy as sa

from vault.black_box.recording import Record
from vault.black_box.tables import entries, payloads
from vault.errors import JinkuError
from vault.moments import text_of
from vault.rights.standard_contracts import Confirmation, standard_contract
from vault.rights.tables import applications, verdicts

Verdict = Literal["granted", "refused", "revoked", "superseded"]
State = Literal["applied", "granted", "refused", "revoked", "superseded", "not_yet", "ended"]
BY_DECLARATION = "by declaration"


@dataclass(frozen=True)
class Application:
    """What somebody asks for.

    holder: who gets the right; subject: the source held, the component made or the product operated; resources: what it
    is made from, for a holding the source itself; purposes: what it may serve; basis: on what the application rests;
    valid_from and valid_until: its first and last day.
    """

    confirmation: Confirmation
    holder: str
    subject: str
    resources: tuple[str, ...]
    purposes: tuple[str, ...]
    basis: str
    valid_from: date
    valid_until: date

    @property
    def content_hash(self) -> str:
        """Identifies what is asked for, whenever it begins."""
        content = {
            "confirmation": self.confirmation,
            "holder": self.holder,
            "subject": self.subject,
            "resources": sorted(self.resources),
            "purposes": sorted(self.purposes),
            "basis": self.basis,
            "valid_until": self.valid_until.isoformat(),
            "terms": standard_contract(self.confirmation).terms_hash,
        }
        return hashlib.sha256(rfc8785.dumps(content)).hexdigest()


@dataclass(frozen=True)
class Right:
    """An application on record with the last verdict on it; verdict is None where nobody has decided."""

    application_id: int
    application: Application
    contract: str
    terms_hash: str
    content_hash: str
    is_declared: bool
    applied_by: str
    applied_at: datetime
    verdict: Verdict | None
    reason: str
    decided_by: str
    decided_at: datetime | None

    def state(self, day: date) -> State:
        """What it is worth on a day: only `granted` is a right."""
        if self.verdict is None:
            return "applied"
        if self.verdict != "granted":
            return self.verdict
        if day < self.application.valid_from:
            return "not_yet"
        return "granted" if day <= self.application.valid_until else "ended"


def apply(record: Record, application: Application, by: str, at: datetime, *, is_declared: bool = False) -> int:
    """Put an application on record, on the terms of the standard contract in force; gives its number.

    Raises JinkuError `right_incomplete` where it does not say for what, or ends before it begins.
    """
    _refuse_incomplete(application)
    contract = standard_contract(application.confirmation)
    row = {
        **_plain(application),
        "contract": contract.name,
        "terms_hash": contract.terms_hash,
        "content_hash": application.content_hash,
        "is_declared": is_declared,
        "applied_by": by,
        "applied_at": text_of(at),
    }
    added = record.connection.execute(sa.insert(applications).values(**row))
    (number,) = added.inserted_primary_key or (0,)
    told = {key: row[key] for key in ("confirmation", "contract", "terms_hash", "content_hash")}
    record.log("grant", application.subject, {"application": int(number), "verdict": "applied", **told}, by)
    return int(number)


def grant(record: Record, application_id: int, reason: str, by: str, at: datetime) -> None:
    """Grant what was applied for.

    Raises JinkuError `right_unknown`, `right_decided`, `right_self_granted` and `right_reason`.
    """
    _decide(record, application_id, "granted", reason, by, at)


def refuse(record: Record, application_id: int, reason: str, by: str, at: datetime) -> None:
    """Refuse what was applied for. Raises JinkuError as `grant` does."""
    _decide(record, application_id, "refused", reason, by, at)


def revoke(record: Record, application_id: int, reason: str, by: str, at: datetime) -> None:
    """End a granted right before its day. Raises JinkuError `right_unknown`, `right_decided` and `right_reason`."""
    _decide(record, application_id, "revoked", reason, by, at)


def supersede(record: Record, application_id: int, reason: str, by: str, at: datetime) -> None:
    """End a right because another declaration took its place. Raises JinkuError as `revoke` does."""
    _decide(record, application_id, "superseded", reason, by, at)


def rights_on_record(connection: sa.Connection, subjects: Iterable[str] | None = None) -> tuple[Right, ...]:
    """All applications with the last verdict on each, oldest first; of some sources, components or products only."""
    last = sa.select(sa.func.max(verdicts.c.verdict_id)).group_by(verdicts.c.application_id)
    decided = sa.select(verdicts).where(verdicts.c.verdict_id.in_(last)).subquery()
    statement = (
        sa.select(applications, decided.c.verdict, decided.c.reason, decided.c.decided_by, decided.c.decided_at)
        .outerjoin(decided, decided.c.application_id == applications.c.application_id)
        .order_by(applications.c.application_id)
    )
    if subjects is not None:
        statement = statement.where(applications.c.subject.in_(sorted(set(subjects))))
    return tuple(_right(row) for row in connection.execute(statement).mappings())


def right_in_force(rights: Iterable[Right], confirmation: Confirmation, subject: str, day: date) -> Right | None:
    """The latest right of this kind that is in force on a day; None where there is none."""
    found = [each for each in rights if each.application.confirmation == confirmation]
    own = [each for each in found if each.application.subject == subject and each.state(day) == "granted"]
    return own[-1] if own else None


def why_not_in_force(rights: Iterable[Right], confirmation: Confirmation, subject: str, day: date) -> str:
    """Why there is no right of this kind: what became of the last application, in words."""
    found = [each for each in rights if each.application.confirmation == confirmation]
    own = [each for each in found if each.application.subject == subject]
    if not own:
        return f"no {confirmation} right on '{subject}' is on record"
    last, words = own[-1], f"the {confirmation} right on '{subject}'"
    state = last.state(day)
    if state == "applied":
        return f"{words} was applied for and nobody has decided"
    if state == "not_yet":
        return f"{words} begins on {last.application.valid_from}"
    if state == "ended":
        return f"{words} ended on {last.application.valid_until}"
    if state == "granted":
        return f"{words} is in force"
    return f"{words} was {state}: {last.reason}"


def in_black_box(connection: sa.Connection, rights: Iterable[Right]) -> frozenset[int]:
    """Numbers of the applications whose last verdict is in the black box: what was written past it is no right."""
    wanted = {(each.application.subject, each.application_id, each.verdict): each.application_id for each in rights}
    statement = (
        sa.select(entries.c.subject, payloads.c.payload)
        .join(payloads, payloads.c.leaf_index == entries.c.leaf_index)
        .where(entries.c.kind == "grant", entries.c.subject.in_({subject for subject, _, _ in wanted}))
    )
    told = [(subject, json.loads(payload)) for subject, payload in connection.execute(statement)]
    logged = {(subject, payload.get("application"), payload.get("verdict")) for subject, payload in told}
    return frozenset(number for verdict, number in wanted.items() if verdict in logged)


def _decide(record: Record, application_id: int, verdict: Verdict, reason: str, by: str, at: datetime) -> None:
    where = f"application {application_id}"
    if not reason.strip():
        raise JinkuError("right_reason", "a verdict on a right needs a reason", where, "Give one with --reason.")
    own = sa.select(applications).where(applications.c.application_id == application_id)
    row = record.connection.execute(own).mappings().first()
    if row is None:
        raise JinkuError("right_unknown", "there is no such application", where, "`jinku rights` lists them.")
    before = _verdicts(record.connection, application_id)
    is_ending = verdict in ("revoked", "superseded")
    if before != (["granted"] if is_ending else []):
        became = before[-1] if before else "not decided on"
        raise JinkuError(
            "right_decided",
            f"it is {became} and cannot be {verdict}",
            where,
            "A verdict stands; apply anew where another is wanted.",
        )
    if not is_ending and by == row["applied_by"] and not row["is_declared"]:
        raise JinkuError(
            "right_self_granted",
            f"{by} applied for this and cannot decide on it",
            where,
            "Have somebody else decide.",
        )
    record.connection.execute(
        sa.insert(verdicts).values(
            application_id=application_id, verdict=verdict, reason=reason.strip(), decided_by=by, decided_at=text_of(at)
        )
    )
    told = {
        "application": application_id,
        "verdict": verdict,
        "reason": reason.strip(),
        "terms_hash": row["terms_hash"],
    }
    record.log("grant", row["subject"], told, by)


def _verdicts(connection: sa.Connection, application_id: int) -> list[str]:
    statement = sa.select(verdicts.c.verdict).where(verdicts.c.application_id == application_id)
    return list(connection.execute(statement.order_by(verdicts.c.verdict_id)).scalars())


def _refuse_incomplete(application: Application) -> None:
    missing = [name for name in ("holder", "subject", "basis") if not getattr(application, name).strip()]
    missing += ["purposes"] if not application.purposes else []
    if missing or application.valid_until < application.valid_from:
        cause = f"it does not say: {', '.join(missing)}" if missing else "it ends before it begins"
        raise JinkuError(
            "right_incomplete",
            f"nothing can be granted on this application, because {cause}",
            f"{application.confirmation} of '{application.subject}'",
            "Complete it and apply again.",
        )


def _plain(application: Application) -> dict[str, Any]:
    return {
        "confirmation": application.confirmation,
        "holder": application.holder,
        "subject": application.subject,
        "resources": json.dumps(list(application.resources)),
        "purposes": json.dumps(list(application.purposes)),
        "basis": application.basis,
        "valid_from": application.valid_from.isoformat(),
        "valid_until": application.valid_until.isoformat(),
    }


def _right(row: Mapping[Any, Any]) -> Right:
    application = Application(
        row["confirmation"],
        row["holder"],
        row["subject"],
        tuple(json.loads(row["resources"])),
        tuple(json.loads(row["purposes"])),
        row["basis"],
        date.fromisoformat(row["valid_from"]),
        date.fromisoformat(row["valid_until"]),
    )
    return Right(
        row["application_id"],
        application,
        row["contract"],
        row["terms_hash"],
        row["content_hash"],
        row["is_declared"],
        row["applied_by"],
        datetime.fromisoformat(row["applied_at"]),
        row["verdict"],
        row["reason"] or "",
        row["decided_by"] or "",
        datetime.fromisoformat(row["decided_at"]) if row["decided_at"] else None,
    )
