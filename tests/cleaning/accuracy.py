"""How well a set of flagged cells agrees with the cells that are wrong."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Accuracy:
    """Cells flagged, cells wrong, and cells that are both, under a name (a column, a dimension, all)."""

    name: str
    wrong: int
    flagged: int
    found: int

    @property
    def precision(self) -> float | None:
        """The share of flagged cells that are wrong; None where nothing was flagged."""
        return self.found / self.flagged if self.flagged else None

    @property
    def recall(self) -> float | None:
        """The share of wrong cells that were flagged; None where nothing is wrong."""
        return self.found / self.wrong if self.wrong else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of the two: 2 · found / (flagged + wrong)."""
        return 2 * self.found / (self.flagged + self.wrong) if self.flagged + self.wrong else None
