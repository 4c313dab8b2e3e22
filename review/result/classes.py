"""Classes of rows that are alike in all quasi-identifiers: what their sizes alone say of the risk in them.

Whole numbers and fractions: 1/11 is more than 0.09, so a risk is never compared as a rounded decimal. Source:
models §7.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


class Unmeasurable(Exception):
    """Why a table cannot be measured; no value of the data stands in it."""


@dataclass(frozen=True)
class ClassSizes:
    """How many classes there are of each size, as pairs (rows of a class, classes), ascending; no class is empty."""

    classes_of_size: tuple[tuple[int, int], ...]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(size * classes for size, classes in self.classes_of_size)

    @property
    def classes(self) -> int:
        """All classes."""
        return sum(classes for _, classes in self.classes_of_size)

    @property
    def smallest(self) -> int:
        """k: the rows of the smallest class; 0 where there is none."""
        return self.classes_of_size[0][0] if self.classes_of_size else 0

    @property
    def largest(self) -> int:
        """The rows of the largest class; 0 where there is none."""
        return self.classes_of_size[-1][0] if self.classes_of_size else 0

    @property
    def unique_rows(self) -> int:
        """Rows that no other row is like."""
        return self.rows_in_smaller(2)

    def rows_in_smaller(self, k: int) -> int:
        """Rows whose class has fewer than k."""
        return sum(size * classes for size, classes in self.classes_of_size if size < k)

    @property
    def average_risk(self) -> Fraction:
        """The mean over the rows of 1 / size of their class = classes / rows; also the distinction of the columns.

        0 without rows.
        """
        return Fraction(self.classes, self.rows or 1)

    @property
    def separation(self) -> Fraction:
        """The share of pairs of rows that differ in some quasi-identifier; 0 with fewer than two rows."""
        pairs = self.rows * (self.rows - 1)
        alike = sum(size * (size - 1) * classes for size, classes in self.classes_of_size)
        return Fraction(pairs - alike, pairs) if pairs else Fraction(0)


@dataclass(frozen=True)
class PopulationFigures:
    """The classes f of a table beside the same classes F of the population that it is a part of.

    smallest: min F; rows_of_size: pairs (F, rows of the table in classes of that F); presence: max f/F; astray: classes
    of which the population has fewer rows than the table, so that it cannot be the table's population.
    """

    smallest: int
    rows_of_size: tuple[tuple[int, int], ...]
    presence: float
    astray: int


@dataclass(frozen=True)
class Risks:
    """The risk that a row is re-identified: prosecutor 1 / min f by who knows that someone is in the table, journalist
    1 / min F by who does not, marketer (1/n) sum f/F on average over all rows."""

    prosecutor: Fraction
    journalist: Fraction
    marketer: Fraction


def risks(sizes: ClassSizes, population: PopulationFigures | None) -> Risks:
    """The three risks; without a population the table is taken for it, which no real population exceeds.

    Raises Unmeasurable for a table without rows, and for a population that the table is no part of. Source: models §7.
    """
    if not sizes.classes:
        raise Unmeasurable("a table without rows has no risk")
    prosecutor = Fraction(1, sizes.smallest)
    if population is None:
        return Risks(prosecutor, prosecutor, sizes.average_risk)
    if population.astray:
        raise Unmeasurable(f"the population lacks rows of {population.astray} classes of the table")
    return Risks(prosecutor, Fraction(1, population.smallest), _marketer(sizes.rows, population.rows_of_size))


def _marketer(rows: int, rows_of_size: Sequence[tuple[int, int]]) -> Fraction:
    return sum((Fraction(own, size) for size, own in rows_of_size), start=Fraction(0)) / rows
