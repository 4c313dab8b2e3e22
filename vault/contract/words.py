"""The words that contracts are written in: types, roles, grades, periods and the patterns of names."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

LogicalType = Literal["string", "integer", "number", "boolean", "date", "timestamp"]
Role = Literal[
    "identifier", "quasi_identifier", "sensitive", "attribute", "measure", "timestamp", "free_text", "target"
]
Grade = Literal["general", "important", "core"]
RefreshPeriod = Literal["realtime", "daily", "weekly", "monthly", "quarterly", "yearly", "static"]
Subject = Literal["person", "enterprise", "event", "aggregate", "object"]
ApplicationField = Literal["governance", "development", "livelihood", "innovation"]
Severity = Literal["critical", "warning", "info"]
Dimension = Literal["normativity", "completeness", "accuracy", "consistency", "timeliness", "accessibility"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, Field(min_length=1)]
Character = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=1)]

REFRESH_PERIOD_DAYS: dict[str, int | None] = {
    "realtime": 1,
    "daily": 1,
    "weekly": 7,
    "monthly": 31,
    "quarterly": 92,
    "yearly": 366,
    "static": None,
}
"""Longest time, in days, between two refreshes that keeps the promise; None: never stale."""

PERSONAL_ROLES = frozenset({"identifier", "quasi_identifier", "sensitive", "free_text"})
"""Roles whose values never reach logs, reports, errors or metadata."""
