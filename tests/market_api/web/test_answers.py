"""Refusals: they name the field and the cause, and never repeat what was sent."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from market_api.market import Market
from market_api.problems import KINDS
from market_api.web.answers import OTHER_REFUSALS
from tests.market_api.builders import Participant, a_market, a_participant, served
from tests.market_api.identity.applicants import application_of

SENT = "leaked-7f3a"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return a_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def client(market: Market) -> TestClient:
    return served(market)


@pytest.fixture(scope="module")
def operator(market: Market) -> Participant:
    return a_participant(market, "operator")


def apply(client: TestClient, content: bytes | str, content_type: str = "application/json") -> dict[str, Any]:
    headers = {"Idempotency-Key": "application-key", "Content-Type": content_type}
    answer = client.post("/v1/applications", content=content, headers=headers)
    assert answer.status_code == 422 and answer.headers["Content-Type"] == "application/problem+json", answer.text
    assert SENT not in answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"registered_name": f"{SENT}\u200b"}, "registered_name"),
        ({"registered_name": {SENT: SENT}}, "registered_name"),
        ({"role": SENT}, "role"),
        ({"taxpayer": [SENT]}, "taxpayer"),
        ({"owner_registration": f"{SENT}!"}, "owner_registration"),
        ({"unknown": SENT}, "unknown"),
    ],
)
def test_a_fault_names_its_field_and_not_its_value(client: TestClient, changes: dict[str, Any], field: str) -> None:
    problem = apply(client, json.dumps(application_of(**changes)))
    assert problem["code"] == "invalid_request" and problem["field"] == field and field in problem["detail"]


@pytest.mark.parametrize("name", [f"{SENT} {SENT}", f"<b>{SENT}</b>", f"{SENT}\ud800", "\u202e" + SENT, SENT * 20])
def test_a_members_name_that_is_no_name_is_not_repeated(client: TestClient, name: str) -> None:
    problem = apply(client, json.dumps(application_of(**{name: 1})))
    assert problem.get("field", "") in ("(a member that is not known)", "")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        f'{{"{SENT}":',
        f'"{SENT}"',
        "[]",
        "null",
        "7",
        f"{SENT}",
        "{" * 5000,
        "[" * 100_000,
        '{"a":1e400}',
        "\ufeff{}",
    ],
)
def test_a_body_that_is_no_application_is_refused(client: TestClient, content: str) -> None:
    apply(client, content.encode())


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'{"role":"\xff"}', b"\x00"])
def test_a_body_that_is_no_text_is_refused(client: TestClient, content: bytes) -> None:
    apply(client, content)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "*/*"])
def test_a_body_of_another_kind_is_refused(client: TestClient, content_type: str) -> None:
    apply(client, json.dumps(application_of()), content_type)


def test_a_thousand_faults_are_told_in_a_page(client: TestClient) -> None:
    problem = apply(client, json.dumps(application_of(**{f"unknown_{number}": 1 for number in range(1000)})))
    assert len(problem["faults"]) == 50 and len(problem["detail"]) < 1_000


def test_a_key_is_asked_for_before_anything_is_done(client: TestClient, operator: Participant) -> None:
    for headers in (operator.headers, {**operator.headers, "Idempotency-Key": "short"}):
        body = {"role": "regulator", "registered_name": "Data Bureau"}
        answer = client.post("/v1/participants", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "key_missing")


@pytest.mark.parametrize(
    "query", ["pageSize=0", "pageSize=501", "pageSize=x", "pageSize=1e9", "state=" + SENT, "pageToken=" + SENT * 40]
)
def test_a_query_is_held_to_its_bounds(client: TestClient, operator: Participant, query: str) -> None:
    answer = client.get(f"/v1/participants?{query}", headers=operator.headers)
    assert (answer.status_code, answer.json()["field"]) == (422, query.partition("=")[0]) and SENT not in answer.text


def test_whoever_may_not_is_told_before_his_body_is_judged(client: TestClient) -> None:
    answer = client.post("/v1/participants", json={"role": SENT}, headers={"Idempotency-Key": "a-new-key"})
    assert answer.status_code == 401


def test_every_refusal_of_the_frame_is_a_code_that_is_there() -> None:
    assert {problem.code for problem in OTHER_REFUSALS.values()} <= set(KINDS)
    assert all(problem.kind.status == status for status, problem in OTHER_REFUSALS.items() if status != 400)
