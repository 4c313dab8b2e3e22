"""Negotiations and their orders over HTTP: who may do what, and what is seen."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.market_api.builders import Participant, a_participant, renewed, served
from tests.market_api.goods import ASKED, is_proven
from tests.market_api.negotiations.talks import Talks, talks

TERMS = {"purposes": list(ASKED.purposes), "users": 3, "term_days": 180, "pulls": 12}


@pytest.fixture
def two(released: Path, tmp_path: Path) -> Talks:
    return talks(released, tmp_path, price_fen=100_000)


def post(client: TestClient, who: Participant, path: str, body: Any = None) -> Any:
    return client.post(path, json=body, headers=who.changing)


def test_two_parties_come_to_an_order_and_the_buyer_pays_it(two: Talks) -> None:
    client = served(two.market)
    opened = post(client, two.buyer, "/v1/negotiations", {"listing_id": two.listing_id, "terms": TERMS})
    assert opened.status_code == 201, opened.text
    path, told = f"/v1/negotiations/{opened.json()['negotiation_id']}", {"terms_hash": opened.json()["terms_hash"]}
    assert post(client, two.buyer, f"{path}/offers", {**told, "price_fen": 90_000}).status_code == 201
    outside = post(client, two.seller, f"{path}/offers", {**told, "price_fen": 120_000})
    assert (outside.status_code, outside.json()["code"]) == (409, "offer_refused")

    regulator = a_participant(two.market, "regulator")
    waiver = post(
        client,
        regulator,
        f"{path}/waivers",
        {"lowest_fen": 116_000, "highest_fen": 120_000, "valid_hours": 24, "reason": "Service included"},
    ).json()["waiver_id"]
    seen = client.get(path, headers=two.seller.headers).json()
    assert [each["waiver_id"] for each in seen["waivers"]] == [waiver]
    asked = post(client, two.seller, f"{path}/offers", {**told, "price_fen": 120_000, "waiver_id": waiver})
    assert asked.status_code == 201

    agreed = post(client, two.buyer, f"{path}/accept", {**told, "price_fen": 120_000}).json()
    assert agreed["state"] == "agreed"
    paid = post(client, two.buyer, f"/v1/orders/{agreed['order_id']}/pay")
    assert (paid.status_code, paid.json()["price_fen"]) == (200, 120_000)
    assert is_proven(two.market)


def test_a_third_party_sees_neither_negotiation_nor_order(two: Talks) -> None:
    client, third = served(two.market), a_participant(two.market)
    name = two.opened()
    two.offer(name, two.seller, 100_000)
    order_id = two.accept(name, two.buyer, 100_000)["order_id"]
    third, buyer = renewed(two.market, third), renewed(two.market, two.buyer)
    for path in (f"/v1/negotiations/{name}", f"/v1/orders/{order_id}"):
        assert client.get(path, headers=buyer.headers).status_code == 200
        answer = client.get(path, headers=third.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for path in (f"/v1/negotiations/{name}/reject", f"/v1/orders/{order_id}/pay", f"/v1/orders/{order_id}/cancel"):
        assert post(client, third, path).status_code == 404
    for path in ("/v1/negotiations", "/v1/orders"):
        assert len(client.get(path, headers=buyer.headers).json()["items"]) == 1
        assert client.get(path, headers=third.headers).json() == {"items": []}


def test_only_the_regulator_waives_and_only_traders_negotiate(two: Talks) -> None:
    client, name = served(two.market), two.opened()
    waiver = {"lowest_fen": 1, "highest_fen": 2, "valid_hours": 1, "reason": "none"}
    for who in (two.buyer, two.seller, a_participant(two.market, "operator")):
        assert post(client, who, f"/v1/negotiations/{name}/waivers", waiver).status_code == 403
    for role in ("operator", "regulator", "evaluator", "provider"):
        answer = post(
            client,
            a_participant(two.market, role),
            "/v1/negotiations",
            {"listing_id": two.listing_id, "terms": TERMS},
        )
        assert (role, answer.status_code) == (role, 403)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"price_fen": -1, "terms_hash": "0" * 64},
        {"price_fen": 0, "terms_hash": "0" * 64},
        {"price_fen": 10**14, "terms_hash": "0" * 64},
        {"price_fen": 1.5, "terms_hash": "0" * 64},
        {"price_fen": "90000", "terms_hash": "0" * 64},
        {"price_fen": True, "terms_hash": "0" * 64},
        {"price_fen": 90_000, "terms_hash": "no hash"},
        {"price_fen": 90_000, "terms_hash": "0" * 64, "party": "seller"},
    ],
)
def test_what_is_no_offer_is_refused_by_its_field(two: Talks, body: dict[str, Any]) -> None:
    answer = post(served(two.market), two.buyer, f"/v1/negotiations/{two.opened()}/offers", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["field"]


def test_the_same_offer_twice_is_one_offer(two: Talks) -> None:
    client, name = served(two.market), two.opened()
    body = {"price_fen": 90_000, "terms_hash": two.seen(name)["terms_hash"]}
    headers = two.buyer.changing
    answers = [client.post(f"/v1/negotiations/{name}/offers", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert len(two.seen(name)["offers"]) == 1


def test_a_posted_price_is_bought_in_one_step_and_own_orders_come_in_pages(two: Talks) -> None:
    client = served(two.market)
    body = {"listing_id": two.listing_id, "terms": TERMS, "price_fen": 100_000}
    bought = [post(client, two.buyer, "/v1/orders", body) for _ in range(3)]
    assert [each.status_code for each in bought] == [201, 201, 201], bought[0].text
    first = client.get("/v1/orders", params={"pageSize": 2}, headers=two.seller.headers).json()
    second = client.get(
        "/v1/orders", params={"pageSize": 2, "pageToken": first["nextPageToken"]}, headers=two.seller.headers
    ).json()
    shown = [each["order_id"] for each in (*first["items"], *second["items"])]
    assert shown == sorted(each.json()["order_id"] for each in bought)
    assert "nextPageToken" not in second
    placed = client.get("/v1/orders", params={"state": "placed"}, headers=two.seller.headers).json()
    assert placed == {"items": []}


def test_an_order_at_another_price_or_wider_terms_is_refused(two: Talks) -> None:
    client = served(two.market)
    body = {"listing_id": two.listing_id, "terms": TERMS, "price_fen": 99_999}
    changed = post(client, two.buyer, "/v1/orders", body)
    assert (changed.status_code, changed.json()["code"], changed.json()["price_fen"]) == (409, "price_changed", 100_000)
    wider = post(client, two.buyer, "/v1/orders", {**body, "terms": {**TERMS, "exclusive_days": 10}})
    assert (wider.status_code, wider.json()["field"]) == (422, "terms.exclusive_days")
    contradicting = post(client, two.buyer, "/v1/orders", {**body, "terms": {**TERMS, "exclusive_days": 181}})
    assert (contradicting.status_code, contradicting.json()["field"]) == (422, "terms")
    unknown = post(client, two.buyer, "/v1/orders", {**body, "listing_id": "lst_0000000000000000000000000000"})
    assert unknown.status_code == 404
