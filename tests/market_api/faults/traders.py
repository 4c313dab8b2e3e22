"""Clients that trade until they are told to stop, and send a request again with the same key until it is answered."""

import base64
import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from market_api.auctions.outcome import commitment_of
from tests.market_api.builders import Participant
from tests.market_api.goods import ASKED

PRICE_FEN = 1_000
INCREMENT_FEN = 5_000
NONCE = "0123456789abcdef" * 2
FORMS = ("parquet", "csv", "ndjson", "arrow")
DATA = "/v1/components/zone_hours/data"
REPLAYED_OF_TEN = 2


@dataclass(frozen=True)
class Answered:
    """A changing request and its answer. tries: how often it was sent until there was one."""

    key: str
    path: str
    who: str
    status: int
    document: dict[str, Any]
    tries: int


@dataclass
class Floor:
    """Where all clients trade: the server's address, whether it may be asked now, and what was answered."""

    url: str
    is_open: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)
    is_given_up: threading.Event = field(default_factory=threading.Event)
    answered: list[Answered] = field(default_factory=list)
    pulled: Counter[str] = field(default_factory=Counter)
    interrupted: int = 0
    unavailable: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def give_up(self) -> None:
        """Have everyone leave at once: something failed, and the server may never be back."""
        self.is_given_up.set()
        self.is_open.set()

    def note(self, answered: Answered) -> None:
        with self._lock:
            self.answered.append(answered)

    def note_interrupted(self) -> None:
        with self._lock:
            self.interrupted += 1

    def note_unavailable(self) -> None:
        with self._lock:
            self.unavailable += 1

    def note_pull(self, name: str) -> None:
        with self._lock:
            self.pulled[name] += 1

    def done(self, path: str, status: int) -> list[Answered]:
        """Requests to a path that were answered so; `*` stands for a name."""
        wanted = path.split("/")
        return [each for each in self.answered if each.status == status and _fits(each.path.split("/"), wanted)]


@dataclass
class Trader:
    """One client of its own, with the random choices of its seed."""

    floor: Floor
    who: Participant
    seed: int
    sent: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.client = httpx.Client(base_url=self.floor.url, timeout=60)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Read until there is an answer."""
        answer, _ = self._until_answered("GET", path, {**self.who.headers, **headers}, None)
        return answer

    def post(self, path: str, body: Any = None, who: Participant | None = None) -> httpx.Response:
        """Change something: once, however often it has to be sent. Some are sent once more when they are done."""
        self.sent += 1
        by, key = who or self.who, f"trader-{self.seed:06d}-{self.sent:06d}"
        headers = {**by.headers, "Idempotency-Key": key}
        answer, tries = self._until_answered("POST", path, headers, body)
        self.floor.note(Answered(key, path, by.participant_id, answer.status_code, answer.json(), tries))
        if answer.is_success and self.dice.randrange(10) < REPLAYED_OF_TEN:
            again, _ = self._until_answered("POST", path, headers, body)
            assert (again.status_code, again.json()) == (answer.status_code, answer.json()), again.text
        return answer

    def _until_answered(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[httpx.Response, int]:
        tries = 0
        while True:
            self.floor.is_open.wait()
            if self.floor.is_given_up.is_set():
                raise RuntimeError("the market was given up")
            tries += 1
            try:
                answer = self.client.request(method, path, headers=headers, json=body)
            except httpx.TransportError:
                self.floor.note_interrupted()
                continue
            if answer.status_code == 503:
                assert answer.json()["code"] == "unavailable", answer.text
                self.floor.note_unavailable()
                continue
            assert answer.status_code < 500, (path, answer.text)
            return answer, tries


Script = Callable[[Trader], None]


def buying(listing_id: str, price_fen: int = PRICE_FEN) -> Script:
    """Buys at the posted price."""
    order = {"listing_id": listing_id, "terms": ASKED.document(), "price_fen": price_fen}

    def script(trader: Trader) -> None:
        assert trader.post("/v1/orders", order).status_code in (201, 402)

    return script


def negotiating(listing_id: str, seller: Participant) -> Script:
    """Comes to an agreement with the seller and pays it, or leaves."""

    def script(trader: Trader) -> None:
        opened = trader.post("/v1/negotiations", {"listing_id": listing_id, "terms": ASKED.document()})
        assert opened.status_code == 201, opened.text
        name, hashed = opened.json()["negotiation_id"], opened.json()["terms_hash"]
        price = {"price_fen": trader.dice.randrange(90_000, 110_000), "terms_hash": hashed}
        if trader.dice.random() < 0.2:
            assert trader.post(f"/v1/negotiations/{name}/withdraw").status_code == 200
            return
        assert trader.post(f"/v1/negotiations/{name}/offers", price, seller).status_code == 201
        agreed = trader.post(f"/v1/negotiations/{name}/accept", price)
        assert agreed.status_code == 200, agreed.text
        order = agreed.json()["order_id"]
        act = "pay" if trader.dice.random() < 0.8 else "cancel"
        assert trader.post(f"/v1/orders/{order}/{act}").status_code in (200, 402)

    return script


def bidding(auction_id: str) -> Script:
    """Bids a little more than is asked for."""

    def script(trader: Trader) -> None:
        least_fen = trader.get(f"/v1/auctions/{auction_id}").json()["least_bid_fen"]
        limit_fen = least_fen + INCREMENT_FEN * trader.dice.randrange(4)
        answer = trader.post(f"/v1/auctions/{auction_id}/bids", {"limit_fen": limit_fen})
        assert answer.status_code in (201, 409), answer.text

    return script


def auctioning(listing_id: str, clock: Callable[[], datetime]) -> Script:
    """Announces an auction of a few seconds, and another when it is closed."""

    def script(trader: Trader) -> None:
        opens = clock() + timedelta(seconds=0.5)
        lot = {
            "listing_id": listing_id,
            "format": "sealed_uniform",
            "licences": 2,
            "terms": ASKED.document(),
            "increment_fen": INCREMENT_FEN,
            "opens_at": opens.isoformat(),
            "closes_at": (opens + timedelta(seconds=2)).isoformat(),
            "reveals_until": (opens + timedelta(seconds=4)).isoformat(),
        }
        announced = trader.post("/v1/auctions", lot)
        if announced.status_code == 422:
            return  # it was announced too late, as the market was down
        assert announced.status_code == 201, announced.text
        path = f"/v1/auctions/{announced.json()['auction_id']}"
        while trader.get(path).json()["state"] not in ("closed", "cancelled") and not trader.floor.is_over.is_set():
            time.sleep(0.1)

    return script


def bidding_and_paying(listing_id: str) -> Script:
    """Hands a sealed bid in wherever it can, reveals it, and pays what was won."""
    paid: set[str] = set()

    def script(trader: Trader) -> None:
        for each in trader.get(f"/v1/auctions?listing_id={listing_id}&pageSize=500").json()["items"]:
            auction_id, path = each["auction_id"], f"/v1/auctions/{each['auction_id']}"
            amount_fen = 100_000 + INCREMENT_FEN * ((int(auction_id[-4:], 16) + trader.seed) % 20)
            if each["state"] in ("announced", "open"):
                bidder = trader.get(f"{path}/entry").json()["bidder"]
                told = {"commitment": commitment_of(auction_id, bidder, amount_fen, NONCE)}
                trader.post(f"{path}/commitments", told)
            elif each["state"] == "revealing":
                trader.post(f"{path}/reveal", {"amount_fen": amount_fen, "nonce": NONCE})
            if each["state"] == "closed" and path not in paid:
                paid.add(path)
                if (order := trader.get(f"{path}/entry").json()["order_id"]) is not None:
                    assert trader.post(f"/v1/orders/{order}/pay").status_code == 200
        time.sleep(0.05)

    return script


def pulling(buyers: Sequence[Participant]) -> Script:
    """Downloads what one of some buyers holds, in a form and in pieces, and holds it against its digest."""

    def script(trader: Trader) -> None:
        trader.who = trader.dice.choice(buyers)
        form = trader.dice.choice(FORMS)
        content, digest = downloaded(trader, f"{DATA}?format={form}")
        assert base64.b64encode(hashlib.sha256(content).digest()).decode() == digest, "what came is not what was said"
        trader.floor.note_pull(trader.who.participant_id)

    return script


def downloaded(trader: Trader, path: str) -> tuple[bytes, str]:
    """A file in a few ranges, each asked for until it is whole; and the digest that was stated of all of it."""
    first = trader.get(path, Range=f"bytes=0-{trader.dice.randrange(1, 20_000)}")
    assert first.status_code == 206, first.text
    content, tag = first.content, first.headers["ETag"]
    size = int(first.headers["Content-Range"].rpartition("/")[2])
    while len(content) < size:
        stop = len(content) + trader.dice.randrange(10_000, 400_000)
        more = trader.get(path, **{"Range": f"bytes={len(content)}-{stop}", "If-Range": tag})
        assert more.status_code == 206, "the same file goes on, also after a fall"
        content += more.content
    return content, first.headers["Repr-Digest"].removeprefix("sha-256=:").removesuffix(":")


@contextmanager
def trading(floor: Floor, traders: Sequence[tuple[Trader, Script]]) -> Iterator[None]:
    """All of them trade at once, until the body ends and each has done what it was at; what failed is raised."""
    failures: list[BaseException] = []

    def run(trader: Trader, script: Script) -> None:
        try:
            while not floor.is_over.is_set():
                script(trader)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in traders]
    for thread in threads:
        thread.start()
    try:
        yield
    except BaseException:
        floor.give_up()
        raise
    finally:
        floor.is_over.set()
        for thread in threads:
            thread.join(180)
    if failures:
        raise failures[0]
    assert not any(thread.is_alive() for thread in threads)


def _fits(path: Sequence[str], wanted: Sequence[str]) -> bool:
    return len(path) == len(wanted) and all(part in ("*", own) for own, part in zip(path, wanted, strict=True))
