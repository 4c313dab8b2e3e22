"""A client of the market, for programs in Python:

    from market_api.client import Market

    with Market("http://127.0.0.1:3002", client_id, client_secret) as market:
        for component in market.search("mobility", max_price_fen=1_000_000):
            print(component.component, component.price_fen)
        order = market.buy("zone_hourly_mobility", purposes=["transport_planning"])
        market.pull("zone_hourly_mobility", Path("mobility.parquet"))

It takes tokens by itself and renews them, gives every change an Idempotency-Key and asks again with the same one where
an answer was lost, so that nothing is done twice, and resumes a pull where it broke off.
"""

import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import httpx

ATTEMPTS_MAX = 5
FIRST_WAIT_SECONDS = 0.2
TOKEN_SPARE_SECONDS = 30
RETRIED_STATUS = frozenset({429, 502, 503, 504})
CHUNK_BYTES = 1 << 20

Form = Literal["parquet", "arrow", "csv", "ndjson"]


class MarketError(Exception):
    """A refusal by the market. code: stable, explained in the documents; detail: the true cause and what to do;
    field: where it lies in the request; request_id: what the operator finds it by."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(document.get("code") or document.get("error") or "unknown")
        self.detail = str(document.get("detail") or document.get("error_description") or "The market gave no reason.")
        self.field = str(document.get("field", ""))
        self.request_id = str(document.get("instance", "")).rpartition(":")[2]
        self.document = dict(document)
        super().__init__(f"{self.code}: {self.detail}")


@dataclass(frozen=True)
class Component:
    """A component as the catalogue lists it. price_fen: posted, None where it is negotiated or auctioned."""

    component: str
    release: str
    listing_id: str
    title_en: str
    title_zh: str
    application_field: str
    regime: str
    price_fen: int | None
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Order:
    """An order: what it costs, and its state. entitlement_id: of what was paid for, where that was told."""

    order_id: str
    price_fen: int
    state: str = "settled"
    entitlement_id: str = ""


@dataclass(frozen=True)
class Entitlement:
    """What may be pulled: how often still (None: without limit), and until when."""

    entitlement_id: str
    component: str
    release: str
    state: str
    pulls_used: int
    pulls_left: int | None
    valid_until: str


Value = TypeVar("Value", Component, Order, Entitlement)


class Market:
    """The market at an address, as one participant. Every method raises MarketError where the market refuses, and
    httpx.TransportError where it cannot be reached."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        timeout_seconds: float = 60,
        http: httpx.Client | None = None,
    ) -> None:
        self._http = http or httpx.Client(base_url=url, timeout=timeout_seconds)
        self._credentials = (client_id, client_secret)
        self._token = ""
        self._token_until = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # the catalogue

    def search(self, text: str = "", **filters: Any) -> Iterator[Component]:
        """What is listed, page after page. filters: as the catalogue takes them, such as field='governance'."""
        asked = {"q": text, **filters} if text else filters
        for document in self.pages("/v1/components", **asked):
            yield _value(Component, {**document, "document": document})

    def component(self, name: str) -> Component:
        """One component as it is listed now."""
        document = self.get(f"/v1/components/{name}")
        return _value(Component, {**document, "document": document})

    def price(self, name: str) -> Mapping[str, Any]:
        """Why a component costs what it costs, step by step."""
        return self.get(f"/v1/components/{name}/price")

    def preview(self, name: str) -> Mapping[str, Any]:
        """Its columns, facts and synthetic rows."""
        return self.get(f"/v1/components/{name}/preview")

    # trade

    def buy(self, component: str, purposes: Sequence[str], price_fen: int | None = None, **terms: Any) -> Order:
        """Buy at the posted price and pay at once. price_fen: what you have seen; without it, what is posted now.

        terms: users, term_days, pulls, updates, as far as they differ from the usual.
        """
        listed = self.component(component)
        agreed = listed.price_fen if price_fen is None else price_fen
        body = {"listing_id": listed.listing_id, "terms": {"purposes": list(purposes), **terms}, "price_fen": agreed}
        return _value(Order, self.post("/v1/orders", body))

    def pay(self, order_id: str) -> Order:
        """Pay an order that was negotiated or won."""
        return _value(Order, self.post(f"/v1/orders/{order_id}/pay"))

    # data

    def entitlements(self) -> Iterator[Entitlement]:
        """What you may pull."""
        return (_value(Entitlement, document) for document in self.pages("/v1/account/entitlements"))

    def pull(self, component: str, path: Path, form: Form = "parquet", release: int | None = None) -> Path:
        """Pull the data of a component into a file, which is there whole or not at all; gives its path.

        It resumes where the connection broke off, as long as the market has the same version.
        """
        draft = path.with_name(f".{path.name}.part")
        draft.unlink(missing_ok=True)
        query = {"format": form, **({} if release is None else {"release": release})}
        version, attempt = "", 0
        while True:
            try:
                self._pull_into(draft, f"/v1/components/{component}/data", query, version)
                break
            except _Broken as broken:
                version, attempt = broken.version, attempt + 1
                if attempt == ATTEMPTS_MAX:
                    raise broken.cause from None
                time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
        draft.replace(path)
        return path

    def profile(self, path: Path, **asked: Any) -> Path:
        """Write a profile for Delta Sharing clients, with a pull token of its own, that only you can read."""
        document = self.post("/v1/account/pull-credentials", asked)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(httpx.Response(200, json=dict(document.get("profile", document))).text)
        return path

    # any other address

    def get(self, address: str, **query: Any) -> Mapping[str, Any]:
        """What an address answers."""
        return self._asked("GET", address, params=query)

    def pages(self, address: str, **query: Any) -> Iterator[Mapping[str, Any]]:
        """The items of a list, of all its pages."""
        while True:
            document = self.get(address, **query)
            yield from document["items"]
            if not (token := document.get("nextPageToken")):
                return
            query = {**query, "pageToken": token}

    def post(self, address: str, body: Mapping[str, Any] | None = None, key: str | None = None) -> Mapping[str, Any]:
        """Change something once. key: the Idempotency-Key, new without it."""
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        return self._asked("POST", address, json=None if body is None else dict(body), headers=headers)

    def _asked(self, method: str, address: str, **given: Any) -> Mapping[str, Any]:
        """Ask, and ask again after a while where the market is busy or its answer was lost."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            wait_seconds = FIRST_WAIT_SECONDS * 2**attempt
            try:
                answer = self._http.request(
                    method, address, **{**given, "headers": self._headers(given.get("headers"))}
                )
            except httpx.TransportError:
                if attempt == ATTEMPTS_MAX:
                    raise
            else:
                if answer.status_code not in RETRIED_STATUS or attempt == ATTEMPTS_MAX:
                    return _document(answer)
                wait_seconds = max(wait_seconds, float(answer.headers.get("Retry-After", 0)))
            time.sleep(wait_seconds)
        raise AssertionError("unreachable")

    def _pull_into(self, draft: Path, address: str, query: Mapping[str, Any], version: str) -> None:
        """Add what is missing to a draft. Raises _Broken where the connection broke off."""
        there_bytes = draft.stat().st_size if draft.exists() else 0
        headers = {"Range": f"bytes={there_bytes}-", "If-Range": version} if there_bytes and version else {}
        try:
            with self._http.stream("GET", address, params=query, headers=self._headers(headers)) as answer:
                if answer.status_code not in (200, 206):
                    answer.read()
                    _document(answer)
                version = answer.headers.get("ETag", "")
                with draft.open("ab" if answer.status_code == 206 else "wb") as file:
                    for chunk in answer.iter_raw(CHUNK_BYTES):
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
        except httpx.TransportError as error:
            raise _Broken(version, error) from None

    def _headers(self, further: Mapping[str, str] | None) -> dict[str, str]:
        if time.monotonic() >= self._token_until:
            self._renew()
        return {**(further or {}), "Authorization": f"Bearer {self._token}"}

    def _renew(self) -> None:
        form = {"grant_type": "client_credentials"}
        answer = self._http.post("/oauth/token", data=form, auth=self._credentials)
        document = _document(answer)
        self._token = str(document["access_token"])
        self._token_until = time.monotonic() + float(document["expires_in"]) - TOKEN_SPARE_SECONDS


class _Broken(Exception):
    """A pull that broke off. version: the ETag of what was being pulled."""

    def __init__(self, version: str, cause: Exception) -> None:
        super().__init__(version)
        self.version = version
        self.cause = cause


def _document(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        document = {}
    if answer.is_error:
        raise MarketError(answer.status_code, document if isinstance(document, dict) else {})
    found: Mapping[str, Any] = document
    return found


def _value(kind: type[Value], document: Mapping[str, Any]) -> Value:
    """A value of what it knows of a document: members that a later market adds do no harm."""
    known = {each.name for each in fields(kind)}
    return kind(**{name: document[name] for name in document if name in known})
