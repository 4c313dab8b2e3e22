"""From what an expectation or the platform counted to a rate in [0, 1], and whether the critical gate stays open.

Counts only, never a value of the data. None is no evidence: there was nothing to evaluate. Source: models §1.1, §1.2.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from pricing.dimensions import SEVERITY_WEIGHTS
from pricing.domain import non_negative, positive, within_unit

OWN_QUERY = "unexpected_rows_expectation"
SHARE_OF_NON_NULL = "proportion_of_non_null"
SHARE_OF_UNIQUE = "proportion_of_unique"


@dataclass(frozen=True)
class Measured:
    """What one expectation counted. A count that does not apply is None.

    type: as Great Expectations names it; raised: it could not be evaluated; observed_value: a figure of the table, or
    the bad rows of an own query; table_rows: of the table such a query looked at; required_minimum: the least share of
    unique values asked for, in [0, 1]. Raises ValueError for a negative count or a figure that is not finite.
    """

    type: str
    success: bool
    raised: bool = False
    element_count: int | None = None
    missing_count: int | None = None
    unexpected_count: int | None = None
    observed_value: float | None = None
    table_rows: int | None = None
    required_minimum: float | None = None

    def __post_init__(self) -> None:
        for name in ("element_count", "missing_count", "unexpected_count", "table_rows"):
            count = getattr(self, name)
            if count is not None:
                non_negative(f"{name} of {self.type}", count)
        if self.observed_value is not None and not math.isfinite(self.observed_value):
            raise ValueError(f"observed_value of {self.type} must be finite, not {self.observed_value}")
        if self.required_minimum is not None:
            within_unit(f"required_minimum of {self.type}", self.required_minimum)


def rate(result: Measured) -> float | None:
    """r in [0, 1] of one result; None where there was nothing to evaluate; 0 where it could not be evaluated.

    Row-wise: 1 - unexpected / (elements - missing). Own query: max(0, 1 - bad rows / rows). Share of non-null: the
    share; of unique: min(1, share / least). Any other figure: 1 where it holds, else 0. `mostly` decides success alone.
    Raises ValueError for counts that are missing or contradict each other. Source: models §1.2.
    """
    if result.raised:
        return 0.0
    if result.type == OWN_QUERY:
        return _own_query_rate(result)
    if SHARE_OF_NON_NULL in result.type or SHARE_OF_UNIQUE in result.type:
        return _share_rate(result)
    if result.element_count is None:
        return verdict_rate(result.success)
    if result.unexpected_count is None and result.element_count > (result.missing_count or 0):
        raise ValueError(f"{result.type} counted elements but not which are unexpected")
    return row_rate(result.element_count, result.unexpected_count or 0, result.missing_count or 0)


def row_rate(element_count: int, unexpected_count: int, missing_count: int = 0) -> float | None:
    """r = 1 - unexpected / (elements - missing); None where no element had a value: that is no evidence.

    Counts are rows, 0 or more. Raises ValueError where they contradict each other. Source: models §1.2.
    """
    if min(element_count, unexpected_count, missing_count) < 0:
        raise ValueError("counts must be 0 or more")
    evaluated = element_count - missing_count
    if evaluated <= 0:
        return None
    if unexpected_count > evaluated:
        raise ValueError(f"unexpected_count {unexpected_count} is above the {evaluated} evaluated")
    return 1.0 - unexpected_count / evaluated


def query_rate(bad_rows: float, table_rows: int) -> float | None:
    """r = max(0, 1 - bad rows / rows of the table); None for an empty table.

    A query may return a row more than once, so more bad rows than rows mean 0. Raises ValueError below 0.
    Source: models §1.2.
    """
    non_negative("bad_rows", bad_rows)
    return max(0.0, 1.0 - bad_rows / table_rows) if non_negative("table_rows", table_rows) else None


def share_rate(observed: float, least: float | None = None) -> float:
    """r = observed share, or min(1, observed / least) where a least share is asked for (0 asks for nothing: 1).

    For shares of non-null and of unique values. Raises ValueError outside [0, 1]. Source: models §1.2.
    """
    within_unit("observed", observed)
    if least is None:
        return observed
    return 1.0 if observed >= within_unit("least", least) else observed / least


def verdict_rate(success: bool) -> float:
    """r = 1 where an aggregate holds, else 0. Source: models §1.2."""
    return 1.0 if success else 0.0


def graded_rate(distance: float, tolerance: float) -> float:
    """r = max(0, 1 - distance / tolerance), for an aggregate that may miss its bounds by less or more.

    distance: how far the figure lies outside its bounds, 0 or more; tolerance: above 0, in the same unit. Raises
    ValueError else. Source: models §1.2.
    """
    return max(0.0, 1.0 - non_negative("distance", distance) / positive("tolerance", tolerance))


def timeliness_rate(refreshes_in_period: int, refreshes_due: int) -> float | None:
    """r = refreshes within their period / refreshes due, of the last 90 days; None where none was due.

    Raises ValueError for a negative count or more kept than due. Source: models §1.1.
    """
    return _kept_share("refreshes_in_period", refreshes_in_period, refreshes_due)


def accessibility_rate(
    reads_succeeded: int, reads_attempted: int, metadata_filled: int, metadata_required: int
) -> float | None:
    """r = (successful reads / attempts, of the last 30 days) · (metadata fields filled / required).

    None where nothing was attempted or required: that is no evidence. Raises ValueError for a negative count or more
    kept than asked for. Source: models §1.1.
    """
    reads = _kept_share("reads_succeeded", reads_succeeded, reads_attempted)
    metadata = _kept_share("metadata_filled", metadata_filled, metadata_required)
    return None if reads is None or metadata is None else reads * metadata


def gate_is_open(results: Iterable[tuple[str, Measured]]) -> bool:
    """Whether a table may go on: every critical expectation holds, none could not be evaluated, and some evidence is.

    results: severity and result of each. No result, or only such as had nothing to evaluate, keeps the gate shut: an
    empty suite must deny. Kept apart from the score, so that Q stays continuous. Raises ValueError for a severity that
    is none, and as `rate` does. Source: models §1.2.
    """
    evidence = 0
    for severity, result in results:
        if severity not in SEVERITY_WEIGHTS:
            raise ValueError(f"severity must be one of {', '.join(SEVERITY_WEIGHTS)}, not {severity!r}")
        if result.raised or (severity == "critical" and not result.success):
            return False
        evidence += rate(result) is not None
    return evidence > 0


def _own_query_rate(result: Measured) -> float | None:
    bad_rows = result.observed_value if result.observed_value is not None else result.unexpected_count
    if bad_rows is None or result.table_rows is None:
        raise ValueError(f"{result.type} needs the bad rows it found and table_rows")
    return query_rate(bad_rows, result.table_rows)


def _share_rate(result: Measured) -> float | None:
    """Without a share nothing was observed: a failure stays one, a success is no evidence."""
    if result.observed_value is None:
        return None if result.success else 0.0
    return share_rate(result.observed_value, result.required_minimum if SHARE_OF_UNIQUE in result.type else None)


def _kept_share(name: str, kept: int, promised: int) -> float | None:
    if not 0 <= kept <= promised:
        raise ValueError(f"{name} must lie between 0 and the {promised} asked for, not be {kept}")
    return kept / promised if promised else None
