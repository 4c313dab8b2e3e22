"""A market of a test's own, with a clock that the test sets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi.testclient import TestClient

from market_api.app import application
from market_api.ledger.accounts import OUTSIDE, account_of, open_accounts
from market_api.ledger.posting import Posting, post
from market_api.market import Market, Transaction, open_market
from market_api.settings import MarketSettings, sqlite_url

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@dataclass
class SetClock:
    """A clock that stands until it is moved."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


def market_settings(folder: Path, database_url: str | None = None, **changes: object) -> MarketSettings:
    given: dict[str, object] = {
        "releases": folder / "releases",
        "trust": folder / "public",
        "folder": folder / "market",
        "database_url": database_url or sqlite_url(folder / "market" / "market.sqlite"),
        "public_url": "http://testserver",
        **changes,
    }
    return MarketSettings(**given)  # type: ignore[arg-type]


def a_market(
    folder: Path, clock: Callable[[], datetime] | None = None, database_url: str | None = None, **changes: object
) -> Market:
    """A market without participants, over the releases that lie in `folder/releases`."""
    return open_market(market_settings(folder, database_url, **changes), clock or SetClock())


def served(market: Market) -> TestClient:
    """A client of the market's application, which raises nothing that a server would answer."""
    return TestClient(application(market), raise_server_exceptions=False)


def with_funds(transaction: Transaction, owner_id: str, amount_fen: int) -> None:
    """Open an owner's accounts with an amount in them."""
    open_accounts(transaction.connection, owner_id)
    if amount_fen:
        post(transaction, "deposit", owner_id, [Posting(OUTSIDE, account_of(owner_id), amount_fen)])
