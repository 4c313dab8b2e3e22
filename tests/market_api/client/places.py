"""A market that is really served, and participants who came in by the client alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from market_api.client import Listing, Market, Terms, apply
from market_api.housekeeping import run_once
from market_api.identity.participants import first_operator
from market_api.market import Market as Own
from tests.market_api.builders import SetClock, a_market
from tests.market_api.delivery.pulls import free_port, running
from tests.market_api.delivery.releases import NAME, copied_releases

OWNER = "team:mobility"
PURPOSES = ["urban_management"]
OFFERED = Terms(("urban_management",), users=10, pulls=24)
FUNDS_FEN = 10_000_000

_NUMBERS = count(1)


@dataclass(frozen=True)
class Player:
    """A participant and its own client."""

    market: Market
    participant_id: str
    secret: str

    @property
    def login(self) -> tuple[str, str]:
        return self.participant_id, self.secret


@dataclass(frozen=True)
class Place:
    """A served market. own: as its machine sees it."""

    own: Own
    clock: SetClock
    url: str
    folder: Path

    @cached_property
    def operator_login(self) -> tuple[str, str]:
        return first_operator(self.own)

    @cached_property
    def operator(self) -> Market:
        return Market(self.url, *self.operator_login)

    @cached_property
    def developer(self) -> Player:
        return self.joined("developer", party=OWNER)

    @cached_property
    def buyer(self) -> Player:
        return self.joined(funds_fen=FUNDS_FEN)

    @cached_property
    def listing(self) -> Listing:
        """The first release, posted at P²; all of a sale is the developer's."""
        return self.developer.market.selling.list_release(f"{NAME}@1", OFFERED, {self.developer.participant_id: "1"})

    def joined(
        self, role: str = "app_developer", funds_fen: int = 0, party: str | None = None, name: str | None = None
    ) -> Player:
        """Somebody who applied, was admitted, and paid in."""
        number = next(_NUMBERS)
        applied = apply(self.url, role, name or f"{role.replace('_', ' ').title()} {number}")
        self.operator.operating.admit(applied.client_id, party)
        if funds_fen:
            self.operator.operating.deposit(applied.client_id, funds_fen, f"BANK{number:06d}")
        client = Market(self.url, applied.client_id, applied.client_secret)
        return Player(client, applied.client_id, applied.client_secret)

    def again(self, player: Player, transport: httpx.BaseTransport, **given: Any) -> Market:
        """The same participant over another transport."""
        http = httpx.Client(base_url=self.url, transport=transport, timeout=20)
        return Market(self.url, *player.login, http=http, **given)

    def let_pass(self, **by: float) -> None:
        """Let time go by, and do what the market then does of itself."""
        self.clock.move(**by)
        run_once(self.own)


@contextmanager
def a_place(home: Path, folder: Path, **settings: Any) -> Iterator[Place]:
    """A served market over the releases of a home."""
    folder.mkdir(exist_ok=True)
    copied_releases(home, folder)
    port, clock = free_port(), SetClock()
    url = f"http://127.0.0.1:{port}"
    own = a_market(folder, clock, public_url=url, **settings)
    with running(own, port):
        yield Place(own, clock, url, folder)


class Lost(httpx.BaseTransport):
    """Sends requests to the market and loses the first answers to those of one address."""

    def __init__(self, address: str, times: int = 1) -> None:
        self._inside = httpx.HTTPTransport()
        self._address = address
        self._left = times
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inside.handle_request(request)
        if not request.url.path.endswith(self._address):
            return answer
        self.sent.append(request)
        if self._left == 0:
            return answer
        self._left -= 1
        answer.read()
        raise httpx.ReadError("the connection was lost", request=request)


class Cut(httpx.BaseTransport):
    """Sends requests to the market and cuts the first answers with data after so many bytes."""

    def __init__(self, address: str, after_bytes: int, times: int = 1, change: bool = False) -> None:
        self._inside = httpx.HTTPTransport()
        self._address = address
        self._after_bytes = after_bytes
        self._left = times
        self._change = change
        self.ranges: list[str | None] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inside.handle_request(request)
        if not request.url.path.endswith(self._address):
            return answer
        self.ranges.append(request.headers.get("Range"))
        if self._left == 0:
            return answer
        self._left -= 1
        answer.stream = _Torn(answer.stream, self._after_bytes, self._change)  # type: ignore[arg-type]
        return answer


class _Torn(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, after_bytes: int, change: bool) -> None:
        self._stream, self._after_bytes, self._change = stream, after_bytes, change

    def __iter__(self) -> Iterator[bytes]:
        sent = 0
        for chunk in self._stream:
            if self._change:
                yield bytes([chunk[0] ^ 1]) + chunk[1:]
                continue
            part = chunk[: self._after_bytes - sent]
            sent += len(part)
            yield part
            if sent == self._after_bytes:
                raise httpx.ReadError("the connection was cut")

    def close(self) -> None:
        self._stream.close()
