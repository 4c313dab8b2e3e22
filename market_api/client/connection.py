"""The connection to a market as one participant: tokens, retries, pages.

A request is sent again where the market was busy or its answer was lost. A change bears an Idempotency-Key, the same
each time it is sent, so that it happens once.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from market_api.client.errors import MarketError

ATTEMPTS_MAX = 5
FIRST_WAIT_SECONDS = 0.2
WAIT_SECONDS_MAX = 60.0
TOKEN_SPARE_SECONDS = 30
RETRIED_STATUS = frozenset({429, 502, 503, 504})
UNAUTHENTICATED = 401

Pause = Callable[[float], None]


class Connection:
    """The market at an address. Every method raises MarketError where the market refuses, and httpx.TransportError
    where it cannot be reached.

    credentials: a client's id and secret, None for what needs no token; attempts_max: how often a request is sent;
    pause: waits so many seconds.
    """

    def __init__(
        self,
        http: httpx.Client,
        credentials: tuple[str, str] | None,
        attempts_max: int = ATTEMPTS_MAX,
        pause: Pause = time.sleep,
    ) -> None:
        self._http = http
        self._credentials = credentials
        self.attempts_max = attempts_max
        self._pause = pause
        self._token = ""
        self._token_until = 0.0

    def get(self, address: str, **query: Any) -> Mapping[str, Any]:
        """The document at an address. query: without those that are None."""
        return _document(self._sent("GET", address, params=_given(query)))

    def get_tagged(self, address: str) -> tuple[Mapping[str, Any], str]:
        """The document at an address, and its ETag."""
        answer = self._sent("GET", address)
        return _document(answer), answer.headers.get("ETag", "")

    def pages(self, address: str, **query: Any) -> Iterator[Mapping[str, Any]]:
        """The items of a list, of all its pages."""
        while True:
            document = self.get(address, **query)
            yield from document["items"]
            if not (token := document.get("nextPageToken")):
                return
            query = {**query, "pageToken": token}

    def post(
        self, address: str, body: Mapping[str, Any] | None = None, key: str = "", if_match: str = ""
    ) -> Mapping[str, Any]:
        """Change something once. key: the Idempotency-Key, a new one where none is given; if_match: an ETag."""
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        if if_match:
            headers["If-Match"] = if_match
        return _document(self._sent("POST", address, json=None if body is None else dict(body), headers=headers))

    @contextmanager
    def stream(
        self, address: str, query: Mapping[str, Any], headers: Mapping[str, str], wanted: frozenset[int]
    ) -> Iterator[httpx.Response]:
        """An answer that is read bit by bit. Raises MarketError for a status that is not wanted."""
        given = {**headers, **self._authorization()}
        with self._http.stream("GET", address, params=_given(query), headers=given) as answer:
            if answer.status_code not in wanted:
                answer.read()
                _document(answer)
            yield answer

    def wait(self, attempt: int, at_least_seconds: float = 0.0) -> None:
        """Wait before the next attempt: twice as long each time. attempt: from 1 on."""
        self._pause(min(max(FIRST_WAIT_SECONDS * 2**attempt, at_least_seconds), WAIT_SECONDS_MAX))

    def forget_token(self) -> None:
        """Have the next request take a new token."""
        self._token_until = 0.0

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _sent(self, method: str, address: str, **given: Any) -> httpx.Response:
        """The answer to a request; where its token was not good any more, to the same one with a new token."""
        headers = given.pop("headers", {})

        def answer() -> httpx.Response:
            told = {**headers, **self._authorization()}
            return self._answered(lambda: self._http.request(method, address, headers=told, **given))

        first = answer()
        if first.status_code != UNAUTHENTICATED or self._credentials is None:
            return first
        self.forget_token()
        return answer()

    def _answered(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer, asked for again after a while where the market is busy or its answer was lost."""
        for attempt in range(1, self.attempts_max + 1):
            is_last = attempt == self.attempts_max
            try:
                answer = ask()
            except httpx.TransportError:
                if is_last:
                    raise
                self.wait(attempt)
                continue
            if answer.status_code not in RETRIED_STATUS or is_last:
                return answer
            self.wait(attempt, _retry_after_seconds(answer))
        raise ValueError("attempts_max must be 1 or more")

    def _authorization(self) -> dict[str, str]:
        if self._credentials is None:
            return {}
        if time.monotonic() >= self._token_until:
            self._renew(self._credentials)
        return {"Authorization": f"Bearer {self._token}"}

    def _renew(self, credentials: tuple[str, str]) -> None:
        form = {"grant_type": "client_credentials"}
        document = _document(self._answered(lambda: self._http.post("/oauth/token", data=form, auth=credentials)))
        self._token = str(document["access_token"])
        self._token_until = time.monotonic() + float(document["expires_in"]) - TOKEN_SPARE_SECONDS


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _retry_after_seconds(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _document(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        document = None
    if answer.is_error or not isinstance(document, dict):
        raise MarketError(answer.status_code, document if isinstance(document, dict) else {})
    found: Mapping[str, Any] = document
    return found
