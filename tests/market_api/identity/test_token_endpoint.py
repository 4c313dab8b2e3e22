"""The token endpoint: RFC 6749's client credentials, and every way of asking for more."""

import base64
import logging
from urllib.parse import quote_plus

import jwt
import pytest
from fastapi.testclient import TestClient

from market_api.identity import hashing
from market_api.identity.tokens import TTL_SECONDS
from market_api.market import Market
from market_api.permissions import scopes_of
from tests.market_api.builders import Participant, a_market, a_participant, served
from tests.market_api.identity.applicants import Answer, admitted, ask_token, bearing


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return a_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def client(market: Market) -> TestClient:
    return served(market)


@pytest.fixture(scope="module")
def application(market: Market, client: TestClient) -> Answer:
    return admitted(client, a_participant(market, "operator"))


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header of HTTP Basic."""
    given = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(given.encode()).decode()}"}


def test_a_client_gets_a_token_for_all_that_its_role_can_use(client: TestClient, application: Answer) -> None:
    answer = ask_token(client, application["client_id"], application["client_secret"])
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    document = answer.json()
    assert (document["token_type"], document["expires_in"]) == ("Bearer", TTL_SECONDS)
    assert frozenset(document["scope"].split()) == scopes_of("app_developer")
    assert client.get("/v1/account", headers=bearing(document["access_token"])).status_code == 200


def test_the_secret_may_come_by_http_basic(client: TestClient, application: Answer) -> None:
    headers = basic(application["client_id"], application["client_secret"])
    answer = client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
    assert answer.status_code == 200


def test_a_token_may_be_asked_for_less(client: TestClient, application: Answer) -> None:
    answer = ask_token(client, application["client_id"], application["client_secret"], scope="catalogue")
    assert answer.json()["scope"] == "catalogue"
    refused = client.get("/v1/account", headers=bearing(answer.json()["access_token"]))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert "scope 'account'" in refused.json()["detail"]


@pytest.mark.parametrize(
    "scope",
    ["operate", "regulate", "provide", "evaluate", "account operate", "*", "all", "", " ", "account  trade", "ACCOUNT"],
)
def test_no_token_is_had_for_more(client: TestClient, application: Answer, scope: str) -> None:
    answer = ask_token(client, application["client_id"], application["client_secret"], scope=scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize("secret", ["", "wrong", "x" * 5000, "\x00", "' or 1=1 --"])
def test_another_secret_gets_nothing(client: TestClient, application: Answer, secret: str) -> None:
    answer = ask_token(client, application["client_id"], secret)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("client_id", ["", "par_" + "0" * 28, "nobody", "\x00", "par_%", "' or 1=1 --"])
def test_another_client_gets_nothing(client: TestClient, application: Answer, client_id: str) -> None:
    answer = ask_token(client, client_id, application["client_secret"])
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_unknown_and_known_clients_cost_the_same_work(
    client: TestClient, application: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    verify = type(hashing._HASHER).verify
    monkeypatch.setattr(
        type(hashing._HASHER),
        "verify",
        lambda *given: made.append(given) or verify(*given),  # type: ignore[func-returns-value]
    )
    work = []
    for client_id, secret in (
        (application["client_id"], application["client_secret"]),
        (application["client_id"], "wrong"),
        ("par_" + "0" * 28, "wrong"),
        ("no id at all", "wrong"),
    ):
        made.clear()
        ask_token(client, client_id, secret)
        work.append(len(made))
    assert work == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
        ({f"p{number}": "1" for number in range(30)}, "invalid_request"),
    ],
)
def test_other_forms_are_refused_as_the_standard_says(client: TestClient, form: Answer, error: str) -> None:
    answer = client.post("/oauth/token", data=form)
    assert answer.json()["error"] == error and answer.headers["Cache-Control"] == "no-store"


def test_the_secret_is_given_once(client: TestClient, application: Answer) -> None:
    form = {"grant_type": "client_credentials", "client_secret": application["client_secret"]}
    headers = basic(application["client_id"], application["client_secret"])
    assert client.post("/oauth/token", data=form, headers=headers).json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "header", ["Basic", "Basic %%%", "Basic YQ==", "Bearer abc", "Basic " + base64.b64encode(b"\xff\xfe:x").decode()]
)
def test_a_broken_basic_header_is_refused(client: TestClient, header: str) -> None:
    answer = client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_another_kind_of_body_is_refused(client: TestClient, content_type: str) -> None:
    answer = client.post(
        "/oauth/token", content=b"grant_type=client_credentials", headers={"Content-Type": content_type}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_body_that_is_no_text_is_refused(client: TestClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"\xff\xfe", b"grant_type=%ff%fe", b"&&&&", b"="):
        assert client.post("/oauth/token", content=body, headers=headers).json()["error"] in (
            "invalid_request",
            "unsupported_grant_type",
        )


def test_two_tokens_are_never_the_same(client: TestClient, application: Answer) -> None:
    ids = set()
    for _ in range(3):
        token = ask_token(client, application["client_id"], application["client_secret"]).json()["access_token"]
        ids.add(jwt.decode(token, options={"verify_signature": False})["jti"])
    assert len(ids) == 3


def test_no_secret_and_no_token_is_logged(
    client: TestClient, application: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        token = ask_token(client, application["client_id"], application["client_secret"]).json()["access_token"]
        client.get("/v1/account", headers=bearing(token))
        ask_token(client, application["client_id"], "a wrong secret")
    told = " ".join(str(record.__dict__) for record in caplog.records if record.name.startswith("jinku"))
    assert "/oauth/token" in told
    for secret in (application["client_secret"], token, "a wrong secret"):
        assert secret not in told


def test_a_secret_of_a_refused_client_is_not_confirmed_to_others(client: TestClient, market: Market) -> None:
    operator = a_participant(market, "operator")
    suspended = admitted(client, operator, registered_name="Suspended Ltd")
    client.post(
        f"/v1/participants/{suspended['participant_id']}/suspend", json={"reason": "private"}, headers=operator.changing
    )
    answer = ask_token(client, suspended["participant_id"], "wrong")
    assert answer.json()["error"] == "invalid_client" and "private" not in answer.text


def test_a_participant_without_a_secret_that_is_good_gets_nothing(client: TestClient, market: Market) -> None:
    participant: Participant = a_participant(market)
    assert ask_token(client, participant.participant_id, "never used").status_code == 401
