"""Paths, queries and page tokens that try to be something else: no address answers them with a fault, leaves its
folder, or lets a database read more than a value in them."""

import base64
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.market_api.builders import served
from tests.market_api.faults.addresses import Address, addresses_of
from tests.market_api.faults.busy import Busy, a_busy_market

IN_PATHS = (
    "%00",
    "a%00b",
    "%ED%A0%80",
    "%FF%FE",
    "%C0%AF",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "..%5C..%5C",
    "%2e%2e",
    "%252e%252e%252f",
    ".",
    "..",
    "%25s",
    "%25",
    "'%20or%20'1'='1",
    "1;%20drop%20table%20orders",
    "%0d%0aX-Split:%201",
    "x" * 5_000,
    "%E2%80%AEx",
    "%D9%A3",
    "*",
    "[]",
    "-1",
    "9" * 30,
    "ord_" + "0" * 28 + "%0a",
    "ord_" + "0" * 27 + "%D9%A3",
)
FEW = ("a%00b", "%ED%A0%80", "..%2f..%2f..%2f..%2fetc%2fpasswd", "..", "'%20or%20'1'='1", "9" * 30)
TRICKS = [pytest.param(FEW, id="few"), pytest.param(IN_PATHS, id="all", marks=pytest.mark.faults)]
STATED = (
    "zzz",
    "\0",
    "-1",
    "2147483648",
    "999999999999999",
    "9" * 40,
    "\u0663",
    "\u00b2",
    "[]",
    "{}",
    '["newest", 1, 2]',
    '["newest", "lst_\\u0000", "lst_"]',
    '["price", 1, "x"]',
    '["price", 9223372036854775807, "x"]',
    '["title", "\\ud800", "x"]',
    "[" * 1_000,
    "1 2",
    "2026-01-01T00:00:00+00:00|x",
    "' or 1=1 --",
)
"""What page tokens are made to say."""

NO_TOKENS = ("!!!", "=", "====", "a", "%00", "____", "-" * 300, "w6", "%F0%9F%92%A9")
SECRETS = ("root:x:", "BEGIN PRIVATE", "Traceback", "sqlalchemy", "psycopg", "sqlite3", "/work/", "/tmp/")


@pytest.fixture
def both(pulled_home: Path, tmp_path: Path, database_url: str | None) -> Busy:
    """A market on each of the databases: what is no fault of one may be one of the other."""
    return a_busy_market(pulled_home, tmp_path, database_url)


def token(stated: str) -> str:
    return base64.urlsafe_b64encode(stated.encode()).decode().rstrip("=")


def asked(client: TestClient, busy: Busy, address: Address, path: str) -> None:
    headers = {} if address.act is None else busy.party_of(address.act).headers
    answer = client.request(address.method, path, headers=headers)
    assert answer.status_code < 500, (path[:300], answer.text[:300])
    assert not any(each in answer.text for each in SECRETS), (path[:300], answer.text[:300])
    assert "x-split" not in answer.headers


def reading(client: TestClient) -> list[Address]:
    return [each for each in addresses_of(client.app) if each.method in ("GET", "HEAD")]  # type: ignore[arg-type]


@pytest.mark.parametrize("tricks", TRICKS)
def test_a_path_that_tries_to_be_another_is_refused(both: Busy, tricks: tuple[str, ...]) -> None:
    client, tried = served(both.market), 0
    for address in addresses_of(client.app):  # type: ignore[arg-type]
        for name in address.names:
            for trick in tricks:
                asked(client, both, address, address.at({**both.ids, name: trick}))
                tried += 1
    assert tried >= 50 * len(tricks)


@pytest.mark.parametrize("tricks", TRICKS)
def test_a_query_that_tries_to_be_more_is_refused(both: Busy, tricks: tuple[str, ...]) -> None:
    client, tried = served(both.market), 0
    for address in reading(client):
        for name in address.queries:
            for trick in tricks:
                asked(client, both, address, f"{address.at(both.ids)}?{name}={trick}")
                tried += 1
    assert tried >= 50 * len(tricks)


def test_a_page_token_that_no_list_gave_is_refused_or_begins_somewhere(both: Busy) -> None:
    client, tried = served(both.market), 0
    for address in reading(client):
        if "pageToken" in address.queries:
            for trick in (*map(token, STATED), *NO_TOKENS):
                asked(client, both, address, f"{address.at(both.ids)}?pageToken={trick}")
                tried += 1
    assert tried >= 500


@pytest.mark.parametrize(
    "path", ["//health", "/v1//orders", "/V1/orders", "/v1/orders/", "/v1/../health", "/%761/orders"]
)
def test_an_address_has_one_spelling(busy: Busy, client: TestClient, path: str) -> None:
    answer = client.get(f"http://testserver{path}", headers=busy.parties["app_developer"].headers)
    assert answer.status_code in (200, 404), answer.text
    assert answer.status_code == 404 or answer.request.url.path in ("/health", "/v1/orders")
