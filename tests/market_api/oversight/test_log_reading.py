"""The black box as the regulator reads it: what it shows can be proved, and what was tampered with is told."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from market_api.oversight import log_reading
from market_api.problems import Problem
from tests.market_api.builders import served
from tests.market_api.sales import Sale, a_sale
from vault.black_box.entries import payload_hash
from vault.black_box.proofs import proves_inclusion
from vault.signing import canonical, key_id

LOG = "/v1/oversight/log"


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path)


@pytest.fixture
def client(sale: Sale) -> TestClient:
    return served(sale.market)


def test_an_entry_and_its_payload_are_proved_with_the_public_key_alone(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    client = served(sale.market)
    entries = read(client, sale, subject=sale.order_id)
    settled = next(each for each in entries if each["payload"]["step"] == "order.settle")
    found = client.get(f"{LOG}/{settled['index']}", headers=sale.regulator.headers).json()
    own = sale.market.keys.signing.public_key()
    assert proves_inclusion(found["proof"], {key_id(own): own})
    assert found["proof"]["entry"]["payload_hash"] == payload_hash(
        bytes.fromhex(found["salt"]), canonical(found["payload"])
    )
    assert hashlib.sha256(b"\0" + canonical(found["proof"]["entry"])).hexdigest() == found["entry_hash"]


def test_an_entry_that_is_not_signed_yet_has_no_proof(sale: Sale, client: TestClient) -> None:
    size = sale.market.seal()
    sale.market.act("market", lambda transaction: transaction.log("order.settle", "ord_9", {}))
    refused = client.get(f"{LOG}/{size}", headers=sale.regulator.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    sale.market.seal()
    assert client.get(f"{LOG}/{size}", headers=sale.regulator.headers).status_code == 200


@pytest.mark.parametrize("index", ["999999", "-1", "x", str(2**60)])
def test_an_entry_that_is_not_there_is_not_found(sale: Sale, client: TestClient, index: str) -> None:
    assert client.get(f"{LOG}/{index}", headers=sale.regulator.headers).status_code in (404, 422)


def test_pages_hold_every_entry_once_in_their_order(sale: Sale, client: TestClient) -> None:
    size, found, token = sale.market.seal(), [], ""
    while token is not None:
        given = {"pageSize": 7, "pageToken": token}
        shown = client.get(LOG, headers=sale.operator.headers, params=given).json()
        found += [each["index"] for each in shown["items"]]
        token = shown.get("nextPageToken")
    assert found == list(range(size))


def test_entries_are_asked_for_by_kind_and_subject(sale: Sale, client: TestClient) -> None:
    assert {each["kind"] for each in read(client, sale, kind="decision")} == {"decision"}
    assert {each["subject"] for each in read(client, sale, subject=sale.entitlement_id)} == {sale.entitlement_id}
    assert read(client, sale, kind="decision", subject=sale.order_id) == []


@pytest.mark.parametrize("token", ["MS41", "LTk", "eA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk", "77"])
def test_another_lists_token_is_refused(sale: Sale, client: TestClient, token: str) -> None:
    refused = client.get(LOG, headers=sale.regulator.headers, params={"pageToken": token})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_a_whole_log_is_said_to_be(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    found = served(sale.market).get(f"{LOG}/verification", headers=sale.regulator.headers).json()
    assert (found["is_whole"], found["problems"], found["more_problems"]) == (True, [], 0)
    assert found["checkpoint"]["size"] == found["entries"] == sale.market.seal()


def test_a_log_that_was_changed_is_told(sale: Sale, client: TestClient) -> None:
    sale.market.engine.dispose()
    with closing(sqlite3.connect(str(sale.market.engine.url.database), isolation_level=None)) as connection:
        connection.execute("drop trigger black_box_entries_never_update")
        connection.execute("update black_box_entries set actor = 'par_other' where leaf_index = 3")
    found = client.get(f"{LOG}/verification", headers=sale.regulator.headers).json()
    assert not found["is_whole"] and "entry 3 is not what was logged" in found["problems"][0]["what"]


def test_one_verifies_at_a_time(sale: Sale) -> None:
    with log_reading._VERIFYING, pytest.raises(Problem) as refusal:
        log_reading.verification(sale.market)
    assert refusal.value.code == "rate_limited"
    assert log_reading.verification(sale.market)["is_whole"]


def read(client: TestClient, sale: Sale, **given: str) -> list[dict[str, object]]:
    answer = client.get(LOG, headers=sale.regulator.headers, params={"pageSize": "500", **given})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["items"]
    return found
