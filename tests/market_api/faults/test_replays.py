"""The same request again, at every address that changes something: one effect and one answer, whoever sends it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from market_api.ledger.proof import ledger_faults
from market_api.trading.terms import Terms
from tests.market_api.builders import Participant, served
from tests.market_api.faults.addresses import Address, addresses_of
from tests.market_api.faults.asking import ask, code_of, log_size
from tests.market_api.faults.busy import PRICE_FEN, Busy, a_busy_market

NO_KEYS = ["", "short", "x" * 129, "with a space", "tab\tin it-0", "schl\u00fcssel", "1234567\x00", "key-001, key-002"]
ENDINGS = (
    "accept",
    "cancel",
    "close",
    "confirm",
    "decide",
    "refuse",
    "reject",
    "suspend",
    "freeze",
    "retire",
    "revoke",
)
"""What leaves less to be done by others, so it comes last, in this order."""


@pytest.fixture
def own(pulled_home: Path, tmp_path: Path) -> Busy:
    """A market that the test changes."""
    return a_busy_market(pulled_home, tmp_path)


def changing(client: TestClient) -> Iterator[Address]:
    return (each for each in addresses_of(client.app) if each.does_change)  # type: ignore[arg-type]


def ending(address: Address) -> int:
    word = address.path.rpartition("/")[2]
    return ENDINGS.index(word) + 1 if word in ENDINGS else 0


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def party_of(busy: Busy, address: Address) -> Participant | None:
    return busy.party_of(address.act) if address.act else None


def test_every_address_that_changes_something_needs_a_key(busy: Busy, client: TestClient) -> None:
    before, tried = log_size(busy.market), 0
    for address in changing(client):
        who = party_of(busy, address)
        for key in (None, *NO_KEYS):
            headers = [("If-Match", "*"), *([] if who is None else who.headers.items())]
            headers += [] if key is None else [("Idempotency-Key", key.encode("latin-1"))]
            answer = client.post(address.at(busy.ids), json=address.body(busy.ids), headers=headers)  # type: ignore[arg-type]
            is_examined_first = "release" in (address.example or {}) and answer.status_code in (404, 409)
            assert answer.status_code == 400 or is_examined_first, (str(address), answer.text)
            tried += 1
    assert tried >= 300 and log_size(busy.market) == before


def test_two_keys_in_one_request_are_none(busy: Busy, client: TestClient) -> None:
    who = busy.parties["app_developer"]
    for second in ("key-0000001", "key-0000002"):
        headers = [*who.headers.items(), ("Idempotency-Key", "key-0000001"), ("Idempotency-Key", second)]
        answer = client.post("/v1/account/payouts", json={"amount_fen": 1}, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 400 and code_of(answer) == "key_missing", answer.text


def test_the_same_request_again_is_answered_as_before_and_done_once(own: Busy) -> None:
    client, done = served(own.market), []
    for number, address in enumerate(sorted(changing(client), key=ending)):
        first = ask(client, address, party_of(own, address), own.ids, keyed(f"again-{number:04d}"))
        between = log_size(own.market)
        again = ask(client, address, party_of(own, address), own.ids, keyed(f"again-{number:04d}"))
        assert log_size(own.market) == between, str(address)
        assert again.status_code == first.status_code < 500, (str(address), again.text)
        if first.is_success:
            shown_once = {"client_secret", "bearerToken", "enrolment_code"}
            told = {name: value for name, value in first.json().items() if name not in shown_once}
            assert again.json() == told and again.headers["Idempotency-Replayed"] == "true"
            done.append(str(address))
        else:
            assert code_of(again) == code_of(first)
    assert len(done) >= 20, done
    assert own.market.read(ledger_faults) == ()


def test_a_key_is_good_for_one_request_alone(own: Busy) -> None:
    client, buyer = served(own.market), own.parties["app_developer"]
    told = {**buyer.headers, **keyed("payout-0001")}
    assert client.post("/v1/account/payouts", json={"amount_fen": 700}, headers=told).status_code == 201
    before = log_size(own.market)
    for path, body in (
        ("/v1/account/payouts", {"amount_fen": 701}),
        ("/v1/account/payouts?more=1", {"amount_fen": 700}),
        (f"/v1/orders/{own.ids['order_id']}/cancel", None),
        ("/v1/account/pull-credentials", {"ttl_days": 3}),
    ):
        answer = client.post(path, json=body, headers=told)
        assert answer.status_code == 409 and code_of(answer) == "key_reused", answer.text
    assert log_size(own.market) == before


def test_the_key_of_another_is_not_mine_and_his_answer_is_not_told_me(own: Busy) -> None:
    client, buyer, stranger = served(own.market), own.parties["app_developer"], own.strangers["app_developer"]
    path, body = "/v1/account/payouts", {"amount_fen": 700}
    mine = client.post(path, json=body, headers={**buyer.headers, **keyed("shared-0001")})
    theirs = client.post(path, json=body, headers={**stranger.headers, **keyed("shared-0001")})
    assert mine.status_code == 201 and theirs.status_code == 402, theirs.text


def test_a_refusal_leaves_the_key_to_be_used_again(own: Busy) -> None:
    client, stranger, operator = served(own.market), own.strangers["app_developer"], own.parties["operator"]
    path, body = "/v1/account/payouts", {"amount_fen": 700}
    told = {**stranger.headers, **keyed("later-0001")}
    assert client.post(path, json=body, headers=told).status_code == 402
    paid_in = {"amount_fen": 1_000, "bank_reference": "LATER 1"}
    funds = f"/v1/participants/{stranger.participant_id}/deposits"
    assert client.post(funds, json=paid_in, headers=operator.changing).status_code == 201
    assert client.post(path, json=body, headers=told).status_code == 201


def test_a_replay_long_after_moves_nothing_though_all_has_changed(own: Busy) -> None:
    client, buyer = served(own.market), own.parties["app_developer"]
    asked = Terms(("transport_planning",), users=3, term_days=180, pulls=12).document()
    order = {"listing_id": own.ids["listing_id"], "terms": asked, "price_fen": PRICE_FEN}
    first = client.post("/v1/orders", json=order, headers={**buyer.headers, **keyed("order-0001")})
    assert first.status_code == 201, first.text
    regulator = own.parties["regulator"]
    frozen = client.post(
        f"/v1/listings/{own.ids['listing_id']}/freeze", json={"reason": "Looked at."}, headers=regulator.changing
    )
    assert frozen.status_code == 200
    own.clock.at += timedelta(days=80)
    before = log_size(own.market)
    late = own.renewed(buyer)
    again = client.post("/v1/orders", json=order, headers={**late.headers, **keyed("order-0001")})
    assert again.status_code == 201 and again.json() == first.json()
    assert client.post("/v1/orders", json=order, headers=late.changing).status_code == 409
    assert log_size(own.market) == before


def test_the_same_request_from_many_threads_is_one(own: Busy) -> None:
    client, buyer = served(own.market), own.parties["app_developer"]
    told, before = {**buyer.headers, **keyed("at-once-0001")}, log_size(own.market)

    def sent(_: int) -> tuple[int, str]:
        answer = client.post("/v1/account/payouts", json={"amount_fen": 700}, headers=told)
        return answer.status_code, answer.text

    with ThreadPoolExecutor(12) as threads:
        answers = set(threads.map(sent, range(24)))
    assert len(answers) == 1 and answers.pop()[0] == 201
    client.post("/v1/account/payouts", json={"amount_fen": 700}, headers={**buyer.headers, **keyed("at-once-0002")})
    grown = log_size(own.market) - before
    assert grown % 2 == 0 and grown > 0, "two payouts of the same entries each"
