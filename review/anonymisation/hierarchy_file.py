"""Hierarchies as files: one line a value, `value;level 1;level 2;...`, ever coarser, without a header.

The same form as that of the ARX tool, whose published hierarchies can be read as they are.
"""

import csv
import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from review.anonymisation.levels import Level, Lookup
from vault.errors import JinkuError

VALUES_AT_MOST = 5_000
"""A hierarchy stands in the model's text; one with more values belongs into a table of the resource layer."""

TEMPLATE_MARKS = ("{{", "{%", "{#")


def read_hierarchy(path: Path) -> tuple[Level, ...]:
    """The levels of a file above the values themselves, but for a last one that is the same for all.

    Raises JinkuError `hierarchy_invalid` with the line, where it is no hierarchy.
    """
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")), delimiter=";"))
    except OSError as error:
        raise _invalid(path, f"it cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise _invalid(path, "it is not UTF-8 text") from None
    rows = [row for row in rows if row]
    _refuse_faulty(path, rows)
    columns = list(zip(*rows, strict=True))
    levels = [_level(columns, number) for number in range(1, len(columns))]
    return tuple(levels[:-1] if len(levels[-1].labels) == 1 else levels)


def _level(columns: Sequence[Sequence[str]], number: int) -> Lookup:
    values: dict[str, list[str]] = {}
    for value, label in zip(columns[0], columns[number], strict=True):
        values.setdefault(label, []).append(value)
    return Lookup(tuple((label, tuple(each)) for label, each in values.items()), number)


def _refuse_faulty(path: Path, rows: Sequence[Sequence[str]]) -> None:
    if not rows or len(rows[0]) < 2:
        raise _invalid(path, "it has no line `value;level 1`")
    if len(rows) > VALUES_AT_MOST:
        raise _invalid(path, f"it has more than {VALUES_AT_MOST} values")
    known: set[str] = set()
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise _invalid(path, f"line {number} has {len(row)} fields, the first has {len(rows[0])}")
        if row[0] in known:
            raise _invalid(path, f"line {number} has a value that stood before")
        if any(mark in field for field in row for mark in TEMPLATE_MARKS):
            raise _invalid(path, f"line {number} has a mark of templates")
        known.add(row[0])
    for level, (fine, coarse) in enumerate(pairwise(zip(*rows, strict=True))):
        above: dict[str, str] = {}
        for number, (lower, upper) in enumerate(zip(fine, coarse, strict=True), 1):
            if above.setdefault(lower, upper) != upper:
                raise _invalid(path, f"line {number}: what is one at level {level} is split at level {level + 1}")


def _invalid(path: Path, cause: str) -> JinkuError:
    return JinkuError(
        "hierarchy_invalid",
        f"the file is no hierarchy: {cause}",
        str(path),
        "Write one line for each value, `value;level 1;level 2;...`, each level coarser than the one before.",
    )
