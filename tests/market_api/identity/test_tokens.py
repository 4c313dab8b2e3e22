"""Tokens: what the market signs it takes, for a quarter of an hour; anything that resembles it, it does not."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from market_api.identity.tokens import LEEWAY_SECONDS, TTL_SECONDS, Claims, check_times, issued_token, read_claims
from market_api.market import Market
from market_api.problems import Problem
from tests.market_api.builders import NOON, Participant, SetClock, a_market, a_participant, served
from tests.market_api.identity.applicants import bearing

ISSUER = "http://testserver"
KEY = Ed25519PrivateKey.generate()
CLAIMS = Claims("par_1", "crd_1", frozenset({"account", "trade"}))


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return a_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def client(market: Market) -> TestClient:
    return served(market)


@pytest.fixture(scope="module")
def participant(market: Market) -> Participant:
    return a_participant(market)


def content_of(participant: Participant) -> dict[str, Any]:
    """What a good token says."""
    return dict(jwt.decode(participant.token, options={"verify_signature": False}))


def signed(market: Market, content: Mapping[str, Any], key: Any = None, **headers: Any) -> str:
    """A token with that content, signed by the market's key where no other is named."""
    return jwt.encode(dict(content), key or market.keys.tokens, algorithm="EdDSA", headers={"typ": "at+jwt", **headers})


def cause(client: TestClient, token: str) -> str:
    """Why the token is not taken."""
    answer = client.get("/v1/account", headers=bearing(token))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), answer.text
    detail = str(answer.json()["detail"])
    assert token not in answer.text
    return detail


def test_a_token_that_the_market_signed_is_taken(client: TestClient, participant: Participant) -> None:
    assert client.get("/v1/account", headers=participant.headers).status_code == 200


def test_a_token_says_what_it_was_issued_with() -> None:
    assert read_claims(KEY.public_key(), ISSUER, issued_token(KEY, ISSUER, CLAIMS, "1", NOON), NOON) == CLAIMS


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token x", "Bearer " + "x" * 9000])
def test_without_a_bearer_token_nobody_is_known(client: TestClient, header: str | None) -> None:
    answer = client.get("/v1/account", headers={} if header is None else {"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "eyJhbGciOiJub25lIn0..", "é", "\ud83d\ude00"])
def test_what_is_no_token_is_refused(client: TestClient, token: str) -> None:
    answer = client.get("/v1/account", headers={b"Authorization": b"Bearer " + token.encode("utf-8", "replace")})
    assert answer.status_code == 401


def test_a_token_without_a_signature_is_refused(client: TestClient, participant: Participant) -> None:
    for algorithm in ("none", "None", "NONE", "nOnE"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "at+jwt"}).encode()).rstrip(b"=")
        body = participant.token.split(".")[1]
        assert "algorithm" in cause(client, f"{head.decode()}.{body}.")


def test_the_public_key_is_no_secret_to_sign_with(market: Market, client: TestClient, participant: Participant) -> None:
    public = market.keys.tokens.public_key()
    for secret in (public.public_bytes_raw(), public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)):
        head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "at+jwt"}).encode()).rstrip(b"=").decode()
        text = f"{head}.{participant.token.split('.')[1]}"
        signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(text.encode(), secret)
        token = f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        assert "algorithm" in cause(client, token)


def test_another_key_signs_nothing(market: Market, client: TestClient, participant: Participant) -> None:
    content = content_of(participant)
    assert "signature" in cause(client, signed(market, content, Ed25519PrivateKey.generate()))
    assert "signature" in cause(client, signed(market, content, market.keys.signing))
    other = rsa.generate_private_key(65537, 2048)
    assert "algorithm" in cause(client, jwt.encode(content, other, algorithm="RS256", headers={"typ": "at+jwt"}))


def test_a_key_that_the_token_brings_along_is_not_used(
    market: Market, client: TestClient, participant: Participant
) -> None:
    own = Ed25519PrivateKey.generate()
    brought = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(own.public_key()))
    for headers in ({"jwk": brought}, {"jku": "http://127.0.0.1:9/keys"}, {"kid": "../../dev/null"}):
        assert "signature" in cause(client, signed(market, content_of(participant), own, **headers))


def test_a_scope_that_was_written_in_breaks_the_signature(client: TestClient, participant: Participant) -> None:
    head, _, signature = participant.token.split(".")
    content = {**content_of(participant), "scope": "account operate regulate"}
    body = base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
    assert "signature" in cause(client, f"{head}.{body}.{signature}")


@given(st.integers(min_value=0), st.characters(categories=["L", "Nd"], max_codepoint=127))
def test_a_token_that_was_changed_anywhere_is_refused(place: int, sign: str) -> None:
    token = issued_token(KEY, ISSUER, CLAIMS, "1", NOON)
    at = place % (len(token) - 1)  # the last sign of base64 has bits that say nothing
    changed = token[:at] + sign + token[at + 1 :]
    if changed != token:
        with pytest.raises(Problem, match="unauthenticated"):
            read_claims(KEY.public_key(), ISSUER, changed, NOON)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "another"}, "another service"),
        ({"aud": ["another", "more"]}, "another service"),
        ({"iss": "http://elsewhere"}, "another issuer"),
        ({"sub": "par_" + "0" * 28}, "credential is not there"),
        ({"credential": "crd_" + "0" * 28}, "credential is not there"),
        ({"exp": None}, "lacks a claim"),
        ({"nbf": None}, "lacks a claim"),
        ({"scope": None}, "lacks a claim"),
        ({"jti": None}, "lacks a claim"),
        ({"exp": "soon"}, "times are malformed"),
        ({"exp": True}, "times are malformed"),
        ({"exp": float("inf")}, "times are malformed"),
        ({"exp": float("nan")}, "times are malformed"),
        ({"nbf": "2026"}, "times are malformed"),
    ],
)
def test_a_claim_that_is_not_right_is_refused(
    market: Market, client: TestClient, participant: Participant, changes: Mapping[str, Any], why: str
) -> None:
    content = {name: value for name, value in {**content_of(participant), **changes}.items() if value is not None}
    assert why in cause(client, signed(market, content))


def test_a_token_of_another_kind_is_refused(market: Market, client: TestClient, participant: Participant) -> None:
    assert "not an access token" in cause(client, signed(market, content_of(participant), typ="JWT"))


def test_a_token_of_another_market_is_refused(tmp_path: Path, client: TestClient) -> None:
    stranger = a_participant(a_market(tmp_path))
    assert "signature" in cause(client, stranger.token)


def test_anothers_credential_is_no_help(market: Market, client: TestClient, participant: Participant) -> None:
    other = a_participant(market)
    content = {**content_of(participant), "credential": other.credential_id}
    assert "credential is not there" in cause(client, signed(market, content))


def test_a_token_dies_when_its_time_has_passed(tmp_path: Path) -> None:
    clock = SetClock()
    market = a_market(tmp_path, clock)
    client, participant = served(market), a_participant(market)
    clock.move(seconds=TTL_SECONDS + LEEWAY_SECONDS - 1)
    assert client.get("/v1/account", headers=participant.headers).status_code == 200
    clock.move(seconds=1)
    assert "expired" in cause(client, participant.token)


def test_clocks_may_differ_by_half_a_minute(tmp_path: Path) -> None:
    clock = SetClock()
    market = a_market(tmp_path, clock)
    client, participant = served(market), a_participant(market)
    clock.move(seconds=-LEEWAY_SECONDS)
    assert client.get("/v1/account", headers=participant.headers).status_code == 200
    clock.move(seconds=-1)
    assert "not valid yet" in cause(client, participant.token)


@given(st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False))
def test_an_end_in_the_past_is_never_taken(end: float) -> None:
    content = {"exp": end, "nbf": 0}
    if end + LEEWAY_SECONDS <= NOON.timestamp():
        with pytest.raises(Problem):
            check_times(content, NOON)
    else:
        check_times(content, NOON)


def test_a_token_gives_no_more_than_its_role(market: Market, client: TestClient, participant: Participant) -> None:
    everything = "account catalogue provide trade pull evaluate operate regulate"
    token = signed(market, {**content_of(participant), "scope": everything})  # as if the market had erred
    answer = client.get("/v1/participants", headers=bearing(token))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
