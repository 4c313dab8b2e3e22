"""Settlement: order, hold, postings, entitlement, log entry and a durable commit, by four processes at once."""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import which
from typing import Any

from bench.figures import Figure
from bench.market_homes import CLIENTS, PRICE_FEN, shop, side_by_side
from tests.postgres import throwaway_postgres

SECONDS = 8
LEAST_SHARE, AIM_SHARE = 0.10, 0.25

WAIT = """
import json, os, sys, time
given = json.loads(sys.argv[1])
def until_all_begin():
    time.sleep(max(0.0, given["begin_at"] - time.time()))
    return time.perf_counter() + given["seconds"]
def told(latencies):
    latencies.sort()
    count = len(latencies)
    print(json.dumps({"count": count, "p99_ms": 1000 * latencies[int(count * 0.99)] if count else None}))
"""

SETTLE = (
    WAIT
    + """
from market_api.market import open_market
from market_api.settings import settings_of
from market_api.trading.orders import buy
from market_api.trading.terms import Terms
market = open_market(settings_of(os.environ))
terms, buyer = Terms(("urban_management",)), given["buyer"]
def settle():
    market.act(buyer, lambda transaction: buy(transaction, buyer, given["listing"], terms, given["price_fen"]))
settle()
latencies, stop = [], until_all_begin()
while (started := time.perf_counter()) < stop:
    settle()
    latencies.append(time.perf_counter() - started)
told(latencies)
"""
)

BARE_SQLITE = (
    WAIT
    + """
import sqlite3
connection = sqlite3.connect(given["path"], isolation_level=None, timeout=30)
for pragma in ("journal_mode = wal", "synchronous = full"):
    connection.execute(f"pragma {pragma}")
connection.execute("create table if not exists bare (id integer primary key, content text)")
content, latencies, stop = "x" * 200, [], until_all_begin()
while (started := time.perf_counter()) < stop:
    connection.execute("begin immediate")
    for _ in range(8):
        connection.execute("insert into bare (content) values (?)", (content,))
    connection.execute("commit")
    latencies.append(time.perf_counter() - started)
told(latencies)
"""
)


def settlement_figures(repeats: int) -> list[Figure]:
    """Against pgbench on the same server, and against bare durable commits of SQLite, each in turn."""
    with tempfile.TemporaryDirectory() as folder:
        figures = [_sqlite(Path(folder), repeats)]
        if which("pgbench") is None:
            return figures
        with throwaway_postgres(Path(folder), is_durable=True) as url:
            return [*figures, _postgresql(Path(folder), url, repeats)]


def _sqlite(folder: Path, repeats: int) -> Figure:
    (folder / "sqlite").mkdir()
    own = shop(folder / "sqlite", None)
    bare = [{"seconds": SECONDS, "path": str(folder / "bare.sqlite")}] * CLIENTS
    pairs = [(_rate(side_by_side(BARE_SQLITE, bare, {})), _settled(own)) for _ in range(repeats)]
    return _figure("SQLite", "bare commits of 8 rows", pairs)


def _postgresql(folder: Path, url: str, repeats: int) -> Figure:
    (folder / "postgresql").mkdir()
    own = shop(folder / "postgresql", url)
    address = _pgbench_address(url)
    subprocess.run(["pgbench", "-i", "-q", "-s", "10", *address], check=True, capture_output=True)
    pairs = [(_pgbench(address), _settled(own)) for _ in range(repeats)]
    return _figure("PostgreSQL", "pgbench's simple update", pairs)


def _settled(own: Any) -> tuple[float, float]:
    given = [
        {
            "seconds": SECONDS,
            "buyer": buyer.participant_id,
            "listing": own.listing_id,
            "price_fen": PRICE_FEN,
        }
        for buyer in own.buyers
    ]
    return _rate(side_by_side(SETTLE, given, own.environment))


def _rate(found: list[dict[str, Any]]) -> tuple[float, float]:
    """Transactions a second of all clients together, and the worst p99 in milliseconds."""
    return sum(each["count"] for each in found) / SECONDS, max(each["p99_ms"] for each in found)


def _pgbench(address: list[str]) -> tuple[float, float]:
    command = ["pgbench", "-N", "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS), *address]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    (rate,) = [line for line in done.stdout.splitlines() if line.startswith("tps")]
    return float(rate.split()[2]), 0.0


def _pgbench_address(url: str) -> list[str]:
    host = url.rpartition("@")[2]
    port = host.partition(":")[2].partition("/")[0]
    return ["-h", "127.0.0.1", "-p", port, "-U", "postgres", "postgres"]


def _figure(database: str, against: str, pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> Figure:
    shares = [own / bare for (bare, _), (own, _) in pairs]
    share, rate = statistics.median(shares), statistics.median(own for _, (own, _) in pairs)
    bare_rate, p99 = statistics.median(bare for (bare, _), _ in pairs), max(p99 for _, (_, p99) in pairs)
    return Figure(
        "market",
        f"settlement on {database}, {CLIENTS} processes",
        1 / share,
        "x",
        1 / LEAST_SHARE,
        f"{rate:.0f} a second against {bare_rate:.0f} of {against}: {share:.0%}, where {LEAST_SHARE:.0%} is asked and "
        f"{AIM_SHARE:.0%} the aim; p99 {p99:.0f} ms; {len(pairs)} repeats",
    )


if __name__ == "__main__":
    for figure in settlement_figures(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
        print(figure)
