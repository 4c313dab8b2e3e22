"""The database goes and comes back: meanwhile the market says so to everybody, and then it goes on of itself."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from market_api.market import Market
from market_api.problems import MEDIA_TYPE
from tests.market_api.builders import Participant, a_participant, served
from tests.market_api.delivery.releases import copied_releases
from tests.market_api.faults.addresses import addresses_of
from tests.market_api.faults.asking import ask
from tests.market_api.faults.busy import a_busy_market
from tests.market_api.faults.proofs import faults_of
from tests.market_api.faults.servers import ServerProcess, prepared
from tests.market_api.faults.traders import PRICE_FEN, Floor, Trader, buying, negotiating, trading
from tests.market_api.goods import ASKED, a_listing
from tests.postgres import PostgresServer, restartable_postgres

pytestmark = pytest.mark.faults

SAYS_SO_SECONDS = 10
COMES_BACK_SECONDS = 20


@dataclass(frozen=True)
class Site:
    """A market that is served over a database server which can be taken away."""

    database: PostgresServer
    market: Market
    server: ServerProcess
    seller: Participant
    listing_id: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.server.url, timeout=SAYS_SO_SECONDS)

    def buyer(self) -> Participant:
        return a_participant(self.market, funds_fen=10**9)


@pytest.fixture
def site(pulled_home: Path, tmp_path: Path) -> Iterator[Site]:
    copied_releases(pulled_home, tmp_path)
    with restartable_postgres(tmp_path) as database, prepared(tmp_path, database.url) as (market, server):
        seller = a_participant(market, "developer")
        listing_id = a_listing(market, seller, price_fen=PRICE_FEN, price_order_fen=PRICE_FEN)
        server.start()
        yield Site(database, market, server, seller, listing_id)


def test_it_is_said_while_it_is_gone_and_all_goes_on_when_it_is_back(site: Site) -> None:
    buyer, order = site.buyer(), {"listing_id": site.listing_id, "terms": ASKED.document(), "price_fen": PRICE_FEN}
    told = {**buyer.headers, "Idempotency-Key": "while-it-is-gone-1"}
    paths = ("/v1/account", "/v1/orders", "/v1/components", "/v1/components/zone_hours", "/v1/auctions")
    with site.client() as client:
        assert [client.get(path, headers=buyer.headers).status_code for path in paths] == [200] * len(paths)
        site.database.kill()
        for path in paths * 2:
            said(client.get(path, headers=buyer.headers))
        said(client.post("/v1/orders", json=order, headers=told))
        said(client.get("/delta-sharing/shares/jinku/all-tables", headers=buyer.headers))
        assert client.get("/health").status_code == 200
        ready = client.get("/ready")
        assert ready.status_code == 503 and ready.json()["checks"]["database"] is False
        assert "database_up 0.0" in client.get("/metrics").text
        site.database.start()
        until = time.monotonic() + COMES_BACK_SECONDS
        while client.get("/ready").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert [client.get(path, headers=buyer.headers).status_code for path in paths] == [200] * len(paths)
        first = client.post("/v1/orders", json=order, headers=told)
        again = client.post("/v1/orders", json=order, headers=told)
        assert first.status_code == again.status_code == 201 and first.json() == again.json()
    assert faults_of(site.market) == []


def said(answer: httpx.Response) -> None:
    """A refusal that says that the database is away, and when to come again."""
    document = answer.json()
    assert answer.status_code == 503, answer.text
    assert answer.headers["Retry-After"].isdigit()
    if "errorCode" in document:
        assert document["errorCode"] == "TEMPORARILY_UNAVAILABLE"
    else:
        assert answer.headers["Content-Type"] == MEDIA_TYPE and document["code"] == "unavailable"


def test_falls_of_the_database_in_the_middle_of_trade(site: Site) -> None:
    floor, dice = Floor(site.server.url), random.Random(20261127)
    floor.is_open.set()
    scripts = [buying(site.listing_id)] * 3 + [negotiating(site.listing_id, site.seller)] * 3
    traders = [(Trader(floor, site.buyer(), number + 1), script) for number, script in enumerate(scripts)]
    with trading(floor, traders):
        for _ in range(10):
            time.sleep(dice.uniform(0.05, 1.5))
            site.database.kill()
            time.sleep(dice.uniform(0, 0.5))
            site.database.start()
            assert faults_of(site.market) == []
        time.sleep(1)
    assert faults_of(site.market) == []
    assert floor.unavailable > 0 and len(floor.done("/v1/orders", 201)) > 20
    site.server.stop()
    assert "internal_error" not in site.server.log.read_text()


def test_every_address_says_so_and_none_fails(pulled_home: Path, tmp_path: Path) -> None:
    with restartable_postgres(tmp_path) as database:
        busy = a_busy_market(pulled_home, tmp_path, database.url)
        client = served(busy.market)
        database.kill()
        for address in addresses_of(client.app):  # type: ignore[arg-type]
            answer = ask(client, address, busy.party_of(address.act) if address.act else None, busy.ids)
            assert answer.status_code == 503 or answer.status_code < 500, str(address)
            assert answer.status_code != 404 or address.path in ("/metrics", "/delta-sharing/files/{token}")
        busy.market.engine.dispose()


def test_many_who_ask_while_it_is_gone_are_all_told(site: Site) -> None:
    buyer = site.buyer()
    with ThreadPoolExecutor(8) as threads, site.client() as client:
        assert client.get("/v1/account", headers=buyer.headers).status_code == 200
        site.database.kill()
        answers = list(threads.map(lambda _: client.get("/v1/account", headers=buyer.headers), range(60)))
        assert {each.status_code for each in answers} == {503}
        site.database.start()
        until = time.monotonic() + COMES_BACK_SECONDS
        while client.get("/v1/account", headers=buyer.headers).status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.1)


def test_a_database_that_hangs_holds_up_those_who_need_it_and_nobody_else(site: Site) -> None:
    """It is told from a slow one by nobody; so all wait, the process says that it lives, and all are served after."""
    buyer, waiting = site.buyer(), 80
    order = {"listing_id": site.listing_id, "terms": ASKED.document(), "price_fen": PRICE_FEN}

    def bought(_: int) -> int:
        with httpx.Client(base_url=site.server.url, timeout=60) as client:
            return client.post("/v1/orders", json=order, headers=buyer.changing).status_code

    with ThreadPoolExecutor(waiting) as threads, site.client() as client:
        assert client.get("/v1/account", headers=buyer.headers).status_code == 200
        site.database.pause()
        answers = [threads.submit(bought, number) for number in range(waiting)]
        time.sleep(2)
        try:
            assert client.get("/health").status_code == 200
            assert not any(each.done() for each in answers)
        finally:
            site.database.resume()
        assert {each.result() for each in answers} == {201}
    assert faults_of(site.market) == []
