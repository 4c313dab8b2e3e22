"""The quality vector Z of a table with its coefficient Q, and what the platform itself measured, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from expectations.waivers import Waiver
from vault.contract import Dimension

Mode = Literal["vector", "matrix"]
"""vector: all results of a dimension pooled; matrix: field by field, weighted by each field's share of entropy."""


@dataclass(frozen=True)
class PlatformMetrics:
    """What the platform itself counted: refreshes of the last 90 days, reads of the last 30, metadata fields.

    A pair whose second number is 0 is no evidence. Raises ValueError where more was kept than promised.
    """

    refreshes_in_time: int = 0
    refreshes_due: int = 0
    reads_succeeded: int = 0
    reads_attempted: int = 0
    metadata_filled: int = 0
    metadata_required: int = 0

    def __post_init__(self) -> None:
        for kept, promised in (
            (self.refreshes_in_time, self.refreshes_due),
            (self.reads_succeeded, self.reads_attempted),
            (self.metadata_filled, self.metadata_required),
        ):
            if not 0 <= kept <= promised:
                raise ValueError(f"{kept} of {promised}")

    @property
    def rates(self) -> dict[Dimension, float]:
        """Timeliness: refreshes within their period. Accessibility: reads that succeeded × metadata filled."""
        found: dict[Dimension, float] = {}
        if self.refreshes_due:
            found["timeliness"] = self.refreshes_in_time / self.refreshes_due
        if self.reads_attempted and self.metadata_required:
            filled = self.metadata_filled / self.metadata_required
            found["accessibility"] = self.reads_succeeded / self.reads_attempted * filled
        return found


NOTHING_COUNTED = PlatformMetrics()


@dataclass(frozen=True)
class QualityVector:
    """Z, the set of weights it was judged by, what the platform had counted, and Q; a waived dimension scores None."""

    mode: Mode
    beta_set: str
    scores: Mapping[Dimension, float | None]
    quality: float
    waivers: tuple[Waiver, ...] = ()
    platform: PlatformMetrics = NOTHING_COUNTED


@dataclass(frozen=True)
class Gain:
    """What Q would be if what one expectation (or one column) found were all right."""

    name: str
    quality: float
    quality_if_right: float

    @property
    def difference(self) -> float:
        """How much of Q it costs."""
        return self.quality_if_right - self.quality
