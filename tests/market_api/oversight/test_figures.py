"""Figures of the market as it stands."""

from pathlib import Path

from market_api.ledger.holds import hold
from market_api.oversight.figures import market_figures
from market_api.web.metrics import MarketFigures
from tests.market_api.builders import a_market
from tests.market_api.disputes.acts import opened
from tests.market_api.sales import PRICE_FEN, a_sale, bought_again


def test_an_empty_market_counts_nothing(tmp_path: Path, database_url: str | None) -> None:
    found = a_market(tmp_path, database_url=database_url).read(market_figures)
    assert (found.orders, found.pending_fen, found.held_fen, found.log_entries, found.open_disputes) == ({}, 0, 0, 0, 0)


def test_figures_are_those_of_the_moment(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    bought_again(sale, 500)
    opened(sale)
    own = sale.buyer.participant_id
    sale.market.act(own, lambda transaction: hold(transaction, own, 77, "auc_1"))
    found = sale.market.read(market_figures)
    assert found.orders == {"disputed": 1, "settled": 1}
    assert (found.pending_fen, found.held_fen, found.open_disputes) == (PRICE_FEN + 500, 77, 1)
    assert found.log_entries == sale.market.seal()


def test_the_figures_are_told_to_whoever_watches(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    opened(sale)
    metrics = MarketFigures(sale.market).collect()
    told = {(metric.name, *sample.labels.values()): sample.value for metric in metrics for sample in metric.samples}
    assert told[("jinku_market_funds_fen", "pending")] == PRICE_FEN and told[("jinku_market_funds_fen", "held")] == 0
    assert told[("jinku_market_disputes_open",)] == 1 and told[("jinku_market_things", "disputes", "opened")] == 1
