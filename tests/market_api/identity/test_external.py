"""An external OpenID issuer: it says who somebody is; what he may do the market says."""

from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi.testclient import TestClient

from market_api.app import application
from market_api.market import Market
from market_api.permissions import scopes_of
from tests.market_api.builders import NOON, Participant, a_market, a_participant, served, suspended
from tests.market_api.identity.applicants import Answer, bearing
from tests.market_api.identity.issuers import Issuer, an_issuer, new_key
from vault.errors import JinkuError


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with an_issuer() as running:
        yield running


@pytest.fixture
def market(tmp_path: Path, issuer: Issuer) -> Market:
    return a_market(tmp_path, openid_issuer=issuer.address)


@pytest.fixture
def client(market: Market) -> TestClient:
    return served(market)


@pytest.fixture
def participant(market: Market, client: TestClient) -> Participant:
    linked = a_participant(market)
    assert link(client, a_participant(market, "operator"), linked, "subject-1").status_code == 200
    return linked


def link(client: TestClient, operator: Participant, participant: Participant, subject: str | None) -> object:
    return client.post(
        f"/v1/participants/{participant.participant_id}/link", json={"subject": subject}, headers=operator.changing
    )


def read_account(client: TestClient, token: str) -> Answer:
    answer = client.get("/v1/account", headers=bearing(token))
    return {"status": answer.status_code, **answer.json()}


def test_a_linked_subject_is_the_participant(client: TestClient, issuer: Issuer, participant: Participant) -> None:
    assert read_account(client, issuer.token())["participant_id"] == participant.participant_id


def test_a_subject_that_nobody_linked_is_nobody(client: TestClient, issuer: Issuer, participant: Participant) -> None:
    answer = read_account(client, issuer.token(sub="subject-2"))
    assert (answer["status"], "not linked" in answer["detail"]) == (401, True)


def test_the_keys_are_fetched_once(client: TestClient, issuer: Issuer, participant: Participant) -> None:
    for _ in range(5):
        assert read_account(client, issuer.token())["status"] == 200
    assert sorted(issuer.asked) == ["/.well-known/openid-configuration", "/keys"]


def test_a_key_that_is_not_known_does_not_have_the_issuer_asked_without_end(
    client: TestClient, issuer: Issuer, participant: Participant
) -> None:
    read_account(client, issuer.token())
    for number in range(10):
        assert read_account(client, issuer.token(f"made-up-{number}", key=new_key()))["status"] == 401
    assert issuer.asked.count("/keys") <= 2


def test_the_scopes_are_those_of_the_role_at_most(client: TestClient, issuer: Issuer, participant: Participant) -> None:
    token = issuer.token(scope="openid account operate regulate")
    assert read_account(client, token)["status"] == 200
    assert client.get("/v1/participants", headers=bearing(token)).status_code == 403
    weak = issuer.token(scope="openid catalogue")
    assert read_account(client, weak)["code"] == "not_permitted"
    assert "operate" not in scopes_of(participant.role)


def test_a_suspended_participant_is_cut_off(
    market: Market, client: TestClient, issuer: Issuer, participant: Participant
) -> None:
    suspended(market, participant)
    assert read_account(client, issuer.token())["state"] == "suspended"


def test_a_link_that_was_ended_is_ended(
    market: Market, client: TestClient, issuer: Issuer, participant: Participant
) -> None:
    link(client, a_participant(market, "operator"), participant, None)
    assert read_account(client, issuer.token())["status"] == 401


def test_a_subject_is_one_participant(market: Market, client: TestClient, participant: Participant) -> None:
    answer = link(client, a_participant(market, "operator"), a_participant(market), "subject-1")
    assert answer.json()["code"] == "taken"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "another"}, "another service"),
        ({"aud": None}, "lacks a claim"),
        ({"sub": None}, "lacks a claim"),
        ({"exp": None}, "lacks a claim"),
        ({"exp": int(NOON.timestamp()) - 31}, "expired"),
        ({"nbf": int(NOON.timestamp()) + 31}, "not valid yet"),
        ({"exp": "never"}, "malformed"),
        ({"sub": "nul\x00"}, "malformed"),
        ({"sub": "x" * 256}, "malformed"),
        ({"sub": ""}, "malformed"),
    ],
)
def test_a_claim_that_is_not_right_is_refused(
    client: TestClient, issuer: Issuer, participant: Participant, changes: Answer, why: str
) -> None:
    answer = read_account(client, issuer.token(**changes))
    assert answer["status"] == 401 and why in answer["detail"]


def test_another_key_is_refused(client: TestClient, issuer: Issuer, participant: Participant) -> None:
    assert "signature" in read_account(client, issuer.token(key=new_key()))["detail"]


def test_the_issuers_public_key_is_no_secret_to_sign_with(
    client: TestClient, issuer: Issuer, participant: Participant
) -> None:
    public = issuer.keys["one"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, _ = issuer.token().split(".")
    forged = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"JWT","kid":"one"}').decode()
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = jwt.utils.base64url_encode(algorithm.sign(f"{forged}.{body}".encode(), public)).decode()
    assert read_account(client, f"{forged}.{body}.{signature}")["status"] == 401
    nothing = jwt.utils.base64url_encode(b'{"alg":"none","kid":"one"}').decode()
    assert read_account(client, f"{nothing}.{body}.")["status"] == 401
    assert head


def test_a_token_of_an_issuer_that_was_not_set_is_refused(
    client: TestClient, issuer: Issuer, participant: Participant
) -> None:
    with an_issuer() as stranger:
        assert read_account(client, stranger.token())["status"] == 401
        assert stranger.asked == []


def test_without_the_setting_no_external_token_is_taken(tmp_path: Path, issuer: Issuer) -> None:
    client = served(a_market(tmp_path / "other"))
    assert read_account(client, issuer.token())["status"] == 401 and issuer.asked == []


def test_an_issuer_that_calls_itself_otherwise_is_not_believed(tmp_path: Path) -> None:
    with an_issuer() as liar:
        liar.stated = "https://login.example"
        client = served(a_market(tmp_path / "lied", openid_issuer=liar.address))
        assert read_account(client, liar.token())["status"] == 503


def test_while_the_issuer_is_gone_its_tokens_wait_and_the_markets_own_are_taken(tmp_path: Path) -> None:
    with an_issuer() as gone:
        token = gone.token()
    market = a_market(tmp_path / "gone", openid_issuer=gone.address)
    client = served(market)
    assert read_account(client, token)["code"] == "unavailable"
    assert client.get("/v1/account", headers=a_participant(market).headers).status_code == 200


@pytest.mark.parametrize("address", ["http://login.example", "ftp://login.example", "login.example"])
def test_an_issuer_without_https_is_refused_at_the_start(tmp_path: Path, address: str) -> None:
    with pytest.raises(JinkuError, match="market_issuer_open"):
        application(a_market(tmp_path, openid_issuer=address))
