"""What components cost: the meter, the contracts and the tariffs of the epoch brought together."""

from calendar import monthrange
from datetime import UTC, datetime

from orchestration.declarations import Declarations
from vault.costing import CostReport, cost_report
from vault.epochs import epoch_at
from vault.home import Home
from vault.metering import metered
from vault.tariffs import Tariffs


def cost_of_components(
    home: Home, known: Declarations, tariffs: Tariffs, period_start: datetime, until: datetime
) -> CostReport:
    """The cost of every declared component, by what was used from the period's start on and before `until`.

    No lock is taken: a run may be at work. Raises JinkuError `nothing_metered` before the first run and
    `meter_unusable`, and ValueError for a time without a zone. Source: models §4.2.
    """
    use = metered(home.metering, period_start, until)
    return cost_report(use, known.sources, known.components, tariffs, period_start, until)


def tariffs_in_force(moment: datetime) -> Tariffs:
    """The tariffs of the epoch in force. Raises JinkuError `parameters_missing` and `parameters_invalid`."""
    return epoch_at(moment.astimezone(UTC).date()).tariffs


def period_before(moment: datetime, tariffs: Tariffs) -> datetime:
    """Where the whole period begins that ends at a moment: as many months earlier as the tariffs are for, UTC.

    A price rests on a whole period: at the start of a quarter hardly anything of it has been used yet.
    """
    end = moment.astimezone(UTC)
    months = end.year * 12 + end.month - 1 - tariffs.period.months
    year, month = months // 12, months % 12 + 1
    return end.replace(year=year, month=month, day=min(end.day, monthrange(year, month)[1]))
