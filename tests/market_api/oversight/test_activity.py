"""Demand and supply of an epoch: each interest once, each lot while it is open."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from market_api.catalogue.tables import listings
from market_api.market import Market
from market_api.oversight.activity import activity_of
from market_api.oversight.periods import Period, period_of
from tests.market_api.auctions import lots
from tests.market_api.builders import NOON, Participant, a_participant
from tests.market_api.negotiations.talks import talks
from tests.market_api.sales import BUYER, SELLER
from vault.market_trades import Activity
from vault.moments import text_of

YEARS = period_of(NOON - timedelta(days=365), NOON + timedelta(days=365), NOON)


def test_a_market_in_which_nothing_happened_is_quiet(released: Path, tmp_path: Path) -> None:
    lot = lots.a_sale(released, tmp_path)
    assert lot.market.read(lambda connection: activity_of(connection, YEARS)) == {}


def test_bidding_often_is_one_interest(released: Path, tmp_path: Path, database_url: str | None) -> None:
    lot = lots.a_sale(released, tmp_path, database_url)
    name = lot.opened()
    for who, limit_fen in (("ada", 110_000), ("bo", 120_000), ("ada", 150_000), ("bo", 170_000)):
        lot.bid(name, who, limit_fen)
    lot.close(lots.CLOSES + timedelta(minutes=10))
    assert lot.market.read(lambda connection: activity_of(connection, YEARS)) == {"2026q4": Activity(2, 1)}


def test_a_lot_counts_in_every_epoch_in_which_it_is_open(released: Path, tmp_path: Path) -> None:
    lot = lots.a_sale(released, tmp_path)
    closes = lots.CLOSES + timedelta(days=50)
    name = lot.opened(closes_at=closes)
    lot.bid(name, "ada", 110_000)
    lot.clock.at = closes - timedelta(days=10)
    lot.bid(name, "bo", 120_000)
    lot.bid(name, "ada", 150_000)
    found = lot.market.read(lambda connection: activity_of(connection, YEARS))
    assert found["2026q4"] == Activity(1, 1) and found["2027q1"] == Activity(2, 1)
    assert found["2027q2"] == Activity(0, 1)  # it is not over, as far as the market knows
    lot.close(closes + timedelta(hours=1))
    assert "2027q2" not in lot.market.read(lambda connection: activity_of(connection, YEARS))


def test_a_lot_that_never_opened_is_no_supply(released: Path, tmp_path: Path) -> None:
    lot = lots.a_sale(released, tmp_path)
    lot.announced()
    before_it_opens = replace(YEARS, ends=text_of(lots.OPENS))
    assert lot.market.read(lambda connection: activity_of(connection, before_it_opens)) == {}


def test_only_what_lies_within_the_period_counts(released: Path, tmp_path: Path) -> None:
    lot = lots.a_sale(released, tmp_path)
    name = lot.opened()
    lot.bid(name, "ada", 110_000, timedelta(hours=1))
    early = Period(YEARS.begins, text_of(lots.OPENS + timedelta(minutes=30)))
    assert lot.market.read(lambda connection: activity_of(connection, early)) == {"2026q4": Activity(0, 1)}


@pytest.mark.parametrize(("owner", "enquiries"), [(BUYER, 1), (SELLER, 0), (None, 2)])
def test_enquiries_through_several_companies_are_one(
    released: Path, tmp_path: Path, database_url: str | None, owner: str | None, enquiries: int
) -> None:
    """And those of the seller's own are none; who declares no owner is taken for itself."""
    party = talks(released, tmp_path, database_url)
    seller = a_participant(party.market, "developer", owner_registration=SELLER)
    relisted(party.market, party.listing_id, seller)
    for _ in range(2):
        party.opened(buyer=a_participant(party.market, "app_developer", owner_registration=owner))
    found = party.market.read(lambda connection: activity_of(connection, YEARS))
    assert found == ({"2026q4": Activity(enquiries, 0)} if enquiries else {})


def relisted(market: Market, listing_id: str, seller: Participant) -> None:
    change = sa.update(listings).where(listings.c.listing_id == listing_id).values(seller_id=seller.participant_id)
    market.act("market", lambda transaction: transaction.connection.execute(change))
