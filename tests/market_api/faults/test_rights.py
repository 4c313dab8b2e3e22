"""Reaching for more than one may: other roles' addresses, scopes that a token lacks, and tokens that are stale, early,
cut off, of another or no one's making."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient

from market_api.identity.tokens import ALGORITHM, LEEWAY_SECONDS, REQUIRED, TTL_SECONDS, TYPE
from market_api.permissions import ACTS, ROLES, scopes_of
from tests.market_api.builders import Participant, a_market, a_participant, a_token, served, suspended
from tests.market_api.faults.addresses import MADE_UP, addresses_of
from tests.market_api.faults.asking import ask, code_of, log_size
from tests.market_api.faults.busy import Busy
from tests.market_api.identity.applicants import admitted, ask_token, bearing, changing, token_of

ACCOUNT = "/v1/account"


def with_scopes(busy: Busy, who: Participant, scopes: frozenset[str]) -> Participant:
    return replace(who, token=a_token(busy.market, who.participant_id, who.credential_id, scopes))


@pytest.mark.parametrize("role", sorted(ROLES))
def test_no_address_of_other_roles_answers(busy: Busy, client: TestClient, role: str) -> None:
    before, tried = log_size(busy.market), 0
    for address in addresses_of(client.app):  # type: ignore[arg-type]
        if address.act and role not in address.roles:
            answer = ask(client, address, busy.parties[role], busy.ids)
            assert answer.status_code == 403, (str(address), answer.text)
            assert not answer.content or code_of(answer) in ("not_permitted", "PERMISSION_DENIED")
            tried += 1
    assert tried >= 20 and log_size(busy.market) == before


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_token_reaches_no_address_whose_scope_it_lacks(busy: Busy, client: TestClient, role: str) -> None:
    before, own = log_size(busy.market), scopes_of(role)
    narrow = {scope: with_scopes(busy, busy.parties[role], own - {scope}) for scope in own}
    for address in addresses_of(client.app):  # type: ignore[arg-type]
        if address.act and role in address.roles:
            answer = ask(client, address, narrow[ACTS[address.act].scope], busy.ids)
            assert answer.status_code == 403, (str(address), answer.text)
    assert log_size(busy.market) == before


def test_a_token_that_claims_the_scopes_of_other_roles_has_those_of_its_own(busy: Busy, client: TestClient) -> None:
    greedy = with_scopes(busy, busy.strangers["app_developer"], frozenset().union(*map(scopes_of, ROLES)))
    assert client.get("/v1/participants", headers=greedy.headers).status_code == 403
    assert client.get("/v1/oversight/trades", headers=greedy.headers).status_code == 403
    assert client.get("/v1/orders", headers=greedy.headers).status_code == 200


def test_a_narrow_secret_makes_no_wider_one_and_no_wider_token(tmp_path: Path) -> None:
    market = a_market(tmp_path)
    client, operator = served(market), a_participant(market, "operator")
    mine = admitted(client, operator)
    first = token_of(client, mine)
    asked = {"scopes": ["account", "catalogue"]}
    made = client.post(f"{ACCOUNT}/credentials", json=asked, headers=changing(first)).json()
    narrow = token_of(client, {**mine, "client_secret": made["client_secret"]})
    wider = ask_token(client, mine["participant_id"], made["client_secret"], scope="account trade")
    assert wider.json()["error"] == "invalid_scope"
    for scopes in (["trade"], ["account", "operate"], ["account", "pull"]):
        answer = client.post(f"{ACCOUNT}/credentials", json={"scopes": scopes}, headers=changing(narrow))
        assert answer.status_code == 403, answer.text
    answer = client.post(f"{ACCOUNT}/pull-credentials", json={"ttl_days": 9}, headers=changing(narrow))
    assert answer.status_code == 403
    client.post(f"{ACCOUNT}/credentials/{made['credential_id']}/revoke", headers=changing(first))
    everything = client.post(f"{ACCOUNT}/credentials", json={}, headers=changing(narrow))
    assert everything.status_code == 401, "a revoked secret's token makes nothing"


def test_nobody_takes_up_a_role_that_is_given(client: TestClient) -> None:
    for role in ("operator", "regulator", "OPERATOR", "admin", ["operator"]):
        body = {"role": role, "registered_name": "Riverside Transit Ltd", "taxpayer": "general"}
        answer = client.post("/v1/applications", json=body, headers={"Idempotency-Key": "application-0001"})
        assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(("seconds", "is_taken"), [(20, True), (LEEWAY_SECONDS, True), (31, False), (60, False)])
def test_a_token_from_a_clock_that_is_ahead_is_taken_within_the_leeway(
    busy: Busy, client: TestClient, seconds: int, is_taken: bool
) -> None:
    who, standing = busy.parties["app_developer"], busy.clock.at
    busy.clock.at = standing + timedelta(seconds=seconds)
    early = busy.renewed(who)
    busy.clock.at = standing
    answer = client.get(ACCOUNT, headers=early.headers)
    assert answer.status_code == (200 if is_taken else 401), answer.text
    assert is_taken or "clock" in answer.json()["detail"]


@pytest.mark.parametrize(("seconds", "is_taken"), [(0, True), (29, True), (30, False), (60, False), (86_400, False)])
def test_a_stale_token_is_refused_from_the_end_of_the_leeway_on(
    busy: Busy, client: TestClient, seconds: int, is_taken: bool
) -> None:
    who, standing = busy.renewed(busy.parties["app_developer"]), busy.clock.at
    busy.clock.at = standing + timedelta(seconds=TTL_SECONDS + seconds)
    answer = client.get(ACCOUNT, headers=who.headers)
    busy.clock.at = standing
    assert answer.status_code == (200 if is_taken else 401), answer.text


def forged(busy: Busy, key: Any = None, algorithm: str = ALGORITHM, typ: str = TYPE, **changes: Any) -> str:
    """The operator's token as the market issues it, but for what is changed. None: what is left out."""
    content = {**content_of(busy.renewed(busy.parties["operator"])), **changes}
    content = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(content, busy.market.keys.tokens if key is None else key, algorithm, headers={"typ": typ})


def content_of(who: Participant) -> dict[str, Any]:
    """What a token says."""
    return dict(jwt.decode(who.token, options={"verify_signature": False}))


def test_a_token_that_the_market_did_not_make_so_is_refused(busy: Busy, client: TestClient) -> None:
    stranger = busy.strangers["app_developer"]
    public = busy.market.keys.tokens.public_key().public_bytes_raw()
    head, content, signature = forged(busy).split(".")
    nothing = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    other = json.loads(base64.urlsafe_b64decode(content + "==")) | {"scope": "account operate regulate"}
    altered = base64.urlsafe_b64encode(json.dumps(other).encode()).decode().rstrip("=")
    names = content_of(busy.parties["operator"])
    (credential,) = [name for name, value in names.items() if str(value).startswith("crd_")]
    tokens = [
        forged(busy, Ed25519PrivateKey.generate()),
        forged(busy, busy.market.keys.signing),
        forged(busy, public, "HS256"),
        f"{nothing}.{content}.",
        f"{head}.{altered}.{signature}",
        f"{head}.{content}.{signature[:-4]}AAAA",
        forged(busy, typ="JWT"),
        forged(busy, iss="http://elsewhere"),
        forged(busy, aud="another"),
        forged(busy, sub=stranger.participant_id),
        forged(busy, **{credential: stranger.credential_id}),
        forged(busy, **{credential: f"crd_{MADE_UP}"}),
        forged(busy, exp="never"),
        forged(busy, exp=1e400),
        forged(busy, nbf=True),
        *(forged(busy, **{name: None}) for name in REQUIRED),
        "a.b.c",
        "." * 100,
        "x" * 100_000,
        "\u00e9",
    ]
    assert client.get("/v1/participants", headers=bearing(forged(busy))).status_code == 200
    for token in tokens:
        answer = client.get("/v1/participants", headers={"Authorization": f"Bearer {token}".encode()})
        assert answer.status_code == 401, (token[:200], answer.text)
        assert code_of(answer) == "unauthenticated"


def test_a_suspension_cuts_off_the_next_request_at_every_address(pulled_home: Path, tmp_path: Path) -> None:
    from tests.market_api.faults.busy import a_busy_market

    busy = a_busy_market(pulled_home, tmp_path)
    client = served(busy.market)
    for role, who in busy.parties.items():
        suspended(busy.market, who)
        before = log_size(busy.market)
        for address in addresses_of(client.app):  # type: ignore[arg-type]
            if role in address.roles:
                assert ask(client, address, who, busy.ids).status_code == 401, str(address)
        assert log_size(busy.market) == before


def test_two_tokens_in_one_request_are_none(busy: Busy, client: TestClient) -> None:
    mine, theirs = busy.strangers["app_developer"], busy.parties["operator"]
    for first, second in ((mine, theirs), (theirs, mine), (mine, mine)):
        headers = [("Authorization", f"Bearer {each.token}") for each in (first, second)]
        answer = client.get("/v1/account", headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 401, answer.text
