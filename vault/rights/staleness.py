"""Stale components: a release made before the mark holds rows that may no longer be there; the next one does not."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from vault.moments import text_of
from vault.rights.tables import stale_marks


@dataclass(frozen=True)
class StaleMark:
    """Why the releases of a component that were made before a moment are stale."""

    component: str
    reason: str
    marked_at: datetime


def mark_stale(connection: sa.Connection, component: str, reason: str, at: datetime) -> None:
    """Mark every release of a component that was made until now. reason: a cause without any person in it."""
    connection.execute(sa.insert(stale_marks).values(component=component, reason=reason, marked_at=text_of(at)))


def stale_components(connection: sa.Connection) -> dict[str, StaleMark]:
    """The last mark of every component by name. What was released after `marked_at` is not stale."""
    last = sa.select(sa.func.max(stale_marks.c.mark_id)).group_by(stale_marks.c.component)
    statement = sa.select(stale_marks).where(stale_marks.c.mark_id.in_(last)).order_by(stale_marks.c.component)
    return {
        row.component: StaleMark(row.component, row.reason, datetime.fromisoformat(row.marked_at))
        for row in connection.execute(statement)
    }
