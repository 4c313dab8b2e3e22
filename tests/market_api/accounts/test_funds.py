"""Funds that come and go: a transfer is booked once, a payout is decided once, and nothing is lost in between."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from market_api.accounts.funds import bank_reference
from market_api.ledger.accounts import balances
from market_api.ledger.proof import ledger_faults, total_fen
from market_api.market import Market
from tests.market_api.builders import Participant, a_market, a_participant, served, suspended
from tests.market_api.identity.applicants import applied, decide

Answer = dict[str, Any]


@pytest.fixture
def market(tmp_path: Path) -> Market:
    return a_market(tmp_path)


@pytest.fixture
def client(market: Market) -> TestClient:
    return served(market)


@pytest.fixture
def operator(market: Market) -> Participant:
    return a_participant(market, "operator")


@pytest.fixture
def owner(market: Market) -> Participant:
    return a_participant(market)


def post(client: TestClient, who: Participant, address: str, body: Answer | None = None) -> Answer:
    answer = client.post(address, json=body, headers=who.changing)
    return {"status": answer.status_code, **answer.json()}


def deposit(client: TestClient, by: Participant, owner_id: str, amount: Any, reference: str = "TRANSFER 1") -> Answer:
    body = {"amount_fen": amount, "bank_reference": reference}
    return post(client, by, f"/v1/participants/{owner_id}/deposits", body)


def funds(market: Market, owner: Participant) -> tuple[int, int]:
    """What is available and what is held."""
    found = market.read(lambda connection: balances(connection, owner.participant_id))
    return found["available"], found["held"]


def is_whole(market: Market) -> bool:
    return market.read(lambda connection: (ledger_faults(connection), total_fen(connection))) == ((), 0)


def test_a_deposit_is_there_to_be_spent(
    market: Market, client: TestClient, operator: Participant, owner: Participant
) -> None:
    booked = deposit(client, operator, owner.participant_id, 5_000)
    assert booked["status"] == 201 and booked["booked_by"] == operator.participant_id
    assert funds(market, owner) == (5_000, 0) and is_whole(market)
    account = client.get("/v1/account", headers=owner.headers).json()
    assert account["funds"]["available_fen"] == 5_000


@pytest.mark.parametrize("again", ["TRANSFER 1", "transfer 1", " Transfer  1 ", "ＴＲＡＮＳＦＥＲ1", "TRANSFER\u00a01"])
def test_one_transfer_is_booked_once_however_it_is_written(
    market: Market, client: TestClient, operator: Participant, owner: Participant, again: str
) -> None:
    other = a_participant(market)
    deposit(client, operator, owner.participant_id, 5_000)
    for whose in (owner, other):
        refused = deposit(client, operator, whose.participant_id, 7_000, again)
        assert (refused["status"], refused["code"], refused["field"]) == (409, "taken", "bank_reference")
    assert (funds(market, owner), funds(market, other)) == ((5_000, 0), (0, 0)) and is_whole(market)


def test_one_transfer_from_many_threads_is_booked_once(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    client, operator, owner = served(market), a_participant(market, "operator"), a_participant(market)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: deposit(client, operator, owner.participant_id, 5_000)["status"], range(6)))
    assert sorted(answers) == [201, *[409] * 5]
    assert funds(market, owner) == (5_000, 0) and is_whole(market)


def test_one_request_from_many_threads_is_one_effect(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    client, owner = served(market), a_participant(market, funds_fen=10_000)
    headers = owner.changing

    def ask(_: int) -> str:
        answer = client.post("/v1/account/payouts", json={"amount_fen": 1_000}, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["payout_id"])

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(6)))) == 1
    assert funds(market, owner) == (9_000, 1_000) and is_whole(market)


@pytest.mark.parametrize("amount", [0, -1, 10**13 + 1, 10**30, 1.0, 1.5, "5", True, None])
def test_amounts_are_whole_fen_above_nothing(
    market: Market, client: TestClient, operator: Participant, owner: Participant, amount: object
) -> None:
    assert deposit(client, operator, owner.participant_id, amount)["status"] == 422
    assert post(client, owner, "/v1/account/payouts", {"amount_fen": amount})["status"] == 422
    assert funds(market, owner) == (0, 0)


@pytest.mark.parametrize("reference", ["", "   ", "---", "x" * 65, "Überweisung", "a\u200bb", "a\x00b", 5])
def test_a_reference_is_plain(client: TestClient, operator: Participant, owner: Participant, reference: Any) -> None:
    assert deposit(client, operator, owner.participant_id, 5, reference)["status"] == 422


def test_a_reference_has_one_form() -> None:
    assert bank_reference(" ab 12-３ ") == "AB12-3"


def test_nobody_books_who_is_no_operator(market: Market, client: TestClient, owner: Participant) -> None:
    for role in ("provider", "developer", "app_developer", "evaluator", "regulator"):
        assert deposit(client, a_participant(market, role), owner.participant_id, 5)["status"] == 403
    assert funds(market, owner) == (0, 0)


def test_who_has_no_account_gets_no_deposit(market: Market, client: TestClient, operator: Participant) -> None:
    applicant = applied(client)["participant_id"]
    assert deposit(client, operator, applicant, 5)["code"] == "wrong_state"
    decide(client, operator, applicant, "refuse")
    assert deposit(client, operator, applicant, 5)["code"] == "wrong_state"
    regulator = a_participant(market, "regulator").participant_id
    assert deposit(client, operator, regulator, 5)["code"] == "wrong_state"
    assert deposit(client, operator, "par_" + "0" * 28, 5)["code"] == "not_found"


def test_money_that_comes_for_a_suspended_participant_is_booked(
    market: Market, client: TestClient, operator: Participant, owner: Participant
) -> None:
    suspended(market, owner)
    assert deposit(client, operator, owner.participant_id, 5)["status"] == 201
    assert funds(market, owner) == (5, 0)


def test_deposits_are_listed(client: TestClient, operator: Participant, owner: Participant) -> None:
    for number in range(3):
        deposit(client, operator, owner.participant_id, 5, f"T{number}")
    address = f"/v1/participants/{owner.participant_id}/deposits"
    assert len(client.get(address, headers=operator.headers).json()["items"]) == 3
    assert client.get(address, headers=owner.headers).status_code == 403


def test_a_payout_is_set_aside_and_leaves_when_it_was_made(
    market: Market, client: TestClient, operator: Participant, owner: Participant
) -> None:
    deposit(client, operator, owner.participant_id, 5_000)
    asked = post(client, owner, "/v1/account/payouts", {"amount_fen": 3_000})
    assert (asked["status"], asked["state"], funds(market, owner)) == (201, "requested", (2_000, 3_000))
    paid = post(client, operator, f"/v1/payouts/{asked['payout_id']}/confirm", {"bank_reference": "OUT 1"})
    assert (paid["status"], paid["state"], paid["bank_reference"]) == (200, "paid", "OUT1")
    assert funds(market, owner) == (2_000, 0) and is_whole(market)


def test_nobody_is_paid_more_than_he_has(market: Market, client: TestClient) -> None:
    owner = a_participant(market, funds_fen=1_000)
    refused = post(client, owner, "/v1/account/payouts", {"amount_fen": 1_001})
    assert (refused["status"], refused["code"], refused["missing_fen"]) == (402, "funds_missing", 1)
    assert post(client, owner, "/v1/account/payouts", {"amount_fen": 1_000})["status"] == 201
    assert post(client, owner, "/v1/account/payouts", {"amount_fen": 1})["code"] == "funds_missing"


def test_payouts_that_are_asked_for_at_once_do_not_pass_the_funds(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    client, owner = served(market), a_participant(market, funds_fen=3_000)
    body = {"amount_fen": 1_000}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: post(client, owner, "/v1/account/payouts", body)["status"], range(6)))
    assert sorted(answers) == [201] * 3 + [402] * 3
    assert funds(market, owner) == (0, 3_000) and is_whole(market)


@pytest.mark.parametrize("end", ["reject", "cancel"])
def test_a_payout_that_is_not_made_goes_back(
    market: Market, client: TestClient, operator: Participant, end: str
) -> None:
    owner = a_participant(market, funds_fen=1_000)
    name = post(client, owner, "/v1/account/payouts", {"amount_fen": 400})["payout_id"]
    if end == "reject":
        ended = post(client, operator, f"/v1/payouts/{name}/reject", {"reason": "another name on the account"})
        assert (ended["state"], ended["reason"]) == ("rejected", "another name on the account")
    else:
        assert post(client, owner, f"/v1/account/payouts/{name}/cancel")["state"] == "cancelled"
    assert funds(market, owner) == (1_000, 0) and is_whole(market)


def test_a_payout_ends_once_whoever_decides_at_the_same_time(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    client, operator = served(market), a_participant(market, "operator")
    owner = a_participant(market, funds_fen=1_000)
    name = post(client, owner, "/v1/account/payouts", {"amount_fen": 400})["payout_id"]
    decisions = [
        (operator, f"/v1/payouts/{name}/confirm", {"bank_reference": "OUT 1"}),
        (operator, f"/v1/payouts/{name}/reject", {"reason": "no"}),
        (owner, f"/v1/account/payouts/{name}/cancel", None),
    ] * 2
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda each: post(client, *each)["status"], decisions))
    assert sorted(answers) == [200, *[409] * 5]
    assert funds(market, owner) in ((1_000, 0), (600, 0)) and is_whole(market)


def test_one_transfer_pays_one_payout(market: Market, client: TestClient, operator: Participant) -> None:
    owner = a_participant(market, funds_fen=1_000)
    one, two = (post(client, owner, "/v1/account/payouts", {"amount_fen": 400})["payout_id"] for _ in range(2))
    assert post(client, operator, f"/v1/payouts/{one}/confirm", {"bank_reference": "OUT 1"})["status"] == 200
    refused = post(client, operator, f"/v1/payouts/{two}/confirm", {"bank_reference": "out1"})
    assert refused["code"] == "taken" and funds(market, owner) == (200, 400) and is_whole(market)


def test_nothing_is_paid_to_whoever_is_suspended(market: Market, client: TestClient, operator: Participant) -> None:
    owner = a_participant(market, funds_fen=1_000)
    name = post(client, owner, "/v1/account/payouts", {"amount_fen": 400})["payout_id"]
    suspended(market, owner)
    refused = post(client, operator, f"/v1/payouts/{name}/confirm", {"bank_reference": "OUT 1"})
    assert refused["code"] == "wrong_state" and funds(market, owner) == (600, 400)
    assert post(client, operator, f"/v1/payouts/{name}/reject", {"reason": "suspended"})["status"] == 200


def test_anothers_payout_is_not_there(market: Market, client: TestClient) -> None:
    owner, other = a_participant(market, funds_fen=1_000), a_participant(market, funds_fen=1_000)
    name = post(client, owner, "/v1/account/payouts", {"amount_fen": 400})["payout_id"]
    theirs = post(client, other, f"/v1/account/payouts/{name}/cancel")
    nobodys = post(client, other, f"/v1/account/payouts/pay_{'0' * 28}/cancel")
    assert theirs["status"] == nobodys["status"] == 404
    assert theirs["detail"].replace(name, "") == nobodys["detail"].replace(f"pay_{'0' * 28}", "")
    assert client.get("/v1/account/payouts", headers=other.headers).json() == {"items": []}
    assert post(client, other, f"/v1/payouts/{name}/confirm", {"bank_reference": "x1"})["status"] == 403
    assert funds(market, owner) == (600, 400)


def test_payouts_are_listed_by_state(market: Market, client: TestClient, operator: Participant) -> None:
    owner = a_participant(market, funds_fen=1_000)
    names = [post(client, owner, "/v1/account/payouts", {"amount_fen": 100})["payout_id"] for _ in range(3)]
    post(client, owner, f"/v1/account/payouts/{names[0]}/cancel")
    waiting = client.get("/v1/payouts?state=requested", headers=operator.headers).json()["items"]
    assert {each["payout_id"] for each in waiting} == set(names[1:]) and "hold_id" not in waiting[0]
    assert len(client.get("/v1/account/payouts", headers=owner.headers).json()["items"]) == 3


@pytest.mark.parametrize("role", ["operator", "evaluator", "regulator"])
def test_who_does_not_trade_asks_for_no_payout(market: Market, client: TestClient, role: str) -> None:
    assert post(client, a_participant(market, role), "/v1/account/payouts", {"amount_fen": 1})["status"] == 403
