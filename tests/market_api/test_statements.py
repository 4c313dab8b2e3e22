"""What waits to be sent is never lost, never seen too late and never kept where the transaction was not."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from market_api.ledger.tables import holds, ledger_transactions, postings
from market_api.market import Market
from market_api.statements import add_to_each_later, insert_later, rows_of, run, run_later
from tests.market_api.builders import a_market

ALL_HOLDS = sa.select(holds.c.hold_id, holds.c.amount_fen)
WRITTEN = sa.insert(holds)
CHANGED = sa.update(holds).where(holds.c.hold_id == sa.bindparam("name")).values(amount_fen=sa.bindparam("fen"))


def a_hold(name: str, amount_fen: int = 5) -> dict[str, object]:
    return {
        "hold_id": name,
        "owner_id": "par_a",
        "reference": "ord_1",
        "amount_fen": amount_fen,
        "state": "posted",
        "created_at": "2026-01-01",
        "ended_at": None,
    }


def kept(market: Market) -> dict[str, int]:
    return market.read(lambda connection: dict(connection.execute(ALL_HOLDS).tuples().all()))


@pytest.fixture
def market(tmp_path: Path, database_url: str | None) -> Market:
    return a_market(tmp_path, database_url=database_url)


def test_what_waits_is_sent_with_the_commit(market: Market) -> None:
    market.act("market", lambda transaction: run_later(transaction.connection, WRITTEN, a_hold("hld_1")))
    assert kept(market) == {"hld_1": 5}


def test_a_question_sees_what_was_to_be_written_before_it(market: Market) -> None:
    def asked(connection: sa.Connection) -> list[tuple[str, int]]:
        run_later(connection, WRITTEN, a_hold("hld_1"))
        return [tuple(row) for row in rows_of(connection, ALL_HOLDS, {})]

    assert market.act("market", lambda transaction: asked(transaction.connection)) == [("hld_1", 5)]


def test_a_question_by_way_of_sqlalchemy_sees_it_too(market: Market) -> None:
    def asked(connection: sa.Connection) -> int:
        run_later(connection, WRITTEN, a_hold("hld_1"))
        return int(connection.execute(sa.select(sa.func.count()).select_from(holds)).scalar_one())

    assert market.act("market", lambda transaction: asked(transaction.connection)) == 1


def test_statements_about_the_same_rows_run_one_after_the_other(market: Market) -> None:
    def changed(connection: sa.Connection) -> int:
        run_later(connection, WRITTEN, a_hold("hld_1"))
        run_later(connection, CHANGED, {"name": "hld_1", "fen": 6})
        add_to_each_later(connection, holds, holds.c.amount_fen, {"hld_1": 10})
        return int(run(connection, CHANGED, {"name": "hld_1", "fen": 17}).rowcount)

    assert market.act("market", lambda transaction: changed(transaction.connection)) == 1
    assert kept(market) == {"hld_1": 17}


def test_more_rows_than_fit_one_statement_are_all_added(market: Market) -> None:
    rows = [(f"txn_{number}", "deposit", "par_a", "2026-01-01", None) for number in range(1_000)]
    market.act("market", lambda transaction: insert_later(transaction.connection, ledger_transactions, rows))
    counted = sa.select(sa.func.count()).select_from(ledger_transactions)
    assert market.read(lambda connection: connection.execute(counted).scalar_one()) == 1_000


def test_what_was_not_kept_is_forgotten(market: Market) -> None:
    def fails(connection: sa.Connection) -> None:
        run_later(connection, WRITTEN, a_hold("hld_1"))
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            market.act("market", lambda transaction: fails(transaction.connection))
    market.act("market", lambda transaction: run_later(transaction.connection, WRITTEN, a_hold("hld_2")))
    assert kept(market) == {"hld_2": 5}


@pytest.mark.parametrize("asks", [True, False])
def test_what_is_wrong_with_it_is_told_and_nothing_of_the_transaction_stands(market: Market, asks: bool) -> None:
    def wrong(connection: sa.Connection) -> None:
        run_later(connection, WRITTEN, a_hold("hld_1"))
        insert_later(connection, postings, [("txn_none", 1, "par_none:held", "par_none:available", 5)])
        if asks:
            rows_of(connection, sa.select(ledger_transactions.c.kind), {})

    with pytest.raises(sa.exc.IntegrityError) as told:
        market.act("market", lambda transaction: wrong(transaction.connection))
    assert kept(market) == {} and "par_none" not in str(told.value).partition("(Background")[0].partition("DETAIL")[0]
