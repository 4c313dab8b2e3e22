"""Admission: who may apply for what, who decides, and what a decision does."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from market_api.idempotency import requests
from market_api.identity.participants import first_operator
from market_api.identity.tables import credentials, participants
from market_api.ledger.tables import accounts
from market_api.market import Market
from market_api.problems import Problem
from tests.market_api.builders import Participant, a_market, a_participant, served
from tests.market_api.identity.applicants import (
    Answer,
    admitted,
    application_of,
    applied,
    apply,
    ask_token,
    bearing,
    decide,
    token_of,
)
from vault.black_box import tables as black_box
from vault.errors import JinkuError

OWNER = "91350100M000100Y43"
OWNERS = sa.select(participants.c.beneficial_owner)


@pytest.fixture
def market(tmp_path: Path) -> Market:
    return a_market(tmp_path)


@pytest.fixture
def client(market: Market) -> TestClient:
    return served(market)


@pytest.fixture
def operator(market: Market) -> Participant:
    return a_participant(market, "operator")


def test_an_applicant_gets_an_id_and_a_secret_and_waits(client: TestClient) -> None:
    application = applied(client)
    assert set(application) == {"participant_id", "client_id", "client_secret", "state"}
    assert application["state"] == "applied" and len(application["client_secret"]) == 43


def test_an_applicant_gets_no_token_and_is_told_why(client: TestClient) -> None:
    application = applied(client)
    answer = ask_token(client, application["participant_id"], application["client_secret"])
    assert (answer.status_code, answer.json()["error"], answer.json()["state"]) == (
        400,
        "unauthorized_client",
        "applied",
    )


def test_whoever_is_admitted_has_one_door_and_two_accounts(client: TestClient, operator: Participant) -> None:
    application = admitted(client, operator)
    account = client.get("/v1/account", headers=bearing(token_of(client, application))).json()
    assert account["participant_id"] == application["participant_id"] and account["state"] == "admitted"
    assert account["funds"] == {"currency": "CNY", "available_fen": 0, "held_fen": 0, "pending_fen": 0}
    assert account["data"] == {"entitlements": {}}


def test_accounts_are_opened_at_admission_and_not_before(
    market: Market, client: TestClient, operator: Participant
) -> None:
    own = sa.select(sa.func.count()).select_from(accounts)
    before = market.read(lambda connection: connection.execute(own).scalar_one())
    application = applied(client)
    assert market.read(lambda connection: connection.execute(own).scalar_one()) == before
    decide(client, operator, application["participant_id"], "admit")
    assert market.read(lambda connection: connection.execute(own).scalar_one()) == before + 3


def test_a_refused_applicant_is_told_the_reason_and_its_name_is_free_again(
    client: TestClient, operator: Participant
) -> None:
    application = applied(client)
    decide(client, operator, application["participant_id"], "refuse", {"reason": "没有营业执照"})
    told = ask_token(client, application["participant_id"], application["client_secret"]).json()
    assert (told["state"], told["reason"]) == ("refused", "没有营业执照")
    assert apply(client).status_code == 201


@pytest.mark.parametrize("role", ["operator", "regulator", "admin", "", None, ["developer"]])
def test_some_roles_cannot_be_applied_for(client: TestClient, role: object) -> None:
    answer = apply(client, role=role)
    assert (answer.status_code, answer.json()["field"]) == (422, "role")


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "admitted"},
        {"participant_id": "par_" + "0" * 28},
        {"party": "team:mobility"},
        {"taxpayer": "exempt"},
        {"registered_name": "x" * 121},
        {"registered_name": ""},
        {"registered_name": "Riverside\u202e"},
        {"registered_name": "Аcme"},
        {"registered_name": 7},
        {"owner_registration": "short"},
        {"owner_registration": "91350100M00010; drop"},
    ],
)
def test_an_application_says_what_it_may_and_no_more(client: TestClient, changes: Answer) -> None:
    answer = apply(client, **changes)
    assert answer.status_code == 422 and answer.json()["code"] == "invalid_request"


@pytest.mark.parametrize("double", ["RIVERSIDE transit, Ltd.", "Ｒiverside Transit Ltd", "Riverside\u00a0Transit  Ltd"])
def test_a_name_like_one_that_is_there_is_taken(client: TestClient, double: str) -> None:
    applied(client)
    answer = apply(client, registered_name=double)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (409, "taken", "registered_name")


def test_of_two_who_apply_for_one_name_at_once_one_gets_it(tmp_path: Path, database_url: str | None) -> None:
    client = served(a_market(tmp_path, database_url=database_url))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: apply(client), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]


def test_an_application_that_comes_again_is_one_and_its_secret_is_shown_once(
    market: Market, client: TestClient
) -> None:
    first, again = (apply(client, key="the-same-key") for _ in range(2))
    assert first.status_code == again.status_code == 201 and again.headers["Idempotency-Replayed"] == "true"
    assert "client_secret" in first.json() and "client_secret" not in again.json()
    assert first.json()["participant_id"] == again.json()["participant_id"]
    assert apply(client, key="the-same-key", role="developer").json()["code"] == "key_reused"


def test_the_database_holds_no_secret_and_no_owner_in_the_clear(market: Market, client: TestClient) -> None:
    secret = applied(client, owner_registration=OWNER)["client_secret"]

    def everything(connection: sa.Connection) -> str:
        tables = (participants, credentials, requests)
        return str([list(connection.execute(sa.select(table))) for table in tables])

    kept = market.read(everything)
    assert secret not in kept and OWNER not in kept and "$argon2id$" in kept


def test_one_owner_behind_two_participants_is_found_however_it_is_written(market: Market, client: TestClient) -> None:
    for name, owner in (("One Ltd", OWNER), ("Two Ltd", "91350100-m000100 y43"), ("Three Ltd", "91350100M000100Y44")):
        applied(client, registered_name=name, owner_registration=owner)
    found = sa.select(participants.c.registered_name, participants.c.beneficial_owner)
    owners = dict(market.read(lambda connection: [tuple(row) for row in connection.execute(found)]))
    assert owners["One Ltd"] == owners["Two Ltd"] != owners["Three Ltd"]


def test_owners_are_hashed_otherwise_in_another_market(tmp_path: Path) -> None:
    hashes = set()
    for name in ("a", "b"):
        market = a_market(tmp_path / name)
        applied(served(market), owner_registration=OWNER)
        hashes |= set(market.read(lambda connection: connection.execute(OWNERS).scalars().all()))
    assert len(hashes) == 2


def test_a_suspended_participant_is_cut_off_at_its_next_request(client: TestClient, operator: Participant) -> None:
    application = admitted(client, operator)
    token = token_of(client, application)
    assert client.get("/v1/account", headers=bearing(token)).status_code == 200
    decide(client, operator, application["participant_id"], "suspend")
    refused = client.get("/v1/account", headers=bearing(token))
    assert (refused.status_code, refused.json()["state"]) == (401, "suspended")
    assert ask_token(client, application["participant_id"], application["client_secret"]).json()["state"] == "suspended"
    decide(client, operator, application["participant_id"], "reinstate")
    assert client.get("/v1/account", headers=bearing(token)).status_code == 200


def test_what_the_regulator_froze_the_operator_cannot_release(
    market: Market, client: TestClient, operator: Participant
) -> None:
    regulator = a_participant(market, "regulator")
    name = admitted(client, operator)["participant_id"]
    assert decide(client, regulator, name, "freeze").json()["state"] == "frozen"
    for event in ("reinstate", "suspend"):
        assert decide(client, operator, name, event).json()["code"] == "wrong_state"
    assert decide(client, operator, name, "release").json()["code"] == "not_permitted"
    assert decide(client, regulator, name, "release").json()["state"] == "suspended"
    assert decide(client, operator, name, "reinstate").json()["state"] == "admitted"


def test_the_regulator_freezes_whoever_the_operator_suspended(
    market: Market, client: TestClient, operator: Participant
) -> None:
    regulator = a_participant(market, "regulator")
    name = admitted(client, operator)["participant_id"]
    decide(client, operator, name, "suspend")
    assert decide(client, regulator, name, "freeze").json()["reason"] == "reason to freeze"


def test_nobody_decides_on_himself(market: Market, client: TestClient, operator: Participant) -> None:
    regulator = a_participant(market, "regulator")
    for who, event in ((operator, "suspend"), (operator, "admit"), (regulator, "freeze")):
        answer = decide(client, who, who.participant_id, event)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


@pytest.mark.parametrize("event", ["admit", "refuse", "reinstate"])
def test_what_was_decided_is_not_decided_again(client: TestClient, operator: Participant, event: str) -> None:
    name = admitted(client, operator)["participant_id"]
    assert decide(client, operator, name, event).json()["code"] == "wrong_state"


def test_two_decisions_at_once_are_one(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    client, operator = served(market), a_participant(market, "operator")
    name = applied(client)["participant_id"]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda event: decide(client, operator, name, event), ["admit", "refuse"] * 3))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]


def test_a_decision_of_one_key_from_many_threads_is_one_effect(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    client, operator = served(market), a_participant(market, "operator")
    name = applied(client)["participant_id"]
    headers = operator.changing
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda _: client.post(f"/v1/participants/{name}/admit", json={}, headers=headers), range(6))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1


def test_a_decision_is_held_against_what_its_maker_has_seen(client: TestClient, operator: Participant) -> None:
    name = applied(client)["participant_id"]
    seen = client.get(f"/v1/participants/{name}", headers=operator.headers).headers["ETag"]
    decide(client, operator, name, "admit")
    stale = client.post(
        f"/v1/participants/{name}/suspend",
        json={"reason": "unpaid"},
        headers={**operator.changing, "If-Match": seen},
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert client.get(f"/v1/participants/{name}", headers=operator.headers).json()["state"] == "admitted"


def test_a_party_of_datasheets_belongs_to_one(client: TestClient, operator: Participant) -> None:
    one, two = (applied(client, registered_name=name)["participant_id"] for name in ("One Ltd", "Two Ltd"))
    assert decide(client, operator, one, "admit", {"party": "team:mobility"}).json()["party"] == "team:mobility"
    answer = decide(client, operator, two, "admit", {"party": "team:mobility"})
    assert (answer.json()["code"], answer.json()["field"]) == ("taken", "party")


def test_an_operator_enrols_a_regulator_who_is_admitted_then(client: TestClient, operator: Participant) -> None:
    body = {"role": "regulator", "registered_name": "Data Bureau"}
    enrolled = client.post("/v1/participants", json=body, headers=operator.changing).json()
    assert ask_token(client, enrolled["participant_id"], enrolled["client_secret"]).status_code == 400
    decide(client, operator, enrolled["participant_id"], "admit")
    token = token_of(client, enrolled)
    assert client.get("/v1/account", headers=bearing(token)).json()["role"] == "regulator"


@pytest.mark.parametrize("role", ["provider", "developer", "app_developer", "evaluator", "regulator"])
def test_only_operators_enrol_and_decide(market: Market, client: TestClient, role: str) -> None:
    caller = a_participant(market, role)
    body = {"role": "operator", "registered_name": "Usurper"}
    assert client.post("/v1/participants", json=body, headers=caller.changing).status_code == 403
    assert decide(client, caller, applied(client)["participant_id"], "admit").status_code == 403
    assert client.get("/v1/participants", headers=caller.headers).status_code == 403


def test_the_first_operator_is_made_once(market: Market, client: TestClient) -> None:
    participant_id, secret = first_operator(market, "City Data Exchange")
    assert token_of(client, {"participant_id": participant_id, "client_secret": secret})
    with pytest.raises(JinkuError, match="operator_there"):
        first_operator(market, "Another")


def test_the_first_operator_takes_no_name_that_is_taken(market: Market, client: TestClient) -> None:
    applied(client, registered_name="City Data Exchange")
    with pytest.raises(Problem, match="taken"):
        first_operator(market, "CITY DATA EXCHANGE")
    with pytest.raises(Problem, match="cannot be seen"):
        first_operator(market, "Operator\u202e")


def test_participants_are_listed_in_pages_and_by_state(client: TestClient, operator: Participant) -> None:
    names = {applied(client, registered_name=f"Applicant {number}")["participant_id"] for number in range(5)}
    found, token = set(), ""
    while True:
        answer = client.get(
            "/v1/participants",
            params={"state": "applied", "pageSize": 2, "pageToken": token},
            headers=operator.headers,
        ).json()
        found |= {item["participant_id"] for item in answer["items"]}
        if not (token := answer.get("nextPageToken", "")):
            break
    assert found == names


@pytest.mark.parametrize("token", ["%00", "AA", "////", "AAAA=", "a" * 201])
def test_a_token_that_no_list_gave_is_refused(client: TestClient, operator: Participant, token: str) -> None:
    answer = client.get(f"/v1/participants?pageToken={token}", headers=operator.headers)
    assert answer.status_code in (200, 422)


@pytest.mark.parametrize("name", ["par_0", "par_" + "0" * 28, "..%2f..", "par_' or 1=1 --", "%00", "x" * 3000])
def test_no_other_id_finds_anybody(client: TestClient, operator: Participant, name: str) -> None:
    assert client.get(f"/v1/participants/{name}", headers=operator.headers).status_code in (404, 422)


def test_the_black_box_tells_every_decision_and_no_name(
    market: Market, client: TestClient, operator: Participant
) -> None:
    name = admitted(client, operator, owner_registration=OWNER)["participant_id"]
    decide(client, operator, name, "suspend", {"reason": "said in confidence"})
    told = str(market.read(lambda connection: connection.execute(sa.select(black_box.payloads)).all()))
    for step in ("participant.begin", "participant.credential_added", "participant.admit", "participant.suspend"):
        assert step in told
    for secret in ("Riverside", OWNER, "said in confidence", str(application_of()["registered_name"])):
        assert secret not in told
