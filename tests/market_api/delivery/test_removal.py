"""Copies are kept while they may be pulled, and no longer."""

from pathlib import Path

import pytest

from market_api.delivery.loading import load_engines
from market_api.delivery.removal import remove_ended_copies
from market_api.entitlements.changing import expire_ended, revoke, suspend
from market_api.housekeeping import TASKS
from tests.market_api.builders import served
from tests.market_api.delivery.pulls import DATA, Bought, bought, sold


@pytest.fixture
def own(tmp_path: Path, pulled_home: Path, database_url: str | None) -> Bought:
    own = bought(tmp_path, pulled_home, database_url=database_url)
    assert served(own.market).get(DATA, headers=own.buyer.headers).status_code == 200
    return own


def names(of: Bought) -> set[str]:
    return {path.name for path in of.market.settings.copies.iterdir() if path.name.startswith("ent_")}


def test_copies_of_a_revoked_entitlement_are_removed_and_others_stay(own: Bought) -> None:
    other = sold(own.market, own.clock, own.listing_id)
    assert served(own.market).get(DATA, headers=other.buyer.headers).status_code == 200
    own.market.act("market", lambda transaction: suspend(transaction, other.entitlement_id, "under dispute"))
    own.market.act("market", lambda transaction: revoke(transaction, own.entitlement_id, "upheld"))
    remove_ended_copies(own.market)
    assert names(own) == {other.entitlement_id}, "what is only suspended may come back"


def test_copies_are_removed_when_the_term_is_over(own: Bought) -> None:
    remove_ended_copies(own.market)
    assert names(own) == {own.entitlement_id}
    own.clock.move(days=365)
    remove_ended_copies(own.market)
    assert names(own) == set()


def test_copies_of_nobody_are_removed_and_other_files_are_let_alone(own: Bought) -> None:
    copies = own.market.settings.copies
    (copies / f"ent_{0:028x}" / "1").mkdir(parents=True)
    (copies / "notes").mkdir()
    remove_ended_copies(own.market)
    assert names(own) == {own.entitlement_id} and (copies / "notes").exists()


def test_it_looks_every_ten_minutes_and_at_once_where_the_clock_went_back(own: Bought) -> None:
    remove_ended_copies(own.market)
    own.market.act("market", lambda transaction: revoke(transaction, own.entitlement_id, "upheld"))
    own.clock.move(minutes=9)
    remove_ended_copies(own.market)
    assert names(own) == {own.entitlement_id}
    own.clock.move(minutes=1)
    remove_ended_copies(own.market)
    assert names(own) == set()
    (own.market.settings.copies / f"ent_{0:028x}").mkdir()
    own.clock.move(days=-1)
    remove_ended_copies(own.market)
    assert names(own) == set()


def test_where_nothing_was_ever_delivered_there_is_nothing_to_do(tmp_path: Path, pulled_home: Path) -> None:
    own = bought(tmp_path / "other", pulled_home)
    remove_ended_copies(own.market)
    assert not own.market.settings.copies.exists()


def test_the_market_does_all_of_it_by_itself() -> None:
    assert {expire_ended, remove_ended_copies, load_engines} <= set(TASKS)
