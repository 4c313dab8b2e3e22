"""Markets for the benchmarks: a real release, a listing of it, and buyers with funds, on SQLite or PostgreSQL."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from market_api.market import Market, utc_now
from market_api.rates.tables import rates_on
from tests.market_api.builders import Participant, a_market, a_participant
from tests.market_api.goods import a_listing, released_component

PRICE_FEN = 106_000
FUNDS_FEN = 10**12
CLIENTS = 4


@dataclass(frozen=True)
class Shop:
    """A market with one listing at a posted price, and as many buyers as there are clients."""

    market: Market
    folder: Path
    listing_id: str
    buyers: tuple[Participant, ...]

    @property
    def environment(self) -> dict[str, str]:
        """What a process of the market needs."""
        settings = self.market.settings
        return {
            "JINKU_RELEASES": str(settings.releases),
            "JINKU_MARKET_TRUST": str(settings.trust),
            "JINKU_MARKET_FOLDER": str(settings.folder),
            "JINKU_MARKET_DB": settings.database_url,
            "JINKU_MARKET_URL": settings.public_url,
            "JINKU_MARKET_RATE_LIMIT": "1000000/second",
        }


def shop(folder: Path, database_url: str | None, public_url: str = "http://127.0.0.1") -> Shop:
    """Make one in an empty folder."""
    assert rates_on(utc_now().date(), "general")
    market = a_market(released_component(folder), utc_now, database_url, public_url=public_url)
    seller = a_participant(market, "developer", party="team:mobility")
    listing_id = a_listing(market, seller, price_fen=PRICE_FEN)
    buyers = tuple(a_participant(market, funds_fen=FUNDS_FEN) for _ in range(CLIENTS))
    return Shop(market, folder, listing_id, buyers)


def side_by_side(script: str, arguments: Sequence[Any], environment: dict[str, str]) -> list[dict[str, Any]]:
    """Run a script in one process for each argument, all from one moment on; gives what each printed as JSON."""
    import os
    import subprocess
    import time

    from bench.measuring import PROJECT

    begin_at = time.time() + 3
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, json.dumps({"begin_at": begin_at, **argument})],
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        for argument in arguments
    ]
    printed = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError("a client of the benchmark failed")
    return [json.loads(text) for text in printed]
