"""Dated tables of rates: which rate holds on a day, and by what source.

A day before a table begins has no rate, and what has no rate is not sold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from market_api.problems import Problem
from pricing.exact import within
from vault.marked_yaml import read_marked

RATES = Path(__file__).parent / "rates.yaml"
ENTRY_KEYS = {"from", "rate", "source"}
STANDARD = "standard"

Taxpayer = Literal["general", "small_scale"]


@dataclass(frozen=True)
class DatedRate:
    """A rate in [0, 1) that holds from a day on, and where it is laid down."""

    from_day: date
    rate: Fraction
    source: str

    def __post_init__(self) -> None:
        if within("rate", self.rate, 0, 1) == 1 or not self.source.strip():
            raise ValueError("a rate is 0 or more and below 1, and names its source")


@dataclass(frozen=True)
class RateTable:
    """The rates of one kind of payer, the oldest first, each from a later day than the one before."""

    name: str
    rates: tuple[DatedRate, ...]

    def __post_init__(self) -> None:
        if not self.rates:
            raise ValueError(f"the table of {self.name} is empty")
        if any(later.from_day <= earlier.from_day for earlier, later in pairwise(self.rates)):
            raise ValueError(f"the table of {self.name} must go from day to later day")

    def on(self, day: date) -> DatedRate:
        """The rate that holds on a day. Raises Problem `no_rate` before the first."""
        in_force = [each for each in self.rates if each.from_day <= day]
        if not in_force:
            first = self.rates[0].from_day
            raise Problem("no_rate", f"The table of {self.name} begins on {first}; there is no rate for {day}.")
        return in_force[-1]


@dataclass(frozen=True)
class SaleRates:
    """Tax and fee of one sale: vat r of the price without tax, fee of the price without tax."""

    vat: DatedRate
    fee: DatedRate


Tables = Mapping[str, Mapping[str, RateTable]]


def rates_on(day: date, taxpayer: Taxpayer, tables: Tables | None = None) -> SaleRates:
    """The rates of a sale. day: of the payment, in the market's own calendar; taxpayer: which the seller is.

    Raises Problem `no_rate` where a table lacks the day, or the kind of taxpayer.
    """
    known = own_tables() if tables is None else tables
    table = known["vat"].get(taxpayer)
    if table is None:
        raise Problem("no_rate", f"There is no rate for taxpayers of kind '{taxpayer}'.")
    return SaleRates(table.on(day), known["fee"][STANDARD].on(day))


@cache
def own_tables() -> Tables:
    """The tables that come with the market."""
    return read_tables(RATES)


def read_tables(path: Path) -> Tables:
    """The tables of a file such as `rates.yaml`: vat by taxpayer, and the standard fee.

    Raises YamlFault and ValueError, which name what is wrong.
    """
    document = read_marked(path).value
    if not isinstance(document, dict) or set(document) != {"vat", "fee"} or STANDARD not in document["fee"]:
        raise ValueError("rates are given for vat and for fee, that one with a standard")
    return MappingProxyType(
        {
            kind: MappingProxyType({name: _table(f"{kind}.{name}", lines) for name, lines in by_name.items()})
            for kind, by_name in document.items()
        }
    )


def _table(name: str, lines: Sequence[Mapping[str, Any]]) -> RateTable:
    for line in lines:
        if set(line) != ENTRY_KEYS or not isinstance(line["from"], date):
            raise ValueError(f"a line of {name} gives from, rate and source, and no more")
    rates = [DatedRate(line["from"], Fraction(str(line["rate"])), str(line["source"])) for line in lines]
    return RateTable(name, tuple(rates))
