"""Which columns of a table carry information, and in what form their values are counted. Source: models §2.2, §2.3."""

from dataclasses import dataclass
from typing import Literal

from vault.contract import Column

Form = Literal["value", "quantity", "day"]
"""How values are counted: one by one, in bins, or by their day."""

NEARLY_UNIQUE_SHARE = 0.9
NEARLY_UNIQUE_ROWS_MIN = 100
"""Fewer non-null rows are often nearly all different by chance: 20 districts have 20 names."""
TOKEN_ENDINGS = ("_hash", "_token", "_digest", "_pseudonym", "_uuid", "_guid")
ROW_NUMBER_NAMES = frozenset({"row_id", "row_no", "row_number", "rownum", "line_number", "record_number"})
COUNTED_ROLES = frozenset({"measure", "target", "timestamp"})
"""Declared to be told from each other by their values, however many there are."""


@dataclass(frozen=True)
class LeftOut:
    """A column that does not count, and why; the reason holds no value of the data."""

    name: str
    reason: str


def form_of(column: Column) -> Form:
    """The form in which a column's values are counted.

    quantity: a number, a measure, whatever has a decision resolution, and a target with a unit, since one without is a
    class; day: a timestamp, for a contract declares no grain of it yet; value: all else, dates and coded integers too.
    Source: models §2.3.
    """
    if column.logical_type == "number":
        return "quantity"
    if column.logical_type == "integer":
        counted = column.role == "measure" or (column.role == "target" and column.unit is not None)
        return "quantity" if counted or column.decision_resolution is not None else "value"
    return "day" if column.logical_type == "timestamp" else "value"


def reason_declared(column: Column) -> str | None:
    """Why a column is left out by its declaration alone: by its role, or by what its name or concept says it is.

    None where it is not. Source: models §2.2.
    """
    if column.role == "identifier":
        return "identifier"
    if column.role == "free_text":
        return "free text"
    if column.role in COUNTED_ROLES:
        return None
    if column.name.endswith(TOKEN_ENDINGS) or (column.concept_id or "").endswith(TOKEN_ENDINGS):
        return "token of an identifier"
    return "row number" if column.name in ROW_NUMBER_NAMES else None


def may_be_identifier(column: Column) -> bool:
    """Whether many different values would make it an identifier in disguise: a string or an integer code."""
    coded = column.logical_type in ("string", "integer") and form_of(column) == "value"
    return coded and column.role not in COUNTED_ROLES


def reason_counted(column: Column, filled_rows: int, distinct_values: int) -> str | None:
    """Why a column is left out by its values: 0.9 or more of the non-null ones are different, of at least 100.

    filled_rows: non-null ones. A key that tells all rows of a table apart by itself falls under it too. None where it
    is not left out. Source: models §2.2.
    """
    if not may_be_identifier(column) or filled_rows < NEARLY_UNIQUE_ROWS_MIN:
        return None
    share = distinct_values / filled_rows
    return f"nearly unique: {share:.2f} distinct of non-null" if share >= NEARLY_UNIQUE_SHARE else None
