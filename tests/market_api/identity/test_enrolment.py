"""The way back for who lost all secrets: a code that is good once, for a while, and ends all that was good before."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from market_api.identity.enrolment import code_on_site
from market_api.identity.participants import decide as decide_on
from market_api.identity.participants import first_operator
from market_api.identity.tables import credentials
from market_api.log import head
from market_api.market import Market
from market_api.problems import Problem
from tests.market_api.builders import Participant, SetClock, a_market, a_participant, renewed, served, suspended
from tests.market_api.identity.applicants import Answer, admitted, applied, ask_token, bearing, changing, token_of
from vault.black_box import tables

CHECKED = "Called back at the number on record."
_KEYS = count(1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def market(tmp_path: Path, clock: SetClock) -> Market:
    return a_market(tmp_path, clock, rate_limit="10000/minute")


@pytest.fixture
def client(market: Market) -> TestClient:
    return served(market)


@pytest.fixture
def operator(market: Market) -> Participant:
    return a_participant(market, "operator")


@pytest.fixture
def lost(client: TestClient, operator: Participant) -> Answer:
    """An admitted participant, which has lost its secret."""
    return admitted(client, operator)


def issue(client: TestClient, by: Participant, participant_id: str, **body: object) -> Answer:
    address = f"/v1/participants/{participant_id}/enrolment-codes"
    answer = client.post(address, json={"reason": CHECKED, **body}, headers=by.changing)
    return {"status": answer.status_code, **answer.json()}


def enrol(client: TestClient, client_id: str, code: str, key: str = "") -> Answer:
    body = {"client_id": client_id, "enrolment_code": code}
    headers = {"Idempotency-Key": key or f"enrolment-{next(_KEYS)}"}
    answer = client.post("/v1/enrolments", json=body, headers=headers)
    return {"http": answer.status_code, **answer.json()}


def entries(market: Market) -> int:
    return int(market.read(lambda connection: connection.execute(sa.select(head.c.size)).scalar_one()))


def account(client: TestClient, token: str) -> int:
    return client.get("/v1/account", headers=bearing(token)).status_code


def test_a_code_gives_a_secret_and_ends_all_that_was_good_before(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    client, operator = served(market), a_participant(market, "operator")
    lost = admitted(client, operator)
    found = token_of(client, lost)
    second = client.post("/v1/account/credentials", json={}, headers=changing(found)).json()["client_secret"]
    profile = client.post("/v1/account/pull-credentials", json={"ttl_days": 9}, headers=changing(found)).json()
    issued = issue(client, operator, lost["participant_id"])
    assert (issued["status"], issued["client_id"]) == (201, lost["client_id"]) and account(client, found) == 200
    enrolled = enrol(client, lost["client_id"], issued["enrolment_code"])
    assert (enrolled["http"], enrolled["state"], len(enrolled["revoked"])) == (201, "admitted", 4)
    assert account(client, found) == 401
    for secret in (lost["client_secret"], second):
        assert ask_token(client, lost["client_id"], secret).status_code == 401
    shares = client.get("/delta-sharing/shares", headers=bearing(profile["bearerToken"]))
    assert shares.status_code == 401
    fresh = token_of(client, {**lost, "client_secret": enrolled["client_secret"]})
    assert account(client, fresh) == 200
    kinds = [each["kind"] for each in listed(client, fresh) if each["revoked_at"] is None]
    assert kinds == ["client_secret"]
    market.seal()
    assert market.verify().is_whole


def listed(client: TestClient, token: str) -> list[Answer]:
    return list(client.get("/v1/account/credentials", headers=bearing(token)).json()["items"])


def test_a_code_is_good_once(client: TestClient, operator: Participant, lost: Answer) -> None:
    code = issue(client, operator, lost["participant_id"])["enrolment_code"]
    assert enrol(client, lost["client_id"], code)["http"] == 201
    again = enrol(client, lost["client_id"], code)
    assert (again["http"], again["code"], again["state"]) == (409, "wrong_state", "used")


def test_of_many_who_use_a_code_at_once_one_does(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    client, operator = served(market), a_participant(market, "operator")
    lost = admitted(client, operator)
    code = issue(client, operator, lost["participant_id"])["enrolment_code"]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: enrol(client, lost["client_id"], code), range(6)))
    assert sorted(answer["http"] for answer in answers) == [201, *[409] * 5]
    (good,) = [answer["client_secret"] for answer in answers if answer["http"] == 201]
    assert ask_token(client, lost["client_id"], good).status_code == 200


def test_the_same_request_again_is_answered_without_the_secret(
    market: Market, client: TestClient, operator: Participant, lost: Answer
) -> None:
    code = issue(client, operator, lost["participant_id"])["enrolment_code"]
    first = enrol(client, lost["client_id"], code, "enrol-again-1")
    before = entries(market)
    again = enrol(client, lost["client_id"], code, "enrol-again-1")
    assert again == {name: value for name, value in first.items() if name != "client_secret"}
    assert entries(market) == before


@pytest.mark.parametrize(("hours", "asked"), [(1, {"ttl_hours": 1}), (24, {}), (168, {"ttl_hours": 168})])
def test_a_code_is_good_until_its_term(
    client: TestClient, clock: SetClock, market: Market, operator: Participant, lost: Answer, hours: int, asked: Answer
) -> None:
    early, late = (issue(client, operator, lost["participant_id"], **asked) for _ in range(2))
    assert early["expires_at"] == late["expires_at"]
    clock.move(hours=hours)
    refused = enrol(client, lost["client_id"], late["enrolment_code"])
    assert (refused["code"], refused["state"]) == ("wrong_state", "expired") and late["expires_at"] in refused["detail"]
    last = issue(client, renewed(market, operator), lost["participant_id"], **asked)
    clock.move(hours=hours, seconds=-1)
    assert enrol(client, lost["client_id"], last["enrolment_code"])["http"] == 201


@pytest.mark.parametrize("hours", [0, -1, 169, 10**9, 1.5, "24", True, None])
def test_a_term_is_some_hours_and_a_week_at_most(
    client: TestClient, operator: Participant, lost: Answer, hours: object
) -> None:
    assert issue(client, operator, lost["participant_id"], ttl_hours=hours)["status"] == 422
    assert issue(client, operator, lost["participant_id"], reason="")["status"] == 422


def test_a_later_code_takes_the_place_of_an_earlier_one(
    client: TestClient, clock: SetClock, operator: Participant, lost: Answer
) -> None:
    earlier = issue(client, operator, lost["participant_id"])["enrolment_code"]
    clock.move(seconds=1)
    later = issue(client, operator, lost["participant_id"])["enrolment_code"]
    assert enrol(client, lost["client_id"], earlier)["code"] == "unauthenticated"
    assert enrol(client, lost["client_id"], later)["http"] == 201


def test_a_wrong_code_and_an_unknown_participant_are_refused_alike_and_change_nothing(
    market: Market, client: TestClient, operator: Participant, lost: Answer
) -> None:
    code = issue(client, operator, lost["participant_id"])["enrolment_code"]
    other, before = admitted(client, operator, registered_name="Chengyun Logistics"), entries(market)
    told = [
        enrol(client, lost["client_id"], code[:-1] + ("A" if code[-1] != "A" else "B")),
        enrol(client, lost["client_id"], lost["client_secret"]),
        enrol(client, lost["client_id"], "x"),
        enrol(client, other["client_id"], code),
        enrol(client, "par_" + "0" * 28, code),
    ]
    assert {(each["http"], each["code"], each["detail"]) for each in told} == {
        (401, "unauthenticated", told[0]["detail"])
    }
    assert entries(market) == before and enrol(client, lost["client_id"], code)["http"] == 201


def test_a_code_is_no_secret_and_no_token(client: TestClient, operator: Participant, lost: Answer) -> None:
    code = issue(client, operator, lost["participant_id"])["enrolment_code"]
    assert ask_token(client, lost["client_id"], code).status_code == 401
    assert account(client, code) == 401
    assert client.get("/delta-sharing/shares", headers=bearing(code)).status_code == 401


def test_only_who_is_admitted_is_enrolled_anew(
    market: Market, client: TestClient, operator: Participant, lost: Answer
) -> None:
    applicant = applied(client, registered_name="Puhui Maps")["participant_id"]
    assert issue(client, operator, applicant)["state"] == "applied"
    assert issue(client, operator, "par_" + "0" * 28)["code"] == "not_found"
    code = issue(client, operator, lost["participant_id"])["enrolment_code"]
    for event, state in (("suspend", "suspended"), ("freeze", "frozen")):
        market.act("market", lambda t, event=event: decide_on(t, lost["participant_id"], event, "It is looked into."))
        for refused in (issue(client, operator, lost["participant_id"]), enrol(client, lost["client_id"], code)):
            assert (refused["code"], refused["state"]) == ("wrong_state", state)
    assert "client_secret" not in refused


def test_a_code_that_was_issued_before_a_suspension_is_of_no_use_during_it(
    market: Market, client: TestClient, operator: Participant
) -> None:
    who = a_participant(market)
    code = issue(client, operator, who.participant_id)["enrolment_code"]
    suspended(market, who)
    assert enrol(client, who.participant_id, code)["state"] == "suspended"
    market.act("market", lambda t: decide_on(t, who.participant_id, "reinstate", "Nothing was found."))
    assert enrol(client, who.participant_id, code)["http"] == 201


def test_nobody_issues_a_code_for_himself_nor_who_is_no_operator(
    market: Market, client: TestClient, operator: Participant, lost: Answer
) -> None:
    assert issue(client, operator, operator.participant_id)["code"] == "not_permitted"
    assert issue(client, a_participant(market, "operator"), operator.participant_id)["status"] == 201
    for role in ("provider", "developer", "app_developer", "evaluator", "regulator"):
        refused = issue(client, a_participant(market, role), lost["participant_id"])
        assert (refused["status"], refused["code"]) == (403, "not_permitted")


def test_who_sees_a_code_that_it_did_not_ask_for_revokes_it(
    client: TestClient, operator: Participant, lost: Answer
) -> None:
    token = token_of(client, lost)
    issued = issue(client, operator, lost["participant_id"])
    (seen,) = [each for each in listed(client, token) if each["kind"] == "enrolment"]
    assert seen["credential_id"] == issued["credential_id"] and issued["enrolment_code"] not in str(seen)
    address = f"/v1/account/credentials/{seen['credential_id']}/revoke"
    assert client.post(address, headers=changing(token)).status_code == 200
    refused = enrol(client, lost["client_id"], issued["enrolment_code"])
    assert (refused["code"], refused["state"]) == ("wrong_state", "revoked") and account(client, token) == 200


def test_a_code_is_kept_as_a_hash_and_in_no_entry(
    market: Market, client: TestClient, operator: Participant, lost: Answer
) -> None:
    issued = issue(client, operator, lost["participant_id"])
    enrolled = enrol(client, lost["client_id"], issued["enrolment_code"])
    own, payloads = credentials.c, sa.select(tables.payloads.c.payload)
    hashed = sa.select(own.secret_hash).where(own.credential_id == issued["credential_id"])
    assert market.read(lambda each: each.execute(hashed).scalar_one()).startswith("$argon2id$")
    told = "\n".join(map(str, market.read(lambda each: each.execute(payloads).scalars().all())))
    assert "participant.enrolment_code" in told and "participant.enrolled_anew" in told
    kept = b"".join(path.read_bytes() for path in market.settings.folder.glob("market.sqlite*"))
    for secret in (issued["enrolment_code"], enrolled["client_secret"], CHECKED):
        assert secret not in told
    assert issued["enrolment_code"].encode() not in kept and enrolled["client_secret"].encode() not in kept


def test_enrolling_needs_a_key_and_what_it_asks_for(client: TestClient, lost: Answer) -> None:
    body = {"client_id": lost["client_id"], "enrolment_code": "jinku_enrol_x"}
    assert client.post("/v1/enrolments", json=body).json()["code"] == "key_missing"
    for wrong in ({}, {**body, "client_id": "x"}, {**body, "enrolment_code": ""}, {**body, "more": 1}):
        answer = client.post("/v1/enrolments", json=wrong, headers={"Idempotency-Key": "wrong-body-1"})
        assert answer.status_code == 422 and "jinku_enrol_x" not in answer.text
    assert enrol(client, lost["client_id"], "x" * 129)["http"] == 422


def test_the_only_operator_finds_back_on_the_markets_own_machine(market: Market, client: TestClient) -> None:
    operator_id, secret = first_operator(market)
    made = enrol(client, operator_id, code_on_site(market, operator_id))
    assert made["http"] == 201 and token_of(client, {"participant_id": operator_id, **made})
    assert ask_token(client, operator_id, secret).status_code == 401


def test_on_that_machine_no_code_is_made_for_anybody_else(market: Market, client: TestClient, lost: Answer) -> None:
    for participant_id, code in ((lost["participant_id"], "not_permitted"), ("par_none", "not_found")):
        with pytest.raises(Problem, match=code):
            code_on_site(market, participant_id)
