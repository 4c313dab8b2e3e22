"""Listings are found by words, filters and prices, in every order, each once, on both databases."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.catalogue.search import Search, found_page
from market_api.catalogue.words import asked_words, filter_word, words_of_text
from market_api.market import Market
from market_api.problems import Problem
from tests.market_api.builders import NOON, a_market
from tests.market_api.catalogue.catalogues import fill, row
from tests.market_api.catalogue.releases import a_release, put
from tests.market_api.catalogue.shops import Shop
from tests.postgres import fresh_database
from vault.moments import text_of

TEXTS = (
    "Hourly mobility by zone 分区小时出行",
    "Daily air quality of stations 空气质量",
    "Mobility of residents 居民出行",
    "Energy use of buildings",
    "Zone profile",
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def market(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Forty listings, eight of each text; the last is sold on request."""
    url = None
    if request.param == "postgresql":
        url = fresh_database(request.getfixturevalue("postgres_server"))
    made = a_market(tmp_path_factory.mktemp("search"), database_url=url)
    rows = [row(number, TEXTS[number % 5], [f"column_{number % 2}"]) for number in range(39)]
    fill(made, [*rows, row(39, TEXTS[4], ["column_1"], price_fen=None)])
    yield made
    made.engine.dispose()


def found(market: Market, asked: Search, size: int = 100) -> list[int]:
    """The numbers of what is found, page by page."""
    numbers: list[int] = []
    token = ""
    while True:
        rows, token = market.read(lambda connection, token=token: found_page(connection, asked, token, size))  # type: ignore[misc]
        numbers += [int(each.component.rpartition("_")[2]) for each in rows]
        if not token:
            return numbers


@pytest.mark.parametrize(
    ("text", "remainders"),
    [
        ("mobility", {0, 2}),
        ("MOBILITY zone", {0}),
        ("mobil", {0, 2}),
        ("ｍｏｂｉｌ", {0, 2}),
        ("zone", {0, 4}),
        ("出行", {0, 2}),
        ("小时出行", {0}),
        ("居民 mobil", {2}),
        ("质", {1}),
        ("mobility air", set()),
        ("of", {1, 2, 3}),
        ("o", set()),
        ("obility", set()),
        ("zone; drop table listings --", set()),
        ("%", set()),
        ("'\"", set()),
        ("field:governance", set()),
    ],
)
def test_words_are_found_by_their_beginnings(market: Market, text: str, remainders: set[int]) -> None:
    assert set(found(market, Search(text))) == {number for number in range(40) if number % 5 in remainders}


def test_filters_hold_together(market: Market) -> None:
    both = Search(filters=(filter_word("field", "governance"), filter_word("regime", "market")))
    assert set(found(market, both)) == {number for number in range(40) if number % 12 == 0}
    with_text = Search("mobility", (filter_word("column", "column_0"),))
    assert set(found(market, with_text)) == {number for number in range(40) if number % 2 == 0 and number % 5 in (0, 2)}
    assert found(market, Search(filters=(filter_word("column", "column_7"),))) == []


def test_a_price_on_request_is_above_every_price(market: Market) -> None:
    assert set(found(market, Search(max_price_fen=1010))) == set(range(11))
    assert 39 not in found(market, Search(max_price_fen=10**13))
    assert found(market, Search(order="price"))[-1] == 39


def test_what_was_updated_since(market: Market) -> None:
    since = Search(updated_since=text_of(NOON + timedelta(seconds=35)))
    assert set(found(market, since)) == {35, 36, 37, 38, 39}


@pytest.mark.parametrize("size", [1, 7, 40, 100])
@pytest.mark.parametrize("text", ["", "mobility"])
def test_every_order_gives_each_once_page_by_page(market: Market, text: str, size: int) -> None:
    expected = [number for number in range(40) if not text or number % 5 in (0, 2)]
    assert found(market, Search(text, order="newest"), size) == expected[::-1]
    assert found(market, Search(text, order="updated"), size) == expected[::-1]
    assert found(market, Search(text, order="price"), size) == expected
    titles = found(market, Search(text, order="title"), size)
    assert titles == sorted(expected, key=lambda number: (f"Title {number}", number))


@pytest.mark.parametrize(
    "token", ["x", "bm9uZQ", "W10", "WyJuZXdlc3QiLCAxLCAxXQ", "WyJwcmljZSIsICJhIiwgImIiXQ", "AAAA", "IiI", "8J-YgA"]
)
def test_a_token_of_no_list_is_refused(market: Market, token: str) -> None:
    with pytest.raises(Problem) as caught:
        market.read(lambda connection: found_page(connection, Search(), token, 10))
    assert caught.value.code == "invalid_request"


def test_a_token_of_another_order_is_refused(market: Market) -> None:
    _, token = market.read(lambda connection: found_page(connection, Search(order="price"), "", 10))
    with pytest.raises(Problem):
        market.read(lambda connection: found_page(connection, Search(order="title"), token, 10))


@given(st.text(max_size=60))
def test_whatever_is_typed_its_words_are_found_in_the_same_text(text: str) -> None:
    assert set(asked_words(text)) <= set(words_of_text(text))


@given(st.text(max_size=60))
def test_no_typed_text_is_a_filter(text: str) -> None:
    assert not any(":" in word for word in asked_words(text))


# over HTTP


def test_the_catalogue_is_searched_over_http(shop: Shop) -> None:
    shop.listed("zone_hours@1")
    other_rows = put("lineage/0/batches/0/sha256", "0" * 64)
    shop.listed(a_release(shop.folder, "air_days", 1, put("contract/title/en", "Air by day"), other_rows))
    found_there = shop.told("/v1/components?q=air&field=governance&column=trips&regime=market")["items"]
    assert [each["component"] for each in found_there] == ["air_days"]
    first = shop.told("/v1/components?pageSize=1&order=title")
    rest = shop.told(f"/v1/components?pageSize=1&order=title&pageToken={first['nextPageToken']}")
    assert [each["title_en"] for each in first["items"] + rest["items"]] == ["Air by day", "Hourly mobility by zone"]


@pytest.mark.parametrize(
    "query",
    [
        "field=none",
        "regime=none",
        "order=none",
        "max_price_fen=-1",
        "max_price_fen=1e3",
        f"max_price_fen={10**30}",
        "pageSize=0",
        "pageSize=501",
        "pageToken=%00",
        "column=%00",
        "column=",
        "concept=%E2%80%AE",
        "updated_since=yesterday",
        "updated_since=2026-11-27T00:00:00",
        f"q={'x' * 201}",
    ],
)
def test_a_query_that_is_none_is_refused(asked: Shop, query: str) -> None:
    answer = asked.get(f"/v1/components?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("text", ["%00", "%F0%9F%98%80", "%ED%A0%80", "' or 1=1 --", "\\", "*", "a" * 200])
def test_any_text_is_searched_for_and_none_of_it_is_sql(asked: Shop, text: str) -> None:
    assert asked.told(f"/v1/components?q={text}") == {"items": []}


def test_only_who_may_read_the_catalogue_searches_it(asked: Shop) -> None:
    assert asked.client.get("/v1/components").json()["code"] == "unauthenticated"
