"""A market with listed releases and buyers who hold entitlements to them; and the wire as a test needs it."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvicorn

from market_api.catalogue.clearance import signed_datasheet
from market_api.catalogue.tables import listings
from market_api.entitlements.tables import deliveries, entitlements
from market_api.identity.credentials import PULL_SCOPES, add, fresh_pull_token
from market_api.market import Market, Transaction
from market_api.server import server_of
from market_api.states import LISTING, advance, begin, locked
from market_api.trading.orders import buy
from market_api.trading.terms import Terms
from tests.market_api.builders import Participant, SetClock, a_market, a_participant
from tests.market_api.delivery.releases import NAME, copied_releases

DATA = f"/v1/components/{NAME}/data"
TERMS = Terms(("urban_management",), pulls=3)


@dataclass(frozen=True)
class Bought:
    """A buyer and what it bought."""

    market: Market
    clock: SetClock
    buyer: Participant
    entitlement_id: str
    listing_id: str


def listed(market: Market, seller_id: str, number: int = 1) -> str:
    """A release put up for nothing, in the place of the one before; gives the listing's name."""
    signed = signed_datasheet(market.settings, f"{NAME}@{number}")

    def begun(transaction: Transaction) -> str:
        listing_id = transaction.new_identifier("lst")
        values = {
            "listing_id": listing_id,
            "component": NAME,
            "release_number": number,
            "release_id": f"{NAME}@{number}",
            "seller_id": seller_id,
            "application_field": "governance",
            "title_en": "Hourly mobility by zone",
            "title_zh": "分区小时出行",
            "search_text": "",
            "regime": "public_free",
            "cost_fen": 0,
            "negotiated_fen": 0,
            "guide_fen": 0,
            "price_fen": 0,
            "terms": json.dumps(TERMS.document()),
            "shares": json.dumps([[seller_id, "1/1"]]),
            "datasheet_hash": signed.hash,
        }
        present = sa.select(listings.c.listing_id).where(listings.c.component == NAME, listings.c.state == "listed")
        for before in transaction.connection.execute(present).scalars().all():
            row = locked(transaction, LISTING, listings, before)
            advance(transaction, LISTING, listings, row, "supersede", {})
        begin(transaction, LISTING, listings, values, {})
        return listing_id

    return market.act("market", begun)


def bought(folder: Path, home: Path, terms: Terms = TERMS, **settings: Any) -> Bought:
    """A market over the releases of a home, of which the first is listed, and a buyer who has bought it."""
    copied_releases(home, folder)
    clock = SetClock()
    market = a_market(folder, clock, **settings)
    seller = a_participant(market, "developer")
    listing_id = listed(market, seller.participant_id)
    return sold(market, clock, listing_id, terms)


def sold(market: Market, clock: SetClock, listing_id: str, terms: Terms = TERMS) -> Bought:
    """One more buyer of a listing."""
    buyer = a_participant(market)
    return Bought(market, clock, buyer, bought_by(market, buyer, listing_id, terms), listing_id)


def bought_by(market: Market, buyer: Participant, listing_id: str, terms: Terms = TERMS) -> str:
    """Gives the name of the entitlement."""
    done = market.act(
        buyer.participant_id, lambda transaction: buy(transaction, buyer.participant_id, listing_id, terms, 0)
    )
    return str(done["entitlement_id"])


def moved(market: Market, listing_id: str, event: str, reason: str | None = None) -> None:
    """Have a listing frozen, released, retired or superseded."""

    def do(transaction: Transaction) -> None:
        row = locked(transaction, LISTING, listings, listing_id)
        advance(transaction, LISTING, listings, row, event, {}, reason=reason)

    market.act("market", do)


def pull_token(market: Market, buyer: Participant) -> str:
    """A new pull token of a participant."""
    fresh = fresh_pull_token(market.random_bytes)
    market.act("market", lambda transaction: add(transaction, buyer.participant_id, fresh, PULL_SCOPES))
    return fresh.secret


def profile(market: Market, buyer: Participant, folder: Path) -> Path:
    """The profile file with which public clients read a participant's tables."""
    path = folder / f"{buyer.participant_id}.share"
    told = {
        "shareCredentialsVersion": 1,
        "endpoint": f"{market.settings.public_url}/delta-sharing",
        "bearerToken": pull_token(market, buyer),
    }
    path.write_text(json.dumps(told))
    return path


def pulls_used(market: Market, entitlement_id: str) -> int:
    query = sa.select(entitlements.c.pulls_used).where(entitlements.c.entitlement_id == entitlement_id)
    return int(market.read(lambda connection: connection.execute(query).scalar_one()))


def deliveries_of(market: Market, entitlement_id: str) -> list[Any]:
    query = sa.select(deliveries).where(deliveries.c.entitlement_id == entitlement_id)
    return list(market.read(lambda connection: connection.execute(query).all()))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class SlowReader:
    """A client that takes the first bytes of an answer: what it does not read stays at the server."""

    def __init__(self, port: int, address: str, headers: Mapping[str, str]) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 10)
        self._socket.settimeout(20)
        self._socket.connect(("127.0.0.1", port))
        lines = [f"GET {address} HTTP/1.1", "Host: market", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._socket.recv(1 << 10)
        text, self._body = head.split(b"\r\n\r\n", 1)
        if not self._body:
            self._body = self._socket.recv(1 << 10)
        first, *rest = text.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in rest}

    @property
    def announced_bytes(self) -> int:
        """The length that the answer states."""
        return int(self.headers["content-length"])

    def rest(self) -> bytes:
        """All of the body that still comes until the connection ends."""
        while chunk := self._socket.recv(64 << 10):
            self._body += chunk
        self._socket.close()
        return self._body


@contextmanager
def running(market: Market, port: int) -> Iterator[uvicorn.Server]:
    """The market's own server in a thread, on the loopback address; it keeps little of an answer in its buffers."""
    server = server_of(market, "127.0.0.1", port)
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 << 10)
    listening.bind(("127.0.0.1", port))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive() and time.monotonic() < until
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
