"""Credentials: made, rotated, revoked; what each gives, and what it does not."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import pytest
import sqlalchemy as sa
from delta_sharing.protocol import DeltaSharingProfile
from fastapi import APIRouter, Depends
from fastapi.testclient import TestClient

from market_api.app import application as application_of_market
from market_api.callers import Caller
from market_api.identity.authentication import pull_credential
from market_api.identity.credentials import PULL_TOKENS_MAX
from market_api.identity.tables import credentials
from market_api.market import Market
from tests.market_api.builders import Participant, SetClock, a_market, a_participant, renewed, served, suspended
from tests.market_api.identity.applicants import Answer, admitted, ask_token, bearing, changing, token_of


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def market(tmp_path: Path, clock: SetClock) -> Market:
    return a_market(tmp_path, clock)


@pytest.fixture
def client(market: Market) -> TestClient:
    """A client of an application that also has an address for pull tokens."""
    router = APIRouter()

    @router.get("/pulled")
    def pulled(caller: Annotated[Caller, Depends(pull_credential)]) -> Answer:
        return {"participant_id": caller.participant_id, "scopes": sorted(caller.scopes)}

    app = application_of_market(market)
    app.include_router(router)
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def application(market: Market, client: TestClient) -> Answer:
    return admitted(client, a_participant(market, "operator"))


def add_secret(client: TestClient, token: str, **body: object) -> Answer:
    answer = client.post("/v1/account/credentials", json=body, headers=changing(token))
    return {"status": answer.status_code, **answer.json()}


def revoke(client: TestClient, token: str, credential_id: str) -> Answer:
    answer = client.post(f"/v1/account/credentials/{credential_id}/revoke", headers=changing(token))
    return {"status": answer.status_code, **answer.json()}


def listed(client: TestClient, token: str) -> list[Answer]:
    return list(client.get("/v1/account/credentials", headers=bearing(token)).json()["items"])


def a_profile(client: TestClient, participant: Participant, ttl_days: int = 1) -> Answer:
    answer = client.post("/v1/account/pull-credentials", json={"ttl_days": ttl_days}, headers=participant.changing)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_new_secret_takes_over_without_a_gap(client: TestClient, application: Answer) -> None:
    old = token_of(client, application)
    fresh = add_secret(client, old)
    for secret in (application["client_secret"], fresh["client_secret"]):
        assert ask_token(client, application["client_id"], secret).status_code == 200
    new = token_of(client, {**application, "client_secret": fresh["client_secret"]})
    first = next(each for each in listed(client, new) if each["credential_id"] != fresh["credential_id"])
    assert revoke(client, new, first["credential_id"])["status"] == 200
    assert client.get("/v1/account", headers=bearing(old)).json()["detail"].startswith("The credential was revoked")
    assert ask_token(client, application["client_id"], application["client_secret"]).status_code == 401
    assert client.get("/v1/account", headers=bearing(new)).status_code == 200


def test_two_secrets_are_good_at_once_and_no_third(client: TestClient, application: Answer) -> None:
    token = token_of(client, application)
    assert add_secret(client, token)["status"] == 201
    assert add_secret(client, token)["code"] == "wrong_state"


def test_secrets_that_are_made_at_once_do_not_pass_the_limit(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    client, participant = served(market), a_participant(market)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: add_secret(client, participant.token)["status"], range(4)))
    assert sorted(made) == [201, 409, 409, 409]


def test_the_last_secret_is_not_revoked(client: TestClient, application: Answer) -> None:
    token = token_of(client, application)
    only = listed(client, token)[0]["credential_id"]
    assert revoke(client, token, only)["code"] == "wrong_state"
    assert client.get("/v1/account", headers=bearing(token)).status_code == 200


def test_what_was_revoked_is_not_revoked_again(client: TestClient, application: Answer) -> None:
    token = token_of(client, application)
    fresh = add_secret(client, token)["credential_id"]
    assert revoke(client, token, fresh)["status"] == 200
    assert revoke(client, token, fresh)["code"] == "wrong_state"


def test_nobody_revokes_or_sees_anothers(market: Market, client: TestClient) -> None:
    one, other = a_participant(market), a_participant(market)
    answer = revoke(client, one.token, other.credential_id)
    assert (answer["status"], answer["code"]) == (404, "not_found")
    assert [each["credential_id"] for each in listed(client, one.token)] == [one.credential_id]


def test_a_secret_gives_no_more_than_the_token_that_made_it(market: Market, client: TestClient) -> None:
    weak = a_participant(market, scopes=frozenset({"account"}))
    assert add_secret(client, weak.token, scopes=["account", "trade"])["code"] == "not_permitted"
    assert add_secret(client, weak.token, scopes=["operate"])["code"] == "not_permitted"
    made = add_secret(client, weak.token)
    assert made["scopes"] == ["account"]
    answer = ask_token(client, weak.participant_id, made["client_secret"], scope="trade")
    assert answer.json()["error"] == "invalid_scope"


def test_a_token_without_the_scope_makes_no_secret(market: Market, client: TestClient) -> None:
    weak = a_participant(market, scopes=frozenset({"trade", "catalogue"}))
    assert add_secret(client, weak.token)["code"] == "not_permitted"


@pytest.mark.parametrize("scopes", [[], ["all"], "account", ["account"] * 9, [1], None])
def test_scopes_are_named_as_they_are(market: Market, client: TestClient, scopes: object) -> None:
    status = add_secret(client, a_participant(market).token, scopes=scopes)["status"]
    assert status == (201 if scopes is None else 422)


def test_a_secret_is_shown_once(market: Market, client: TestClient) -> None:
    participant = a_participant(market)
    headers = participant.changing
    first, again = (client.post("/v1/account/credentials", json={}, headers=headers).json() for _ in range(2))
    assert first.pop("client_secret") and first == again
    assert "secret" not in str(listed(client, participant.token)).replace("client_secret", "")


def test_when_a_credential_was_used_is_kept_to_the_hour(market: Market, client: TestClient, clock: SetClock) -> None:
    participant = a_participant(market)
    first = listed(client, participant.token)[0]["last_used_at"]
    clock.move(minutes=14)
    assert listed(client, participant.token)[0]["last_used_at"] == first is not None
    clock.move(minutes=60)
    assert listed(client, renewed(market, participant).token)[0]["last_used_at"] > first


def test_a_profile_is_what_the_delta_sharing_client_takes(market: Market, client: TestClient) -> None:
    import json

    profile = a_profile(client, a_participant(market), 90)
    read = DeltaSharingProfile.from_json(json.dumps(profile))
    assert (read.endpoint, read.bearer_token) == ("http://testserver/delta-sharing", profile["bearerToken"])
    assert profile["expirationTime"] == "2027-02-25T12:00:00.000Z" == read.expiration_time


def test_a_pull_token_pulls_and_does_nothing_else(market: Market, client: TestClient) -> None:
    participant = a_participant(market)
    token = a_profile(client, participant)["bearerToken"]
    told = client.get("/pulled", headers=bearing(token)).json()
    assert told == {"participant_id": participant.participant_id, "scopes": ["pull"]}
    for address in ("/v1/account", "/v1/account/credentials", "/v1/account/statement"):
        assert client.get(address, headers=bearing(token)).status_code == 401
    assert add_secret(client, token)["status"] == 401


def test_an_access_token_is_no_pull_token(market: Market, client: TestClient) -> None:
    assert client.get("/pulled", headers=a_participant(market).headers).status_code == 401


def test_a_pull_token_expires(market: Market, client: TestClient, clock: SetClock) -> None:
    token = a_profile(client, a_participant(market))["bearerToken"]
    clock.move(days=1, seconds=-1)
    assert client.get("/pulled", headers=bearing(token)).status_code == 200
    clock.move(seconds=1)
    refused = client.get("/pulled", headers=bearing(token))
    assert refused.status_code == 401 and "expired" in refused.json()["detail"]


def test_a_revoked_pull_token_is_cut_off(market: Market, client: TestClient) -> None:
    participant = a_participant(market)
    profile = a_profile(client, participant)
    assert revoke(client, participant.token, profile["credential_id"])["status"] == 200
    assert client.get("/pulled", headers=bearing(profile["bearerToken"])).status_code == 401


def test_a_suspension_cuts_pulls_off(market: Market, client: TestClient) -> None:
    participant = a_participant(market)
    token = a_profile(client, participant)["bearerToken"]
    suspended(market, participant)
    refused = client.get("/pulled", headers=bearing(token))
    assert (refused.status_code, refused.json()["state"]) == (401, "suspended")


def test_the_database_holds_no_pull_token(market: Market, client: TestClient) -> None:
    token = a_profile(client, a_participant(market))["bearerToken"]
    kept = market.read(lambda connection: str(connection.execute(sa.select(credentials)).all()))
    assert token not in kept and token.removeprefix("jinku_pull_") not in kept


@pytest.mark.parametrize("role", ["provider", "operator", "regulator", "evaluator"])
def test_who_cannot_pull_gets_no_pull_token(market: Market, client: TestClient, role: str) -> None:
    headers = a_participant(market, role).changing
    answer = client.post("/v1/account/pull-credentials", json={}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


def test_a_token_without_the_scope_pull_makes_no_pull_token(market: Market, client: TestClient) -> None:
    headers = a_participant(market, scopes=frozenset({"account"})).changing
    assert client.post("/v1/account/pull-credentials", json={}, headers=headers).status_code == 403


@pytest.mark.parametrize("ttl_days", [0, -1, 367, 10**12, 1.5, "90", True])
def test_a_pull_token_is_good_for_a_year_at_most(market: Market, client: TestClient, ttl_days: object) -> None:
    headers = a_participant(market).changing
    answer = client.post("/v1/account/pull-credentials", json={"ttl_days": ttl_days}, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (422, "ttl_days")


def test_pull_tokens_have_a_limit(market: Market, client: TestClient) -> None:
    participant = a_participant(market)
    for _ in range(PULL_TOKENS_MAX):
        a_profile(client, participant)
    answer = client.post("/v1/account/pull-credentials", json={}, headers=participant.changing)
    assert answer.json()["code"] == "wrong_state"


def test_credentials_are_listed_in_pages(market: Market, client: TestClient) -> None:
    participant = a_participant(market)
    for _ in range(3):
        a_profile(client, participant)
    first = client.get("/v1/account/credentials?pageSize=3", headers=participant.headers).json()
    rest = client.get(
        "/v1/account/credentials", params={"pageToken": first["nextPageToken"]}, headers=participant.headers
    ).json()
    assert len({each["credential_id"] for each in first["items"] + rest["items"]}) == 4 and "nextPageToken" not in rest
