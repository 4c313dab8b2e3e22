"""The entries about one thing: found by an index, each proved with the public key alone, and a party sees its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from market_api.market import Market
from market_api.oversight import log_reading
from tests.market_api.builders import Participant, a_market, a_participant, renewed, served
from tests.market_api.disputes.acts import opened
from tests.market_api.sales import Sale, a_sale
from vault.black_box import tables
from vault.black_box.entries import payload_hash
from vault.black_box.proofs import proves_inclusion
from vault.signing import canonical, key_id

SUBJECTS = "/v1/oversight/log/subjects"
ENTRIES = 20_000


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path)


@pytest.fixture
def client(sale: Sale) -> TestClient:
    return served(sale.market)


def pages(client: TestClient, who: Participant, address: str, size: int = 50) -> Iterator[dict[str, Any]]:
    token: str | None = ""
    while token is not None:
        answer = client.get(address, headers=who.headers, params={"pageSize": size, "pageToken": token})
        assert answer.status_code == 200, answer.text
        yield from answer.json()["items"]
        token = answer.json().get("nextPageToken")


def is_proved(market: Market, entry: dict[str, Any]) -> bool:
    """Whether the public key alone shows that the log holds the entry and, where it is told, its payload."""
    own = market.keys.signing.public_key()
    shown = entry["proof"]["entry"]
    if entry["payload"] is not None:
        hashed = payload_hash(bytes.fromhex(entry["salt"]), canonical(entry["payload"]))
        assert hashed == shown["payload_hash"]
    assert (shown["index"], shown["subject"]) == (entry["index"], entry["subject"])
    return proves_inclusion(entry["proof"], {key_id(own): own})


def test_all_entries_about_an_order_come_page_by_page_each_with_its_proof(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    opened(sale)
    sale.market.seal()
    client = served(sale.market)
    found = list(pages(client, sale.regulator, f"{SUBJECTS}/{sale.order_id}", size=2))
    assert [each["payload"]["step"] for each in found] == ["order.begin", "order.settle", "order.dispute"]
    assert all(is_proved(sale.market, each) for each in found)
    assert found == list(pages(client, sale.operator, f"{SUBJECTS}/{sale.order_id}"))


def test_the_entries_about_a_participant_are_those_that_name_it_as_their_subject(
    sale: Sale, client: TestClient
) -> None:
    found = list(pages(client, sale.regulator, f"{SUBJECTS}/{sale.buyer.participant_id}"))
    assert {each["subject"] for each in found} == {sale.buyer.participant_id}
    assert "participant.admit" in {each["payload"]["step"] for each in found}


def test_what_is_not_signed_yet_has_no_proof_for_the_moment(sale: Sale, client: TestClient) -> None:
    sale.market.act("market", lambda transaction: transaction.log("order.settle", "ord_9", {}))
    (entry,) = pages(client, sale.regulator, f"{SUBJECTS}/ord_9")
    assert entry["proof"] is None and entry["salt"] is not None
    sale.market.seal()
    (entry,) = pages(client, sale.regulator, f"{SUBJECTS}/ord_9")
    assert is_proved(sale.market, entry)


def test_a_proof_holds_for_its_own_entry_alone(sale: Sale, client: TestClient) -> None:
    first, second = list(pages(client, sale.regulator, f"{SUBJECTS}/{sale.order_id}"))[:2]
    own = sale.market.keys.signing.public_key()
    for name in ("actor", "subject", "payload_hash", "at", "kind"):
        forged = {**first["proof"], "entry": {**first["proof"]["entry"], name: "other"}}
        assert not proves_inclusion(forged, {key_id(own): own})
    assert not proves_inclusion({**first["proof"], "path": second["proof"]["path"]}, {key_id(own): own})


def test_a_subject_that_nothing_is_about_has_no_entries(sale: Sale, client: TestClient) -> None:
    assert list(pages(client, sale.regulator, f"{SUBJECTS}/nobody")) == []


@pytest.mark.parametrize("token", ["MS41", "LTk", "eA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk"])
def test_another_lists_token_is_refused(sale: Sale, client: TestClient, token: str) -> None:
    for address, who in ((f"{SUBJECTS}/x", sale.regulator), (f"/v1/orders/{sale.order_id}/log", sale.buyer)):
        refused = client.get(address, headers=who.headers, params={"pageToken": token})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_only_regulator_and_operator_read_of_any_subject(sale: Sale, client: TestClient) -> None:
    for who in (sale.buyer, sale.seller, sale.provider, sale.evaluator):
        answer = client.get(f"{SUBJECTS}/{sale.order_id}", headers=who.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


# a party's own order


def test_both_parties_see_the_entries_about_their_order_with_proofs(sale: Sale, client: TestClient) -> None:
    opened(sale)
    sale.market.seal()
    whole = list(pages(client, sale.regulator, f"{SUBJECTS}/{sale.order_id}"))
    for who in (sale.buyer, sale.seller):
        found = list(pages(client, who, f"/v1/orders/{sale.order_id}/log", size=1))
        assert [each["index"] for each in found] == [each["index"] for each in whole]
        assert all(is_proved(sale.market, each) for each in found)


def test_whom_a_sale_is_shared_with_is_the_sellers_and_not_told_to_the_buyer(sale: Sale, client: TestClient) -> None:
    own = list(pages(client, sale.buyer, f"/v1/orders/{sale.order_id}/log"))
    assert [each["is_withheld"] for each in own] == [False, True]
    assert own[0]["payload"]["step"] == "order.begin" and own[1]["payload"] is own[1]["salt"] is None
    assert sale.provider.participant_id not in str(own)
    sold = list(pages(client, sale.seller, f"/v1/orders/{sale.order_id}/log"))
    assert sale.provider.participant_id in str(sold) and not any(each["is_withheld"] for each in sold)


def test_anothers_order_is_not_there(sale: Sale, client: TestClient) -> None:
    stranger = a_participant(sale.market)
    for who in (stranger, sale.provider):
        answer = client.get(f"/v1/orders/{sale.order_id}/log", headers=who.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert client.get(f"/v1/orders/{sale.order_id}/log", headers=sale.regulator.headers).status_code == 403


def test_a_party_reads_it_with_a_new_token_months_later(sale: Sale, client: TestClient) -> None:
    sale.clock.move(days=200)
    buyer = renewed(sale.market, sale.buyer)
    assert len(list(pages(client, buyer, f"/v1/orders/{sale.order_id}/log"))) == 2


# the index


def with_many_entries(folder: Path, database_url: str | None) -> Market:
    """A market with so many entries about as many things that no database would rather read them all."""
    market = a_market(folder, database_url=database_url)
    rows = [
        {
            "leaf_index": number,
            "at": "2026-11-27",
            "kind": "trade",
            "actor": "market",
            "subject": f"ord_{number // 3}",
            "payload_hash": "",
        }
        for number in range(ENTRIES)
    ]
    with market.engine.begin() as connection:
        connection.execute(sa.insert(tables.entries), rows)
    with market.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("analyze black_box_entries")
    return market


def plan_of(market: Market, query: sa.Select[Any]) -> str:
    compiled = query.compile(market.engine, compile_kwargs={"literal_binds": True})
    word = "explain query plan" if market.engine.dialect.name == "sqlite" else "explain"
    with market.engine.connect() as connection:
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{word} {compiled}"))


def test_a_subject_is_found_by_the_index_and_nothing_is_scanned(tmp_path: Path, database_url: str | None) -> None:
    market = with_many_entries(tmp_path, database_url)
    plan = plan_of(market, log_reading.about("ord_77", -1).limit(51))
    assert "black_box_by_subject" in plan
    assert "Seq Scan on black_box_entries" not in plan and "SCAN black_box_entries" not in plan
    assert "Sort" not in plan and "TEMP B-TREE" not in plan
