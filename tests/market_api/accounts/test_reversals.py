"""A deposit that was booked wrongly is taken back whole, once, while its money is there; nothing is deleted."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from market_api.accounts.tables import deposit_reversals
from market_api.identity.participants import decide
from market_api.market import Market
from tests.market_api.accounts.test_funds import Answer, deposit, funds, is_whole, post
from tests.market_api.builders import Participant, SetClock, a_market, a_participant, served, suspended
from tests.market_api.faults.asking import log_size

WRONG = {"reason": "The transfer was another participant's."}


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def market(tmp_path: Path, clock: SetClock) -> Market:
    return a_market(tmp_path, clock)


@pytest.fixture
def client(market: Market) -> TestClient:
    return served(market)


@pytest.fixture
def operator(market: Market) -> Participant:
    return a_participant(market, "operator")


@pytest.fixture
def owner(market: Market) -> Participant:
    return a_participant(market)


def reverse(client: TestClient, by: Participant, deposit_id: str) -> Answer:
    return post(client, by, f"/v1/deposits/{deposit_id}/reverse", WRONG)


def booked(client: TestClient, operator: Participant, owner: Participant, amount_fen: int, reference: str) -> str:
    return str(deposit(client, operator, owner.participant_id, amount_fen, reference)["deposit_id"])


def statement(client: TestClient, owner: Participant) -> list[tuple[str, str, int]]:
    items = client.get("/v1/account/statement", headers=owner.headers).json()["items"]
    return [(item["kind"], item["reference"], item["change_fen"]) for item in items]


def test_a_wrong_deposit_is_taken_back_and_the_statement_shows_both(
    tmp_path: Path, database_url: str | None, clock: SetClock
) -> None:
    market = a_market(tmp_path, clock, database_url)
    client, operator, owner = served(market), a_participant(market, "operator"), a_participant(market)
    name = booked(client, operator, owner, 5_000, "T1")
    clock.move(seconds=1)
    answer = reverse(client, operator, name)
    assert (answer["status"], answer["reversal"]["reason"]) == (200, WRONG["reason"])
    assert funds(market, owner) == (0, 0) and is_whole(market)
    clock.move(seconds=1)
    assert statement(client, owner) == [("deposit", name, 5_000), ("deposit_reversal", name, -5_000)]
    listed = client.get(f"/v1/participants/{owner.participant_id}/deposits", headers=operator.headers).json()["items"]
    assert [(item["deposit_id"], item["reversal"]) for item in listed] == [(name, answer["reversal"])]


def test_its_transfer_is_booked_again_rightly_and_once(
    market: Market, client: TestClient, operator: Participant, owner: Participant
) -> None:
    other = a_participant(market)
    wrong = booked(client, operator, owner, 5_000, "T1")
    assert deposit(client, operator, other.participant_id, 5_000, "T1")["code"] == "taken"
    reverse(client, operator, wrong)
    right = deposit(client, operator, other.participant_id, 5_000, " t1 ")
    assert (right["status"], right["booking"]) == (201, 2) and funds(market, other) == (5_000, 0)
    assert deposit(client, operator, owner.participant_id, 5_000, "T1")["code"] == "taken"
    assert reverse(client, operator, wrong)["code"] == "wrong_state"
    assert reverse(client, operator, right["deposit_id"])["status"] == 200
    assert deposit(client, operator, owner.participant_id, 4_000, "T1")["booking"] == 3 and is_whole(market)


def test_a_transfer_that_many_book_again_at_once_is_booked_once(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    client, operator = served(market), a_participant(market, "operator")
    owners = [a_participant(market) for _ in range(4)]
    reverse(client, operator, booked(client, operator, owners[0], 5_000, "T1"))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda who: deposit(client, operator, who.participant_id, 5_000, "T1"), owners))
    assert sorted(answer["status"] for answer in answers) == [201, 409, 409, 409]
    assert sum(funds(market, who)[0] for who in owners) == 5_000 and is_whole(market)


def test_what_was_spent_or_set_aside_is_not_taken_back_and_the_lacking_fen_are_named(
    market: Market, client: TestClient, operator: Participant, owner: Participant
) -> None:
    name = booked(client, operator, owner, 5_000, "T1")
    booked(client, operator, owner, 1_000, "T2")
    payout = post(client, owner, "/v1/account/payouts", {"amount_fen": 1_300})["payout_id"]
    before = log_size(market)
    refused = reverse(client, operator, name)
    assert (refused["status"], refused["code"], refused["missing_fen"]) == (402, "funds_missing", 300)
    assert "300" in refused["detail"] and "5000" in refused["detail"]
    assert funds(market, owner) == (4_700, 1_300) and log_size(market) == before
    assert post(client, owner, f"/v1/account/payouts/{payout}/cancel")["status"] == 200
    assert reverse(client, operator, name)["status"] == 200 and funds(market, owner) == (1_000, 0)
    assert is_whole(market)


def test_a_deposit_is_reversed_once_whoever_does_it_at_the_same_time(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    client, operator, owner = served(market), a_participant(market, "operator"), a_participant(market)
    name = booked(client, operator, owner, 5_000, "T1")
    booked(client, operator, owner, 50_000, "T2")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: reverse(client, operator, name)["status"], range(6)))
    assert sorted(answers) == [200, *[409] * 5]
    assert funds(market, owner) == (50_000, 0) and is_whole(market)


def test_what_is_no_deposit_is_not_reversed(
    market: Market, client: TestClient, operator: Participant, owner: Participant
) -> None:
    made = deposit(client, operator, owner.participant_id, 5_000)
    payout = post(client, owner, "/v1/account/payouts", {"amount_fen": 1})["payout_id"]
    before = log_size(market)
    for name in (made["transaction_id"], payout, owner.participant_id, f"dep_{'0' * 28}"):
        refused = reverse(client, operator, name)
        assert (refused["status"], refused["code"]) == (404, "not_found")
    assert reverse(client, operator, "not-an-id")["status"] == 422
    assert funds(market, owner) == (4_999, 1) and log_size(market) == before


def test_a_reversal_has_a_reason(client: TestClient, operator: Participant, owner: Participant) -> None:
    name = booked(client, operator, owner, 5_000, "T1")
    for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": 5}, {**WRONG, "amount_fen": 1}):
        assert post(client, operator, f"/v1/deposits/{name}/reverse", body)["status"] == 422


def test_nobody_reverses_who_is_no_operator(
    market: Market, client: TestClient, operator: Participant, owner: Participant
) -> None:
    name = booked(client, operator, owner, 5_000, "T1")
    for role in ("provider", "developer", "app_developer", "evaluator", "regulator"):
        assert reverse(client, a_participant(market, role), name)["status"] == 403
    assert reverse(client, owner, name)["status"] == 403 and funds(market, owner) == (5_000, 0)


def test_of_a_suspended_owner_it_is_taken_back_of_a_frozen_one_not(
    market: Market, client: TestClient, operator: Participant
) -> None:
    one, other = a_participant(market), a_participant(market)
    names = [booked(client, operator, who, 5_000, f"T{number}") for number, who in enumerate((one, other))]
    suspended(market, one)
    market.act("market", lambda transaction: decide(transaction, other.participant_id, "freeze", "It is looked into."))
    assert reverse(client, operator, names[0])["status"] == 200
    refused = reverse(client, operator, names[1])
    assert (refused["code"], refused["state"]) == ("wrong_state", "frozen") and funds(market, other) == (5_000, 0)


def test_the_black_box_holds_the_reversal_and_not_its_words(
    market: Market, client: TestClient, operator: Participant, owner: Participant
) -> None:
    name = booked(client, operator, owner, 5_000, "T1")
    reverse(client, operator, name)
    regulator = a_participant(market, "regulator")
    entries = client.get("/v1/oversight/log?pageSize=500", headers=regulator.headers).json()["items"]
    (entry,) = [each for each in entries if each["payload"]["step"] == "deposit.reverse"]
    assert (entry["subject"], entry["actor"]) == (name, operator.participant_id)
    (taken_back,) = [each for each in entries if each["payload"].get("reverses") == entry["payload"]["reverses"]][:1]
    assert taken_back["payload"]["step"] in ("ledger.post", "deposit.reverse") and WRONG["reason"] not in str(entries)
    market.seal()
    assert market.verify().is_whole


def test_a_reversal_stays_as_it_was(market: Market, client: TestClient, operator: Participant) -> None:
    reverse(client, operator, booked(client, operator, a_participant(market), 5_000, "T1"))
    assert (
        market.read(lambda each: each.execute(sa.select(sa.func.count()).select_from(deposit_reversals)).scalar()) == 1
    )
    for change in ("update deposit_reversals set reason = 'x'", "delete from deposit_reversals"):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"):
            market.act("market", lambda t, change=change: t.connection.execute(sa.text(change)))
