"""What the market remembers, as pricing reads it: an interface now, which the market's records fill later.

Prices of an epoch rest on what had closed before it, so every question carries the day up to which it asks.
Source: models §4.1, §5, §9.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Protocol

from pricing.comparables import Comparable
from pricing.cost import ADJUSTMENTS, Ecosystem
from pricing.exact import within
from pricing.negotiated import Trade
from pricing.overrides import BetaOverride


class TradeRecords(Protocol):
    """The closed trades and the epoch's activity; days are in UTC, and `until` is not among those asked for."""

    def trades(self, domain: Ecosystem, until: date) -> Sequence[Trade]:
        """Negotiations of components of an application field that closed before the day; money in fen."""

    def comparables(self, component: str, until: date) -> Sequence[Comparable]:
        """Cleared sales, before the day, of components like this one; unit prices in fen, ages as of that day."""

    def enquiries(self, epoch: str) -> int:
        """D: qualified bids and enquiries of an epoch such as '2026q4'."""

    def open_lots(self, epoch: str) -> int:
        """U: lots open in that epoch."""

    def overrides(self, epoch: str) -> Sequence[BetaOverride]:
        """β of that epoch where the regulator set it by a signed record, for each component or field once."""


@dataclass(frozen=True)
class NoTrades:
    """A market that has not opened: every price is of a cold start. Source: models §4.1, §5."""

    def trades(self, domain: Ecosystem, until: date) -> tuple[Trade, ...]:
        """None."""
        return ()

    def comparables(self, component: str, until: date) -> tuple[Comparable, ...]:
        """None."""
        return ()

    def enquiries(self, epoch: str) -> int:
        """0."""
        return 0

    def open_lots(self, epoch: str) -> int:
        """0."""
        return 0

    def overrides(self, epoch: str) -> tuple[BetaOverride, ...]:
        """None."""
        return ()


@dataclass(frozen=True)
class MarketFacts:
    """What the market had seen by a day, frozen: trades by application field, sales, each once, D and U of an epoch.

    Raises ValueError for a demand D or a supply U below 0.
    """

    trades: Mapping[Ecosystem, tuple[Trade, ...]]
    comparables: tuple[Comparable, ...]
    demand: int
    supply: int

    def __post_init__(self) -> None:
        within("demand", self.demand)
        within("supply", self.supply)
        object.__setattr__(self, "trades", MappingProxyType(dict(self.trades)))


def market_facts(records: TradeRecords, components: Iterable[str], until: date, epoch: str) -> MarketFacts:
    """The market's records of all application fields and of the components, up to a day, and D and U of an epoch.

    A sale that several components compare with is kept once, else the most common kind would outweigh all others.
    Source: models §5.
    """
    sales = (sale for component in sorted(components) for sale in records.comparables(component, until))
    return MarketFacts(
        trades={domain: tuple(records.trades(domain, until)) for domain in ADJUSTMENTS},
        comparables=tuple(dict.fromkeys(sales)),
        demand=records.enquiries(epoch),
        supply=records.open_lots(epoch),
    )
