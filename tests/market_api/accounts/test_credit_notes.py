"""Credit notes: for each invoice of which something went back, one, to the fen, and the invoice stays as it was."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_api.accounts.credit_notes import CreditNote, issue_credit_notes
from market_api.accounts.invoices import InvoiceLine, issue_due
from market_api.accounts.tables import credit_notes, invoices
from market_api.housekeeping import TASKS
from market_api.identity.tables import participants
from market_api.ledger.accounts import account_of
from market_api.ledger.tables import ledger_transactions, postings
from market_api.market import Market
from tests.market_api.builders import NOON, Participant, a_participant, served
from tests.market_api.disputes.acts import REJECTED, decided, opened, upheld
from tests.market_api.sales import PRICE_FEN, Sale, a_sale, bought_again

CREDITED = "/v1/account/credit-notes"
INVOICE = {"number": "2026-000001", "order_id": "ord_1", "net_fen": 94_340, "vat_fen": 5_660, "currency": "CNY"}
LINE = InvoiceLine("zone_hours", 9_434, Fraction(6, 100), 566)


def read(sale: Sale, who: Participant, address: str = CREDITED, order_id: str | None = None) -> Any:
    return served(sale.market).get(f"{address}/{order_id or sale.order_id}", headers=who.headers)


def refunded(sale: Sale, refund_fen: int, licence: str = "keeps") -> None:
    decided(sale, opened(sale), upheld(refund_fen, licence))


def issued(market: Market) -> int:
    """How many credit notes are issued now, after all invoices."""
    issue_due(market)
    return issue_credit_notes(market)


def numbers(market: Market) -> list[tuple[int, int]]:
    own = credit_notes.c
    found = sa.select(own.year, own.sequence).order_by(own.year, own.sequence)
    return market.read(lambda connection: [(year, sequence) for year, sequence in connection.execute(found)])


def sold_again(sale: Sale, times: int) -> list[Sale]:
    """More sales of the same to the same."""
    return [bought_again(sale, PRICE_FEN) for _ in range(times)]


def test_what_went_back_has_a_credit_note_that_both_see(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    before = sale.funds("tax")["pending"], sale.funds("market")["pending"]
    refunded(sale, 30_000)
    assert issue_credit_notes(sale.market) == 0 and read(sale, sale.buyer).status_code == 404
    assert issued(sale.market) == 1
    document = read(sale, sale.buyer).json()
    assert document == read(sale, sale.seller).json()
    assert (document["number"], document["invoice_number"]) == ("CN-2026-000001", "2026-000001")
    assert document["gross_fen"] == 30_000 == document["net_fen"] + document["vat_fen"]
    assert document["vat_fen"] == before[0] - sale.funds("tax")["pending"]
    assert document["fee_fen"] == before[1] - sale.funds("market")["pending"] > 0
    (line,) = document["lines"]
    assert line["vat_rate"] == "0.06" and abs(line["vat_fen"] - 30_000 * 6 / 106) <= 1
    assert document["seller"]["registered_name"] == sale.seller.registered_name and sale.is_in_order()


def test_the_invoice_stays_and_shows_what_was_credited(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    issue_due(sale.market)
    before = read(sale, sale.buyer, "/v1/account/invoices").json()
    refunded(sale, 30_000)
    assert issued(sale.market) == 1
    after = read(sale, sale.seller, "/v1/account/invoices").json()
    assert before.pop("credit_note") is None
    credited = after.pop("credit_note")
    assert after == before and credited == {name: read(sale, sale.buyer).json()[name] for name in credited}


def test_a_whole_refund_credits_the_whole_invoice(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    refunded(sale, PRICE_FEN, "ends")
    assert issued(sale.market) == 1
    invoice, note = read(sale, sale.buyer, "/v1/account/invoices").json(), read(sale, sale.buyer).json()
    assert {name: note[name] for name in ("net_fen", "vat_fen", "gross_fen", "lines")} == {
        name: invoice[name] for name in ("net_fen", "vat_fen", "gross_fen", "lines")
    }


def test_the_rate_is_that_of_the_sale_whatever_holds_when_it_is_decided(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    issue_due(sale.market)
    own = participants.c.participant_id == sale.seller.participant_id
    smaller = sa.update(participants).where(own).values(taxpayer="small_scale")
    sale.market.act("market", lambda transaction: transaction.connection.execute(smaller))
    refunded(sale, 30_000)
    issue_credit_notes(sale.market)
    assert [line["vat_rate"] for line in read(sale, sale.buyer).json()["lines"]] == ["0.06"]


def test_statements_of_both_name_their_vouchers_and_those_of_others_none(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    sale.clock.move(seconds=1)
    refunded(sale, 30_000)
    sale.clock.move(seconds=1)
    assert vouchers(sale, sale.buyer) == {None}
    issued(sale.market)
    for who in (sale.buyer, sale.seller):
        assert vouchers(sale, who) >= {"2026-000001", "CN-2026-000001"}
    items = statement(sale, sale.buyer)
    (credited,) = [item for item in items if item["voucher"] == "CN-2026-000001" and item["account"] == "available"][:1]
    assert credited["kind"] == "refund" and sum(each["change_fen"] for each in of_kind(items, "refund")) == 30_000
    assert of_kind(statement(sale, sale.provider), "refund") and vouchers(sale, sale.provider) == {None}


def statement(sale: Sale, who: Participant) -> list[dict[str, Any]]:
    answer = served(sale.market).get("/v1/account/statement?pageSize=500", headers=who.headers)
    return list(answer.json()["items"])


def of_kind(items: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in items if each["kind"] == kind]


def vouchers(sale: Sale, who: Participant) -> set[str | None]:
    return {item["voucher"] for item in statement(sale, who)}


def test_others_see_no_credit_note(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    refunded(sale, 30_000)
    issued(sale.market)
    for who in (sale.provider, sale.operator, sale.evaluator, sale.regulator, a_participant(sale.market)):
        assert read(sale, who).json()["code"] == "not_found"
        assert served(sale.market).get(CREDITED, headers=who.headers).json() == {"items": []}
    assert read(sale, replace(sale.buyer, token="none")).status_code == 401
    narrow = a_participant(sale.market, scopes=frozenset({"trade"}))
    assert read(sale, narrow).json()["code"] == "not_permitted"


def test_what_stands_and_what_is_free_is_not_credited(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path / "paid")
    decided(sale, opened(sale), REJECTED)
    assert issued(sale.market) == 0
    free = a_sale(released, tmp_path / "free", price_fen=0)
    refunded(free, 0, "ends")
    assert issued(free.market) == 0 and read(free, free.buyer).status_code == 404


def test_credit_notes_have_a_series_of_their_own_in_the_order_of_the_decisions(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    one, two, three = sold_again(sale, 3)
    for each in (three, one):
        sale.clock.move(seconds=1)
        refunded(each, 1_000)
    assert (issued(sale.market), issue_credit_notes(sale.market)) == (2, 0)
    assert [read(each, sale.buyer).json()["number"] for each in (three, one)] == ["CN-2026-000001", "CN-2026-000002"]
    assert read(three, sale.buyer).json()["invoice_number"] == "2026-000004"
    assert read(two, sale.buyer).status_code == 404
    pages = served(sale.market).get(f"{CREDITED}?pageSize=1", headers=sale.seller.headers).json()
    assert [item["order_id"] for item in pages["items"]] == [one.order_id] and pages["nextPageToken"]
    sale.clock.at = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    late = sold_again(sale, 1)[0]
    refunded(late, 5)
    issued(sale.market)
    assert numbers(sale.market) == [(2026, 1), (2026, 2), (2027, 1)]


def test_numbers_have_no_gap_whoever_issues_at_once(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    for each in sold_again(sale, 4):
        refunded(each, 1_000)
    issue_due(sale.market)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(issue_credit_notes, [sale.market] * 8))
    assert sum(found) + issue_credit_notes(sale.market) == 4
    assert numbers(sale.market) == [(2026, number) for number in range(1, 5)]


def test_a_credit_note_stays_as_it_was_issued(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    refunded(sale, 30_000)
    issued(sale.market)
    for change in ("update credit_notes set document = '{}'", "delete from credit_notes"):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"):
            sale.market.act("market", lambda t, change=change: t.connection.execute(sa.text(change)))


def test_credit_notes_are_issued_after_the_invoices_while_the_market_is_served() -> None:
    assert TASKS.index(issue_credit_notes) > TASKS.index(issue_due)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 0},
        {"line": InvoiceLine("x", 0, Fraction(0), 0), "fee_fen": 0},
        {"line": InvoiceLine("x", 94_341, Fraction(6, 100), 0)},
        {"line": InvoiceLine("x", 1, Fraction(6, 100), 5_661), "fee_fen": 0},
        {"fee_fen": 9_435},
        {"fee_fen": -1},
    ],
)
def test_no_more_is_credited_than_was_invoiced(changes: dict[str, Any]) -> None:
    given_values: dict[str, Any] = {"sequence": 1, "line": LINE, "fee_fen": 283, **changes}
    with pytest.raises(ValueError, match=r"credit note|fee"):
        CreditNote(INVOICE, "dsp_1", 2026, issued_at=NOON, **given_values)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(sales=st.lists(st.tuples(st.integers(1, 10**11), st.integers(0, 1_000)), min_size=1, max_size=3))
def test_invoices_less_credit_notes_are_what_was_paid_less_what_was_refunded(
    sale: Sale, sales: list[tuple[int, int]]
) -> None:
    """In sum, of tax and of each party; a share of 0 is a sale that nobody disputes."""
    for price_fen, share in sales:
        again = bought_again(sale, price_fen)
        if refund_fen := price_fen * share // 1000:
            refunded(again, refund_fen, "ends")
    issued(sale.market)
    told, moved = vouched(sale.market), posted(sale.market)
    assert told["gross"] == moved[account_of(sale.buyer.participant_id)]
    assert told["vat"] == -moved[account_of("tax", "pending")]
    assert told["net"] + told["vat"] == told["gross"]
    assert issued(sale.market) == 0 and sale.is_in_order()


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path)


def vouched(market: Market) -> Counter[str]:
    """Fen by part: all invoices less all credit notes."""
    found: Counter[str] = Counter()
    for table, sign in ((invoices, 1), (credit_notes, -1)):
        for text in market.read(lambda each, of=table: each.execute(sa.select(of.c.document)).scalars().all()):
            found.update({part: sign * json.loads(text)[f"{part}_fen"] for part in ("net", "vat", "gross")})
    return found


def posted(market: Market) -> Counter[str]:
    """Fen that sales and refunds took from each account, less what they brought; the buyer's held funds are its own."""
    own, found = postings.c, Counter[str]()
    query = sa.select(own.source, own.destination, own.amount_fen).join(ledger_transactions)
    query = query.where(ledger_transactions.c.kind.in_(["settlement", "refund"]))
    for source, destination, amount_fen in market.read(lambda connection: connection.execute(query).all()):
        found[source.replace(":held", ":available")] += amount_fen
        found[destination] -= amount_fen
    return found
