"""All trades, as the regulator sees them and nobody else."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.market_api.builders import a_participant, served
from tests.market_api.disputes.acts import decided, opened, upheld
from tests.market_api.sales import PRICE_FEN, Sale, a_sale, bought_again

TRADES = "/v1/oversight/trades"


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path)


@pytest.fixture
def client(sale: Sale) -> TestClient:
    return served(sale.market)


@pytest.mark.parametrize(
    "path",
    [
        TRADES,
        "/v1/oversight/concentration",
        "/v1/oversight/screens",
        "/v1/oversight/cases",
        "/v1/oversight/disputes",
        "/v1/oversight/public-revenue?period=2026q4",
        "/v1/oversight/log",
        "/v1/oversight/log/0",
        "/v1/oversight/log/verification",
        "/v1/oversight/cleared-trades?until=2026-11-27",
    ],
)
def test_oversight_is_for_those_who_oversee(sale: Sale, client: TestClient, path: str) -> None:
    for party in (sale.buyer, sale.seller, sale.provider, sale.evaluator):
        assert client.get(path, headers=party.headers).status_code == 403
    assert client.get(path).status_code == 401
    narrow = a_participant(sale.market, "regulator", scopes=frozenset({"account"}))
    assert client.get(path, headers=narrow.headers).status_code == 403


def test_every_sale_is_told_with_all_who_earned(sale: Sale, client: TestClient) -> None:
    (found,) = asked(client, sale)
    assert (found["buyer_id"], found["seller_id"]) == (sale.buyer.participant_id, sale.seller.participant_id)
    assert sum(line[2] for line in found["lines"]) == found["price_fen"] == PRICE_FEN
    assert f"{sale.provider.participant_id}:pending" in {line[0] for line in found["lines"]}
    assert (found["state"], found["refund_fen"], found["payment_id"]) == ("settled", 0, sale.order.payment_id)


def test_what_was_given_back_is_told(sale: Sale, client: TestClient) -> None:
    decided(sale, opened(sale), upheld(30_000, "keeps"))
    whole = bought_again(sale, 5_000)
    decided(whole, opened(whole), upheld(5_000))
    assert [(each["state"], each["refund_fen"]) for each in asked(client, sale)] == [
        ("settled", 30_000),
        ("refunded", 5_000),
    ]


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"component": "zone_hours"}, 3),
        ({"component": "another"}, 0),
        ({"field": "governance"}, 3),
        ({"field": "innovation"}, 0),
        ({"from": "2026-11-28T00:00:00Z"}, 2),
        ({"to": "2026-11-28T00:00:00+00:00"}, 1),
        ({"from": "2026-11-27T11:00:00Z", "to": "2026-11-27T12:00:00Z"}, 0),
        ({"from": "2026-11-27T12:00:00Z", "to": "2026-11-27T12:00:01Z"}, 1),
    ],
)
def test_trades_are_asked_for_by_what_they_are(
    sale: Sale, client: TestClient, given: dict[str, str], count: int
) -> None:
    sale.clock.move(minutes=10 * 6 * 13)
    regulator = a_participant(sale.market, "regulator")
    for price_fen in (1_000, 2_000):
        bought_again(sale, price_fen)
    answer = client.get(TRADES, headers=regulator.headers, params=given)
    assert len(answer.json()["items"]) == count


def test_trades_are_asked_for_by_either_side(sale: Sale, client: TestClient) -> None:
    for party, count in ((sale.buyer, 1), (sale.seller, 1), (sale.provider, 0), (sale.regulator, 0)):
        assert len(asked(client, sale, participant=party.participant_id)) == count


@pytest.mark.parametrize(
    "given",
    [
        {"field": "war"},
        {"component": "DROP TABLE"},
        {"participant": "par_1"},
        {"from": "yesterday"},
        {"from": "2026-11-27T12:00:00"},
        {"from": "2026-11-27T12:00:00Z", "to": "2026-11-26T12:00:00Z"},
        {"pageSize": "0"},
        {"pageSize": "501"},
    ],
)
def test_what_cannot_be_asked_is_told(sale: Sale, client: TestClient, given: dict[str, str]) -> None:
    refused = client.get(TRADES, headers=sale.regulator.headers, params=given)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_pages_hold_each_trade_once(sale: Sale, client: TestClient) -> None:
    names = {sale.order_id, *(bought_again(sale, 100 + number).order_id for number in range(4))}
    found, token = [], ""
    while token is not None:
        shown = client.get(TRADES, headers=sale.regulator.headers, params={"pageSize": 2, "pageToken": token}).json()
        found += [each["order_id"] for each in shown["items"]]
        token = shown.get("nextPageToken")
    assert len(found) == 5 and set(found) == names


def test_the_regulator_reads_disputes(sale: Sale, client: TestClient) -> None:
    dispute_id = opened(sale)
    shown = client.get("/v1/oversight/disputes", headers=sale.regulator.headers, params={"state": "opened"}).json()
    assert [each["dispute_id"] for each in shown["items"]] == [dispute_id]
    whole = client.get(f"/v1/oversight/disputes/{dispute_id}", headers=sale.regulator.headers).json()
    assert whole["statements"][0]["party"] == "buyer"
    assert client.get(f"/v1/oversight/disputes/dsp_{'0' * 28}", headers=sale.regulator.headers).status_code == 404


def asked(client: TestClient, sale: Sale, **given: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(TRADES, headers=sale.regulator.headers, params=given).json()["items"]
    return found
