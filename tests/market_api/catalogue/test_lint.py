"""Nobody gets more data for less money by one seller's own prices; of others' prices a seller is warned."""

import json
from typing import Any

from market_api.catalogue.lint import Candidate, warnings_of
from market_api.catalogue.tables import listings
from market_api.market import Transaction
from market_api.states import LISTING, begin
from tests.market_api.builders import a_participant
from tests.market_api.catalogue.releases import a_release, put
from tests.market_api.catalogue.shops import Shop
from tests.market_api.goods import refused


def offer(shop: Shop, component: str, columns: str, price_fen: int | None, seller: str = "one", **changes: Any) -> None:
    """Put a listing on the same rows beside the others. columns: one letter each."""

    def listed(transaction: Transaction) -> None:
        values = {
            "listing_id": transaction.new_identifier("lst"),
            "component": component,
            "release_number": 1,
            "release_id": f"{component}@1",
            "seller_id": seller,
            "application_field": "governance",
            "title_en": component,
            "title_zh": component,
            "search_text": component,
            "regime": "market",
            "cost_fen": 1,
            "negotiated_fen": 100,
            "guide_fen": 100,
            "price_fen": price_fen,
            "terms": "{}",
            "shares": "[]",
            "datasheet_hash": "",
            "rows_id": "same",
            "concepts": json.dumps(list(columns)),
            **changes,
        }
        begin(transaction, LISTING, listings, values, {})

    shop.market.act("market", listed)


def lint(shop: Shop, columns: str, price_fen: int, *, is_posted: bool = True, rows_id: str = "same") -> list[str]:
    candidate = Candidate("mine", "one", rows_id, frozenset(columns), price_fen, is_posted)
    return shop.market.read(lambda connection: warnings_of(connection, candidate))


def test_one_may_not_sell_all_columns_for_less_than_some_of_them(shop: Shop) -> None:
    offer(shop, "part", "ab", 100)
    problem = refused("invalid_request", lint, shop, "abc", 99)
    assert "'mine' has all columns of 'part' on the same rows and costs less, ¥0.99 against ¥1.00" in problem.detail
    assert lint(shop, "abc", 100) == []


def test_one_may_not_sell_some_columns_for_more_than_all_of_them(shop: Shop) -> None:
    offer(shop, "whole", "abc", 100)
    problem = refused("invalid_request", lint, shop, "ab", 101)
    assert "'whole' has all columns of 'mine'" in problem.detail


def test_another_ones_price_is_a_warning_and_no_refusal(shop: Shop) -> None:
    offer(shop, "whole", "abc", 100, seller="another")
    (warning,) = lint(shop, "ab", 101)
    assert "'whole' has all columns of 'mine'" in warning


def test_a_price_that_is_not_posted_is_a_warning(shop: Shop) -> None:
    offer(shop, "whole", "abc", None, guide_fen=100)
    (warning,) = lint(shop, "ab", 101)
    assert "¥1.00 against ¥1.01" in warning


def test_a_bundle_that_is_dearer_than_its_parts_is_a_warning(shop: Shop) -> None:
    offer(shop, "left", "ab", 40)
    offer(shop, "right", "cd", 50)
    (warning,) = lint(shop, "abcd", 91)
    assert warning.startswith("'left' and 'right' together have all columns of 'mine'")
    assert lint(shop, "abcd", 90) == []


def test_other_rows_and_what_is_not_on_sale_are_not_compared(shop: Shop) -> None:
    offer(shop, "whole", "abc", 100)
    assert lint(shop, "ab", 101, rows_id="other") == []
    shop.market.act(
        "market", lambda transaction: transaction.connection.execute(listings.update().values(state="frozen"))
    )
    assert lint(shop, "ab", 101) == []


def test_ones_own_earlier_release_is_not_compared(shop: Shop) -> None:
    offer(shop, "mine", "abc", 100)
    assert lint(shop, "ab", 101) == []


def test_a_great_many_listings_on_the_same_rows_take_no_time(shop: Shop) -> None:
    import time

    for number in range(40):
        offer(shop, f"part_{number}", "abcdefghij"[number % 10] + "k", 100 + number)
    began = time.thread_time()
    lint(shop, "abcdefghijk", 10**9, is_posted=False)
    assert time.thread_time() - began < 2


def test_the_lint_speaks_over_http(shop: Shop) -> None:
    whole = shop.listed(a_release(shop.folder, "zone_hours", 2))
    assert whole["warnings"] == []
    lowest_fen = shop.told("/v1/components/zone_hours/price")["negotiation"]["lowest_fen"]
    other = a_participant(shop.market, "developer", party="team:other")
    release = a_release(shop.folder, "zone_hours_cheap", 1, put("contract/owner", "team:other"))
    warnings = shop.listed(release, other, price_fen=lowest_fen)["warnings"]
    assert any("'zone_hours_cheap' has all columns of 'zone_hours'" in each for each in warnings)


def test_ones_own_prices_that_contradict_each_other_are_refused_over_http(shop: Shop) -> None:
    shop.listed(a_release(shop.folder, "zone_hours", 2))
    band = shop.told("/v1/components/zone_hours/price")["negotiation"]
    answer = shop.list(a_release(shop.folder, "zone_hours_cheap", 1), price_fen=band["lowest_fen"])
    assert (answer.status_code, answer.json()["field"]) == (422, "price_fen")
    assert "contradict each other" in answer.json()["detail"]
