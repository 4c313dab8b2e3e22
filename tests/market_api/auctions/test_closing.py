"""Closing: every auction ends once, sells only what is cleared, and leaves no deposit behind."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from market_api.auctions.closing import close_auctions
from market_api.auctions.recording import record_hash
from market_api.entitlements.tables import entitlements
from market_api.trading.expiring import expire_orders
from market_api.trading.orders import buy
from market_api.trading.paying import cancel
from tests.market_api.auctions.lots import CLOSES, DEPOSIT_FEN, FUNDS_FEN, REVEALED, Sale, a_sale, free
from tests.market_api.builders import a_participant, suspended
from tests.market_api.goods import ASKED, EXCLUSIVE, a_listing, acted, is_proven, lose_clearance, move_listing, refused

DAYS = timedelta(days=1)


def sold(sale: Sale, form: str = "english") -> str:
    """An auction that ada won against bo, for 125,000 fen."""
    name = sale.opened(form)
    sale.bid(name, "ada", 150_000)
    sale.bid(name, "bo", 120_000)
    sale.close(CLOSES)
    return name


def test_an_auction_without_bids_closes_without_awards(sale: Sale) -> None:
    for form in ("english", "sealed_second"):
        name = sale.announced(form, **_later(sale, form))
        sale.close(sale.clock.at + 10 * DAYS)
        assert (sale.seen(name)["state"], sale.seen(name)["awards"]) == ("closed", [])
    assert sale.rows("select count(*) from orders") == [(0,)]
    assert is_proven(sale.market)


def _later(sale: Sale, form: str) -> dict[str, Any]:
    opens = sale.clock.at + 7 * DAYS
    reveals = None if form == "english" else opens + 2 * DAYS
    return {"opens_at": opens, "closes_at": opens + DAYS, "reveals_until": reveals}


def test_an_auction_closes_once_however_often_it_is_asked(sale: Sale) -> None:
    name = sold(sale)
    before = sale.rows("select * from orders"), sale.rows("select * from auctions"), sale.rows("select * from holds")
    for _ in range(3):
        sale.close()
    after = sale.rows("select * from orders"), sale.rows("select * from auctions"), sale.rows("select * from holds")
    assert before == after
    assert len(sale.rows("select 1 from orders")) == 1
    assert sale.awards(name) == {"ada": 125_000}


def _cleared_no_more(sale: Sale) -> None:
    lose_clearance(sale.market)


def _frozen(sale: Sale) -> None:
    move_listing(sale.market, sale.listing_id, "freeze")


def _seller_suspended(sale: Sale) -> None:
    suspended(sale.market, sale.seller)


@pytest.mark.parametrize("spoil", [_cleared_no_more, _frozen, _seller_suspended])
@pytest.mark.parametrize("form", ["english", "sealed_second"])
def test_what_may_not_be_sold_at_the_close_is_not_and_all_deposits_go_back(
    sale: Sale, spoil: Callable[[Sale], None], form: str
) -> None:
    name = sale.opened(form)
    for who in ("ada", "bo"):
        if form == "english":
            sale.bid(name, who, 150_000 if who == "ada" else 120_000)
        else:
            sale.commit(name, who, 150_000)
    spoil(sale)
    sale.close(REVEALED)  # of the sealed one a stage at a time
    sale.close(REVEALED)
    assert sale.seen(name)["state"] == "cancelled" and sale.seen(name)["cause"]
    assert sale.rows("select count(*) from orders") == [(0,)]
    for who in ("ada", "bo"):
        assert sale.deposit(name, who) == "returned"
        assert sale.funds_fen(sale.bidder(who)) == free(FUNDS_FEN)
    sale.close(REVEALED + DAYS)
    assert is_proven(sale.market)


@pytest.mark.parametrize("event", ["retire", "supersede"])
def test_a_seller_that_takes_its_listing_off_is_bound_by_the_bids_all_the_same(sale: Sale, event: str) -> None:
    name = sale.opened()
    sale.bid(name, "ada", 150_000)
    move_listing(sale.market, sale.listing_id, event)
    sale.close(CLOSES)
    assert sale.awards(name) == {"ada": 100_000}
    assert sale.pay(name, "ada")["state"] == "settled"


def test_an_exclusive_lot_that_somebody_else_holds_meanwhile_is_cancelled(sale: Sale) -> None:
    name = sale.opened(terms=EXCLUSIVE)
    sale.bid(name, "ada", 150_000)
    rival = a_participant(sale.market, funds_fen=FUNDS_FEN)
    sale.market.act(
        "market",
        lambda transaction: transaction.connection.exec_driver_sql("update listings set price_fen = 100000"),
    )
    acted(sale.market, rival, buy, sale.listing_id, ASKED, 100_000)
    sale.close(CLOSES)
    assert sale.seen(name)["state"] == "cancelled"
    assert sale.funds_fen(sale.bidder("ada")) == free(FUNDS_FEN)
    assert "Others hold licences" in refused("wrong_state", sale.announced, terms=EXCLUSIVE).detail


def test_an_exclusive_winner_holds_it_alone(sale: Sale) -> None:
    name = sale.opened(terms=EXCLUSIVE)
    sale.bid(name, "ada", 150_000)
    sale.close(CLOSES)
    sale.pay(name, "ada")
    until = sale.market.read(lambda connection: connection.execute(sa.select(entitlements.c.exclusive_until)).scalar())
    assert until is not None and until.startswith("2027-03-05")
    assert "exclusively" in refused("wrong_state", sale.announced).detail


def test_the_deposit_counts_towards_the_price(sale: Sale) -> None:
    name = sale.opened()
    sale.bidder("just enough", funds_fen=100_000)
    sale.bid(name, "just enough", 100_000)
    sale.close(CLOSES)
    assert sale.pay(name, "just enough")["state"] == "settled"
    assert sale.funds_fen(sale.bidder("just enough")) == free(0)
    assert is_proven(sale.market)


def test_a_payment_that_fails_leaves_the_deposit_held(sale: Sale) -> None:
    name = sale.opened()
    sale.bidder("poor", funds_fen=99_999)
    sale.bid(name, "poor", 100_000)
    sale.close(CLOSES)
    assert refused("funds_missing", sale.pay, name, "poor").further["missing_fen"] == 1
    assert sale.deposit(name, "poor") == "held"
    assert sale.funds_fen(sale.bidder("poor")) == free(99_999 - DEPOSIT_FEN, DEPOSIT_FEN)


def test_a_won_order_is_not_cancelled_and_unpaid_costs_its_deposit_once(sale: Sale) -> None:
    name = sold(sale)
    order_id = sale.entry(name, "ada")["order_id"]
    refused("wrong_state", acted, sale.market, sale.bidder("ada"), cancel, order_id)
    sale.clock.at += 3 * DAYS
    expire_orders(sale.market)
    assert sale.deposit(name, "ada") == "held"
    sale.clock.at += timedelta(microseconds=1)
    for _ in range(2):
        expire_orders(sale.market)
    assert sale.rows("select state from orders") == [("expired",)]
    assert sale.deposit(name, "ada") == "forfeited"
    assert sale.funds_fen(sale.bidder("ada")) == free(FUNDS_FEN - DEPOSIT_FEN)
    assert sale.funds_fen(sale.seller) == free(DEPOSIT_FEN)
    refused("wrong_state", sale.pay, name, "ada")
    assert sale.seen(name)["state"] == "closed" and len(sale.rows("select 1 from orders")) == 1
    assert is_proven(sale.market)


@pytest.mark.parametrize("spoil", [_cleared_no_more, _frozen, _seller_suspended])
def test_who_could_not_pay_gets_the_deposit_back(sale: Sale, spoil: Callable[[Sale], None]) -> None:
    name = sold(sale)
    spoil(sale)
    assert refused("not_cleared" if spoil is _cleared_no_more else "wrong_state", sale.pay, name, "ada")
    sale.clock.at += 4 * DAYS
    expire_orders(sale.market)
    assert sale.deposit(name, "ada") == "returned"
    assert sale.funds_fen(sale.bidder("ada")) == free(FUNDS_FEN)
    assert is_proven(sale.market)


def test_one_that_fails_does_not_stop_the_others(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    broken = sale.opened()
    sale.bid(broken, "ada", 150_000)
    _changed(sale, "update auctions set leader_limit_fen = 900000")
    sale.listing_id = _another_listing(sale)
    opens = sale.clock.at + 7 * DAYS
    whole = sale.announced(opens_at=opens, closes_at=opens + DAYS)
    sale.clock.at = opens
    sale.bid(whole, "bo", 110_000)
    sale.close(opens + DAYS)
    assert (sale.seen(broken)["state"], sale.seen(whole)["state"]) == ("open", "closed")
    assert sale.awards(whole) == {"bo": 100_000}
    assert sale.rows("select count(*) from orders") == [(1,)]


def _another_listing(sale: Sale) -> str:
    """The same release as a listing of its own: the first is retired and its release renamed."""
    move_listing(sale.market, sale.listing_id, "retire")
    _changed(sale, "update listings set release_id = 'zone_hours@0'")
    return a_listing(sale.market, sale.seller)


def _changed(sale: Sale, statement: str) -> None:
    sale.market.act("market", lambda transaction: transaction.connection.exec_driver_sql(statement))


@pytest.mark.parametrize(
    "tamper",
    [
        "update auctions set price_fen = 100000",
        "update auctions set leader = 'bidder-0000000000000000'",
        "update auctions set second_fen = null",
        "update auctions set rules = replace(rules, '\"reserve_fen\": 100000', '\"reserve_fen\": 1000')",
        "update auctions set rules_hash = 'another'",
        "drop trigger auction_bids_never_update; update auction_bids set amount_fen = 140000 where number = 1",
        "drop trigger auction_bids_never_delete; delete from auction_bids where number = 2",
    ],
)
def test_a_record_that_was_changed_closes_nothing(sale: Sale, tamper: str) -> None:
    name = sale.opened()
    sale.bid(name, "ada", 150_000)
    sale.bid(name, "bo", 120_000)
    for statement in tamper.split("; "):
        _changed(sale, statement)
    sale.close(CLOSES)
    assert sale.seen(name)["state"] == "open"
    assert sale.rows("select count(*) from orders") == [(0,)]
    assert sale.deposit(name, "ada") == "held"


def test_bids_and_reveals_stay_as_they_were_made(sale: Sale) -> None:
    name = sale.opened("sealed_second")
    sale.sealed(name, {"ada": 150_000})
    for table, column in (("auction_bids", "bidder"), ("auction_reveals", "amount_fen"), ("auction_bidders", "owner")):
        for statement in (f"update {table} set {column} = {column}", f"delete from {table}"):
            with pytest.raises(sa.exc.DatabaseError, match="never changed"):
                _changed(sale, statement)


def test_the_black_box_tells_the_close_with_the_hash_of_its_record(sale: Sale) -> None:
    name = sold(sale)
    payloads = [json.loads(row[0]) for row in sale.rows("select payload from black_box_payloads")]
    (told,) = [each for each in payloads if each["step"] == "auction.close"]
    assert told["bids_hash"] == sale.market.read(lambda connection: record_hash(connection, name))
    assert told["awards"] == sale.seen(name)["awards"]


def test_nothing_is_done_before_it_is_due(sale: Sale) -> None:
    name = sale.announced()
    close_auctions(sale.market)
    assert sale.seen(name)["state"] == "announced"
