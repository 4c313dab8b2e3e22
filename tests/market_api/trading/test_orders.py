"""Orders: delivery versus payment, or nothing at all."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from market_api.catalogue.tables import listings
from market_api.entitlements.tables import entitlements
from market_api.ledger.accounts import OUTSIDE, account_of
from market_api.ledger.posting import Posting, post
from market_api.market import Market, Transaction
from market_api.problems import Problem
from market_api.states import ORDER, advance, locked
from market_api.trading.orders import Agreement, buy, complete, locked_listing, pending_lines, place, settle
from market_api.trading.tables import orders
from market_api.trading.terms import Terms, terms_hash
from tests.market_api.builders import Participant, a_participant
from tests.market_api.goods import ASKED, EXCLUSIVE, lose_clearance, move_listing
from tests.market_api.sales import FUNDS_FEN, PRICE_FEN, Sale, a_sale

NEGOTIATED_FEN = 91_000


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path)


def test_a_sale_moves_money_and_grants_the_licence_together(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    assert sale.states == ("settled", "active")
    assert sale.funds(sale.buyer.participant_id) == {"available": FUNDS_FEN - PRICE_FEN, "held": 0, "pending": 0}
    assert sale.pending_fen == PRICE_FEN == sum(fen for _, _, fen in json.loads(sale.order.lines))
    assert sale.entitlement.terms_hash == sale.order.terms_hash and sale.is_in_order()


@pytest.mark.parametrize("state", ["freeze", "retire"])
def test_what_is_not_listed_is_not_sold(sale: Sale, state: str) -> None:
    move_listing(sale.market, sale.listing_id, state)
    refused(sale, "wrong_state", lambda transaction: bought(transaction, sale))


def test_what_lost_its_clearance_is_not_sold(sale: Sale) -> None:
    order_id = agreed(sale)
    lose_clearance(sale.market)
    refused(sale, "not_cleared", lambda transaction: bought(transaction, sale))
    refused(sale, "not_cleared", lambda transaction: settle(transaction, locked(transaction, ORDER, orders, order_id)))


def test_another_price_than_the_buyer_saw_is_told(sale: Sale) -> None:
    for seen_fen in (PRICE_FEN - 1, PRICE_FEN + 1, 0):
        refused(sale, "price_changed", lambda t, seen_fen=seen_fen: bought(t, sale, price_fen=seen_fen))


def test_what_has_no_posted_price_is_not_bought_at_one(sale: Sale) -> None:
    unposted = sa.update(listings).values(price_fen=None)
    sale.market.act("market", lambda transaction: transaction.connection.execute(unposted))
    refused(sale, "wrong_state", lambda transaction: bought(transaction, sale))


def test_nobody_buys_from_itself(sale: Sale) -> None:
    refused(sale, "not_permitted", lambda transaction: bought(transaction, sale, sale.seller))


def test_who_lacks_the_money_gets_neither_order_nor_licence(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    poor = a_participant(sale.market, "app_developer", funds_fen=PRICE_FEN - 1)
    refused(sale, "funds_missing", lambda transaction: bought(transaction, sale, poor))
    assert sale.funds(poor.participant_id) == {"available": PRICE_FEN - 1, "held": 0, "pending": 0}


def test_what_another_holds_alone_is_not_sold(sale: Sale) -> None:
    """Neither to others while it lasts, nor for one alone while others hold it."""
    other = a_participant(sale.market, "app_developer", funds_fen=FUNDS_FEN)
    refused(sale, "wrong_state", lambda transaction: bought(transaction, sale, other, EXCLUSIVE))
    ended = sa.update(entitlements).values(state="revoked")
    sale.market.act("market", lambda transaction: transaction.connection.execute(ended))
    sale.market.act(other.participant_id, lambda transaction: bought(transaction, sale, other, EXCLUSIVE))
    refused(sale, "wrong_state", lambda transaction: bought(transaction, sale))
    sale.clock.move(days=91)
    sale.market.act(sale.buyer.participant_id, lambda transaction: bought(transaction, sale))


def test_of_two_who_want_it_alone_at_once_one_gets_it(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    ended = sa.update(entitlements).values(state="revoked")
    sale.market.act("market", lambda transaction: transaction.connection.execute(ended))
    buyers = [a_participant(sale.market, "app_developer", funds_fen=FUNDS_FEN) for _ in range(6)]

    def attempt(buyer: Participant) -> str:
        try:
            sale.market.act(buyer.participant_id, lambda transaction: bought(transaction, sale, buyer, EXCLUSIVE))
        except Problem as refusal:
            return refusal.code
        return "bought"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(attempt, buyers)) == ["bought"] + ["wrong_state"] * 5
    assert sale.is_in_order()


def test_an_order_is_paid_in_its_time(sale: Sale) -> None:
    order_id = agreed(sale)
    sale.clock.move(hours=72, seconds=1)
    refused(sale, "wrong_state", lambda transaction: settle(transaction, locked(transaction, ORDER, orders, order_id)))


def test_an_order_is_paid_once(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    order_id = agreed(sale)
    pay(sale.market, sale, order_id)
    spend(sale)
    before = sale.funds(sale.buyer.participant_id)
    refused(sale, "wrong_state", lambda transaction: settle(transaction, locked(transaction, ORDER, orders, order_id)))
    assert sale.funds(sale.buyer.participant_id) == before


def test_many_who_pay_the_same_order_at_once_pay_it_once(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    order_id = agreed(sale)

    def attempt(_: int) -> str:
        try:
            pay(sale.market, sale, order_id)
        except Problem as refusal:
            return refusal.code
        return "paid"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == ["paid"] + ["wrong_state"] * 7
    granted = sa.select(sa.func.count()).where(entitlements.c.order_id == order_id)
    assert sale.market.read(lambda connection: connection.execute(granted).scalar_one()) == 1
    assert sale.funds(sale.buyer.participant_id)["available"] == FUNDS_FEN - PRICE_FEN - NEGOTIATED_FEN
    assert sale.is_in_order()


def test_an_order_that_ended_is_not_paid(sale: Sale) -> None:
    for event in ("cancel", "expire"):
        order_id = agreed(sale)

        def end(transaction: Transaction, order_id: str = order_id, event: str = event) -> None:
            advance(transaction, ORDER, orders, locked(transaction, ORDER, orders, order_id), event, {})

        sale.market.act("market", end)
        refused(sale, "wrong_state", lambda t, order_id=order_id: settle(t, locked(t, ORDER, orders, order_id)))


def test_an_order_is_not_completed_before_it_is_paid_nor_twice(sale: Sale) -> None:
    order_id = agreed(sale)
    refused(sale, "wrong_state", lambda t: complete(t, locked(t, ORDER, orders, order_id)))
    sale.market.act("market", lambda t: complete(t, locked(t, ORDER, orders, sale.order_id)))
    refused(sale, "wrong_state", lambda t: complete(t, locked(t, ORDER, orders, sale.order_id)))
    assert sale.order.state == "completed"


def test_what_is_pending_is_what_was_paid_less_what_went_back() -> None:
    lines = [("a:pending", "seller", 70), ("b:pending", "provider", 20), ("a:pending", "provider", 5)]
    refunded = [("a:pending", "seller", 7), ("b:pending", "provider", 20)]
    assert pending_lines(lines) == {"a": 75, "b": 20}
    assert pending_lines(lines, refunded) == {"a": 68, "b": 0}


def test_the_hash_of_terms_tells_any_change_of_what_was_agreed() -> None:
    parts = (ASKED, "zone_hours@1", "9" * 64, "par_1")
    changes = [
        (replace(ASKED, users=4), *parts[1:]),
        (replace(ASKED, pulls=None), *parts[1:]),
        (replace(ASKED, updates=False), *parts[1:]),
        (ASKED, "zone_hours@2", *parts[2:]),
        (*parts[:2], "8" * 64, "par_1"),
        (*parts[:3], "par_2"),
    ]
    hashes = {terms_hash(*each) for each in (parts, *changes)}
    assert len(hashes) == len(changes) + 1 and terms_hash(*parts) in hashes


@pytest.mark.parametrize(
    "changes",
    [
        {"purposes": ()},
        {"purposes": ("b", "a")},
        {"purposes": ("a", "a")},
        {"users": 0},
        {"users": 10**6 + 1},
        {"term_days": 0},
        {"term_days": 3651},
        {"pulls": 0},
        {"pulls": -1},
        {"exclusive_days": -1},
        {"exclusive_days": 366},
    ],
)
def test_terms_out_of_bounds_are_none(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"purposes|users|pulls"):
        Terms(**{"purposes": ("a",), **changes})  # type: ignore[arg-type]


def bought(
    transaction: Transaction,
    sale: Sale,
    buyer: Participant | None = None,
    terms: Terms = ASKED,
    price_fen: int = PRICE_FEN,
) -> str:
    name = (buyer or sale.buyer).participant_id
    return str(buy(transaction, name, sale.listing_id, terms, price_fen)["order_id"])


def agreed(sale: Sale) -> str:
    """An order that was agreed in a negotiation and is not paid."""
    agreement = Agreement(sale.buyer.participant_id, NEGOTIATED_FEN, ASKED, "negotiation", "neg_1")

    def placed(transaction: Transaction) -> str:
        return str(place(transaction, locked_listing(transaction, sale.listing_id), agreement).order_id)

    return sale.market.act(sale.buyer.participant_id, placed)


def pay(market: Market, sale: Sale, order_id: str) -> None:
    def paid(transaction: Transaction) -> str:
        locked_listing(transaction, sale.listing_id)
        return settle(transaction, locked(transaction, ORDER, orders, order_id))

    market.act(sale.buyer.participant_id, paid)


def spend(sale: Sale) -> None:
    """Have the buyer pay out all that it has, so that it is told of its order and not of its funds."""
    own = sale.buyer.participant_id
    moved = [Posting(account_of(own), OUTSIDE, sale.funds(own)["available"])]
    sale.market.act("market", lambda transaction: post(transaction, "payout", own, moved))


def refused(sale: Sale, code: str, do: object) -> None:
    """Refused for that reason, and nothing is left of it."""
    before = counts(sale)
    with pytest.raises(Problem) as refusal:
        sale.market.act(sale.buyer.participant_id, do)  # type: ignore[arg-type]
    assert refusal.value.code == code
    assert counts(sale) == before and sale.is_in_order()


def counts(sale: Sale) -> tuple[int, ...]:
    queries = [sa.select(sa.func.count()).select_from(table) for table in (orders, entitlements)]
    rows = sale.market.read(lambda connection: [connection.execute(query).scalar_one() for query in queries])
    return (*rows, sale.market.seal())
