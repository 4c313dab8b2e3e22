"""Headers that are there twice, hold what they may not, or want to be more than one: asked of the server as it runs."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.market_api.faults.asking import log_size
from tests.market_api.faults.busy import Busy
from tests.market_api.web.addresses import running

SECONDS = 10
PAYOUT = b'{"amount_fen": 700}'


@dataclass(frozen=True)
class Raw:
    """A server that runs, and what is sent to it byte by byte."""

    busy: Busy
    port: int

    def head(self, *lines: str, method: str = "POST", path: str = "/v1/account/payouts", host: str = "market") -> bytes:
        told = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        return "\r\n".join([*told, *lines, "", ""]).encode("latin-1")

    def own(self, key: str) -> list[str]:
        token = self.busy.parties["app_developer"].token
        return [f"Authorization: Bearer {token}", f"Idempotency-Key: {key}", "Content-Type: application/json"]

    def answers(self, sent: bytes) -> list[int]:
        """The statuses of all answers that come to these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as connection:
            connection.sendall(sent)
            found = b""
            try:
                while part := connection.recv(65_536):
                    found += part
            except ConnectionResetError:
                pass
        return [int(each[:3]) for each in found.split(b"HTTP/1.1 ")[1:]]

    def is_well(self) -> bool:
        return httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=SECONDS).status_code == 200


@pytest.fixture(scope="module")
def raw(busy: Busy) -> Iterator[Raw]:
    with running(busy.market) as port:
        yield Raw(busy, port)


def test_a_request_byte_by_byte_is_answered(raw: Raw) -> None:
    sent = raw.head(*raw.own("raw-000001"), f"Content-Length: {len(PAYOUT)}") + PAYOUT
    assert raw.answers(sent) == [201]


@pytest.mark.parametrize(
    "line",
    [
        "Idempotency-Key: raw\r-00002",
        "Idempotency-Key: raw\n-00002",
        "Idempotency-Key: raw\x00-00002",
        "Idempotency-Key : raw-00002",
        "Idempotency-Key: raw-00002\r\n folded-0002",
        "X-Odd\x01: 1",
        ": 1",
        "no colon at all",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding: xchunked",
        "Content-Length: 5, 6",
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 0x5",
        "Content-Length: 5\r\nContent-Length: 6",
    ],
)
def test_a_malformed_head_is_refused_and_nothing_is_done(raw: Raw, line: str) -> None:
    before = log_size(raw.busy.market)
    lines = [each for each in raw.own("raw-000002") if not each.startswith(line[:12])]
    assert all(status in (400, 408) for status in raw.answers(raw.head(*lines, line) + PAYOUT))
    assert raw.is_well() and log_size(raw.busy.market) == before


def test_no_second_request_is_smuggled_behind_a_length_that_two_read_differently(raw: Raw) -> None:
    before = log_size(raw.busy.market)
    hidden = raw.head(*raw.own("smuggled-001"), f"Content-Length: {len(PAYOUT)}") + PAYOUT
    for lines in (
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: 0", "Transfer-Encoding: Chunked, identity"],
        ["Content-Length: 0", "Content-Length: 5"],
    ):
        statuses = raw.answers(raw.head(*lines, method="GET", path="/health") + b"0\r\n\r\n" + hidden)
        assert 201 not in statuses and len(statuses) <= 1, (lines, statuses)
    assert raw.is_well() and log_size(raw.busy.market) == before


def test_what_a_client_names_itself_splits_no_answer(raw: Raw) -> None:
    for given in ("a" * 200, "id\r\nSet-Cookie: a=1", "<script>alert</script>", "id;1234567", "../../etc/passwd"):
        answer = httpx.get(
            f"http://127.0.0.1:{raw.port}/v1/orders?pageToken=%0d%0aX-Split:%201",
            headers={"X-Request-Id": given.replace("\r\n", "\t")},
            timeout=SECONDS,
        )
        assert answer.headers["X-Request-Id"].startswith("req_")
        assert "x-split" not in answer.headers and "set-cookie" not in answer.headers


def test_the_address_that_a_client_claims_to_have_asked_is_in_no_answer(raw: Raw) -> None:
    token = raw.busy.parties["app_developer"].token
    told = {"Authorization": f"Bearer {token}", "Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    table = "/delta-sharing/shares/jinku/schemas/components/tables/zone_hours/query"
    for method, path in (("POST", table), ("GET", "/v1/catalogue.jsonld"), ("GET", "/v1/components/zone_hours")):
        answer = httpx.request(method, f"http://127.0.0.1:{raw.port}{path}", headers=told, timeout=SECONDS)
        assert answer.status_code == 200, answer.text
        assert "evil.example" not in answer.text and "evil.example" not in str(answer.headers)


@pytest.mark.parametrize("length", [1_000, 20_000, 60_000, 2_000_000])
def test_a_query_without_end_is_refused(raw: Raw, length: int) -> None:
    lines = [f"Authorization: Bearer {raw.busy.parties['app_developer'].token}"]
    for query in (f"pageToken={'x' * length}", f"state={'x' * length}", "&".join(["pageSize=9"] * (length // 11))):
        statuses = raw.answers(raw.head(*lines, method="GET", path=f"/v1/orders?{query}"))
        assert statuses in ([422], [400], []) or (length <= 20_000 and statuses == [200]), statuses
    assert raw.is_well()


@pytest.mark.parametrize("count", [50, 5_000])
def test_headers_without_number_are_refused_or_read(raw: Raw, count: int) -> None:
    lines = [f"X-More-{number}: {number}" for number in range(count)]
    assert raw.answers(raw.head(*lines, method="GET", path="/health")) in ([200] if count < 100 else [], [400])
    assert raw.is_well()


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "PUT", "DELETE", "PATCH", "PROPFIND", "get", "\x00"])
def test_other_methods_are_refused(raw: Raw, method: str) -> None:
    statuses = raw.answers(raw.head("Content-Length: 0", method=method, path="/v1/orders"))
    assert statuses in ([405], [400], [404], [])
    assert raw.is_well()


def test_an_upgrade_is_not_taken(raw: Raw) -> None:
    lines = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
    head = raw.head(*lines, method="GET", path="/health").replace(b"Connection: close", b"Connection: Upgrade, close")
    assert 101 not in raw.answers(head)
    assert raw.is_well()
