"""The vault takes the market's trades forward only: no older document, no other of the same number, none left out."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.declarations import declarations
from orchestration.epoch_proposal import propose_from_catalogue
from orchestration.valuation.rates import rates_of
from tests.orchestration.test_epoch import valued
from tests.pricing.markets import unhurried
from tests.vault.test_market_trades import MADE_AT, NOW, home_with_market, market, written
from vault.errors import JinkuError
from vault.home import Home
from vault.market_trades import SignedTrades, market_records
from vault.trades_taken import FILE_NAME, Taken, last_taken, take


def taken(home: Home, **given: Any) -> SignedTrades:
    """Take a document of these numbers, signed by the market."""
    written(home.market_trades, market(**given))
    found = market_records(home, NOW)
    assert isinstance(found, SignedTrades)
    return found


def is_taken(folder: Path, found: Taken) -> bool:
    """Whether a document is taken, rather than refused for its number, its hash or its log."""
    try:
        take(folder, folder / "trades.json", found, NOW)
    except JinkuError as refusal:
        if refusal.code in ("trades_outdated", "trades_forked"):
            return False
        raise
    return True


def refused(code: str, do: Callable[[], Any]) -> JinkuError:
    with pytest.raises(JinkuError) as caught:
        do()
    assert caught.value.code == code, str(caught.value)
    return caught.value


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_with_market(tmp_path)


def test_a_newer_document_takes_the_place_of_the_last(home: Home) -> None:
    taken(home, sequence=1, log_size=100)
    assert taken(home, sequence=4, log_size=130).sequence == 4
    last = last_taken(home.pricing)
    assert last is not None and (last.sequence, last.log_size, last.made_at) == (4, 130, MADE_AT)


def test_the_same_document_again_changes_nothing(home: Home) -> None:
    taken(home, sequence=3, log_size=100)
    before = (home.pricing / FILE_NAME).read_bytes()
    for _ in range(3):
        assert isinstance(market_records(home, NOW + timedelta(days=1)), SignedTrades)
    assert (home.pricing / FILE_NAME).read_bytes() == before


def test_an_older_document_is_refused_though_it_is_signed_and_the_newest_stays(home: Home) -> None:
    taken(home, sequence=3, log_size=100)
    refusal = refused("trades_outdated", lambda: taken(home, sequence=2, log_size=90))
    assert "number 2" in refusal.what and "number 3" in refusal.what and "jinku market trades" in refusal.action
    refused("trades_outdated", lambda: taken(home, sequence=2, log_size=10**6))
    assert taken(home, sequence=3, log_size=100).sequence == 3


def test_another_document_of_the_same_number_is_a_fork(home: Home) -> None:
    taken(home, sequence=3, log_size=100)
    assert "bear number 3" in refused("trades_forked", lambda: taken(home, count=11, sequence=3, log_size=100)).what
    assert "rolled back" in refused("trades_forked", lambda: taken(home, sequence=3, log_size=101)).what


def test_a_later_number_of_a_market_whose_log_became_shorter_is_a_fork(home: Home) -> None:
    taken(home, sequence=3, log_size=100)
    assert "had 99 entries" in refused("trades_forked", lambda: taken(home, sequence=4, log_size=99)).what
    assert taken(home, sequence=4, log_size=100).sequence == 4


def test_trades_that_are_gone_are_not_a_market_that_has_not_opened(home: Home) -> None:
    taken(home, sequence=3, log_size=100)
    home.market_trades.unlink()
    assert "number 3" in refused("trades_missing", lambda: market_records(home, NOW)).what


def test_what_does_not_pass_is_not_recorded(home: Home) -> None:
    taken(home, sequence=1, log_size=100)
    home.market_trades.write_text(home.market_trades.read_text("utf-8").replace('"sequence": 1', '"sequence": 9'))
    refused("trades_unsigned", lambda: market_records(home, NOW))
    last = last_taken(home.pricing)
    assert last is not None and last.sequence == 1


def test_an_older_document_neither_proposes_nor_prices(home: Home) -> None:
    valued(home.root, "zone_hourly_mobility", 1_000_000)
    taken(home, sequence=2, log_size=100)
    path = propose_from_catalogue(home, NOW)
    before = path.read_bytes()
    written(home.market_trades, market(sequence=1, log_size=90))
    refused("trades_outdated", lambda: propose_from_catalogue(home, NOW))
    refused("trades_outdated", lambda: rates_of(home, declarations(), NOW))
    assert path.read_bytes() == before


@pytest.mark.parametrize("statement", ["update trades_taken set sequence = 1", "delete from trades_taken"])
def test_a_record_of_what_was_taken_is_never_changed(home: Home, statement: str) -> None:
    taken(home, sequence=3, log_size=100)
    with (
        sqlite3.connect(home.pricing / FILE_NAME) as connection,
        pytest.raises(sqlite3.DatabaseError, match="never changed"),
    ):
        connection.execute(statement)


def test_a_record_that_cannot_be_read_takes_nothing(home: Home) -> None:
    taken(home, sequence=3, log_size=100)
    (home.pricing / FILE_NAME).write_bytes(b"no database of anybody's")
    for beside in ("-wal", "-shm"):
        (home.pricing / f"{FILE_NAME}{beside}").unlink(missing_ok=True)
    assert str(home.pricing) in refused("trades_record_unusable", lambda: market_records(home, NOW)).where


@unhurried
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3), st.integers(0, 5)), max_size=12))
def test_whatever_comes_what_is_taken_only_moves_forward(
    tmp_path_factory: pytest.TempPathFactory, offered: list[tuple[int, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("taken")
    accepted: list[Taken] = []
    for sequence, content, log_size in offered:
        found = Taken(sequence, f"{content:032x}{log_size:032x}", MADE_AT, log_size)
        if is_taken(folder, found):
            accepted.append(found)
    for before, after in pairwise(accepted):
        assert after == before or (after.sequence > before.sequence and after.log_size >= before.log_size)
    assert last_taken(folder) == (accepted[-1] if accepted else None)


def test_of_several_processes_each_number_is_taken_by_one_document(tmp_path: Path) -> None:
    documents = [Taken(1, f"{content:064x}", MADE_AT, 1) for content in range(6)]
    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(lambda found: is_taken(tmp_path, found), documents)) == 1
