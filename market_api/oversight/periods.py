"""Periods: the span of settlements that a question is about, and the quarters of revenue. All in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from market_api.problems import Problem
from vault.moments import text_of

DEFAULT_DAYS = 365
QUARTER = re.compile(r"2[0-9]{3}q[1-4]")


@dataclass(frozen=True)
class Period:
    """From a moment on and before another, as the texts that the database compares."""

    begins: str
    ends: str


def period_of(begins: datetime | None, ends: datetime | None, now: datetime) -> Period:
    """The period asked for: up to now, and a year long, where nothing else is said.

    Raises Problem `invalid_request` where it ends before it begins.
    """
    last = now + timedelta(microseconds=1) if ends is None else ends
    try:
        first = last - timedelta(days=DEFAULT_DAYS) if begins is None else begins
    except OverflowError:
        first = datetime.min.replace(tzinfo=UTC)
    if first >= last:
        raise Problem("invalid_request", "The period ends before it begins.", "to")
    return Period(text_of(first), text_of(last))


def quarter_of(moment: str) -> str:
    """The quarter of a moment as text, such as '2026q4'."""
    return f"{moment[:4]}q{(int(moment[5:7]) + 2) // 3}"


def before(quarter: str) -> str:
    """The quarter before one."""
    year, number = int(quarter[:4]), int(quarter[5])
    return f"{year}q{number - 1}" if number > 1 else f"{year - 1}q4"


def after(quarter: str) -> str:
    """The quarter after one."""
    year, number = int(quarter[:4]), int(quarter[5])
    return f"{year}q{number + 1}" if number < 4 else f"{year + 1}q1"


def bounds_of(quarter: str) -> Period:
    """When a quarter begins and ends. Raises Problem `invalid_request` for what is none."""
    if not QUARTER.fullmatch(quarter):
        raise Problem("invalid_request", "A period is a quarter such as 2026q4.", "period")
    return Period(_first_moment(quarter), _first_moment(after(quarter)))


def _first_moment(quarter: str) -> str:
    return text_of(datetime(int(quarter[:4]), 3 * int(quarter[5]) - 2, 1, tzinfo=UTC))
