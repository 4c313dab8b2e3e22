"""Screens over what SQL gathers, and cases: screens flag, people decide."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from market_api.oversight.gathering import (
    cleared_trades,
    closed_auctions,
    owners_of,
    providers_of,
)
from market_api.oversight.periods import period_of
from market_api.oversight.screening import flags_of
from market_api.oversight.tables import cases
from market_api.problems import Problem
from tests.market_api.auctions import lots
from tests.market_api.builders import NOON, Participant, a_participant, served
from tests.market_api.disputes.acts import decided, opened, upheld
from tests.market_api.sales import PRICE_FEN, Sale, a_sale, bought_again, bought_by
from vault.black_box.log import last_entries

SCREENS, CASES = "/v1/oversight/screens", "/v1/oversight/cases"
OWNER = "91350100M000100Y43"


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path)


@pytest.fixture
def affiliated(sale: Sale) -> Sale:
    """The same, and a company of the seller's owner that bought, too."""
    bought_by(sale, a_participant(sale.market, "app_developer", owner_registration=OWNER), 70_000)
    return sale


def test_trades_are_gathered_as_they_stand(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url, facts=json.dumps({"subject": "aggregate"}))
    given_back = bought_again(sale, 500)
    decided(given_back, opened(given_back), upheld(500))
    in_dispute = bought_again(sale, 600)
    opened(in_dispute)
    trades = sale.market.read(lambda connection: cleared_trades(connection, year(sale)))
    assert [(each.trade_id, each.price_fen) for each in trades] == [
        (sale.order_id, PRICE_FEN),
        (in_dispute.order_id, 600),
    ]
    first = trades[0]
    assert (first.comparable_group, first.pulls, first.guide_fen) == ("governance/aggregate", 0, 100_000)
    assert (first.seller, first.buyer) == (sale.seller.participant_id, sale.buyer.participant_id)
    assert first.closed_at == NOON


def test_more_trades_than_can_be_looked_at_are_refused(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    bought_again(sale, 500)
    monkeypatch.setattr("market_api.oversight.gathering.TRADES_MAX", 1)
    with pytest.raises(Problem, match="shorter period"):
        sale.market.read(lambda connection: cleared_trades(connection, year(sale)))


def test_owners_and_providers_are_known(sale: Sale) -> None:
    owners = sale.market.read(owners_of)
    assert len(owners[sale.seller.participant_id]) == 1 and owners[sale.operator.participant_id] == frozenset()
    assert OWNER not in str(owners)
    assert sale.market.read(providers_of) == {"zone_hours": frozenset({sale.provider.participant_id})}


@pytest.mark.parametrize("form", ["english", "sealed_second"])
def test_auctions_are_gathered_with_everybodys_highest_bid(
    released: Path, tmp_path: Path, database_url: str | None, form: str
) -> None:
    lot = lots.a_sale(released, tmp_path, database_url)
    if form == "english":
        name = lot.opened()
        for who, limit_fen in (("ada", 110_000), ("bo", 120_000), ("ada", 150_000)):
            lot.bid(name, who, limit_fen)
        lot.close(lots.CLOSES + timedelta(minutes=10))
    else:
        name = lot.opened(form)
        lot.sealed(name, {"ada": 150_000, "bo": 120_000})
        lot.close()
    period = period_of(None, None, lot.clock.at)
    (auction,) = lot.market.read(lambda connection: closed_auctions(connection, period))
    ada, bo = lot.bidder("ada").participant_id, lot.bidder("bo").participant_id
    assert {bid.bidder: bid.amount_fen for bid in auction.bids} == {ada: 150_000, bo: 120_000}
    assert (auction.winner, auction.reserve_fen, auction.series) == (ada, 100_000, "governance")


def test_an_auction_without_bids_is_gathered_without_a_winner(released: Path, tmp_path: Path) -> None:
    lot = lots.a_sale(released, tmp_path)
    lot.opened()
    lot.close(lots.CLOSES + timedelta(minutes=1))
    period = period_of(None, None, lot.clock.at)
    (auction,) = lot.market.read(lambda connection: closed_auctions(connection, period))
    assert (auction.bids, auction.winner) == ((), None)


def test_a_field_with_one_seller_is_as_concentrated_as_can_be(sale: Sale) -> None:
    client = served(sale.market)
    found = client.get("/v1/oversight/concentration", headers=sale.regulator.headers).json()["items"]
    assert [(each["application_field"], each["side"], each["hhi"]) for each in found] == [
        ("governance", "sellers", 10_000.0),
        ("governance", "buyers", 10_000.0),
    ]
    assert found[0]["largest"] == [sale.seller.participant_id] and found[0]["total_fen"] == PRICE_FEN


def test_a_shared_owner_is_flagged_and_not_named(affiliated: Sale) -> None:
    client = served(affiliated.market)
    shown = flags(client, affiliated, kind="shared_owner")
    (flag,) = shown
    assert affiliated.seller.participant_id in flag["subjects"] and "a person decides" in flag["explanation"]
    owner = affiliated.market.read(owners_of)[affiliated.seller.participant_id]
    assert not any(each in json.dumps(shown) for each in owner)


def test_a_sale_between_strangers_is_not_flagged(sale: Sale) -> None:
    kinds = {flag["kind"] for flag in flags(served(sale.market), sale)}
    assert not kinds & {"shared_owner", "provider_buys", "owner_unknown", "round_trip", "circular_flow"}
    assert "not_enough" in kinds  # silence would read as a clean record


def test_pages_hold_each_flag_once(affiliated: Sale) -> None:
    client, found, token = served(affiliated.market), [], ""
    while token is not None:
        given = {"pageSize": 1, "pageToken": token}
        shown = client.get(SCREENS, headers=affiliated.regulator.headers, params=given).json()
        found += [each["flag_id"] for each in shown["items"]]
        token = shown.get("nextPageToken")
    assert found and len(set(found)) == len(found)
    assert set(found) == set(affiliated.market.read(lambda c: flags_of(c, year(affiliated), affiliated.clock.at)))


def test_a_flag_alone_has_no_consequence(affiliated: Sale) -> None:
    flags(served(affiliated.market), affiliated)
    assert affiliated.states == ("settled", "active")
    assert affiliated.market.read(lambda connection: connection.execute(sa.select(cases)).all()) == []


def test_a_case_is_opened_and_decided_by_a_person_for_a_reason(affiliated: Sale) -> None:
    client = served(affiliated.market)
    (flag,) = flags(client, affiliated, kind="shared_owner")
    case = post(client, CASES, affiliated.regulator, {"flag_id": flag["flag_id"], "reason": "Who set the price?"}, 201)
    assert (case["state"], case["kind"], case["subjects"]) == ("opened", "shared_owner", flag["subjects"])
    assert case["measure"] == flag["measure"] and case["explanation"] == flag["explanation"]
    assert flags(client, affiliated, kind="shared_owner")[0]["case_id"] == case["case_id"]
    decision = {"decision": "unfounded", "reason": "Both pulled the data at once."}
    closed = post(client, f"{CASES}/{case['case_id']}/close", affiliated.regulator, decision)
    assert (closed["state"], closed["decision"], closed["reason"]) == ("closed", "unfounded", decision["reason"])
    assert flags(client, affiliated, kind="shared_owner")[0]["case_id"] is None
    logged = affiliated.market.read(lambda connection: last_entries(connection, 50, subject=case["case_id"]))
    assert [json.loads(each.payload or "")["step"] for each in logged] == ["case.begin", "case.close"]
    assert {each.entry.kind for each in logged} == {"decision"} and not any("price" in str(e.payload) for e in logged)


def test_a_case_is_about_a_flag_that_the_screens_give(affiliated: Sale) -> None:
    client = served(affiliated.market)
    refused = client.post(CASES, headers=affiliated.regulator.changing, json={"flag_id": "0" * 32, "reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    (flag,) = flags(client, affiliated, kind="shared_owner")
    earlier = {"begins": "2020-01-01T00:00:00Z", "ends": "2021-01-01T00:00:00Z"}
    body = {"flag_id": flag["flag_id"], "reason": "x", **earlier}
    assert client.post(CASES, headers=affiliated.regulator.changing, json=body).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"flag_id": "0" * 32},
        {"flag_id": "0" * 32, "reason": " "},
        {"flag_id": "x", "reason": "x"},
        {"flag_id": "0" * 32, "reason": "x", "kind": "shared_owner"},
        {"flag_id": "0" * 32, "reason": "x", "begins": "2026-01-01"},
    ],
)
def test_what_is_no_case_is_refused(sale: Sale, body: dict[str, str]) -> None:
    refused = served(sale.market).post(CASES, headers=sale.regulator.changing, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_a_flag_has_one_open_case_and_a_case_one_decision(affiliated: Sale) -> None:
    client = served(affiliated.market)
    (flag,) = flags(client, affiliated, kind="shared_owner")
    body = {"flag_id": flag["flag_id"], "reason": "Who set the price?"}
    case = post(client, CASES, affiliated.regulator, body, 201)
    assert post(client, CASES, affiliated.regulator, body, 409)["code"] == "taken"
    path, decision = f"{CASES}/{case['case_id']}/close", {"decision": "warned", "reason": "Do not do it again."}
    post(client, path, affiliated.regulator, decision)
    assert post(client, path, affiliated.regulator, decision, 409)["code"] == "wrong_state"
    assert post(client, CASES, affiliated.regulator, body, 201)["case_id"] != case["case_id"]
    shown = client.get(CASES, headers=affiliated.regulator.headers, params={"state": "closed"}).json()["items"]
    assert [each["case_id"] for each in shown] == [case["case_id"]]
    assert client.get(f"{CASES}/cse_{'0' * 28}", headers=affiliated.regulator.headers).status_code == 404


def test_of_many_who_open_a_case_at_once_one_does(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    bought_by(sale, a_participant(sale.market, "app_developer", owner_registration=OWNER), 70_000)
    client = served(sale.market)
    (flag,) = flags(client, sale, kind="shared_owner")
    body = {"flag_id": flag["flag_id"], "reason": "Who set the price?"}
    headers = [sale.regulator.changing for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda each: client.post(CASES, headers=each, json=body), headers))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5


def year(sale: Sale) -> Any:
    return period_of(None, None, sale.clock.at)


def flags(client: TestClient, sale: Sale, **given: str) -> list[dict[str, Any]]:
    answer = client.get(SCREENS, headers=sale.regulator.headers, params=given)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def post(client: TestClient, path: str, caller: Participant, body: Any, status: int = 200) -> dict[str, Any]:
    answer = client.post(path, headers=caller.changing, json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found
