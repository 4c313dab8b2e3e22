"""Limits: how large, how often, how slowly; each client has its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, Request
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from market_api.app import application
from market_api.market import Market
from market_api.problems import Problem
from market_api.web.rate_limit import RateLimits, network_of
from tests.market_api.builders import Participant, a_market, a_participant, served
from tests.market_api.web.addresses import with_router

BYTES_MAX = 1_000


@pytest.fixture
def market(tmp_path: Path) -> Market:
    return a_market(tmp_path, rate_limit="5/minute", body_bytes_max=BYTES_MAX)


@pytest.fixture
def client(market: Market) -> TestClient:
    return served(market)


def ask(client: TestClient, participant: Participant) -> int:
    return client.get("/v1/account", headers=participant.headers).status_code


def test_each_participant_has_its_own_limit(client: TestClient, market: Market) -> None:
    one, other = a_participant(market), a_participant(market)
    assert [ask(client, one) for _ in range(7)] == [200] * 5 + [429] * 2
    assert ask(client, other) == 200


def test_whoever_asks_too_often_is_told_when_to_come_again(client: TestClient, market: Market) -> None:
    participant = a_participant(market)
    for _ in range(5):
        ask(client, participant)
    answer = client.get("/v1/account", headers=participant.headers)
    assert answer.json()["code"] == "rate_limited"
    assert 1 <= int(answer.headers["Retry-After"]) <= 120
    assert answer.json()["retry_after_seconds"] == int(answer.headers["Retry-After"])


def test_guessing_tokens_is_counted_by_address(client: TestClient, market: Market) -> None:
    guesses = [client.get("/v1/account", headers={"Authorization": f"Bearer {number}"}) for number in range(7)]
    assert [answer.status_code for answer in guesses] == [401] * 5 + [429] * 2
    assert ask(client, a_participant(market)) == 200, "whoever shares the address and has a token is not shut out"


def test_guessing_secrets_is_counted_by_address(client: TestClient) -> None:
    form = {"grant_type": "client_credentials", "client_id": "par_" + "0" * 28, "client_secret": "x"}
    assert [client.post("/oauth/token", data=form).status_code for _ in range(7)] == [401] * 5 + [429] * 2


def test_a_token_does_not_take_an_open_address_out_of_the_count(client: TestClient) -> None:
    answers = [
        client.post("/v1/applications", json={}, headers={"Authorization": f"Bearer {number}"}).status_code
        for number in range(7)
    ]
    assert answers == [422] * 5 + [429] * 2


def test_an_address_that_a_header_names_is_not_believed(client: TestClient) -> None:
    form = {"grant_type": "client_credentials"}
    answers = [
        client.post("/oauth/token", data=form, headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code
        for number in range(6)
    ]
    assert answers[-1] == 429


def test_other_addresses_have_limits_of_their_own(market: Market) -> None:
    app = application(market)
    one, other = (TestClient(app, client=(host, 50_000)) for host in ("192.0.2.1", "192.0.2.2"))
    form = {"grant_type": "client_credentials"}
    assert [one.post("/oauth/token", data=form).status_code for _ in range(6)][-1] == 429
    assert other.post("/oauth/token", data=form).status_code == 401


@given(st.lists(st.floats(0, 8), max_size=60), st.integers(1, 5))
def test_a_window_of_any_moment_has_no_more_and_none_is_refused_before(gaps: list[float], most: int) -> None:
    now = [0.0]
    limits, taken = RateLimits(f"{most}/10 seconds", lambda: now[0]), list[float]()
    for gap in gaps:
        now[0] += gap
        recent = [at for at in taken if at > now[0] - 10]
        if len(recent) < most:
            limits.count("a client")
            taken.append(now[0])
        else:
            with pytest.raises(Problem) as refusal:
                limits.count("a client")
            assert now[0] + refusal.value.further["retry_after_seconds"] >= recent[0] + 10


def test_clients_that_are_gone_are_forgotten() -> None:
    now = [0.0]
    limits = RateLimits("5/minute", lambda: now[0])
    for number in range(1_000):
        limits.count(f"client {number}")
    now[0] = 61
    limits.count("another")
    assert len(limits._times) == 1


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("testclient", "unknown", False),
    ],
)
def test_a_network_of_ipv6_is_one_client(one: str, other: str, are_one: bool) -> None:
    assert (network_of(one) == network_of(other)) is are_one


@pytest.mark.parametrize("limit", ["", "many", "0", "5 per", "-1/minute"])
def test_a_limit_that_cannot_be_read_is_refused_at_the_start(limit: str) -> None:
    with pytest.raises(ValueError, match="rate limit string"):
        RateLimits(limit)


def test_a_body_beyond_the_limit_is_refused_by_its_length(client: TestClient) -> None:
    answer = client.post("/v1/applications", content=b"x" * (BYTES_MAX + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert str(BYTES_MAX) in answer.json()["detail"] and answer.headers["X-Request-Id"]


def test_a_body_without_a_length_is_refused_where_it_passes_the_limit(client: TestClient) -> None:
    sent = []

    def parts() -> Iterator[bytes]:
        for number in range(50):
            sent.append(number)
            yield b"x" * 100

    answer = client.post("/oauth/token", content=parts())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_body_at_the_limit_is_read(market: Market) -> None:
    router = APIRouter()

    @router.post("/size")
    async def size(request: Request) -> dict[str, Any]:
        return {"bytes": len(await request.body())}

    client = TestClient(with_router(market, router))
    assert client.post("/size", content=b"x" * BYTES_MAX).json() == {"bytes": BYTES_MAX}

    def parts() -> Iterator[bytes]:
        yield from [b"x" * 100] * (BYTES_MAX // 100)

    assert client.post("/size", content=parts()).json() == {"bytes": BYTES_MAX}


def test_a_length_that_is_no_number_is_not_believed(client: TestClient) -> None:
    answer = client.post("/v1/applications", content=b"{}", headers={"Content-Length": "-5"})
    assert answer.status_code in (400, 422)
