"""Invoices: one for each sale, net and VAT as they were paid, numbers without a gap."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from market_api.accounts.invoices import Invoice, InvoiceLine, Party, issue_due
from market_api.accounts.tables import invoices
from market_api.housekeeping import TASKS
from market_api.market import Market
from market_api.trading.orders import buy
from tests.market_api.builders import NOON, Participant, served
from tests.market_api.goods import ASKED
from tests.market_api.sales import PRICE_FEN, Sale, a_sale

LINE = InvoiceLine("zone_hours", 94_340, Fraction(6, 100), 5_660)
PARTIES = (Party("par_1", "Seller Ltd"), Party("par_2", "Buyer Ltd"))


def read(sale: Sale, who: Participant, order_id: str | None = None) -> Any:
    return served(sale.market).get(f"/v1/account/invoices/{order_id or sale.order_id}", headers=who.headers)


def buy_again(sale: Sale, times: int) -> None:
    """More sales of the same to the same."""
    buyer = sale.buyer.participant_id
    for _ in range(times):
        sale.clock.move(seconds=1)
        sale.market.act(buyer, lambda t: buy(t, buyer, sale.listing_id, ASKED, PRICE_FEN))


def numbers(market: Market) -> list[tuple[int, int]]:
    own = invoices.c
    found = sa.select(own.year, own.sequence).order_by(own.year, own.sequence)
    return market.read(lambda connection: [(year, sequence) for year, sequence in connection.execute(found)])


def test_a_sale_has_an_invoice_that_both_see(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    assert read(sale, sale.buyer).status_code == 404
    assert issue_due(sale.market) == 1
    document = read(sale, sale.buyer).json()
    assert document == read(sale, sale.seller).json()
    assert document["number"] == "2026-000001" and document["order_id"] == sale.order_id
    assert document["seller"] == {
        "participant_id": sale.seller.participant_id,
        "registered_name": sale.seller.registered_name,
    }
    assert document["buyer"]["registered_name"] == sale.buyer.registered_name
    assert document["gross_fen"] == PRICE_FEN == document["net_fen"] + document["vat_fen"]
    assert document["vat_fen"] == sale.funds("tax")["pending"]
    (line,) = document["lines"]
    assert (line["vat_rate"], line["gross_fen"]) == ("0.06", PRICE_FEN)
    assert sale.is_in_order()


def test_others_see_no_invoice(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    issue_due(sale.market)
    for who in (sale.provider, sale.operator, sale.evaluator, sale.regulator):
        assert read(sale, who).json()["code"] == "not_found"
    listed = served(sale.market).get("/v1/account/invoices", headers=sale.provider.headers).json()
    assert listed == {"items": []}


def test_invoices_are_issued_once_in_the_order_of_payment(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    buy_again(sale, 4)
    assert (issue_due(sale.market), issue_due(sale.market)) == (5, 0)
    assert numbers(sale.market) == [(2026, number) for number in range(1, 6)]
    items = served(sale.market).get("/v1/account/invoices", headers=sale.buyer.headers).json()["items"]
    assert [item["number"] for item in items] == [f"2026-{number:06d}" for number in range(1, 6)]
    buy_again(sale, 1)
    assert issue_due(sale.market) == 1 and numbers(sale.market)[-1] == (2026, 6)


def test_numbers_have_no_gap_whoever_issues_at_once(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    buy_again(sale, 5)
    with ThreadPoolExecutor(4) as pool:
        issued = list(pool.map(issue_due, [sale.market] * 8))
    assert sum(issued) + issue_due(sale.market) == 6
    assert numbers(sale.market) == [(2026, number) for number in range(1, 7)]


def test_numbers_begin_anew_with_the_year_of_china(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    issue_due(sale.market)
    sale.clock.at = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)
    buy_again(sale, 1)
    issue_due(sale.market)
    sale.clock.at = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    buy_again(sale, 1)
    issue_due(sale.market)
    assert numbers(sale.market) == [(2026, 1), (2026, 2), (2027, 1)]


def test_what_is_free_has_no_invoice(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path, price_fen=0)
    assert issue_due(sale.market) == 0 and read(sale, sale.buyer).status_code == 404


def test_an_invoice_stays_as_it_was_issued(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    issue_due(sale.market)
    for change in ("update invoices set document = '{}'", "delete from invoices"):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"):
            sale.market.act("market", lambda t, change=change: t.connection.execute(sa.text(change)))


def test_invoices_are_issued_while_the_market_is_served() -> None:
    assert issue_due in TASKS


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**11)), min_size=1, max_size=6))
def test_totals_are_the_sums_of_the_lines(amounts: list[tuple[int, int]]) -> None:
    lines = tuple(InvoiceLine("x", net, Fraction(6, 100), vat) for net, vat in amounts)
    document = Invoice("ord_1", 2026, 1, *PARTIES, lines, NOON).document()
    assert document["gross_fen"] == document["net_fen"] + document["vat_fen"]
    assert document["gross_fen"] == sum(line["gross_fen"] for line in document["lines"])


@pytest.mark.parametrize("changes", [{"net_fen": -1}, {"vat_fen": -1}, {"net_fen": 1.5}, {"vat_fen": True}])
def test_a_line_is_whole_fen(changes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match="_fen"):
        InvoiceLine(**{"description": "x", "net_fen": 1, "vat_rate": Fraction(0), "vat_fen": 0, **changes})


@pytest.mark.parametrize("changes", [{"lines": ()}, {"sequence": 0}, {"sequence": -1}])
def test_an_invoice_has_a_line_and_a_number(changes: dict[str, Any]) -> None:
    given_values = {"sequence": 1, "lines": (LINE,), **changes}
    with pytest.raises(ValueError, match="a line at least"):
        Invoice("ord_1", 2026, seller=PARTIES[0], buyer=PARTIES[1], issued_at=NOON, **given_values)
