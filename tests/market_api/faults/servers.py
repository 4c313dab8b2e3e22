"""The market's server as a process of its own, which can be killed at any moment and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from market_api.market import Market, open_market
from market_api.settings import MarketSettings
from tests.market_api.builders import market_settings

ROOT = Path(__file__).parents[3]
START_SECONDS = 60
OFTEN = "1000000/minute"


@dataclass
class ServerProcess:
    """`python -m market_api serve` over settings, at a port of the loopback address; its lines are in `server.log`."""

    settings: MarketSettings
    port: int
    log: Path
    starts: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        command = [sys.executable, "-m", "market_api", "serve", "--port", str(self.port)]
        with self.log.open("ab") as lines:
            self._process = subprocess.Popen(command, env=environment_of(self.settings), stdout=lines, stderr=lines)
        self.starts += 1

    def await_ready(self, probe: str = "/ready") -> None:
        """Wait until it says that it can serve; fails where the process has ended."""
        assert self._process is not None
        until = time.monotonic() + START_SECONDS
        while not self._answers(probe):
            assert self._process.poll() is None and time.monotonic() < until, self.log.read_text()[-4_000:]
            time.sleep(0.02)

    @property
    def process_id(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it as a loss of power would: no handler runs, nothing is written any more."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to stop, and wait until requests under way have ended."""
        assert self._end(signal.SIGTERM) in (0, -signal.SIGTERM)  # uvicorn passes the signal on when it is done

    def _end(self, number: int) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        code = self._process.wait(timeout=START_SECONDS)
        self._process = None
        return code

    def _answers(self, probe: str) -> bool:
        try:
            return httpx.get(f"{self.url}{probe}", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


def environment_of(settings: MarketSettings) -> dict[str, str]:
    """What a process is told of its settings."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "JINKU_RELEASES": str(settings.releases),
        "JINKU_MARKET_TRUST": str(settings.trust),
        "JINKU_MARKET_FOLDER": str(settings.folder),
        "JINKU_MARKET_DB": settings.database_url,
        "JINKU_MARKET_URL": settings.public_url,
        "JINKU_MARKET_RATE_LIMIT": settings.rate_limit,
        "JINKU_MARKET_NOTICE_DAYS": str(settings.notice_days),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def prepared(
    folder: Path, database_url: str | None = None, prepare: Callable[[Market], None] = lambda _: None
) -> Iterator[tuple[Market, ServerProcess]]:
    """A market at the true time, opened here, and its server, which is not started yet and is ended after all.

    folder: holds `releases` and `public`.
    """
    port = free_port()
    changes = {"public_url": f"http://127.0.0.1:{port}", "rate_limit": OFTEN, "notice_days": 0}
    market = open_market(market_settings(folder, database_url, **changes))
    prepare(market)
    server = ServerProcess(market.settings, port, folder / "server.log")
    try:
        yield market, server
    finally:
        server.kill()
        market.engine.dispose()
