"""The pages of the components that a run has valued, and the overview of all."""

from collections.abc import Sequence
from datetime import datetime

from orchestration.valuation.page import write_valuation_overview, write_valuation_page
from orchestration.valuation.published import latest_prices, prices_of
from vault.errors import JinkuError
from vault.home import Home
from vault.valuations import Valuation

TREND_LENGTH = 101
"""Valuations of a component that its page shows: this one and a hundred before."""


def write_valuation_pages(home: Home, valuations: Sequence[Valuation], now: datetime) -> tuple[str, ...]:
    """Write them; gives what could not be written. What is on record hangs on no page."""
    problems: list[str] = []
    try:
        for valuation in valuations:
            trend = prices_of(home, valuation.component, TREND_LENGTH)
            write_valuation_page(home.reports, trend[-1], trend, now)
        write_valuation_overview(home.reports, tuple(latest_prices(home).values()), now)
    except JinkuError as error:
        problems.append(str(error))
    return tuple(problems)
