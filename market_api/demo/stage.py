"""The stage of the play: a market in a temporary folder over real releases, served on loopback, and its clock."""

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from market_api.housekeeping import run_once
from market_api.market import Market, open_market
from market_api.server import LOOPBACK, STOP_SECONDS, server_of
from market_api.settings import MarketSettings, sqlite_url
from vault.errors import JinkuError

START_SECONDS_MAX = 20.0


class PlayClock:
    """A clock that stands until the play moves it."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def __call__(self) -> datetime:
        return self._at

    def move(self, by: timedelta) -> None:
        """Let time go by."""
        self._at += by


@dataclass(frozen=True)
class Stage:
    """market: as its own machine sees it; url: as all others do; folder: for what participants keep."""

    market: Market
    clock: PlayClock
    url: str
    folder: Path

    def let_pass(self, **by: float) -> None:
        """Let time go by, as `timedelta` takes it, and do what the market then does of itself."""
        self.clock.move(timedelta(**by))
        run_once(self.market)


@contextmanager
def a_stage(given: MarketSettings, at: datetime) -> Iterator[Stage]:
    """A market of the play's own. given: where releases lie and whose signatures to trust; at: when it begins."""
    with tempfile.TemporaryDirectory(prefix="jinku-demo-") as name, socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        port = listening.getsockname()[1]
        folder, url, clock = Path(name), f"http://{LOOPBACK}:{port}", PlayClock(at)
        settings = replace(
            given, folder=folder / "market", database_url=sqlite_url(folder / "market.sqlite"), public_url=url
        )
        market = open_market(settings, clock)
        with _served(market, port, listening):
            yield Stage(market, clock, url, folder)
        market.engine.dispose()


@contextmanager
def _served(market: Market, port: int, listening: socket.socket) -> Iterator[None]:
    """The market's server in a thread, until the end."""
    server = server_of(market, LOOPBACK, port)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    until = time.monotonic() + START_SECONDS_MAX
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise JinkuError("demo_failed", "the market's server did not start", LOOPBACK, "See its log above.")
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
