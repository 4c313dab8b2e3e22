"""Levels of generalisation: what stands in place of a value, as SQL that every engine understands.

A column's levels begin with the value itself, as text, and end with `*` for every value; each is a function of the
one before it. No value stays no value until the last level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

from vault.contract import Generalisation

Kind = Literal["text", "whole", "number", "other"]
"""What a column holds, as far as the rules care: texts, whole numbers, other numbers, anything else."""

HIDDEN = "*"


class Level(Protocol):
    """One level of a column."""

    @property
    def words(self) -> str:
        """The level, as people read it."""
        ...

    def sql(self, operand: str, text_type: str) -> str:
        """What stands in place of the column `operand`; text_type: the engine's name for texts."""
        ...


@dataclass(frozen=True)
class Exact:
    """The value itself."""

    words: str = "as it is"

    def sql(self, operand: str, text_type: str) -> str:
        """The value as text."""
        return f"cast({operand} as {text_type})"


@dataclass(frozen=True)
class Unchanged:
    """The value itself, in its own type: a column that the contract does not generalise."""

    words: str = "unchanged"

    def sql(self, operand: str, text_type: str) -> str:
        """The value."""
        return operand


@dataclass(frozen=True)
class Hidden:
    """Nothing of the value."""

    words: str = "hidden"

    def sql(self, operand: str, text_type: str) -> str:
        """The same for every value, and for no value too."""
        return _text(HIDDEN)


@dataclass(frozen=True)
class Bands:
    """Bands that begin at the given numbers; the first and the last one are open. whole: of whole numbers."""

    starts: tuple[int, ...]
    whole: bool

    @property
    def words(self) -> str:
        """Where they begin."""
        return f"bands from {', '.join(map(str, self.starts))}"

    def sql(self, operand: str, text_type: str) -> str:
        """The band's name: <18, 18-34, 65+; of numbers that are not whole 18-<35."""
        lines = [f"    when {operand} < {self.starts[0]} then {_text(f'<{self.starts[0]}')}"]
        for start, end in pairwise(self.starts):
            name = f"{start}-<{end}" if not self.whole else f"{start}" if end - start == 1 else f"{start}-{end - 1}"
            lines.append(f"    when {operand} < {end} then {_text(name)}")
        lines.append(f"    when {operand} >= {self.starts[-1]} then {_text(f'{self.starts[-1]}+')}")
        return "\n".join(["case", *lines, "end"])


@dataclass(frozen=True)
class Interval:
    """Intervals of one width, counted from 0. whole: of whole numbers."""

    width: int
    whole: bool

    @property
    def words(self) -> str:
        """How wide they are."""
        return f"intervals of {self.width}"

    def sql(self, operand: str, text_type: str) -> str:
        """The interval's name: 20-24; of numbers that are not whole 20-<25."""
        start = f"cast(floor({operand} / {self.width}.0) * {self.width} as bigint)"
        reach, dash = (self.width - 1, "-") if self.whole else (self.width, "-<")
        return f"cast({start} as {text_type})\n    || {_text(dash)} || cast({start} + {reach} as {text_type})"


@dataclass(frozen=True)
class Prefix:
    """The first characters of the value."""

    kept: int

    @property
    def words(self) -> str:
        """How many."""
        return f"the first {self.kept} characters"

    def sql(self, operand: str, text_type: str) -> str:
        """The characters and a star."""
        return f"substr(cast({operand} as {text_type}), 1, {self.kept}) || {_text(HIDDEN)}"


@dataclass(frozen=True)
class Lookup:
    """Labels of a hierarchy, each with the values that it stands for."""

    labels: tuple[tuple[str, tuple[str, ...]], ...]
    level: int

    @property
    def words(self) -> str:
        """Which level of the file."""
        return f"level {self.level} of its hierarchy"

    def sql(self, operand: str, text_type: str) -> str:
        """The label; no value for one that the hierarchy does not have."""
        text = f"cast({operand} as {text_type})"
        lines = [
            f"    when {text} in ({', '.join(map(_text, values))}) then {_text(label)}" for label, values in self.labels
        ]
        return "\n".join(["case", *lines, "end"])


def levels_of(rule: Generalisation, kind: Kind, hierarchy: Sequence[Level] = ()) -> tuple[Level, ...]:
    """The levels of a column, from the value itself to `*`. hierarchy: the levels of the rule's file, where it has one.

    Raises ValueError where the rule is one for numbers and the column holds none.
    """
    if (rule.bands or rule.intervals) and kind not in ("whole", "number"):
        raise ValueError("bands and intervals are for numbers")
    between: list[Level] = [
        *hierarchy,
        *(Bands(starts, kind == "whole") for starts in rule.bands),
        *(Interval(width, kind == "whole") for width in rule.intervals),
        *(Prefix(kept) for kept in rule.prefix),
    ]
    return (Exact(), *between, Hidden())


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
