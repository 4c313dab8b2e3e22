"""Many bidders at once: whatever the threads do, it is as if they had come one after the other."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from market_api.auctions.bidding import bid
from market_api.auctions.closing import close_auctions
from market_api.auctions.outcome import awards_of, commitment_of
from market_api.auctions.recording import replayed_outcome
from market_api.auctions.sealing import commit, reveal
from market_api.auctions.tables import auctions, bids
from market_api.problems import Problem
from market_api.trading.paying import pay
from tests.market_api.auctions.lots import (
    CLOSES,
    DEPOSIT_FEN,
    FUNDS_FEN,
    INCREMENT_FEN,
    NONCE,
    REVEALED,
    Sale,
    a_sale,
    free,
)
from tests.market_api.goods import acted, is_proven

BIDDERS = [f"bidder {number}" for number in range(30)]


def at_once(do: Callable[[str], Any], names: Sequence[str]) -> Counter[str]:
    """Do it for all names in as many threads; gives how often it was done, and what was refused, by its code."""

    def tried(name: str) -> str:
        try:
            do(name)
        except Problem as problem:
            return problem.code
        return "done"

    with ThreadPoolExecutor(len(names)) as threads:
        return Counter(threads.map(tried, names))


def test_thirty_bidders_at_once_stand_as_if_one_after_the_other(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    name = sale.opened()
    limits = {who: 100_000 + INCREMENT_FEN * number for number, who in enumerate(BIDDERS)}
    people = {who: sale.bidder(who) for who in BIDDERS}
    found = at_once(lambda who: acted(sale.market, people[who], bid, name, limits[who]), BIDDERS)
    assert set(found) <= {"done", "bid_refused"} and found["done"] >= 1

    numbers = [row[0] for row in sale.rows("select number from auction_bids order by number")]
    assert numbers == list(range(1, found["done"] + 1))
    assert sale.rows("select count(*) from holds where state = 'held'") == [(found["done"],)]
    sale.close(CLOSES)
    assert list(sale.awards(name)) == [BIDDERS[-1]]
    replayed = sale.market.read(lambda connection: replayed_outcome(connection, name))
    assert awards_of(replayed) == sale.seen(name)["awards"]
    assert is_proven(sale.market)


def test_thirty_commitments_and_reveals_at_once_are_all_taken_once(sale: Sale) -> None:
    name = sale.opened("sealed_uniform", licences=3)
    amounts = {who: 100_000 + INCREMENT_FEN * number for number, who in enumerate(BIDDERS)}
    people = {who: sale.bidder(who) for who in BIDDERS}
    own = {who: sale.entry(name, who)["bidder"] for who in BIDDERS}
    committed = {who: commitment_of(name, own[who], amounts[who], NONCE) for who in BIDDERS}
    twice = [*BIDDERS, *BIDDERS]
    found = at_once(lambda who: acted(sale.market, people[who], commit, name, committed[who]), twice)
    assert found == {"done": 30, "bid_refused": 30}
    sale.clock.at = CLOSES
    found = at_once(lambda who: acted(sale.market, people[who], reveal, name, amounts[who], NONCE), twice)
    assert found == {"done": 30, "bid_refused": 30}
    sale.close(REVEALED)
    assert sale.awards(name) == dict.fromkeys(reversed(BIDDERS[-3:]), amounts[BIDDERS[-4]])
    assert is_proven(sale.market)


def test_one_bidder_in_many_threads_sets_one_deposit_aside(sale: Sale) -> None:
    name, ada = sale.opened(), sale.bidder("ada")
    at_once(lambda limit: acted(sale.market, ada, bid, name, int(limit)), [str(100_000 + 5_000 * n) for n in range(10)])
    assert sale.funds_fen(ada) == free(FUNDS_FEN - DEPOSIT_FEN, DEPOSIT_FEN)


def test_bids_and_closings_at_once_are_one_close_and_no_bid_after_it(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    name = sale.opened()
    sale.bid(name, "ada", 150_000)
    people = {who: sale.bidder(who) for who in BIDDERS[:10]}

    def either(who: str) -> None:
        if who in people:
            acted(sale.market, people[who], bid, name, 200_000)
        else:
            close_auctions(sale.market)

    sale.clock.at = CLOSES
    found = at_once(either, [each for who in BIDDERS[:10] for each in (who, f"close {who}")])
    assert found == {"done": 10, "wrong_state": 10}
    assert sale.awards(name) == {"ada": 100_000}
    assert sale.rows("select count(*) from orders") == [(1,)]
    assert is_proven(sale.market)


def test_an_order_that_is_paid_in_many_threads_is_paid_once(sale: Sale) -> None:
    name, ada = sale.opened(), sale.bidder("ada")
    sale.bid(name, "ada", 150_000)
    sale.close(CLOSES)
    order_id = sale.entry(name, "ada")["order_id"]
    found = at_once(lambda _: acted(sale.market, ada, pay, order_id), BIDDERS[:10])
    assert found == {"done": 1, "wrong_state": 9}
    assert sale.funds_fen(ada) == free(FUNDS_FEN - 100_000)
    assert sale.rows("select count(*) from entitlements") == [(1,)]
    assert is_proven(sale.market)


def test_a_bid_asks_the_database_the_same_however_many_came_before(sale: Sale) -> None:
    name = sale.opened()
    sale.bid(name, "ada", 100_000)
    sale.bid(name, "bo", 110_000)
    few = statements_of(sale, lambda: sale.bid(name, "ada", 120_000))
    before(sale, name, 10_000)
    many = statements_of(sale, lambda: sale.bid(name, "bo", 130_000))
    assert [statement for statement, _ in few] == [statement for statement, _ in many]
    assert all("from auction_bids" not in statement.lower() for statement, _ in many)


def before(sale: Sale, name: str, count: int) -> None:
    """Have as many bids of ada's stand before, as if they had been made."""
    own = bids.c
    with sale.market.engine.begin() as connection:
        last = connection.execute(sa.select(bids).order_by(own.number.desc()).limit(1)).mappings().one()
        rows = [{**last, "bid_id": f"bid {each}", "number": last["number"] + each} for each in range(1, count + 1)]
        connection.execute(sa.insert(bids), rows)
        connection.execute(sa.update(auctions).where(auctions.c.auction_id == name).values(bids=last["number"] + count))


def statements_of(sale: Sale, do: Callable[[], Any]) -> list[tuple[str, Any]]:
    """What is sent to the database meanwhile."""
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        sent.append((statement, parameters))

    sa.event.listen(sale.market.engine, "before_cursor_execute", note)
    try:
        do()
    finally:
        sa.event.remove(sale.market.engine, "before_cursor_execute", note)
    return sent


def test_a_close_with_many_bidders_gives_all_deposits_back(sale: Sale) -> None:
    name = sale.opened()
    for number, who in enumerate(BIDDERS):
        sale.bid(name, who, 100_000 + 3 * INCREMENT_FEN * number, timedelta(seconds=1))
    sale.close(CLOSES)
    assert [sale.deposit(name, who) for who in BIDDERS] == ["returned"] * 29 + ["held"]
