"""Auctions over HTTP, from the announcement to the payment, and what is refused there."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from market_api.auctions.outcome import commitment_of
from tests.market_api.auctions.lots import CLOSES, FUNDS_FEN, NONCE, OPENS, REVEALED, Sale
from tests.market_api.builders import Participant, a_participant, renewed, served
from tests.market_api.goods import is_proven

TERMS = {"purposes": ["transport_planning"], "users": 3, "term_days": 180, "pulls": 12}


def lot(sale: Sale, form: str = "english", **changes: Any) -> dict[str, Any]:
    return {
        "listing_id": sale.listing_id,
        "format": form,
        "terms": TERMS,
        "increment_fen": 5_000,
        "opens_at": OPENS.isoformat(),
        "closes_at": CLOSES.isoformat(),
        **({} if form == "english" else {"reveals_until": REVEALED.isoformat()}),
        **changes,
    }


def post(client: TestClient, sale: Sale, who: Participant, path: str, body: Any = None) -> Any:
    return client.post(path, json=body, headers=renewed(sale.market, who).changing)


def test_a_sealed_auction_goes_from_the_announcement_to_the_payment(sale: Sale) -> None:
    client, ada = served(sale.market), a_participant(sale.market, funds_fen=FUNDS_FEN)
    announced = post(client, sale, sale.seller, "/v1/auctions", lot(sale, "sealed_second"))
    assert announced.status_code == 201, announced.text
    name = announced.json()["auction_id"]
    path = f"/v1/auctions/{name}"

    sale.clock.at = OPENS
    bidder = client.get(f"{path}/entry", headers=renewed(sale.market, ada).headers).json()["bidder"]
    commitment = commitment_of(name, bidder, 150_000, NONCE)
    assert post(client, sale, ada, f"{path}/commitments", {"commitment": commitment}).status_code == 201
    sale.clock.at = CLOSES
    opened = post(client, sale, ada, f"{path}/reveal", {"amount_fen": 150_000, "nonce": NONCE})
    assert (opened.status_code, opened.json()["amount_fen"]) == (200, 150_000)
    sale.close(REVEALED)

    headers = renewed(sale.market, ada).headers
    assert client.get(path, headers=headers).json()["awards"] == [
        {"bid_id": opened.json()["bid_id"], "bidder": bidder, "price_fen": 100_000}
    ]
    entry = client.get(f"{path}/entry", headers=headers).json()
    assert entry["deposit"] == {"amount_fen": 10_000, "state": "held"}
    paid = post(client, sale, ada, f"/v1/orders/{entry['order_id']}/pay")
    assert (paid.status_code, paid.json()["price_fen"]) == (200, 100_000), paid.text
    assert is_proven(sale.market)


def test_an_open_auction_takes_bids_and_tells_the_standing_price(sale: Sale) -> None:
    client = served(sale.market)
    ada, bo = (a_participant(sale.market, funds_fen=FUNDS_FEN) for _ in range(2))
    path = f"/v1/auctions/{post(client, sale, sale.seller, '/v1/auctions', lot(sale)).json()['auction_id']}"
    sale.clock.at = OPENS
    assert post(client, sale, ada, f"{path}/bids", {"limit_fen": 150_000}).json()["is_leading"] is True
    lower = post(client, sale, bo, f"{path}/bids", {"limit_fen": 100_000})
    assert (lower.status_code, lower.json()["code"], lower.json()["least_fen"]) == (409, "bid_refused", 105_000)
    assert post(client, sale, bo, f"{path}/bids", {"limit_fen": 120_000}).json()["is_leading"] is False
    seen = client.get(path, headers=renewed(sale.market, bo).headers).json()
    assert (seen["price_fen"], seen["least_bid_fen"]) == (125_000, 130_000)


def test_the_same_bid_twice_is_one_bid(sale: Sale) -> None:
    client, ada = served(sale.market), a_participant(sale.market, funds_fen=FUNDS_FEN)
    path, headers = f"/v1/auctions/{sale.opened()}/bids", renewed(sale.market, ada).changing
    answers = [client.post(path, json={"limit_fen": 150_000}, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert sale.rows("select count(*) from auction_bids") == [(1,)]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("bids", {"limit_fen": -1}),
        ("bids", {"limit_fen": 0}),
        ("bids", {"limit_fen": 10**14}),
        ("bids", {"limit_fen": 1e5}),
        ("bids", {"limit_fen": "100000"}),
        ("bids", {"limit_fen": 100_000, "bidder": "another"}),
        ("commitments", {"commitment": "A" * 64}),
        ("reveal", {"amount_fen": 100_000, "nonce": "short"}),
        ("reveal", {"amount_fen": -100_000, "nonce": NONCE}),
    ],
)
def test_what_is_no_bid_is_refused_by_its_field(sale: Sale, path: str, body: dict[str, Any]) -> None:
    client, name = served(sale.market), sale.announced()
    answer = post(client, sale, sale.bidder("ada"), f"/v1/auctions/{name}/{path}", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"opens_at": "2026-12-04T12:00:00"}, "opens_at"),
        ({"opens_at": 1_800_000_000}, "opens_at"),
        ({"opens_at": "soon"}, "opens_at"),
        ({"opens_at": "0001-01-01T00:00:00+14:00"}, "opens_at"),
        ({"closes_at": "9999-12-31T23:59:59-14:00"}, "closes_at"),
        ({"format": "dutch"}, "format"),
        ({"reserve_fen": 1}, "reserve_fen"),
        ({"licences": 10**30}, "licences"),
        ({"terms": {**TERMS, "purposes": []}}, "terms.purposes"),
    ],
)
def test_what_is_no_lot_is_refused_by_its_field(sale: Sale, changes: dict[str, Any], field: str) -> None:
    answer = post(served(sale.market), sale, sale.seller, "/v1/auctions", lot(sale, **changes))
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


def test_only_developers_announce_and_only_buyers_bid(sale: Sale) -> None:
    client, name = served(sale.market), sale.announced()
    for role in ("app_developer", "provider", "operator", "regulator", "evaluator"):
        who = a_participant(sale.market, role)
        assert post(client, sale, who, "/v1/auctions", lot(sale)).status_code == 403
        assert post(client, sale, who, f"/v1/auctions/{name}/cancel").status_code == 403
        expected = 409 if role == "app_developer" else 403
        assert post(client, sale, who, f"/v1/auctions/{name}/bids", {"limit_fen": 100_000}).status_code == expected


def test_auctions_are_listed_in_pages_by_state_and_listing(sale: Sale) -> None:
    first = sale.announced()
    post(served(sale.market), sale, sale.seller, f"/v1/auctions/{first}/cancel")
    second = sale.announced()
    client, headers = served(sale.market), sale.bidder("ada").headers

    def listed(**asked: Any) -> list[str]:
        answer = client.get("/v1/auctions", params=asked, headers=headers)
        return [each["auction_id"] for each in answer.json()["items"]]

    assert sorted(listed()) == sorted([first, second])
    assert listed(state="cancelled") == [first]
    assert listed(state="announced", listing_id=sale.listing_id) == [second]
    assert listed(listing_id="lst_0000000000000000000000000000") == []
    page = client.get("/v1/auctions", params={"pageSize": 1}, headers=headers).json()
    assert [
        *page["items"],
        *client.get("/v1/auctions", params={"pageSize": 1, "pageToken": page["nextPageToken"]}, headers=headers).json()[
            "items"
        ],
    ] == client.get("/v1/auctions", headers=headers).json()["items"]
