"""The same request twice is one effect and one answer; another request under its key is none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from market_api.idempotency import Answer, checked_key, once, request_hash, requests
from market_api.ledger.accounts import OUTSIDE, account_of, balances
from market_api.ledger.posting import Posting, post
from market_api.market import Market, Transaction
from market_api.problems import Problem
from tests.market_api.builders import a_market, with_funds

KEY = "key-00000001"
HASH = request_hash("POST", "/v1/deposits", {"amount_fen": 5})

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "key", [None, "", "short", "x" * 129, "with a space", "tab\tbed-key", "schlüssel-1", "key-1\n23456"]
)
def test_a_key_is_needed_and_plain(key: str | None) -> None:
    with pytest.raises(Problem) as refusal:
        checked_key([] if key is None else [key])
    assert (refusal.value.code, refusal.value.field) == ("key_missing", "Idempotency-Key")


@pytest.mark.parametrize("key", ["12345678", "x" * 128, "{b0a3-11}"])
def test_a_key_of_printable_characters_is_taken(key: str) -> None:
    assert checked_key([key]) == key


def test_a_request_is_done_once_and_answered_each_time(tmp_path: Path, database_url: str | None) -> None:
    market = with_owner(tmp_path, database_url)
    answers = [deposit(market) for _ in range(3)]
    assert [answer.is_replay for answer in answers] == [False, True, True]
    assert len({(answer.status, str(answer.document)) for answer in answers}) == 1
    assert available(market) == 5


def test_another_request_under_the_same_key_is_refused(tmp_path: Path, database_url: str | None) -> None:
    market = with_owner(tmp_path, database_url)
    deposit(market)
    with pytest.raises(Problem) as refusal:
        deposit(market, hashed=request_hash("POST", "/v1/deposits", {"amount_fen": 6}))
    assert refusal.value.code == "key_reused" and available(market) == 5


def test_a_key_is_its_participants_own(tmp_path: Path, database_url: str | None) -> None:
    market = with_owner(tmp_path, database_url)
    deposit(market)
    assert not deposit(market, participant_id="par_b").is_replay and available(market) == 10


def test_what_came_to_nothing_leaves_its_key_free(tmp_path: Path, database_url: str | None) -> None:
    market = with_owner(tmp_path, database_url)

    def fail(transaction: Transaction) -> tuple[int, Mapping[str, Any]]:
        post(transaction, "deposit", "par_a", [Posting(OUTSIDE, account_of("par_a"), 5)])
        raise Problem("not_cleared", "in the end it may not be")

    with pytest.raises(Problem, match="not_cleared"):
        market.act("par_a", lambda transaction: once(transaction, "par_a", KEY, HASH, lambda: fail(transaction)))
    kept = market.read(
        lambda connection: connection.execute(sa.select(sa.func.count()).select_from(requests)).scalar_one()
    )
    assert kept == 0 and not deposit(market).is_replay and available(market) == 5


@given(st.dictionaries(st.text(max_size=5), values, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_members_does_not_make_another_request(body: dict[str, Any], random: Any) -> None:
    members = list(body.items())
    random.shuffle(members)
    assert request_hash("POST", "/v1/orders", body) == request_hash("POST", "/v1/orders", dict(members))


@given(
    st.dictionaries(st.text(max_size=5), values, max_size=3), st.dictionaries(st.text(max_size=5), values, max_size=3)
)
def test_other_values_make_another_request(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = request_hash("POST", "/v1/orders", one) == request_hash("POST", "/v1/orders", other)
    assert same == (plain(one) == plain(other))


def test_method_and_address_make_another_request() -> None:
    hashes = {request_hash(method, path, {}) for method in ("POST", "PUT") for path in ("/v1/a", "/v1/a?x=1", "/v1/b")}
    assert len(hashes) == 6


def plain(value: Any) -> Any:
    """With the types of its values, as Python takes True for 1."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else (type(value).__name__, value)


def with_owner(folder: Path, database_url: str | None) -> Market:
    market = a_market(folder, database_url=database_url)
    market.act("market", lambda transaction: with_funds(transaction, "par_a", 0))
    return market


def deposit(market: Market, participant_id: str = "par_a", hashed: str = HASH) -> Answer:
    """Five fen for the first participant, whoever asks."""

    def do(transaction: Transaction) -> Answer:
        moved = [Posting(OUTSIDE, account_of("par_a"), 5)]
        return once(
            transaction, participant_id, KEY, hashed, lambda: (201, {"name": post(transaction, "deposit", "r", moved)})
        )

    return market.act(participant_id, do)


def available(market: Market) -> int:
    return market.read(lambda connection: balances(connection, "par_a"))["available"]
