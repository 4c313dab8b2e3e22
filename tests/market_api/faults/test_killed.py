"""The server is killed at random moments while many clients trade: nothing is lost, half or twice, each time.

After each fall everything is held against `proofs` before anybody goes on; then every client sends again, with the same
key, what was not answered, and at the end each request has had exactly the effect that it was told of.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from market_api.auctions.announcing import Lot, announce
from market_api.auctions.tables import auctions, bids
from market_api.entitlements.tables import deliveries, entitlements
from market_api.housekeeping import EVERY_SECONDS
from market_api.idempotency import requests
from market_api.market import Market, open_market
from market_api.negotiations.tables import negotiations
from market_api.trading.tables import orders
from tests.market_api.builders import Participant, a_participant, market_settings
from tests.market_api.delivery.pulls import TERMS, bought_by
from tests.market_api.delivery.releases import copied_releases, released, rows
from tests.market_api.faults.proofs import faults_of
from tests.market_api.faults.servers import OFTEN, ServerProcess, free_port, prepared
from tests.market_api.faults.traders import (
    INCREMENT_FEN,
    PRICE_FEN,
    Floor,
    Script,
    Trader,
    auctioning,
    bidding,
    bidding_and_paying,
    buying,
    negotiating,
    pulling,
    trading,
)
from tests.market_api.goods import EXCLUSIVE, a_listing, acted
from tests.postgres import fresh_database

pytestmark = pytest.mark.faults

FUNDS_FEN = 10**11
CYCLE_SECONDS = 1.5
TOKEN_LIFE_SECONDS = 600


@dataclass
class Ground:
    """A market and its server, killed again and again. kills: how often so far."""

    market: Market
    server: ServerProcess
    seller: Participant
    listing_id: str
    floor: Floor
    dice: random.Random
    kills: int = 0

    def buyer(self) -> Participant:
        return a_participant(self.market, funds_fen=FUNDS_FEN)

    def trade_and_fall(
        self, scripts: list[tuple[Participant, Script]], kills: int, cycle_seconds: float = CYCLE_SECONDS
    ) -> None:
        """Have all trade, and kill the server so often, each time at a moment that nobody chose."""
        traders = [(Trader(self.floor, who, number + 1), script) for number, (who, script) in enumerate(scripts)]
        self.server.start()
        self.floor.is_open.set()
        with trading(self.floor, traders):
            for _ in range(kills):
                time.sleep(self.dice.uniform(0.01, cycle_seconds))
                self.fall()
            time.sleep(cycle_seconds)
        assert faults_of(self.market) == []
        self.server.stop()
        assert faults_of(self.market) == []
        log = self.server.log.read_text()
        assert '"level": "error"' not in log, log[-3_000:]

    def fall(self) -> None:
        self.floor.is_open.clear()
        self.server.kill()
        self.kills += 1
        assert faults_of(self.market) == [], f"after kill {self.kills}, with the server down"
        self.server.start()
        assert faults_of(self.market) == [], f"after kill {self.kills}, with the server up again"
        self.floor.is_open.set()


@contextmanager
def ground(home: Path, folder: Path, url: str | None, seed: int, **listing: Any) -> Iterator[Ground]:
    copied_releases(home, folder)
    with prepared(folder, url) as (market, server):
        seller = a_participant(market, "developer")
        told = {"price_fen": PRICE_FEN, "price_order_fen": PRICE_FEN, **listing}
        listing_id = a_listing(market, seller, **told)
        yield Ground(market, server, seller, listing_id, Floor(server.url), random.Random(seed))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, pulled_home: Path, tmp_path: Path) -> Iterator[Ground]:
    server = None if request.param == "sqlite" else request.getfixturevalue("postgres_server")
    with ground(pulled_home, tmp_path, server and fresh_database(server), 20261127) as made:
        yield made


def count_of(market: Market, column: sa.Column[Any], *conditions: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count(column)).where(*conditions)
    return int(market.read(lambda connection: connection.execute(query).scalar_one()))


def check_answers(place: Ground) -> None:
    """Every request that was answered stands with its answer, and no effect stands that nobody was told of."""
    own, floor = requests.c, place.floor
    kept = place.market.read(
        lambda connection: {
            (row.participant_id, row.key): (row.status, json.loads(row.answer))
            for row in connection.execute(sa.select(own.participant_id, own.key, own.status, own.answer))
        }
    )
    done = [each for each in floor.answered if each.status < 300]
    assert {(each.who, each.key): (each.status, each.document) for each in done} == kept
    assert len({each.key for each in floor.answered}) == len(floor.answered)
    assert floor.interrupted > 0, "no request was ever cut off: the falls tested nothing"


def test_falls_in_the_middle_of_settlements(place: Ground) -> None:
    buyers = [place.buyer() for _ in range(6)]
    scripts = [(who, buying(place.listing_id)) for who in buyers[:3]]
    scripts += [(who, negotiating(place.listing_id, place.seller)) for who in buyers[3:]]
    place.trade_and_fall(scripts, kills=25)
    check_answers(place)
    market, floor = place.market, place.floor
    posted, paid = floor.done("/v1/orders", 201), floor.done("/v1/orders/*/pay", 200)
    assert count_of(market, orders.c.order_id, orders.c.origin == "posted") == len(posted) > 25
    assert count_of(market, orders.c.order_id, orders.c.origin == "negotiation") == len(
        floor.done("/v1/negotiations/*/accept", 200)
    )
    assert count_of(market, entitlements.c.entitlement_id) == len(posted) + len(paid)
    assert count_of(market, negotiations.c.negotiation_id) == len(floor.done("/v1/negotiations", 201))
    names = [each.document["entitlement_id"] for each in (*posted, *paid)]
    assert len(set(names)) == len(names)


def test_falls_in_the_middle_of_bidding(place: Ground) -> None:
    market, at = place.market, place.market.clock()
    lot = Lot(place.listing_id, "english", EXCLUSIVE, INCREMENT_FEN, at + timedelta(seconds=1), at + timedelta(days=2))
    auction_id = acted(market, place.seller, announce, lot)
    time.sleep(1)
    place.trade_and_fall([(place.buyer(), bidding(auction_id)) for _ in range(6)], kills=20)
    check_answers(place)
    taken = place.floor.done("/v1/auctions/*/bids", 201)
    assert count_of(market, bids.c.bid_id) == len(taken) > 20
    assert {each.document["bid_id"] for each in taken} == set(
        market.read(lambda connection: connection.execute(sa.select(bids.c.bid_id)).scalars().all())
    )


def test_falls_in_the_middle_of_closings(place: Ground) -> None:
    scripts = [(place.seller, auctioning(place.listing_id, place.market.clock))]
    scripts += [(place.buyer(), bidding_and_paying(place.listing_id)) for _ in range(4)]
    place.trade_and_fall(scripts, kills=15, cycle_seconds=3.5 * EVERY_SECONDS)
    check_answers(place)
    market, floor = place.market, place.floor
    announced, paid = floor.done("/v1/auctions", 201), floor.done("/v1/orders/*/pay", 200)
    assert count_of(market, auctions.c.auction_id) == len(announced) > 3
    assert count_of(market, orders.c.order_id, orders.c.state == "settled") == len(paid) > 0
    sold = sa.select(orders.c.origin_id, orders.c.buyer_id).where(orders.c.origin == "auction")
    names = Counter(market.read(lambda connection: connection.execute(sold).tuples().all()))
    assert set(names.values()) == {1}, "a licence of a lot was sold twice to one"
    assert set(Counter(name for name, _ in names).values()) <= {1, 2}, "more licences were sold than there are"


def test_falls_while_it_begins_for_the_first_time(pulled_home: Path, tmp_path: Path) -> None:
    """Keys and tables are there whole or not at all, so that the next start goes on or begins anew."""
    dice, starts = random.Random(20261127), 0
    for attempt in range(4):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        copied_releases(pulled_home, folder)
        changes = {"public_url": f"http://127.0.0.1:{free_port()}", "rate_limit": OFTEN}
        settings = market_settings(folder, None, **changes)
        server = ServerProcess(settings, int(settings.public_url.rpartition(":")[2]), folder / "server.log")
        for _ in range(6):
            server.launch()
            time.sleep(dice.uniform(0.5, 3.5))
            server.kill()
        server.start()
        market = open_market(settings)
        assert faults_of(market) == []
        a_participant(market)
        server.stop()
        assert faults_of(market) == []
        market.engine.dispose()
        starts += server.starts
    assert starts == 28


@pytest.fixture(scope="module")
def large_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of 48,000 rows, whose copies take a while to be made and to be sent."""
    return released(tmp_path_factory.mktemp("large"), [rows(zones=1_000)])


@pytest.mark.parametrize("size", ["small", "large"])
def test_falls_in_the_middle_of_deliveries(
    size: str, pulled_home: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    home = pulled_home if size == "small" else request.getfixturevalue("large_home")
    with ground(home, tmp_path, None, 7 + len(size), price_fen=0, price_order_fen=0, regime="public_free") as place:
        market, buyers = place.market, [place.buyer() for _ in range(25)]
        names = {who.participant_id: bought_by(market, who, place.listing_id, TERMS) for who in buyers}
        place.trade_and_fall([(buyers[number], pulling(buyers)) for number in range(4)], kills=20, cycle_seconds=4)
        floor, own = place.floor, deliveries.c
        pulled = {names[who] for who in floor.pulled}
        assert len(pulled) > 3 and floor.interrupted > 0
        counted = market.read(lambda connection: connection.execute(sa.select(own.entitlement_id)).scalars().all())
        assert len(counted) == len(set(counted)), "a pull that was resumed is counted once"
        assert pulled <= set(counted)
        once = sa.select(entitlements.c.entitlement_id).where(entitlements.c.pulls_used == 1)
        assert set(counted) == set(market.read(lambda connection: connection.execute(once).scalars().all()))
        drafts = list(market.settings.copies.glob("*/*/.*.draft"))
        assert len(drafts) <= place.kills, "a draft is left by a fall alone, and removed by whoever makes it anew"
