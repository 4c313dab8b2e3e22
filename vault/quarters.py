"""Quarters of the year, the epochs of the market, by name: '2026q4'. Days are in UTC."""

import re
from datetime import date

_QUARTER = re.compile(r"[1-9][0-9]{3}q[1-4]")


def quarter_of(day: date) -> str:
    """The quarter of a day: '2026q4' of 24 November 2026."""
    return f"{day.year:04d}q{(day.month + 2) // 3}"


def is_quarter(name: object) -> bool:
    """Whether it is the name of a quarter, such as '2026q4'."""
    return isinstance(name, str) and _QUARTER.fullmatch(name) is not None


def first_day(quarter: str) -> date:
    """The first day of a quarter: 1 October 2026 of '2026q4'."""
    year, number = quarter.split("q")
    return date(int(year), 3 * int(number) - 2, 1)


def next_quarter(quarter: str) -> str:
    """The quarter after: '2027q1' of '2026q4'."""
    year, number = (int(part) for part in quarter.split("q"))
    return f"{year + number // 4:04d}q{number % 4 + 1}"
