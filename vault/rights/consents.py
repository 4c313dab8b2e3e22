"""Consents on record: what each person agreed to and withdrew, by pseudonym, source and purpose.

Every consent given and every withdrawal is an event; the last event of a purpose tells what holds, whatever the clock
said. The tables of a source serve all of its purposes, so a person who withdrew one of them is left out of them all.
Field names follow ISO/IEC TS 27560 where it has one. Source: models §7 (O1, O6, O7).
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from vault.black_box.recording import Record
from vault.contract import SourceContract
from vault.errors import JinkuError
from vault.moments import text_of
from vault.rights.tables import consent_events

EventState = Literal["given", "withdrawn"]
NO_NOTICE = "none"


@dataclass(frozen=True)
class ConsentEvent:
    """One consent given or withdrawn, for one purpose of one source.

    pii_principal_id: the keyed pseudonym; privacy_notice: version of the words that were agreed to; valid_until: when a
    consent ends; is_separate: given for sensitive data on its own; is_by_guardian: given by a minor's guardian;
    is_erasure: the withdrawal asks that the received bytes be destroyed too; entity_id: who recorded it.
    """

    record_id: str
    pii_principal_id: str
    source: str
    purpose: str
    event_state: EventState
    event_time: datetime
    valid_until: datetime | None
    privacy_notice: str
    is_separate: bool
    is_by_guardian: bool
    is_erasure: bool
    entity_id: str


@dataclass(frozen=True)
class Consent:
    """What many people agreed to at once: the purposes, the words, the end and who recorded it."""

    source: str
    purposes: tuple[str, ...]
    privacy_notice: str
    valid_until: datetime
    is_separate: bool
    is_by_guardian: bool
    entity_id: str


def give(record: Record, principals: Iterable[str], consent: Consent, at: datetime) -> int:
    """Put the consent of these pseudonyms on record; gives how many there were. The black box keeps the count.

    Raises JinkuError `consent_incomplete` where it names no purpose or ends before it begins.
    """
    if not consent.purposes or consent.valid_until <= at:
        raise JinkuError(
            "consent_incomplete",
            "a consent names its purposes and ends after it was given",
            f"source '{consent.source}'",
            "Complete it and record it again.",
        )
    row = {
        "source": consent.source,
        "event_state": "given",
        "event_time": text_of(at),
        "valid_until": text_of(consent.valid_until),
        "privacy_notice": consent.privacy_notice,
        "is_separate": consent.is_separate,
        "is_by_guardian": consent.is_by_guardian,
        "is_erasure": False,
        "entity_id": consent.entity_id,
    }
    rows = [
        {**row, "record_id": record_id, "pii_principal_id": principal, "purpose": purpose}
        for principal in principals
        for record_id in [str(uuid.uuid4())]
        for purpose in consent.purposes
    ]
    if rows:
        record.connection.execute(sa.insert(consent_events), rows)
    given = len(rows) // len(consent.purposes)
    told = {"event_state": "given", "principals": given, "purposes": list(consent.purposes)}
    record.log("consent", consent.source, {**told, "privacy_notice": consent.privacy_notice}, consent.entity_id)
    return given


def withdraw(
    record: Record,
    principal: str,
    source: str,
    purposes: Sequence[str],
    at: datetime,
    by: str,
    *,
    is_erasure: bool = False,
) -> tuple[ConsentEvent, ...]:
    """Put a withdrawal on record, of a consent or against any other legal basis; it reaches the next run.

    Raises JinkuError `consent_incomplete` where it names no purpose.
    """
    if not purposes:
        raise JinkuError(
            "consent_incomplete", "a withdrawal names its purposes", f"source '{source}'", "Name at least one."
        )
    known = _record_ids(record.connection, principal, source)
    new = str(uuid.uuid4())
    events = tuple(
        ConsentEvent(
            known.get(purpose, new),
            principal,
            source,
            purpose,
            "withdrawn",
            at,
            None,
            NO_NOTICE,
            False,
            False,
            is_erasure,
            by,
        )
        for purpose in purposes
    )
    rows = [
        {
            **{name: getattr(event, name) for name in ConsentEvent.__dataclass_fields__},
            "event_time": text_of(at),
        }
        for event in events
    ]
    record.connection.execute(sa.insert(consent_events), rows)
    told = {"event_state": "withdrawn", "source": source, "purposes": list(purposes), "erasure": is_erasure}
    record.log("consent", principal, told, by)
    return events


def consents_of(connection: sa.Connection, principal: str) -> tuple[ConsentEvent, ...]:
    """The last event of every source and purpose of one person."""
    statement = (
        sa.select(consent_events)
        .where(consent_events.c.pii_principal_id == principal, _is_last())
        .order_by(consent_events.c.source, consent_events.c.purpose)
    )
    return tuple(_event(row) for row in connection.execute(statement))


def withdrawn(connection: sa.Connection, source: str) -> tuple[tuple[str, bool], ...]:
    """Who is left out of a source, because a withdrawal of any purpose is the last word; and whether by erasure."""
    statement = (
        sa.select(consent_events.c.pii_principal_id, _truth(sa.func.max, consent_events.c.is_erasure))
        .where(consent_events.c.source == source, consent_events.c.event_state == "withdrawn", _is_last())
        .group_by(consent_events.c.pii_principal_id)
        .order_by(consent_events.c.pii_principal_id)
    )
    return tuple((principal, bool(erased)) for principal, erased in connection.execute(statement))


def consents_in_force(source: str, purposes: Sequence[str], now: datetime) -> sa.Select[tuple[str, int, int]]:
    """The query of who agreed to every one of these purposes, and whether separately and by a guardian to them all."""
    own = sa.and_(consent_events.c.source == source, consent_events.c.purpose.in_(purposes))
    return (
        sa.select(
            consent_events.c.pii_principal_id,
            _truth(sa.func.min, consent_events.c.is_separate),
            _truth(sa.func.min, consent_events.c.is_by_guardian),
        )
        .where(own, consent_events.c.event_state == "given", consent_events.c.valid_until > text_of(now), _is_last())
        .group_by(consent_events.c.pii_principal_id)
        .having(sa.func.count() == len(set(purposes)))
    )


def consent_state(connection: sa.Connection, source: str, contract: SourceContract, now: datetime) -> str:
    """A short text that changes whenever somebody's consent to a source begins or ends; the same for equal states.

    It holds the last event, how many consents have ended, and the purposes and rules that consents have to meet.
    """
    own = consent_events.c.source == source
    has_ended = sa.and_(own, consent_events.c.valid_until <= text_of(now))
    last = connection.execute(sa.select(sa.func.max(consent_events.c.event_id)).where(own)).scalar() or 0
    if contract.legal_basis.basis != "consent":
        return str(last)
    ended = connection.execute(sa.select(sa.func.count()).select_from(consent_events).where(has_ended)).scalar() or 0
    rules = contract.consent.model_dump_json() if contract.consent is not None else ""
    return f"{last}/{ended}/{','.join(sorted(contract.permitted_purposes))}/{rules}"


def _truth(of: Callable[..., Any], column: sa.Column[bool]) -> sa.ColumnElement[int]:
    """The least or greatest of truths as 0 or 1: not every database compares truths."""
    found: sa.ColumnElement[int] = of(sa.cast(column, sa.Integer))
    return found


def _is_last() -> sa.ColumnElement[bool]:
    """Whether an event is the last one of its person, source and purpose."""
    later, own = consent_events.alias("later"), consent_events.c
    same = [later.c[name] == own[name] for name in ("source", "pii_principal_id", "purpose")]
    return ~sa.exists().where(*same, later.c.event_id > own.event_id)


def _record_ids(connection: sa.Connection, principal: str, source: str) -> dict[str, str]:
    """The record that a withdrawal of each purpose belongs to."""
    return {each.purpose: each.record_id for each in consents_of(connection, principal) if each.source == source}


def _event(row: sa.Row[tuple[object, ...]]) -> ConsentEvent:
    return ConsentEvent(
        row.record_id,
        row.pii_principal_id,
        row.source,
        row.purpose,
        row.event_state,
        datetime.fromisoformat(row.event_time),
        datetime.fromisoformat(row.valid_until) if row.valid_until else None,
        row.privacy_notice,
        row.is_separate,
        row.is_by_guardian,
        row.is_erasure,
        row.entity_id,
    )
