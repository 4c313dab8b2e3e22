"""Requests to correct what a source says of a person. They go to the provider: what was received is never changed, and
the latest delivery counts. The corrected value is the provider's to take; it is not kept here."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from vault.black_box.recording import Record
from vault.moments import text_of
from vault.rights.tables import corrections


@dataclass(frozen=True)
class Correction:
    """One request: the source, the column, and when it was made."""

    source: str
    column: str
    requested_at: datetime


def request_correction(record: Record, principal: str, source: str, column: str, by: str, at: datetime) -> None:
    """Put a request on record and into the black box."""
    record.connection.execute(
        sa.insert(corrections).values(
            pii_principal_id=principal, source=source, column_name=column, entity_id=by, requested_at=text_of(at)
        )
    )
    record.log("consent", principal, {"event_state": "correction_requested", "source": source, "column": column}, by)


def corrections_of(connection: sa.Connection, principal: str) -> tuple[Correction, ...]:
    """Every request of one person, oldest first."""
    statement = sa.select(corrections).where(corrections.c.pii_principal_id == principal)
    return tuple(
        Correction(row.source, row.column_name, datetime.fromisoformat(row.requested_at))
        for row in connection.execute(statement.order_by(corrections.c.request_id))
    )
