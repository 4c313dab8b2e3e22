"""Many at once: the outcome is one that they could have had one after the other."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import sqlalchemy as sa

from market_api.idempotency import once
from market_api.ledger.accounts import OUTSIDE, account_of, balances
from market_api.ledger.holds import hold, post_hold, void_hold
from market_api.ledger.posting import Posting, post, reverse
from market_api.ledger.proof import ledger_faults, total_fen
from market_api.ledger.tables import ledger_transactions
from market_api.market import Market, Transaction
from market_api.problems import Problem
from tests.market_api.builders import a_market, with_funds

THREADS = 8
OWNERS = [f"par_{letter}" for letter in "abcd"]


def test_transfers_in_a_ring_lose_nothing_and_wait_for_no_one_in_vain(tmp_path: Path, database_url: str | None) -> None:
    """Each over the same accounts in another order: what waits for each other would be a deadlock."""
    market = owners_with(tmp_path, database_url, 1000)

    def transfer(number: int) -> None:
        source, destination = OWNERS[number % 4], OWNERS[(number + 1 + number // 4 % 3) % 4]
        moved = [Posting(account_of(source), account_of(destination), 1 + number)]
        market.act(source, lambda transaction: post(transaction, "transfer", "r", moved))

    assert at_once(transfer, 40) == [None] * 40
    expected = dict.fromkeys(OWNERS, 1000)
    for number in range(40):
        expected[OWNERS[number % 4]] -= 1 + number
        expected[OWNERS[(number + 1 + number // 4 % 3) % 4]] += 1 + number
    assert {owner: own(market, owner)["available"] for owner in OWNERS} == expected
    is_in_order(market)


def test_no_more_is_spent_than_is_there(tmp_path: Path, database_url: str | None) -> None:
    market = owners_with(tmp_path, database_url, 100)
    moved = [Posting(account_of("par_a"), account_of("par_b"), 30)]
    outcomes = at_once(lambda _: market.act("par_a", lambda t: post(t, "transfer", "r", moved)), 12)
    assert sorted(code_of(outcome) for outcome in outcomes) == ["done"] * 3 + ["funds_missing"] * 9
    assert own(market, "par_a")["available"] == 10
    is_in_order(market)


def test_a_hold_ends_once_though_all_want_to_end_it(tmp_path: Path, database_url: str | None) -> None:
    market = owners_with(tmp_path, database_url, 100)
    held = market.act("par_a", lambda transaction: hold(transaction, "par_a", 60, "auc_1"))

    def end(number: int) -> str:
        if number % 2:
            return market.act("par_a", lambda transaction: void_hold(transaction, held))
        lines = [(account_of("par_b"), 60)]
        return market.act("par_a", lambda transaction: post_hold(transaction, held, "settlement", lines))

    assert sorted(code_of(outcome) for outcome in at_once(end, 12)) == ["done"] + ["wrong_state"] * 11
    is_in_order(market)


def test_a_payment_is_taken_back_once_though_all_want_to(tmp_path: Path, database_url: str | None) -> None:
    market = owners_with(tmp_path, database_url, 100)
    moved = [Posting(account_of("par_a"), account_of("par_b"), 30)]
    name = market.act("par_a", lambda transaction: post(transaction, "transfer", "r", moved))
    outcomes = at_once(lambda _: market.act("market", lambda t: reverse(t, name, "reversal", "r")), 12)
    assert sorted(code_of(outcome) for outcome in outcomes) == ["done"] + ["wrong_state"] * 11
    assert own(market, "par_a")["available"] == 100
    is_in_order(market)


def test_the_same_request_from_many_threads_is_one_effect(tmp_path: Path, database_url: str | None) -> None:
    market = owners_with(tmp_path, database_url, 100)
    moved = [Posting(OUTSIDE, account_of("par_a"), 5)]

    def request(_: int) -> dict[str, Any]:
        def do(transaction: Transaction) -> Any:
            return once(transaction, "par_a", "key-00000001", "hash", lambda: (201, named(transaction)))

        return dict(market.act("par_a", do).document)

    def named(transaction: Transaction) -> dict[str, Any]:
        return {"name": post(transaction, "deposit", "par_a", moved)}

    answers = at_once(request, 12)
    assert len({answer["name"] for answer in answers}) == 1
    assert own(market, "par_a")["available"] == 105
    of_owner = ledger_transactions.c.reference == "par_a"
    deposits = sa.select(sa.func.count()).select_from(ledger_transactions).where(of_owner)
    assert market.read(lambda connection: connection.execute(deposits).scalar_one()) == 2
    is_in_order(market)


def owners_with(folder: Path, database_url: str | None, amount_fen: int) -> Market:
    market = a_market(folder, database_url=database_url)
    for owner in OWNERS:
        market.act("market", partial(with_funds, owner_id=owner, amount_fen=amount_fen))
    return market


def at_once(do: Callable[[int], Any], count: int) -> list[Any]:
    """What each call gave or, where it was refused, the problem; all threads start together."""
    together = Barrier(THREADS)

    def run(worker: int) -> list[tuple[int, Any]]:
        together.wait()
        return [(number, outcome(do, number)) for number in range(worker, count, THREADS)]

    with ThreadPoolExecutor(THREADS) as pool:
        found = [each for outcomes in pool.map(run, range(THREADS)) for each in outcomes]
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def outcome(do: Callable[[int], Any], number: int) -> Any:
    try:
        return do(number)
    except Problem as refusal:
        return refusal


def code_of(outcome: Any) -> str:
    return outcome.code if isinstance(outcome, Problem) else "done"


def own(market: Market, owner_id: str) -> dict[str, int]:
    return market.read(lambda connection: balances(connection, owner_id))


def is_in_order(market: Market) -> None:
    assert market.read_one_state(ledger_faults) == () and market.read(total_fen) == 0
    market.seal()
    assert market.verify().problems == ()
