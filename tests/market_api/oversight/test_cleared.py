"""Cleared trades for the vault: what it takes is signed, at arm's length where it says so, and names nobody."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from market_api.catalogue.clearance import signed_datasheet
from market_api.catalogue.recomputation import factors_of, number
from market_api.market import Market
from market_api.negotiations import acting
from market_api.negotiations.tables import negotiations
from market_api.oversight import cleared
from market_api.oversight.cleared import export_cleared_trades, write_cleared_trades
from market_api.oversight.tables import trade_exports
from market_api.problems import Problem
from market_api.trading.paying import pay
from market_api.trading.tables import orders
from pricing.comparables import comparable_price
from tests.market_api.builders import a_participant, renewed, served
from tests.market_api.disputes.acts import REJECTED, decided, opened, upheld
from tests.market_api.goods import ASKED, RELEASE, acted, lose_clearance
from tests.market_api.sales import PRICE_FEN, SELLER, Sale, a_sale, bought_again, bought_by
from vault.black_box.log import last_entries
from vault.errors import JinkuError
from vault.market_trades import read_trades
from vault.releases.datasheet import hash_of
from vault.releases.reading import unsigned
from vault.signing import key_id, verify_signature

FACTS = json.dumps({"subject": "aggregate"})
TOMORROW = date(2026, 11, 28)
EXPORT = "/v1/oversight/cleared-trades"


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path, facts=FACTS)


def test_the_vault_takes_what_the_market_wrote(released: Path, tmp_path: Path, database_url: str | None) -> None:
    """The vault's own reader, with the market's public key, gives the trades back as they were."""
    sale = a_sale(released, tmp_path, database_url, facts=FACTS)
    talked(sale, 95_000)
    sale.clock.move(days=1)
    path = tmp_path / "trades.json"
    write_cleared_trades(sale.market, path, TOMORROW)
    own = sale.market.keys.signing.public_key()
    found = read_trades(path, {key_id(own): own})
    steps = signed_datasheet(sale.market.settings, RELEASE).document["price"]["steps"]
    (trade,) = found.trades("governance", TOMORROW)
    assert (trade.price, trade.arms_length) == (95_000, True)
    assert trade.cost == number(steps["negotiated"]["adjusted_cost_fen"])
    assert trade.information == number(steps["valuation"]["value_index"])
    assert trade.margin == number(steps["negotiated"]["margin"])
    sales = found.comparables("zone_hours", TOMORROW)
    assert sorted(each.unit_price for each in sales) == [95_000, PRICE_FEN]
    assert {each.factors for each in sales} == {factors_of(steps["guided"]["factors"])}
    assert {each.age_days for each in sales} == {1.0} and all(each.arms_length for each in sales)
    assert found.enquiries("2026q4") == 1 and found.open_lots("2026q4") == 0
    assert found.trades("innovation", TOMORROW) == ()


def test_a_document_that_was_changed_is_not_taken(sale: Sale, tmp_path: Path) -> None:
    sale.clock.move(days=1)
    path = tmp_path / "trades.json"
    write_cleared_trades(sale.market, path, TOMORROW)
    path.write_text(path.read_text().replace(str(PRICE_FEN), "999999"))
    own = sale.market.keys.signing.public_key()
    with pytest.raises(JinkuError, match="trades_unsigned"):
        read_trades(path, {key_id(own): own})


def test_no_identity_leaves_the_market(sale: Sale) -> None:
    """And two documents do not tell by a buyer's name that it is the same one."""
    sale.clock.move(days=1)
    first, second = exported(sale), exported(sale)
    text = json.dumps(first)
    for party in (sale.seller, sale.buyer, sale.provider):
        assert party.participant_id not in text and party.registered_name not in text
    assert "ord_" not in text and SELLER not in text
    assert first["sales"][0]["buyer"] != second["sales"][0]["buyer"]
    assert (first["sequence"], second["sequence"]) == (1, 2)
    for document in (first, second):
        del document["signature"], document["sales"][0]["buyer"], document["sequence"], document["log_size"]
    assert first == second


def test_companies_of_one_owner_are_one_buyer(sale: Sale) -> None:
    """So three of them make no history."""
    for _ in range(2):
        bought_by(sale, a_participant(sale.market, "app_developer", owner_registration="91350100M000100B77"), 5_000)
    other = a_participant(sale.market, "app_developer", owner_registration="91350100M000100C88")
    bought_by(sale, other, 6_000)
    sale.clock.move(days=1)
    buyers = [each["buyer"] for each in exported(sale)["sales"]]
    assert len(buyers) == 4 and len(set(buyers)) == 2


def test_what_a_screen_speaks_against_is_not_at_arms_length(sale: Sale) -> None:
    affiliate = a_participant(sale.market, "app_developer", owner_registration=SELLER)
    undeclared = a_participant(sale.market, "app_developer")
    bought_by(sale, affiliate, 70_000)
    bought_by(sale, undeclared, 80_000)
    sale.clock.move(days=1)
    fair = {each["unit_price_fen"]: each["arms_length"] for each in exported(sale)["sales"]}
    assert fair == {PRICE_FEN: True, 70_000: False, 80_000: False}


def test_sales_among_three_strangers_make_a_comparable_price(sale: Sale, tmp_path: Path) -> None:
    for number_of, price_fen in enumerate((90_000, 110_000)):
        owner = f"91350100M00010{number_of}Q11"
        bought_by(sale, a_participant(sale.market, "app_developer", owner_registration=owner), price_fen)
    bought_by(sale, a_participant(sale.market, "app_developer", owner_registration=SELLER), 9_000_000)
    sale.clock.move(days=1)
    path = tmp_path / "trades.json"
    write_cleared_trades(sale.market, path, TOMORROW)
    own = sale.market.keys.signing.public_key()
    assert comparable_price(read_trades(path, {key_id(own): own}).comparables("zone_hours", TOMORROW)) == PRICE_FEN


def test_what_is_disputed_or_was_given_back_is_not_a_price(sale: Sale) -> None:
    in_dispute, in_part, whole, stands = (bought_again(sale, fen) for fen in (1_000, 2_000, 3_000, 4_000))
    opened(in_dispute)
    decided(in_part, opened(in_part), upheld(500, "keeps"))
    decided(whole, opened(whole), upheld(3_000))
    decided(stands, opened(stands), REJECTED)
    sale.clock.move(days=1)
    assert sorted(each["unit_price_fen"] for each in exported(sale)["sales"]) == [4_000, PRICE_FEN]


def test_what_is_free_is_not_a_price(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path, price_fen=0, facts=FACTS)
    sale.clock.move(days=1)
    assert exported(sale)["sales"] == []


def test_what_no_datasheet_vouches_for_is_left_out_and_counted(sale: Sale) -> None:
    lose_clearance(sale.market)
    sale.clock.move(days=1)
    assert exported(sale)["sales"] == []
    assert logged(sale)["left_out"] == 1


def test_a_sale_by_another_datasheet_than_lies_there_is_left_out(sale: Sale) -> None:
    other = sa.update(orders).values(datasheet_hash="0" * 64)
    sale.market.act("market", lambda transaction: transaction.connection.execute(other))
    sale.clock.move(days=1)
    assert exported(sale)["sales"] == [] and logged(sale)["left_out"] == 1


def test_a_component_whose_listing_does_not_tell_what_it_is_has_no_comparables(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    sale.clock.move(days=1)
    document = exported(sale)
    assert document["components"] == {} and document["sales"] == [] and logged(sale)["left_out"] == 1


@pytest.mark.parametrize(("until", "count"), [(date(2026, 11, 27), 0), (TOMORROW, 1), (date(2026, 12, 27), 1)])
def test_only_what_closed_before_the_day_is_told(sale: Sale, until: date, count: int) -> None:
    sale.clock.move(days=40)
    assert len(exported(sale, until)["sales"]) == count


def test_a_sale_long_ago_is_forgotten(sale: Sale) -> None:
    sale.clock.move(days=1200)
    assert exported(sale, sale.clock.at.date())["sales"] == []


@pytest.mark.parametrize("until", [date(2026, 11, 28), date(2999, 1, 1), date(1, 1, 1), date(3, 1, 1)])
def test_a_day_that_lies_ahead_or_before_all_days_is_refused(sale: Sale, until: date) -> None:
    with pytest.raises(Problem) as refusal:
        exported(sale, until)
    assert (refusal.value.code, refusal.value.field) == ("invalid_request", "until")


def test_an_export_is_logged_by_its_hash(sale: Sale) -> None:
    sale.clock.move(days=1)
    document = exported(sale)
    told = logged(sale)
    assert told["document_hash"] == hash_of(unsigned(document))
    assert (told["sales"], told["trades"], told["left_out"], told["until"]) == (1, 0, 0, TOMORROW.isoformat())


def test_each_document_has_the_next_number_and_the_length_of_the_black_box(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url, facts=FACTS)
    sale.clock.move(days=1)
    first = exported(sale)
    bought_again(sale, 5_000)
    second, third = exported(sale), exported(sale)
    assert [each["sequence"] for each in (first, second, third)] == [1, 2, 3]
    assert 0 < first["log_size"] < second["log_size"] == third["log_size"] - 1
    assert (logged(sale)["sequence"], logged(sale)["log_size"]) == (3, third["log_size"])
    kept = sa.select(trade_exports.c.document_hash).order_by(trade_exports.c.sequence)
    hashes = sale.market.read(lambda connection: connection.execute(kept).scalars().all())
    assert hashes == [hash_of(unsigned(each)) for each in (first, second, third)]
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), sale.market.engine.begin() as connection:
        connection.execute(sa.delete(trade_exports))


def test_documents_made_at_once_are_numbered_as_old_as_they_are(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    """So that the one with the higher number never tells less."""
    sale = a_sale(released, tmp_path, database_url, facts=FACTS)
    sale.clock.move(days=1)
    with ThreadPoolExecutor(4) as threads:
        documents = list(threads.map(lambda _: exported(sale), range(4)))
    documents.sort(key=lambda each: int(each["sequence"]))
    assert [each["sequence"] for each in documents] == [1, 2, 3, 4]
    sizes = [each["log_size"] for each in documents]
    assert sizes == sorted(sizes)


def test_one_that_was_overtaken_reads_its_records_anew(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    sale.clock.move(days=1)
    gather, gathered = cleared._gathered, []

    def overtaken(market: Market, until: date) -> Any:
        gathered.append(gather(market, until))
        if len(gathered) == 1:
            monkeypatch.setattr(cleared, "_gathered", gather)
            bought_again(sale, 5_000)
            exported(sale)
            monkeypatch.setattr(cleared, "_gathered", overtaken)
        return gathered[-1]

    monkeypatch.setattr(cleared, "_gathered", overtaken)
    document = exported(sale)
    assert document["sequence"] == 2 and len(gathered) == 2
    assert document["log_size"] > gathered[0].log_size


def test_the_operator_fetches_it_over_http(sale: Sale) -> None:
    sale.clock.move(days=1)
    client, operator = served(sale.market), renewed(sale.market, sale.operator)
    found = client.get(EXPORT, headers=operator.headers, params={"until": TOMORROW.isoformat()})
    own = sale.market.keys.signing.public_key()
    document = found.json()
    assert verify_signature(unsigned(document), document["signature"], {key_id(own): own})
    assert found.status_code == 200 and len(document["sales"]) == 1
    for until in ("2026-11-29", "yesterday", ""):
        assert client.get(EXPORT, headers=operator.headers, params={"until": until}).status_code == 422


def exported(sale: Sale, until: date = TOMORROW) -> dict[str, Any]:
    return export_cleared_trades(sale.market, until, sale.operator.participant_id)


def logged(sale: Sale) -> dict[str, Any]:
    (entry,) = sale.market.read(lambda connection: last_entries(connection, 1))
    assert entry.entry.actor == sale.operator.participant_id
    found: dict[str, Any] = json.loads(entry.payload or "")
    return found


def talked(sale: Sale, price_fen: int) -> None:
    """A sale that the buyer and the seller negotiated, and that was paid."""
    name = str(acted(sale.market, sale.buyer, acting.open_negotiation, sale.listing_id, ASKED))
    for who, do in ((sale.buyer, acting.offer), (sale.seller, acting.accept)):
        sale.clock.move(minutes=1)
        acted(sale.market, who, do, name, price_fen, agreed_terms_hash=of_negotiation(sale, name).terms_hash)
    acted(sale.market, sale.buyer, pay, of_negotiation(sale, name).order_id)


def of_negotiation(sale: Sale, name: str) -> sa.Row[Any]:
    query = sa.select(negotiations).where(negotiations.c.negotiation_id == name)
    return sale.market.read(lambda connection: connection.execute(query).one())
