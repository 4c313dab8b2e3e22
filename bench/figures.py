"""A figure of the benchmarks: what was measured, against what, and whether the target is met."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One line of the report.

    value: the figure itself, in `unit`; target: the bound it must keep, None where it is only told; details: the
    times and sizes it comes from, in words.
    """

    section: str
    name: str
    value: float
    unit: str
    target: float | None
    details: str

    @property
    def verdict(self) -> str:
        """met, missed, or told where there is no target."""
        if self.target is None:
            return "told"
        return "met" if self.value <= self.target else "missed"

    def as_json(self) -> dict[str, Any]:
        """Plain values, the verdict among them."""
        return {**asdict(self), "verdict": self.verdict}


def gibibytes(size_bytes: int) -> str:
    """A size of memory, as read."""
    return f"{size_bytes / 2**30:.2f} GiB"
