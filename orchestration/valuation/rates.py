"""What components are priced by on a day: the epoch in force, what was metered, and the market's records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from orchestration.costs import cost_of_components, period_before
from orchestration.declarations import Declarations
from pricing.trade_records import TradeRecords
from vault.costing import CostStatement
from vault.epochs import Epoch, epoch_at
from vault.errors import JinkuError
from vault.home import Home
from vault.market_trades import market_records


@dataclass(frozen=True)
class Rates:
    """The epoch in force, the cost of every component over the period before, and the market's records."""

    epoch: Epoch
    costs: Mapping[str, CostStatement]
    trades: TradeRecords


def rates_of(home: Home, known: Declarations, now: datetime) -> Rates:
    """The rates of a moment. Where nothing was metered yet no component has a cost, which its valuation flags.

    Raises JinkuError as `epoch_at`, `market_records` and `cost_of_components` do.
    """
    epoch, trades = epoch_at(now.date()), market_records(home, now)
    try:
        report = cost_of_components(home, known, epoch.tariffs, period_before(now, epoch.tariffs), now)
    except JinkuError as error:
        if error.code != "nothing_metered":
            raise
        return Rates(epoch, {}, trades)
    return Rates(epoch, report.components, trades)
