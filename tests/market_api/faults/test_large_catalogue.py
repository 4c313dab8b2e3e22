"""A hundred thousand listings: browsed page by page to the last one, by many at once, in bounded time and memory."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from market_api.market import Market
from tests.market_api.builders import Participant, a_participant
from tests.market_api.catalogue.catalogues import fill, many
from tests.market_api.faults.servers import ServerProcess, prepared
from tests.postgres import fresh_database

pytestmark = pytest.mark.faults

LISTINGS, PAGE = 100_000, 500
PAGE_SECONDS_MAX = 3.0
MEMORY_BYTES_MAX = 250 << 20
WORDS = [f"word{number}" for number in range(5_000)]


@dataclass(frozen=True)
class Shop:
    market: Market
    server: ServerProcess
    reader: Participant

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.server.url, headers=self.reader.headers, timeout=60)

    @property
    def memory_bytes(self) -> int:
        """What the server holds of memory now."""
        lines = Path(f"/proc/{self.server.process_id}/status").read_text().splitlines()
        (told,) = [line.split()[1] for line in lines if line.startswith("VmRSS")]
        return int(told) << 10


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder, url = tmp_path_factory.mktemp("large"), None
    for name in ("releases", "public"):
        (folder / name).mkdir()
    if request.param == "postgresql":
        url = fresh_database(request.getfixturevalue("postgres_server"))
    with prepared(folder, url) as (market, server):
        fill(market, list(many(LISTINGS, WORDS)))
        with market.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("analyze")
        reader = a_participant(market)
        server.launch()
        server.await_ready("/health")
        yield Shop(market, server, reader)


@pytest.mark.parametrize("order", ["newest", "price"])
def test_every_listing_is_on_one_page_and_no_page_takes_long(shop: Shop, order: str) -> None:
    found: list[str] = []
    token, slowest = "", 0.0
    with shop.client() as client:
        while True:
            began = time.monotonic()
            answer = client.get("/v1/components", params={"order": order, "pageSize": PAGE, "pageToken": token})
            slowest = max(slowest, time.monotonic() - began)
            assert answer.status_code == 200, answer.text
            document = answer.json()
            found += [each["listing_id"] for each in document["items"]]
            if (token := document.get("nextPageToken", "")) == "":
                break
    assert len(found) == len(set(found)) == LISTINGS
    assert slowest < PAGE_SECONDS_MAX


def test_many_who_ask_many_things_fill_no_memory(shop: Shop) -> None:
    before = shop.memory_bytes

    def asked(seed: int) -> set[int]:
        draw, statuses = random.Random(seed), set()
        with shop.client() as client:
            for number in range(150):
                words = " ".join(draw.sample(WORDS, 2))
                told: dict[str, str | int] = {
                    "q": draw.choice(["", words]),
                    "order": draw.choice(["title", "updated"]),
                    "pageSize": PAGE,
                    "max_price_fen": draw.randrange(10**6),
                    "more": f"{seed}.{number}" + "x" * 10_000,
                }
                statuses.add(client.get("/v1/components", params=told).status_code)
        return statuses

    with ThreadPoolExecutor(8) as threads:
        assert set().union(*threads.map(asked, range(8))) == {200}
    assert shop.memory_bytes < before + MEMORY_BYTES_MAX


def test_the_export_goes_on_from_page_to_page(shop: Shop) -> None:
    """Its listings rest on no release here, so the pages are empty of offers; they still come, and end."""
    with shop.client() as client:
        answer = client.get("/v1/catalogue.jsonld", params={"pageSize": 200})
    assert answer.status_code in (200, 409), answer.text
