"""Completing orders: only what is due, once, and each on its own."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from market_api.disputes.completing import complete_orders
from market_api.housekeeping import TASKS
from market_api.ledger.tables import ledger_transactions
from market_api.trading.tables import orders
from tests.market_api.disputes.acts import opened
from tests.market_api.sales import PRICE_FEN, Sale, a_sale, bought_again


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path)


def test_the_market_completes_orders_of_itself() -> None:
    assert complete_orders in TASKS


def test_what_was_earned_is_its_receivers_own_after_the_term(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    owners = (sale.seller.participant_id, sale.provider.participant_id, "market", "tax")
    pending = {owner: sale.funds(owner)["pending"] for owner in owners}
    assert sum(pending.values()) == PRICE_FEN and all(pending.values())
    sale.clock.move(days=7)
    assert complete_orders(sale.market) == 0 and sale.order.state == "settled"
    sale.clock.move(seconds=1)
    assert complete_orders(sale.market) == 1 and sale.order.state == "completed"
    assert {owner: sale.funds(owner)["available"] for owner in owners} == pending and sale.pending_fen == 0
    assert complete_orders(sale.market) == 0 and sale.is_in_order()


def test_a_clock_that_went_backwards_completes_nothing_early(sale: Sale) -> None:
    sale.clock.move(days=-30)
    assert complete_orders(sale.market) == 0 and sale.order.state == "settled"


def test_a_disputed_order_is_left(sale: Sale) -> None:
    other = bought_again(sale, 500)
    opened(sale)
    sale.clock.move(days=30)
    assert complete_orders(sale.market) == 1
    assert (sale.order.state, other.order.state, sale.pending_fen) == ("disputed", "completed", PRICE_FEN)


def test_an_order_that_cannot_be_completed_does_not_stop_the_others(sale: Sale) -> None:
    other = bought_again(sale, 500)
    damaged = sa.update(orders).where(orders.c.order_id == sale.order_id).values(lines='[["nobody:pending", "fee", 5]]')
    sale.market.act("market", lambda transaction: transaction.connection.execute(damaged))
    sale.clock.move(days=8)
    assert complete_orders(sale.market) == 1
    assert (sale.order.state, other.order.state) == ("settled", "completed") and sale.is_in_order()


def test_two_that_complete_at_once_do_it_once(released: Path, tmp_path: Path, database_url: str | None) -> None:
    from concurrent.futures import ThreadPoolExecutor

    sale = a_sale(released, tmp_path, database_url)
    for number in range(5):
        bought_again(sale, 100 + number)
    sale.clock.move(days=8)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(complete_orders, [sale.market] * 4))
    completions = sa.select(sa.func.count()).where(ledger_transactions.c.kind == "completion")
    assert sale.market.read(lambda connection: connection.execute(completions).scalar_one()) == 6
    assert sale.pending_fen == 0 and sale.is_in_order()
