"""Every amount, count and price that a request carries: what is none, or is out of its bounds, changes nothing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from market_api.fields import FEN_MAX
from market_api.ledger.proof import ledger_faults, total_fen
from tests.market_api.faults.addresses import Address, addresses_of, models_of
from tests.market_api.faults.asking import log_size
from tests.market_api.faults.busy import Busy

NO_AMOUNTS = (
    "-1",
    "-100000",
    "1.5",
    "0.1",
    "1e400",
    "-1e400",
    "1e13",
    "NaN",
    "Infinity",
    "-Infinity",
    '"100000"',
    '""',
    "true",
    "[100000]",
    '{"fen": 1}',
    str(2**53),
    str(2**63 - 1),
    str(2**63),
    str(2**64),
    "9" * 100,
    "9" * 5_000,
    "0x10",
    "1_000",
    "01",
    "+1",
    "１００",
    "1,000",
)
"""As they stand in the body. A number too large for its field, of another kind, or none at all."""


def numbers_of(models: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The places of whole numbers in a body, below its members too."""
    for each in _alternatives(models, schema):
        for name, told in each.get("properties", {}).items():
            kinds = list(_alternatives(models, told))
            if any(kind.get("type") == "integer" for kind in kinds):
                yield (name,)
            for kind in kinds:
                yield from ((name, *rest) for rest in numbers_of(models, kind))


def _alternatives(models: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "$ref" in schema:
        yield from _alternatives(models, models[schema["$ref"].rpartition("/")[2]])
        return
    yield schema
    for each in schema.get("anyOf", ()):
        yield from _alternatives(models, each)


def amounts(client: TestClient) -> list[tuple[Address, tuple[str, ...]]]:
    """The addresses that take whole numbers in their body, and where."""
    app: Any = client.app
    models, paths = models_of(app), app.openapi()["paths"]
    found = []
    for address in addresses_of(app):
        if isinstance(address.example, dict) and address.act and address.does_change:
            body = paths[address.path][address.method.lower()]["requestBody"]["content"]["application/json"]
            found += [(address, place) for place in dict.fromkeys(numbers_of(models, body["schema"]))]
    return found


def body_with(address: Address, ids: Mapping[str, str], place: tuple[str, ...], number: str) -> str:
    """The body as text, with these digits in a place."""
    body = address.body(ids)
    within = body
    for name in place[:-1]:
        within = within[name]
    within[place[-1]] = "(number)"
    return json.dumps(body).replace('"(number)"', number)


def sent(client: TestClient, busy: Busy, address: Address, place: tuple[str, ...], number: str) -> Any:
    headers = {**busy.party_of(address.act or "").changing, "Content-Type": "application/json", "If-Match": "*"}
    return client.request(
        address.method, address.at(busy.ids), headers=headers, content=body_with(address, busy.ids, place, number)
    )


def test_the_amounts_of_all_trades_are_among_them(client: TestClient) -> None:
    named = {f"{address} {'.'.join(place)}" for address, place in amounts(client)}
    assert {
        "POST /v1/orders price_fen",
        "POST /v1/orders terms.pulls",
        "POST /v1/negotiations/{negotiation_id}/offers price_fen",
        "POST /v1/auctions increment_fen",
        "POST /v1/auctions/{auction_id}/bids limit_fen",
        "POST /v1/auctions/{auction_id}/reveal amount_fen",
        "POST /v1/account/payouts amount_fen",
        "POST /v1/participants/{participant_id}/deposits amount_fen",
        "POST /v1/arbitration/disputes/{dispute_id}/decide refund_fen",
        "POST /v1/listings price_fen",
    } <= named


def test_what_is_no_amount_is_refused_at_every_address_that_takes_one(busy: Busy, client: TestClient) -> None:
    before = log_size(busy.market)
    for address, place in amounts(client):
        for number in NO_AMOUNTS:
            answer = sent(client, busy, address, place, number)
            assert answer.status_code in (400, 422), (str(address), place, number[:40], answer.text)
            assert number not in answer.text or not number.isdigit() or len(number) < 6, "no value is told back"
    assert log_size(busy.market) == before


def test_nothing_and_what_is_below_one_is_no_price_that_somebody_pays(busy: Busy, client: TestClient) -> None:
    before = log_size(busy.market)
    for address, place in amounts(client):
        if place[-1] in ("limit_fen", "increment_fen", "amount_fen", "users", "term_days", "valid_hours", "ttl_days"):
            assert sent(client, busy, address, place, "0").status_code == 422, (str(address), place)
    assert log_size(busy.market) == before


def test_the_largest_amount_there_is_overflows_nothing(busy: Busy, client: TestClient) -> None:
    operator, owner = busy.parties["operator"], busy.ids["participant_id"]
    for number in range(3):
        body = {"amount_fen": FEN_MAX, "bank_reference": f"LARGEST {number}"}
        answer = client.post(f"/v1/participants/{owner}/deposits", json=body, headers=operator.changing)
        assert answer.status_code == 201, answer.text
    for address, place in amounts(client):
        if place[-1].endswith("_fen") and "deposits" not in address.path:
            answer = sent(client, busy, address, place, str(FEN_MAX))
            assert answer.status_code < 500, (str(address), answer.text)
    assert busy.market.read(ledger_faults) == () and busy.market.read(total_fen) == 0


@pytest.mark.parametrize("number", ["-1", "1.5", "NaN", "1e400", str(FEN_MAX + 1), str(2**64), "9" * 400, "", "x"])
def test_what_is_no_amount_in_a_query_is_refused(busy: Busy, client: TestClient, number: str) -> None:
    reader, asked = busy.parties["app_developer"], []
    for address in addresses_of(client.app):  # type: ignore[arg-type]
        for name in address.queries:
            if name.endswith("_fen"):
                answer = client.get(address.at(busy.ids), params={name: number}, headers=reader.headers)
                assert answer.status_code == 422, (str(address), answer.text)
                asked.append(name)
    assert asked
