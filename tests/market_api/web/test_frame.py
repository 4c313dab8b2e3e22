"""The frame: every answer has an id, safe headers and a log line; no failure tells what it should not."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from market_api.market import Market
from market_api.web.log_lines import JsonLines
from market_api.web.request_ids import WELL_FORMED, request_id_of
from market_api.web.security_headers import with_security
from tests.market_api.builders import a_market, a_participant
from tests.market_api.web.addresses import with_router

PERSONAL = "13800138000 王小明"
router = APIRouter()


@router.get("/broken/{name}")
def broken(name: str) -> None:
    raise ValueError(f"cannot work with {PERSONAL} and {name}")


@router.get("/half")
def half() -> StreamingResponse:
    def parts() -> Iterator[bytes]:
        yield b"the first half"
        raise ValueError(PERSONAL)

    return StreamingResponse(parts())


@router.get("/cached")
def cached(request: Request) -> Any:
    from fastapi.responses import JSONResponse

    return JSONResponse({}, headers={"Cache-Control": "private, max-age=60"})


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return a_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def client(market: Market) -> TestClient:
    return TestClient(with_router(market, router), raise_server_exceptions=False)


def lines_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The market's log lines as they would be written."""
    return [json.loads(JsonLines().format(each)) for each in caplog.records if each.name == "jinku.market"]


@pytest.mark.parametrize("given_id", ["abcdefgh", "0123456789abcdef-0000", "a" * 64, "trace:1.span_2"])
def test_a_well_formed_request_id_is_answered(client: TestClient, given_id: str) -> None:
    assert client.get("/health", headers={"X-Request-Id": given_id}).headers["X-Request-Id"] == given_id


@pytest.mark.parametrize(
    "given_id",
    ["", "short", "a" * 65, "with a space", 'quote"quote', "<script>alert(1)</script>", "line%0aline", "ü" * 9],
)
def test_another_request_id_is_made_new(client: TestClient, given_id: str) -> None:
    answered = client.get("/health", headers={b"X-Request-Id": given_id.encode()}).headers["X-Request-Id"]
    assert answered != given_id and re.fullmatch("req_[0-9a-f]{24}", answered)


def test_two_ids_are_none() -> None:
    two = [(b"x-request-id", b"abcdefgh"), (b"x-request-id", b"ijklmnop")]
    assert request_id_of(two, lambda size: b"\0" * size) == "req_" + "0" * 24
    assert WELL_FORMED.fullmatch(b"abcdefgh\n") is None


def test_a_problem_bears_the_id_of_its_request(client: TestClient) -> None:
    answer = client.get("/nowhere", headers={"X-Request-Id": "my-own-id"})
    assert answer.json()["instance"] == "urn:jinku:request:my-own-id" and answer.headers["X-Request-Id"] == "my-own-id"


@pytest.mark.parametrize("address", ["/health", "/nowhere", "/v1/account", "/broken/x", "/openapi.json"])
def test_every_answer_has_safe_headers(client: TestClient, address: str) -> None:
    headers = client.get(address).headers
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY"
    assert (
        headers["Content-Security-Policy"].startswith("default-src 'none'") and headers["Cache-Control"] == "no-store"
    )
    assert "Server" not in headers and "Strict-Transport-Security" not in headers


def test_an_answers_own_caching_stands(client: TestClient) -> None:
    assert client.get("/cached").headers.get_list("Cache-Control") == ["private, max-age=60"]


def test_no_answer_has_scripts(client: TestClient) -> None:
    for address in ("/docs", "/openapi.json", "/nowhere"):
        policy = client.get(address).headers["Content-Security-Policy"]
        assert "script-src" not in policy and policy.startswith("default-src 'none'")


def test_https_is_kept_where_the_market_has_it() -> None:
    assert b"strict-transport-security" in dict(with_security([], "/", is_https=True))


def test_a_failure_tells_the_client_an_id_alone(client: TestClient) -> None:
    answer = client.get("/broken/secret-name")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["Content-Type"] == "application/problem+json"
    for told in (PERSONAL, "secret-name", "ValueError", "Traceback"):
        assert told not in answer.text


def test_a_failure_is_logged_by_its_place_and_kind(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answered = client.get("/broken/secret-name").headers["X-Request-Id"]
    failure, request = lines_of(caplog)
    assert failure["error"] == "ValueError" and failure["request_id"] == request["request_id"] == answered
    assert any("test_frame.py" in place and "broken" in place for place in failure["places"])
    assert (request["route"], request["status"]) == ("/broken/{name}", 500)
    assert PERSONAL not in str([failure, request]) and "secret-name" not in str([failure, request])


def test_an_answer_that_breaks_off_is_not_taken_for_whole(client: TestClient, market: Market) -> None:
    with pytest.raises(ValueError, match="王小明"):  # what the server gets, which then cuts the connection
        TestClient(with_router(market, router)).get("/half")


def test_a_request_is_one_line_without_what_was_sent(
    client: TestClient, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    participant = a_participant(market)
    with caplog.at_level(logging.INFO):
        client.get("/v1/account?token=hidden-query", headers={**participant.headers, "Cookie": "hidden-cookie"})
    (line,) = lines_of(caplog)
    assert set(line) == {
        "time",
        "level",
        "logger",
        "message",
        "request_id",
        "method",
        "route",
        "status",
        "milliseconds",
        "participant_id",
    }
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/account", 200)
    assert line["participant_id"] == participant.participant_id and line["milliseconds"] > 0
    for hidden in ("hidden-query", "hidden-cookie", participant.token, participant.registered_name):
        assert hidden not in str(line)


def test_an_address_that_is_none_is_not_logged(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client.get("/v1/participants/13800138000/secrets")
    (line,) = lines_of(caplog)
    assert line["route"] == "none" and "13800138000" not in str(line)


def test_log_lines_of_other_libraries_are_json_and_without_messages_of_errors() -> None:
    try:
        raise ValueError(PERSONAL)
    except ValueError as error:
        record = logging.LogRecord(
            "uvicorn.error",
            logging.ERROR,
            "",
            0,
            "Exception in %s",
            ("ASGI",),
            (ValueError, error, error.__traceback__),
        )
    line = JsonLines().format(record)
    assert json.loads(line)["error"] == "ValueError" and PERSONAL not in line and "王" not in line and "\n" not in line


def test_a_market_that_answers_nothing_but_problems_says_so_in_json(client: TestClient) -> None:
    for method, address, status in (
        ("GET", "/nowhere", 404),
        ("DELETE", "/health", 405),
        ("PUT", "/v1/account", 405),
        ("POST", "/v1/applications", 422),
        ("GET", "/v1/account", 401),
        ("GET", "//", 404),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404),
    ):
        answer = client.request(method, address)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), address
        assert set(answer.json()) >= {"type", "title", "status", "code", "detail", "instance"}
    assert client.delete("/health").headers["Allow"] == "GET"


def test_the_folder_is_not_reached_by_any_address(client: TestClient, market: Market) -> None:
    secret = (market.settings.folder / "keys" / "root.key").read_bytes()
    for address in ("/static/../keys/root.key", "/..%2fkeys%2froot.key", str(market.settings.folder / "keys/root.key")):
        answer = client.get(address)
        assert answer.status_code == 404 and secret not in answer.content
