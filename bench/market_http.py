"""The market over HTTP: catalogue reads against a bare endpoint, settlement, and pulls against a static file server."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.market_homes import CLIENTS, PRICE_FEN, Shop, shop, side_by_side
from bench.market_settlement import WAIT
from bench.measuring import PROJECT
from tests.market_api.builders import a_token
from tests.market_api.delivery.pulls import free_port
from tests.market_api.goods import NAME

SECONDS = 8
READ_SHARE = 0.60
START_SECONDS = 60

LOAD = (
    WAIT
    + """
import http.client, secrets
connection = http.client.HTTPConnection("127.0.0.1", given["port"], timeout=60)
def ask():
    headers = dict(given["headers"])
    if given["method"] == "POST":
        headers["Idempotency-Key"] = secrets.token_hex(16)
    connection.request(given["method"], given["path"], given.get("body"), headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status in (200, 201), (answer.status, content[:500])
ask()
latencies, stop = [], until_all_begin()
while (started := time.perf_counter()) < stop:
    ask()
    latencies.append(time.perf_counter() - started)
told(latencies)
"""
)

BARE = """
import sys
from pathlib import Path
import uvicorn
from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
content, path = Path(sys.argv[1]).read_bytes(), sys.argv[2]
app = FastAPI()
@app.get("/same")
def same():
    return Response(content, media_type="application/json")
@app.get("/file")
def file():
    return FileResponse(path)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[3]), log_level="error", access_log=False)
"""


def http_figures(repeats: int) -> list[Figure]:
    """Reads of one component's page of the catalogue, and sales at the posted price, by four client processes."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        own = shop(Path(folder), None, f"http://127.0.0.1:{port}")
        with market_server(own, port):
            path = f"/v1/components/{NAME}"
            headers = {"Authorization": f"Bearer {token_of(own, 0)}"}
            content = fetched(port, path, headers)
            reads, bare_port = [], free_port()
            with bare_server(Path(folder), content, Path(folder) / "same.json", bare_port):
                for _ in range(repeats):
                    bare = loaded(bare_port, [{"method": "GET", "path": "/same", "headers": {}}] * CLIENTS)
                    read = [
                        {"method": "GET", "path": path, "headers": headers_of(own, each)} for each in range(CLIENTS)
                    ]
                    reads.append((bare, loaded(port, read)))
            sales = [loaded(port, [_sale(own, each) for each in range(CLIENTS)]) for _ in range(repeats)]
    return [_read_figure(reads), _sale_figure(sales)]


def headers_of(own: Shop, client: int) -> dict[str, str]:
    """What a request of a buyer carries."""
    return {"Authorization": f"Bearer {token_of(own, client)}"}


def token_of(own: Shop, client: int) -> str:
    """An access token that is good now."""
    from market_api.permissions import scopes_of

    buyer = own.buyers[client]
    return a_token(own.market, buyer.participant_id, buyer.credential_id, scopes_of(buyer.role))


@contextmanager
def market_server(own: Shop, port: int) -> Iterator[None]:
    """The market's own server, as its command starts it."""
    command = [sys.executable, "-W", "ignore", "-m", "market_api", "serve", "--port", str(port)]
    log = (own.folder / "market.log").open("wb")
    with log, running(command, {**os.environ, **own.environment}, f"http://127.0.0.1:{port}/health", log):
        yield


@contextmanager
def bare_server(folder: Path, content: bytes, same: Path, port: int, file: Path | None = None) -> Iterator[None]:
    """A FastAPI application that returns the same bytes, and a file, and does nothing else."""
    same.write_bytes(content)
    command = [sys.executable, "-c", BARE, str(same), str(file or same), str(port)]
    with running(command, dict(os.environ), f"http://127.0.0.1:{port}/same", subprocess.DEVNULL):
        yield


@contextmanager
def running(command: list[str], environment: dict[str, str], address: str, log: Any) -> Iterator[None]:
    """A server, from when it answers on."""
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + START_SECONDS
        while not _answers(address):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{' '.join(command[:6])} did not begin to serve")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(60)


def fetched(port: int, path: str, headers: dict[str, str]) -> bytes:
    """The body of an answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        content: bytes = answer.read()
    return content


def loaded(port: int, requests: list[dict[str, Any]]) -> tuple[float, float]:
    """Requests a second of all clients together, one process for each request, and the worst p99 in milliseconds."""
    given = [{"seconds": SECONDS, "port": port, **request} for request in requests]
    found = side_by_side(LOAD, given, {})
    return sum(each["count"] for each in found) / SECONDS, max(each["p99_ms"] for each in found)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


def _read(own: Shop, path: str, client: int) -> dict[str, Any]:
    return {"method": "GET", "path": path, "headers": headers_of(own, client)}


def _sale(own: Shop, client: int) -> dict[str, Any]:
    body = {
        "listing_id": own.listing_id,
        "terms": {"purposes": ["urban_management"]},
        "price_fen": PRICE_FEN,
    }
    headers = {**headers_of(own, client), "Content-Type": "application/json"}
    return {"method": "POST", "path": "/v1/orders", "headers": headers, "body": json.dumps(body)}


def _read_figure(pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> Figure:
    share = statistics.median(own / bare for (bare, _), (own, _) in pairs)
    rate, bare = statistics.median(own for _, (own, _) in pairs), statistics.median(rate for (rate, _), _ in pairs)
    return Figure(
        "market",
        f"catalogue read, {CLIENTS} clients",
        1 / share,
        "x",
        round(1 / READ_SHARE, 2),
        f"{rate:.0f} a second against {bare:.0f} of a bare endpoint with the same bytes: {share:.0%}, where "
        f"{READ_SHARE:.0%} is asked; p99 {max(p99 for _, (_, p99) in pairs):.0f} ms; {len(pairs)} repeats",
    )


def _sale_figure(found: list[tuple[float, float]]) -> Figure:
    rate = statistics.median(each for each, _ in found)
    return Figure(
        "market",
        f"settlement over HTTP on SQLite, {CLIENTS} clients",
        1000 / rate,
        "ms",
        None,
        f"{rate:.0f} a second; p99 {max(p99 for _, p99 in found):.0f} ms; {len(found)} repeats",
    )


if __name__ == "__main__":
    for figure in http_figures(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
        print(figure)
