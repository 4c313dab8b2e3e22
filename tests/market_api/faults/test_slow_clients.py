"""Many clients that send or read as slowly as they can: all others are served as if they were alone."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from market_api.market import Market
from tests.market_api.builders import Participant, a_participant
from tests.market_api.delivery.pulls import bought_by, listed
from tests.market_api.delivery.releases import copied_releases
from tests.market_api.faults.servers import ServerProcess, prepared

SLOW = 150
"""More than the server has threads for requests and connections to its database together."""

ANSWERED_SECONDS = 3
TAKEN_UP_SECONDS = 2
"""After this the server has as much of all requests as it takes from clients that read nothing."""

DATA = "/v1/components/zone_hours/data"


@dataclass(frozen=True)
class Served:
    """A server that runs, and a buyer of its one component."""

    market: Market
    server: ServerProcess
    buyer: Participant

    def connected(self, sent: bytes, buffer_bytes: int | None = None) -> socket.socket:
        """A connection over which something was sent and nothing is read."""
        connection = socket.socket()
        if buffer_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", self.server.port))
        connection.sendall(sent)
        return connection

    def head(self, method: str, path: str, *lines: str) -> bytes:
        told = [f"{method} {path} HTTP/1.1", "Host: market", f"Authorization: Bearer {self.buyer.token}", *lines]
        return "\r\n".join([*told, "", ""]).encode()

    def others_are_served(self) -> None:
        """Reading, changing and pulling, each at once."""
        with httpx.Client(base_url=self.server.url, timeout=ANSWERED_SECONDS) as client:
            for _ in range(5):
                began = time.monotonic()
                assert client.get("/v1/account", headers=self.buyer.headers).status_code == 200
                made = client.post("/v1/account/pull-credentials", json={"ttl_days": 1}, headers=self.buyer.changing)
                assert made.status_code in (201, 409), made.text
                assert client.get(DATA, headers=self.buyer.headers).status_code == 200
                assert time.monotonic() - began < ANSWERED_SECONDS


@pytest.fixture(scope="module")
def served(pulled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("slow")
    copied_releases(pulled_home, folder)
    with prepared(folder) as (market, server):
        buyer = a_participant(market)
        bought_by(market, buyer, listed(market, a_participant(market, "developer").participant_id))
        server.start()
        first = httpx.get(f"{server.url}{DATA}", headers=buyer.headers, timeout=30)
        assert first.status_code == 200, first.text
        yield Served(market, server, buyer)


def test_heads_that_come_in_drops_hold_nobody_up(served: Served) -> None:
    with ExitStack() as opened:
        slow = [opened.enter_context(served.connected(b"GET /v1/account HTTP/1.1\r\nX-Slow: ")) for _ in range(SLOW)]
        for _ in range(3):
            for connection in slow:
                with suppress(ConnectionError):
                    connection.sendall(b"x")
            served.others_are_served()


def test_bodies_that_come_in_drops_hold_nobody_up(served: Served) -> None:
    head = served.head(
        "POST",
        "/v1/account/payouts",
        "Content-Type: application/json",
        "Idempotency-Key: slow-body-1",
        "Content-Length: 1000",
    )
    with ExitStack() as opened:
        slow = [opened.enter_context(served.connected(head + b"{")) for _ in range(SLOW)]
        for _ in range(3):
            for connection in slow:
                with suppress(ConnectionError):
                    connection.sendall(b" ")
            served.others_are_served()


def test_clients_that_read_nothing_of_their_answers_hold_nobody_up(served: Served) -> None:
    sent = served.head("GET", f"{DATA}?format=ndjson")
    with ExitStack() as opened:
        for _ in range(SLOW):
            opened.enter_context(served.connected(sent * 20, buffer_bytes=4 << 10))
        time.sleep(TAKEN_UP_SECONDS)
        served.others_are_served()


def test_clients_that_leave_in_the_middle_leave_nothing_behind(served: Served) -> None:
    pulling, posting = served.head("GET", f"{DATA}?format=csv"), served.head("POST", "/v1/orders", "Content-Length: 99")
    for sent in (pulling, posting, pulling[:40], b"\x16\x03\x01\x02\x00\x01\x00"):
        for _ in range(SLOW):
            connection = served.connected(sent)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            connection.close()  # with a reset
    served.others_are_served()
    assert "internal_error" not in served.server.log.read_text()
    assert '"level": "error"' not in served.server.log.read_text()
