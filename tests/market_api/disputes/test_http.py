"""Disputes over HTTP: who may do what, once each, and what is told to whom."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.market_api.builders import Participant, a_participant, served
from tests.market_api.disputes.acts import STATEMENT
from tests.market_api.sales import PRICE_FEN, Sale, a_sale

REJECT = {"outcome": "rejected", "reason": "The datasheet says so."}
UPHOLD = {"outcome": "upheld", "refund_fen": PRICE_FEN, "licence": "ends", "reason": "Nothing was delivered."}


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path)


@pytest.fixture
def client(sale: Sale) -> TestClient:
    return served(sale.market)


def test_a_dispute_from_its_opening_to_its_decision(sale: Sale, client: TestClient) -> None:
    dispute_id = opened(client, sale)
    own = client.get(f"/v1/disputes/{dispute_id}", headers=sale.seller.headers).json()
    assert (own["state"], own["price_fen"], own["statements"][0]["statement"]) == ("opened", PRICE_FEN, STATEMENT)
    said = {"statement": "All zones are there.", "evidence": []}
    answered = post(client, f"/v1/disputes/{dispute_id}/statements", sale.seller, said)
    judged = post(client, f"/v1/evaluation/disputes/{dispute_id}/statements", sale.evaluator, said)
    assert (answered["party"], judged["party"]) == ("seller", "evaluator")
    decided = post(client, f"/v1/arbitration/disputes/{dispute_id}/decide", sale.operator, UPHOLD, 200)
    assert decided["refund_fen"] == PRICE_FEN
    told = client.get(f"/v1/disputes/{dispute_id}", headers=sale.buyer.headers).json()
    assert (told["state"], told["reason"], told["refund_fen"]) == ("upheld", UPHOLD["reason"], PRICE_FEN)
    assert sale.states == ("refunded", "revoked") and sale.is_in_order()


def test_neither_evaluator_nor_arbiter_is_named_to_the_parties(sale: Sale, client: TestClient) -> None:
    dispute_id = opened(client, sale)
    said = {"statement": "All zones are there."}
    post(client, f"/v1/evaluation/disputes/{dispute_id}/statements", sale.evaluator, said)
    post(client, f"/v1/arbitration/disputes/{dispute_id}/decide", sale.operator, REJECT, 200)
    told = client.get(f"/v1/disputes/{dispute_id}", headers=sale.buyer.headers).text
    assert sale.evaluator.participant_id not in told and sale.operator.participant_id not in told


def test_each_role_has_its_own_doors(sale: Sale, client: TestClient) -> None:
    dispute_id = opened(client, sale)
    doors = {
        ("get", "/v1/disputes"): {"buyer", "seller", "provider"},
        ("get", f"/v1/disputes/{dispute_id}/entries"): {"buyer", "seller", "provider"},
        ("get", "/v1/evaluation/disputes"): {"evaluator"},
        ("get", f"/v1/evaluation/disputes/{dispute_id}"): {"evaluator"},
        ("get", f"/v1/evaluation/disputes/{dispute_id}/entries"): {"evaluator"},
        ("get", "/v1/arbitration/disputes"): {"operator"},
        ("get", f"/v1/arbitration/disputes/{dispute_id}"): {"operator"},
        ("post", f"/v1/disputes/{dispute_id}/withdraw"): {"buyer", "seller"},
        ("post", f"/v1/disputes/{dispute_id}/statements"): {"buyer", "seller", "provider"},
        ("post", f"/v1/evaluation/disputes/{dispute_id}/statements"): {"evaluator"},
        ("post", f"/v1/arbitration/disputes/{dispute_id}/decide"): {"operator"},
    }
    for (method, path), roles in doors.items():
        for role in ("buyer", "seller", "provider", "operator", "evaluator", "regulator"):
            if role not in roles:
                refused = client.request(method, path, headers=getattr(sale, role).changing, json=REJECT)
                assert refused.status_code == 403, (method, path, role)
        assert client.request(method, path).status_code == 401
    assert sale.states == ("disputed", "suspended")


def test_a_token_without_the_scope_opens_no_door(sale: Sale, client: TestClient) -> None:
    narrow = a_participant(sale.market, "app_developer", scopes=frozenset({"account"}))
    assert client.get("/v1/disputes", headers=narrow.headers).status_code == 403


def test_what_is_of_others_is_not_found(sale: Sale, client: TestClient) -> None:
    dispute_id = opened(client, sale)
    other = a_participant(sale.market, "developer")
    for path in (f"/v1/disputes/{dispute_id}", f"/v1/disputes/{dispute_id}/entries"):
        assert client.get(path, headers=other.headers).status_code == 404
        assert client.get(path, headers=sale.provider.headers).status_code == 404
    assert client.get("/v1/disputes", headers=other.headers).json() == {"items": []}
    assert client.post(f"/v1/disputes/{dispute_id}/withdraw", headers=sale.seller.changing).status_code == 404


def test_an_evaluator_with_a_part_in_the_sale_does_not_read_of_it(sale: Sale, client: TestClient) -> None:
    dispute_id = opened(client, sale)
    biased = a_participant(sale.market, "evaluator", owner_registration="91350100M000100Y43")
    for path in (f"/v1/evaluation/disputes/{dispute_id}", f"/v1/evaluation/disputes/{dispute_id}/entries"):
        assert client.get(path, headers=biased.headers).status_code == 403
        assert client.get(path, headers=sale.evaluator.headers).status_code == 200


def test_the_same_request_twice_is_one_dispute(sale: Sale, client: TestClient) -> None:
    body = {"order_id": sale.order_id, "ground": "quality", "statement": STATEMENT}
    headers = sale.buyer.changing
    first, second = (client.post("/v1/disputes", headers=headers, json=body) for _ in range(2))
    assert first.status_code == second.status_code == 201 and first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    other = client.post("/v1/disputes", headers=headers, json={**body, "ground": "terms"})
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")


def test_a_decision_twice_is_one_refund(sale: Sale, client: TestClient) -> None:
    dispute_id = opened(client, sale)
    path, headers = f"/v1/arbitration/disputes/{dispute_id}/decide", sale.operator.changing
    first, second = (client.post(path, headers=headers, json=UPHOLD) for _ in range(2))
    assert first.json() == second.json() and second.headers["Idempotency-Replayed"] == "true"
    again = client.post(path, headers=sale.operator.changing, json=UPHOLD)
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "wrong_state", "upheld")
    assert sale.is_in_order()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"order_id": "ord_1", "ground": "quality", "statement": "x"},
        {"order_id": "ord_" + "0" * 28, "ground": "quality", "statement": "x", "refund_fen": 5},
        {"order_id": "ord_" + "0" * 28, "ground": "quality", "statement": "x" * 4001},
        {"order_id": "ord_" + "0" * 28, "ground": "quality", "statement": "x", "evidence": {}},
        [],
    ],
)
def test_what_is_no_dispute_is_told_why(client: TestClient, sale: Sale, body: Any) -> None:
    refused = client.post("/v1/disputes", headers=sale.buyer.changing, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_pages_hold_each_dispute_once(released: Path, tmp_path: Path) -> None:
    from tests.market_api.sales import bought_again

    sale = a_sale(released, tmp_path)
    client = served(sale.market)
    disputed = {opened(client, bought_again(sale, 1000 + number)) for number in range(5)}
    for path, reader in (("/v1/disputes", sale.buyer), ("/v1/arbitration/disputes", sale.operator)):
        found, token = [], ""
        while token is not None:
            shown = client.get(path, headers=reader.headers, params={"pageSize": 2, "pageToken": token}).json()
            found += [each["dispute_id"] for each in shown["items"]]
            token = shown.get("nextPageToken")
        assert len(found) == 5 and set(found) == disputed
    upheld = client.get("/v1/arbitration/disputes", headers=sale.operator.headers, params={"state": "upheld"})
    assert upheld.json() == {"items": []}


def opened(client: TestClient, sale: Sale) -> str:
    body = {"order_id": sale.order_id, "ground": "quality", "statement": STATEMENT}
    return str(post(client, "/v1/disputes", sale.buyer, body)["dispute_id"])


def post(client: TestClient, path: str, caller: Participant, body: Any, status: int = 201) -> dict[str, Any]:
    answer = client.post(path, headers=caller.changing, json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found
