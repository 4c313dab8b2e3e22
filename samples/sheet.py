"""A table of cells before it becomes text: typed arrays, and for each column how a value is spelt in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Column:
    """A column as arrays plus its spelling.

    spelling: an SQL expression of type VARCHAR; {0}, {1}, ... stand for the arrays in `parts`.
    quoted: whether JSON writes the value as a string.
    """

    parts: tuple[Array, ...]
    spelling: str = "{0}::varchar"
    quoted: bool = False

    def taken(self, rows: Array) -> "Column":
        return replace(self, parts=tuple(part[rows] for part in self.parts))


@dataclass(frozen=True)
class Sheet:
    """Columns of one length by the name their contract gives them, in the order of the file."""

    columns: Mapping[str, Column]

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values())).parts[0])

    def taken(self, rows: Array) -> "Sheet":
        """The sheet with only these rows, in this order; a row may come twice."""
        return Sheet({name: column.taken(rows) for name, column in self.columns.items()})

    def arrays(self) -> dict[str, Array]:
        """Every array under the name `spellings` uses for it."""
        return {
            f"c{number}_{part}": array
            for number, column in enumerate(self.columns.values())
            for part, array in enumerate(column.parts)
        }

    def spellings(self) -> dict[str, str]:
        """The SQL expression of every column over `arrays`."""
        return {
            name: column.spelling.format(*(f"c{number}_{part}" for part in range(len(column.parts))))
            for number, (name, column) in enumerate(self.columns.items())
        }


def plain(values: Array) -> Column:
    """Numbers as the engine spells them: shortest form that reads back equal."""
    return Column((values,))


def text(values: Array) -> Column:
    """Words."""
    return Column((values,), "{0}", quoted=True)


def decimals(values: Array, digits: int) -> Column:
    """Numbers with a fixed count of digits after the point."""
    return Column((values,), f"printf('%.{digits}f', {{0}})")


def moments(values: Array) -> Column:
    """Local times as YYYY-MM-DD HH:MM:SS."""
    return Column((values.astype("datetime64[s]"),), quoted=True)


def dates(values: Array, pattern: str = "%Y-%m-%d") -> Column:
    """Calendar days in a strftime pattern."""
    return Column((values.astype("datetime64[s]"),), f"strftime({{0}}, '{pattern}')", quoted=True)


def numbered(prefix: str, values: Array, digits: int) -> Column:
    """Codes such as C001: a prefix and a whole number with leading zeros."""
    return Column((values,), f"printf('{prefix}%0{digits}d', {{0}})", quoted=True)


def constant(word: str, rows: int) -> Column:
    """The same word in every row."""
    return text(np.full(rows, word))
