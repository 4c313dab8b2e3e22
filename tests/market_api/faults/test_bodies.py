"""Bodies that are none, too large, nested without end, or of another kind than they say: refused at every address, as
a problem, and nothing is done."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from market_api.web.json_bodies import require_one_reading
from tests.market_api.faults.addresses import Address, addresses_of
from tests.market_api.faults.asking import code_of, log_size
from tests.market_api.faults.busy import Busy

DEEP = 100_000
JSON = "application/json"

NO_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b"   ",
    "no JSON": b"price_fen=1",
    "half": b'{"price_fen": 1',
    "null": b"null",
    "a number": b"1",
    "a list": b"[]",
    "a text": b'"{}"',
    "lists without end": b"[" * DEEP,
    "objects without end": b'{"a":' * DEEP,
    "a deep list in a member": b'{"terms":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "no UTF-8": b'{"reason": "\xff\xfe"}',
    "half a character": b'{"reason": "\\ud800"}',
    "a name of half a character": b'{"\\udfff": 1}',
    "a name without letters": b'{"\\u0000": 1, "": 2}',
    "a member that nobody knows": b'{"is_admin": true}',
    "a prototype": b'{"__proto__": {"role": "operator"}, "constructor": {}}',
    "a member twice": b'{"a": 1, "a": 2}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a number without end": b'{"a": ' + b"9" * 100_000 + b"}",
    "a name without end": b'{"' + b"x" * 500_000 + b'": 1}',
    "ten thousand members": json.dumps({f"m{number}": 1 for number in range(10_000)}).encode(),
    "a comment": b'{"a": 1} // drop',
    "two bodies": b"{}{}",
}


OTHER_KINDS = ("text/plain", "application/xml", "multipart/form-data; boundary=x", "image/png", "", "json", "*/*")


def changing(client: TestClient, with_body: bool = True) -> Iterator[Address]:
    for address in addresses_of(client.app):  # type: ignore[arg-type]
        if address.does_change and address.act and (address.example is not None or not with_body):
            yield address


def headers_of(busy: Busy, address: Address, **more: str) -> dict[str, str]:
    return {**busy.party_of(address.act or "").changing, "Content-Type": JSON, "If-Match": "*", **more}


@pytest.mark.parametrize("kind", NO_BODIES)
def test_what_is_no_body_is_refused_at_every_address(busy: Busy, client: TestClient, kind: str) -> None:
    before, body = log_size(busy.market), NO_BODIES[kind]
    for address in changing(client):
        answer = client.post(address.at(busy.ids), content=body, headers=headers_of(busy, address))
        assert answer.status_code in (400, 422), (str(address), answer.status_code, answer.text[:300])
        assert code_of(answer) == "invalid_request"
        assert len(answer.content) < 40_000
    assert log_size(busy.market) == before


def test_a_query_of_the_sharing_protocol_may_be_empty_and_is_else_held_to_the_same(
    busy: Busy, client: TestClient
) -> None:
    (address,) = [each for each in addresses_of(client.app) if each.path.endswith("/query")]  # type: ignore[arg-type]
    unknown_members = {name for name in NO_BODIES if name.startswith(("a name", "a member that", "a proto", "ten"))}
    for kind, body in NO_BODIES.items():
        answer = client.post(address.at(busy.ids), content=body, headers=headers_of(busy, address))
        may_be_ignored = kind in {"nothing", "null", "half a character", *unknown_members}
        assert answer.status_code == (200 if may_be_ignored else 400), (kind, answer.text[:300])
        assert may_be_ignored or code_of(answer) in ("INVALID_PARAMETER_VALUE", "MALFORMED_REQUEST")


@pytest.mark.parametrize("stated", OTHER_KINDS)
def test_a_body_of_another_kind_than_json_is_refused_at_every_address(
    busy: Busy, client: TestClient, stated: str
) -> None:
    before = log_size(busy.market)
    for address in changing(client):
        body = json.dumps(address.body(busy.ids)).encode()
        headers = headers_of(busy, address, **{"Content-Type": stated})
        answer = client.post(address.at(busy.ids), content=body, headers=headers)
        assert answer.status_code in (400, 422), (str(address), stated, answer.text[:300])
    assert log_size(busy.market) == before


def test_a_body_beyond_the_limit_is_refused_before_it_is_looked_at(busy: Busy, client: TestClient) -> None:
    before, limit = log_size(busy.market), busy.market.settings.body_bytes_max
    large = b'{"reason": "' + b"x" * limit + b'"}'

    def in_parts() -> Iterator[bytes]:
        yield from (large[start : start + 65_536] for start in range(0, len(large), 65_536))

    for address in changing(client):
        for content in (large, in_parts()):
            answer = client.post(address.at(busy.ids), content=content, headers=headers_of(busy, address))
            assert answer.status_code == 413, (str(address), answer.text[:300])
            assert code_of(answer) == "too_large"
    assert log_size(busy.market) == before


def test_a_length_that_is_not_that_of_the_body_opens_nothing(busy: Busy, client: TestClient) -> None:
    (address,) = [each for each in changing(client) if each.path == "/v1/account/payouts"]
    for length in ("-1", "1e3", str(2**70), "x"):
        headers = headers_of(busy, address, **{"Content-Length": length})
        answer = client.post(address.path, content=b'{"amount_fen": 1.5}', headers=headers)
        assert answer.status_code in (413, 422), answer.text


def test_a_member_that_comes_twice_is_refused_for_this_cause(busy: Busy, client: TestClient) -> None:
    (address,) = [each for each in changing(client) if each.path == "/v1/account/payouts"]
    for body in (
        b'{"amount_fen": 1, "amount_fen": 2}',
        b'{"amount_fen": 1, "amount_fen": 1}',
        b'{"amount_fen": 1, "amount\\u005ffen": 2}',
        '{"amount_fen": 1, "amount_fen": 2}'.encode("utf-16"),
    ):
        answer = client.post(address.path, content=body, headers=headers_of(busy, address))
        assert answer.status_code == 422 and "twice" in answer.json()["detail"], answer.text


@pytest.mark.parametrize(
    "body", [b'{"a": {"b": 1}, "c": {"b": 1}}', b'[{"a": 1}, {"a": 1}]', b"", b"[" * DEEP, b"\xff"]
)
def test_a_body_that_has_one_reading_or_none_is_left_to_its_reader(body: bytes) -> None:
    require_one_reading(body)


def test_a_body_where_none_is_taken_changes_nothing_of_what_is_done(busy: Busy, client: TestClient) -> None:
    """Such as of a cancellation: it says nothing that could be meant for another order."""
    for address in changing(client, with_body=False):
        if address.example is None:
            other: Any = {"order_id": "ord_" + "0" * 28, "participant_id": "par_" + "0" * 28}
            headers = {**busy.strangers["app_developer"].changing, "If-Match": "*"}
            answer = client.post(address.at(busy.ids), json=other, headers=headers)
            assert answer.status_code in (403, 404), (str(address), answer.text)
