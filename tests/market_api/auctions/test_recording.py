"""The record over HTTP: whoever reads it comes to the same outcome with `pricing` alone, and learns no identity."""

import hashlib
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from market_api.auctions.recording import replayed_outcome
from pricing.auction import SealedBid, uniform_price
from pricing.draw import drawn_order, drawn_side, seed_kept
from pricing.english import EnglishRules, ProxyBid, after_last_call, english_outcome, english_standing
from pricing.sampling_auction import random_sampling
from tests.market_api.auctions.lots import CLOSES, LAST_CALL, REVEALED, Sale, at_the_last_call
from tests.market_api.builders import Participant, a_participant, renewed, served
from tests.market_api.goods import refused
from vault.signing import canonical

TERMS = {"purposes": ["transport_planning"], "users": 3, "term_days": 180, "pulls": 12}


def record(client: TestClient, who: Participant, name: str, size: int = 500) -> dict[str, Any]:
    """All pages of a record as one."""
    found: dict[str, Any] = {}
    token = ""
    while True:
        asked = {"pageSize": size, "pageToken": token}
        answer = client.get(f"/v1/auctions/{name}/record", params=asked, headers=who.headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found = {**page, "items": [*found.get("items", []), *page["items"]]}
        token = page.get("nextPageToken", "")
        if not token:
            return found


def checked(told: dict[str, Any]) -> dict[str, Any]:
    """The record, once everything in it is found to be what was published or committed to before."""
    assert hashlib.sha256(canonical(told["rules"])).hexdigest() == told["rules_hash"]
    assert seed_kept(bytes.fromhex(told["seed"]), told["rules"]["seed_commitment"])
    for each in told["items"]:
        if each["amount_fen"] is not None:
            parts = (told["auction_id"], each["bidder"], str(each["amount_fen"]), each["nonce"])
            assert hashlib.sha256("|".join(parts).encode()).hexdigest() == each["commitment"]
    return told


def sealed_bids(told: dict[str, Any], stage: str = "sealed") -> list[SealedBid]:
    return [
        SealedBid(each["bid_id"], each["bidder"], each["amount_fen"])
        for each in told["items"]
        if each["stage"] == stage and each["amount_fen"] is not None
    ]


def test_an_open_auction_is_replayed_from_its_record_last_call_included(sale: Sale) -> None:
    name = at_the_last_call(sale)
    sale.bid(name, "bo", 300_000)
    sale.close(sale.clock.at + LAST_CALL)
    reader = a_participant(sale.market, "evaluator")
    told = checked(record(served(sale.market), reader, name, size=7))
    rules = EnglishRules(
        told["rules"]["reserve_fen"],
        told["rules"]["increment_fen"],
        datetime.fromisoformat(told["rules"]["opens_at"]),
        datetime.fromisoformat(told["rules"]["closes_at"]),
    )
    limits = [
        ProxyBid(each["bid_id"], each["bidder"], each["amount_fen"], datetime.fromisoformat(each["made_at"]))
        for each in told["items"]
        if each["stage"] == "limit"
    ]
    assert len(limits) == 25
    order = drawn_order(bytes.fromhex(told["seed"]))
    standing = after_last_call(english_standing(rules, limits), rules, sealed_bids(told, "last_call"), order)
    (award,) = english_outcome(standing).awards
    assert told["awards"] == [{"bid_id": award.bid_id, "bidder": award.bidder_id, "price_fen": award.price_fen}]
    assert sale.awards(name) == {"bo": 230_000}


@pytest.mark.parametrize("form", ["sealed_uniform", "rsop"])
def test_a_sealed_auction_is_replayed_from_its_record_with_its_draws(sale: Sale, form: str) -> None:
    licences = 2 if form == "sealed_uniform" else None
    name = sale.opened(form, licences=licences)
    amounts = {f"bidder {number}": 100_000 + 5_000 * (number % 4) for number in range(8)}
    sale.sealed(name, amounts)
    sale.close()
    told = checked(record(served(sale.market), a_participant(sale.market), name))
    seed, reserve_fen = bytes.fromhex(told["seed"]), told["rules"]["reserve_fen"]
    if form == "rsop":
        outcome = random_sampling(sealed_bids(told), reserve_fen, drawn_side(seed), drawn_order(seed))
    else:
        outcome = uniform_price(sealed_bids(told), reserve_fen, drawn_order(seed), 2)
    assert [(each["bid_id"], each["bidder"], each["price_fen"]) for each in told["awards"]] == [
        (award.bid_id, award.bidder_id, award.price_fen) for award in outcome.awards
    ]
    assert sale.market.read(lambda connection: replayed_outcome(connection, name)) == outcome


def test_the_record_is_told_after_the_close_alone_and_names_nobody(sale: Sale) -> None:
    name = sale.opened("sealed_second")
    client, reader = served(sale.market), a_participant(sale.market, "regulator")
    path = f"/v1/auctions/{name}/record"
    assert client.get(path, headers=reader.headers).json()["code"] == "wrong_state"
    sale.commit(name, "ada", 150_000)
    sale.commit(name, "bo", 120_000)
    sale.clock.at = CLOSES
    sale.reveal(name, "ada", 150_000)
    reader = renewed(sale.market, reader)
    assert client.get(path, headers=reader.headers).json()["code"] == "wrong_state"
    sale.close(REVEALED)
    reader = renewed(sale.market, reader)
    answer = client.get(path, headers=reader.headers)
    assert answer.status_code == 200
    assert not any(who.participant_id in answer.text for who in sale.bidders.values())
    assert [each["amount_fen"] for each in answer.json()["items"]] == [150_000, None]
    assert client.get("/v1/auctions/auc_0000000000000000000000000000/record", headers=reader.headers).status_code == 404


def test_a_token_that_the_record_did_not_give_is_refused(sale: Sale) -> None:
    name = sale.announced()
    sale.close(CLOSES)
    client, reader = served(sale.market), a_participant(sale.market)
    for token in ("YWJj", "LTE", "MTIzNDU2Nzg5MDEyMw"):
        answer = client.get(f"/v1/auctions/{name}/record", params={"pageToken": token}, headers=reader.headers)
        assert (answer.status_code, answer.json()["field"]) == (422, "pageToken")


def test_a_record_that_was_changed_after_the_close_is_not_replayed(sale: Sale) -> None:
    name = sale.opened()
    sale.bid(name, "ada", 150_000)
    sale.close(CLOSES)
    for tamper in (
        "update auctions set seed = '00'",
        "update auctions set rules_hash = 'another'",
        "drop trigger auction_bids_never_update",
        "update auction_bids set amount_fen = 200000",
    ):
        kept = sale.rows("select seed, rules_hash from auctions")[0]
        sale.market.act("market", lambda transaction, text=tamper: transaction.connection.exec_driver_sql(text))  # type: ignore[misc]
        if not tamper.startswith("drop"):
            with pytest.raises(ValueError, match=r"seed|rules|committed"):
                sale.market.read(lambda connection: replayed_outcome(connection, name))
        back = f"update auctions set seed = '{kept[0]}', rules_hash = '{kept[1]}'"
        sale.market.act("market", lambda transaction, text=back: transaction.connection.exec_driver_sql(text))  # type: ignore[misc]


def test_before_the_close_there_is_nothing_to_replay(sale: Sale) -> None:
    name = sale.opened()
    refused("wrong_state", lambda: sale.market.read(lambda connection: replayed_outcome(connection, name)))
