"""Posting: what it refuses, and that a refusal leaves nothing behind."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from market_api.ledger.accounts import MARKET, OUTSIDE, TAX, account_of, balances, spendable
from market_api.ledger.holds import hold, hold_and_post, post_hold, void_hold
from market_api.ledger.posting import Posting, post, post_all, postings_of, reverse
from market_api.ledger.proof import ledger_faults, total_fen
from market_api.ledger.tables import accounts, holds, ledger_transactions, postings
from market_api.market import Market, Transaction
from market_api.problems import Problem
from tests.market_api.builders import a_market, with_funds
from vault.black_box import tables as black_box


@pytest.mark.parametrize("amount_fen", [0, -1])
def test_a_posting_moves_more_than_nothing(amount_fen: int) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Posting("par_a:available", "par_b:available", amount_fen)


def test_a_posting_moves_between_two_accounts() -> None:
    with pytest.raises(ValueError, match="two accounts"):
        Posting("par_a:available", "par_a:available", 1)


@pytest.mark.parametrize(
    ("do", "message"),
    [
        (lambda t: post(t, "deposit", "par_a", []), "at least one posting"),
        (lambda t: post_all(t, [("a", "r", [into("par_a", 1)]), ("b", "r", [])]), "at least one posting"),
        (lambda t: hold(t, "par_a", 0, "ord_1"), "above 0"),
        (lambda t: hold_and_post(t, "par_a", "ord_1", "settlement", [], "txn_1"), "above 0"),
        (lambda t: post_hold(t, hold(t, "par_a", 5, "r"), "settlement", [("par_b:available", 6)]), "no more than all"),
        (lambda t: post_hold(t, hold(t, "par_a", 5, "r"), "settlement", []), "pays some"),
        (lambda t: reverse(t, "txn_unknown", "reversal", "r"), "paid something"),
    ],
)
def test_what_is_no_payment_is_refused(tmp_path: Path, do: Callable[[Transaction], Any], message: str) -> None:
    market = two_owners(tmp_path)
    before = everything(market)
    with pytest.raises(ValueError, match=message):
        market.act("par_a", do)
    assert everything(market) == before


def test_an_account_that_is_not_there_is_refused(tmp_path: Path, database_url: str | None) -> None:
    market = two_owners(tmp_path, database_url)
    before = everything(market)
    with pytest.raises(sa.exc.IntegrityError):
        market.act("par_a", lambda transaction: post(transaction, "deposit", "par_a", [into("par_nobody", 1)]))
    assert everything(market) == before


def test_whoever_lacks_funds_is_told_how_much(tmp_path: Path, database_url: str | None) -> None:
    market = two_owners(tmp_path, database_url)
    before = everything(market)
    with pytest.raises(Problem) as refusal:
        market.act("par_a", lambda transaction: post(transaction, "transfer", "r", [pay("par_a", "par_b", 130)]))
    assert (refusal.value.code, refusal.value.further["missing_fen"]) == ("funds_missing", 30)
    assert everything(market) == before


def test_what_an_account_lacks_only_in_between_does_not_matter(tmp_path: Path, database_url: str | None) -> None:
    market = two_owners(tmp_path, database_url)
    first = [pay("par_b", "par_a", 50), pay("par_a", "par_b", 80)]
    market.act("par_a", lambda transaction: post(transaction, "transfer", "r", first))
    assert own(market, "par_b")["available"] == 30


def test_amounts_as_large_as_any_stay_whole(tmp_path: Path, database_url: str | None) -> None:
    market = two_owners(tmp_path, database_url)
    for _ in range(3):
        market.act("par_a", lambda transaction: post(transaction, "deposit", "par_b", [into("par_b", 10**13)]))
    assert own(market, "par_b")["available"] == 3 * 10**13
    assert market.read(total_fen) == 0 and market.read(ledger_faults) == ()


def test_a_sale_is_taken_back_to_the_buyers_own_funds(tmp_path: Path, database_url: str | None) -> None:
    market = two_owners(tmp_path, database_url)
    lines = [(account_of("par_b", "pending"), 60), (account_of(MARKET, "pending"), 5), (account_of(TAX, "pending"), 4)]
    payment = "txn_1"
    market.act("par_a", lambda t: hold_and_post(t, "par_a", "ord_1", "settlement", lines, payment))
    market.act("market", lambda transaction: reverse(transaction, payment, "refund", "ord_1"))
    assert own(market, "par_a") == {"available": 100, "held": 0, "pending": 0}
    assert own(market, "par_b")["pending"] == own(market, MARKET)["pending"] == own(market, TAX)["pending"] == 0
    assert market.read(ledger_faults) == ()


def test_a_sale_from_a_hold_is_taken_back_but_for_what_was_given_back(tmp_path: Path) -> None:
    market = two_owners(tmp_path)
    held = market.act("par_a", lambda transaction: hold(transaction, "par_a", 90, "auc_1"))
    line = (account_of("par_b", "pending"), 60)
    payment = market.act("par_a", lambda transaction: post_hold(transaction, held, "settlement", [line]))
    market.act("market", lambda transaction: reverse(transaction, payment, "refund", "ord_1"))
    assert own(market, "par_a") == {"available": 100, "held": 0, "pending": 0}
    assert market.read(ledger_faults) == ()


def test_nothing_is_taken_back_twice(tmp_path: Path, database_url: str | None) -> None:
    market = two_owners(tmp_path, database_url)
    name = market.act("par_a", lambda transaction: post(transaction, "transfer", "r", [pay("par_a", "par_b", 40)]))
    market.act("market", lambda transaction: reverse(transaction, name, "reversal", "r"))
    before = everything(market)
    with pytest.raises(Problem, match="taken back already"):
        market.act("market", lambda transaction: reverse(transaction, name, "reversal", "r"))
    assert everything(market) == before


def test_what_was_spent_since_is_not_taken_back(tmp_path: Path) -> None:
    market = two_owners(tmp_path)
    name = market.act("par_a", lambda transaction: post(transaction, "transfer", "r", [pay("par_a", "par_b", 40)]))
    market.act("par_b", lambda transaction: post(transaction, "payout", "r", [Posting("par_b:available", OUTSIDE, 30)]))
    with pytest.raises(Problem, match="lack 30 fen"):
        market.act("market", lambda transaction: reverse(transaction, name, "reversal", "r"))


@pytest.mark.parametrize("ending", [lambda t, name: None, void_hold])
def test_setting_aside_is_ended_by_its_hold_alone(tmp_path: Path, ending: Callable[[Transaction, str], Any]) -> None:
    market = two_owners(tmp_path)
    held = market.act("par_a", lambda transaction: hold(transaction, "par_a", 90, "auc_1"))
    market.act("par_a", lambda transaction: ending(transaction, held))
    kinds = sa.select(ledger_transactions.c.transaction_id).where(ledger_transactions.c.kind.in_(["hold", "void"]))
    for name in market.read(lambda connection: connection.execute(kinds).scalars().all()):
        with pytest.raises(ValueError, match="paid something"):
            market.act("market", partial(reverse, name=name, kind="reversal", reference="r"))
    assert market.read(ledger_faults) == ()


def test_a_hold_ends_once(tmp_path: Path, database_url: str | None) -> None:
    market = two_owners(tmp_path, database_url)
    line = [(account_of("par_b"), 10)]
    ends: list[Callable[[Transaction, str], Any]] = [
        lambda t, name: post_hold(t, name, "settlement", line),
        void_hold,
    ]
    for first in ends:
        held = market.act("par_a", lambda transaction: hold(transaction, "par_a", 10, "auc_1"))
        end(market, first, held)
        before = everything(market)
        for second in ends:
            with pytest.raises(Problem, match="not set aside any more"):
                end(market, second, held)
        assert everything(market) == before


def test_what_fails_in_the_end_leaves_nothing(tmp_path: Path, database_url: str | None) -> None:
    market = two_owners(tmp_path, database_url)
    before = everything(market)

    def fail(transaction: Transaction) -> None:
        hold_and_post(transaction, "par_a", "ord_1", "settlement", [(account_of("par_b", "pending"), 50)], "txn_1")
        raise RuntimeError("at the last moment")

    with pytest.raises(RuntimeError, match="last moment"):
        market.act("par_a", fail)
    assert everything(market) == before


def test_a_wrong_balance_is_found(tmp_path: Path, database_url: str | None) -> None:
    market = two_owners(tmp_path, database_url)
    given = sa.update(accounts).where(accounts.c.account_id == "par_b:available").values(balance_fen=7)
    market.act("market", lambda transaction: transaction.connection.execute(given))
    assert market.read(ledger_faults) == ("par_b:available holds 7 fen, its postings say 0",)
    assert market.read(total_fen) == 7


def test_a_hold_without_money_is_found(tmp_path: Path, database_url: str | None) -> None:
    market = two_owners(tmp_path, database_url)
    market.act("par_a", lambda transaction: hold(transaction, "par_a", 20, "auc_1"))
    market.act("market", lambda transaction: transaction.connection.execute(sa.update(holds).values(amount_fen=30)))
    assert market.read(ledger_faults) == ("par_a:held holds 20 fen, its holds say 30",)


def test_a_ledger_transaction_without_postings_is_found(tmp_path: Path, database_url: str | None) -> None:
    market = two_owners(tmp_path, database_url)
    lone = {"transaction_id": "txn_lone", "kind": "gift", "reference": "r", "at": "now"}
    market.act("market", lambda t: t.connection.execute(sa.insert(ledger_transactions), lone))
    assert market.read(ledger_faults) == ("txn_lone has no postings",)


def test_the_postings_of_a_transaction_stand_in_their_order(tmp_path: Path) -> None:
    market = two_owners(tmp_path)
    moved = [pay("par_a", "par_b", amount) for amount in (3, 1, 2)]
    name = market.act("par_a", lambda transaction: post(transaction, "transfer", "r", moved))
    assert market.read(lambda connection: postings_of(connection, name)) == moved


def test_money_goes_back_to_where_it_can_be_spent() -> None:
    assert spendable("par_a:held") == "par_a:available"
    assert spendable("par_a:pending") == "par_a:pending"
    assert spendable(OUTSIDE) == OUTSIDE


def two_owners(folder: Path, database_url: str | None = None) -> Market:
    """One with 100 fen, the other without any."""
    market = a_market(folder, database_url=database_url)
    market.act("market", lambda transaction: with_funds(transaction, "par_a", 100))
    market.act("market", lambda transaction: with_funds(transaction, "par_b", 0))
    return market


def end(market: Market, how: Callable[[Transaction, str], Any], hold_id: str) -> None:
    market.act("par_a", lambda transaction: how(transaction, hold_id))


def into(owner_id: str, amount_fen: int) -> Posting:
    return Posting(OUTSIDE, account_of(owner_id), amount_fen)


def pay(source: str, destination: str, amount_fen: int) -> Posting:
    return Posting(account_of(source), account_of(destination), amount_fen)


def own(market: Market, owner_id: str) -> dict[str, int]:
    return market.read(lambda connection: balances(connection, owner_id))


def everything(market: Market) -> list[list[Any]]:
    """Every row of the ledger and of the black box."""
    watched = (accounts, ledger_transactions, postings, holds, black_box.entries)
    return market.read(
        lambda connection: [sorted(map(tuple, connection.execute(sa.select(table)))) for table in watched]
    )
