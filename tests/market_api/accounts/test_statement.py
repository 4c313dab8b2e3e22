"""Statements: every posting on one's own accounts, and balances that add up over any period and any pages."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_api.accounts.funds import cancel_payout, confirm_payout, request_payout
from market_api.ledger.accounts import OUTSIDE, account_of, balances
from market_api.ledger.posting import Posting, post
from market_api.market import Market
from tests.market_api.builders import NOON, Participant, SetClock, a_market, a_participant, served

Page = dict[str, Any]
PARTS = ("available_fen", "held_fen", "pending_fen")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def market(tmp_path: Path, clock: SetClock) -> Market:
    return a_market(tmp_path, clock, rate_limit="100000/minute")


@pytest.fixture
def client(market: Market) -> TestClient:
    return served(market)


def pages(client: TestClient, owner: Participant, **query: Any) -> list[Page]:
    """All pages of a statement."""
    found: list[Page] = []
    while True:
        answer = client.get("/v1/account/statement", params=query, headers=owner.headers)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        if "nextPageToken" not in found[-1]:
            return found
        query = {"pageSize": query.get("pageSize", 50), "pageToken": found[-1]["nextPageToken"]}


def a_busy_account(market: Market, clock: SetClock, steps: list[int], other: Participant | None = None) -> Participant:
    """A participant whose funds came and went, a second between each: one step pays in, pays another, holds, pays out,
    gives back."""
    owner = a_participant(market, funds_fen=1_000)
    name = owner.participant_id
    whom = other or a_participant(market)
    for step in steps:
        clock.move(seconds=1)

        def act(transaction: Any, step: int = step) -> None:
            match step % 4:
                case 0:
                    post(transaction, "deposit", "bank", [Posting(OUTSIDE, account_of(name), 100 + step)])
                case 1:
                    moved = Posting(account_of(name), account_of(whom.participant_id, "pending"), 1 + step % 7)
                    post(transaction, "settlement", "ord", [moved])
                case 2:
                    cancel_payout(transaction, name, request_payout(transaction, name, 1 + step % 11)["payout_id"])
                case 3:
                    asked = request_payout(transaction, name, 1 + step % 5)["payout_id"]
                    confirm_payout(transaction, asked, f"R{clock().timestamp()}-{name}")

        market.act(name, act)
    return owner


def adds_up(page: Page, opening: str, closing: str, items: list[Page]) -> bool:
    """Whether opening and entries come to closing, for each account."""
    return all(
        page[opening][part] + sum(item["change_fen"] for item in items if f"{item['account']}_fen" == part)
        == page[closing][part]
        for part in PARTS
    )


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the market holds other accounts from the examples before, which is all the better
@given(st.lists(st.integers(0, 1000), max_size=8), st.integers(1, 7), st.integers(-1, 9), st.integers(0, 10))
def test_balances_add_up_over_any_period_in_any_pages(
    market: Market, client: TestClient, clock: SetClock, steps: list[int], size: int, begins: int, length: int
) -> None:
    clock.at = NOON
    owner = a_busy_account(market, clock, steps)
    first, last = NOON + timedelta(seconds=begins), NOON + timedelta(seconds=begins + length, microseconds=1)
    found = pages(client, owner, **{"from": first.isoformat(), "to": last.isoformat(), "pageSize": size})
    items = [item for page in found for item in page["items"]]
    assert all(adds_up(page, "page_opening", "page_closing", page["items"]) for page in found)
    assert adds_up(found[0], "opening", "closing", items)
    assert found[0]["page_opening"] == found[0]["opening"] and found[-1]["page_closing"] == found[0]["closing"]
    assert all(one["page_closing"] == two["page_opening"] for one, two in pairwise(found))
    assert all(page["closing"] == found[0]["closing"] and page["to"] == found[0]["to"] for page in found)
    places = [(item["at"], item["transaction_id"], item["number"], item["account"]) for item in items]
    assert places == sorted(places, key=lambda place: place[:3]) and len(set(places)) == len(places)
    assert all(first.isoformat() <= item["at"] < last.isoformat() for item in items)


def test_a_whole_statement_closes_with_the_balances(tmp_path: Path, database_url: str | None) -> None:
    clock = SetClock()
    market = a_market(tmp_path, clock, database_url)
    owner = a_busy_account(market, clock, list(range(12)))
    (page,) = pages(served(market), owner)
    held = market.read(lambda connection: balances(connection, owner.participant_id))
    assert {part: page["closing"][f"{part}_fen"] for part in held} == held
    assert page["opening"] == {"available_fen": 0, "held_fen": 0, "pending_fen": 0, "total_fen": 0}
    assert page["from"] is None and len(page["items"]) > 12
    last_by_account = {item["account"]: item["balance_fen"] for item in page["items"]}
    assert last_by_account == {name: held[name] for name in last_by_account}


def test_pages_are_the_same_on_both_databases(tmp_path: Path, database_url: str | None) -> None:
    clock = SetClock()
    market = a_market(tmp_path, clock, database_url)
    owner = a_busy_account(market, clock, list(range(12)))
    client = served(market)
    (whole,) = pages(client, owner)
    assert [item for page in pages(client, owner, pageSize=2) for item in page["items"]] == whole["items"]


def test_what_comes_later_is_not_in_pages_that_were_begun(market: Market, client: TestClient, clock: SetClock) -> None:
    owner = a_busy_account(market, clock, [0, 4, 8])
    first = client.get("/v1/account/statement?pageSize=2", headers=owner.headers).json()
    clock.move(seconds=1)
    market.act("market", lambda t: post(t, "deposit", "x", [Posting(OUTSIDE, account_of(owner.participant_id), 7)]))
    rest = client.get(
        "/v1/account/statement", params={"pageToken": first["nextPageToken"]}, headers=owner.headers
    ).json()
    assert rest["closing"] == first["closing"] == rest["page_closing"]


def test_nobody_is_named_on_the_other_side(market: Market, client: TestClient, clock: SetClock) -> None:
    other = a_participant(market)
    owner = a_busy_account(market, clock, [1, 5, 9], other)
    for one, two in ((owner, other), (other, owner)):
        told = client.get("/v1/account/statement", headers=one.headers).text
        assert two.participant_id not in told and two.registered_name not in told
    assert client.get("/v1/account/statement", headers=other.headers).json()["closing"]["pending_fen"] > 0


def test_anothers_token_gives_ones_own_statement(market: Market, client: TestClient, clock: SetClock) -> None:
    owner, other = a_busy_account(market, clock, [0, 4, 8]), a_participant(market)
    token = client.get("/v1/account/statement?pageSize=1", headers=owner.headers).json()["nextPageToken"]
    answer = client.get("/v1/account/statement", params={"pageToken": token}, headers=other.headers)
    assert answer.json()["items"] == [] and owner.participant_id not in answer.text


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-27T12:00:00"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "from"),
        ({"to": "9999-12-31T23:59:59-14:00"}, "to"),
        ({"from": "2026-11-27T12:00:00Z", "to": "2026-11-27T12:00:00Z"}, "to"),
        ({"pageToken": "bm9uZQ"}, "pageToken"),
        ({"pageToken": "YXxifGN8ZHx4fGY"}, "pageToken"),
        ({"pageToken": "AA"}, "pageToken"),
        ({"pageSize": "0"}, "pageSize"),
    ],
)
def test_a_period_and_a_token_are_what_they_must_be(
    market: Market, client: TestClient, query: dict[str, str], field: str
) -> None:
    answer = client.get("/v1/account/statement", params=query, headers=a_participant(market).headers)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
