"""What the platform itself measures of a table: refreshes in time, reads that succeeded, metadata filled."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from expectations.vector import PlatformMetrics
from vault.contract import REFRESH_PERIOD_DAYS, ComponentContract, TableContract

REFRESHES_LOOKED_AT = timedelta(days=90)
READS_LOOKED_AT = timedelta(days=30)

RefreshTimes = tuple[str, Sequence[datetime]]
"""The refresh period that is promised, and when refreshes came, in any order."""


def platform_metrics(
    refreshes: Iterable[RefreshTimes],
    reads: Sequence[tuple[datetime, bool]],
    contract: ComponentContract | TableContract | None,
    now: datetime,
) -> PlatformMetrics:
    """All counts of one table.

    refreshes: of each source it rests on, or its own; reads: attempts to read it, and whether they succeeded.
    """
    counts = [refreshes_in_time(period, times, now) for period, times in refreshes]
    recent = [succeeded for read_at, succeeded in reads if now - read_at <= READS_LOOKED_AT]
    filled, required = metadata_filled(contract)
    return PlatformMetrics(
        refreshes_in_time=sum(kept for kept, _ in counts),
        refreshes_due=sum(due for _, due in counts),
        reads_succeeded=sum(recent),
        reads_attempted=len(recent),
        metadata_filled=filled,
        metadata_required=required,
    )


def refreshes_in_time(period: str, times: Sequence[datetime], now: datetime) -> tuple[int, int]:
    """Refreshes that came within their period, and refreshes due, of the last 90 days.

    A refresh is in time when it came no later than a period after the one before; the first one is. Each whole period
    that has passed since the last one is a refresh due that did not come. Static data is always in time.
    """
    days = REFRESH_PERIOD_DAYS[period]
    ordered = sorted(set(times))
    kept = due = 0
    for place, time in enumerate(ordered):
        if now - time <= REFRESHES_LOOKED_AT:
            due += 1
            kept += place == 0 or days is None or time - ordered[place - 1] <= timedelta(days=days)
    if ordered and days is not None:
        since = min(now - ordered[-1], REFRESHES_LOOKED_AT)
        due += max(0, int(since / timedelta(days=days)))
    return kept, due


def metadata_filled(contract: ComponentContract | TableContract | None) -> tuple[int, int]:
    """How many of the words that a reader needs are there, and how many there should be."""
    if contract is None:
        return 0, 2
    words: list[object] = [contract.description, contract.owner]
    if isinstance(contract, ComponentContract):
        words += [contract.title.en, contract.title.zh, contract.purpose, contract.provider, contract.application_field]
        words += [column.description for column in contract.columns]
        words += [column.unit for column in contract.columns if column.role == "measure"]
    return sum(bool(word) for word in words), len(words)
