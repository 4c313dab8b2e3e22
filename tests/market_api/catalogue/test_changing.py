"""A listing's price changes only by who has seen it as it is; it is retired and frozen for a reason that is told."""

from typing import Any

import pytest

from tests.market_api.builders import Participant, a_participant, renewed
from tests.market_api.catalogue.releases import a_release, put
from tests.market_api.catalogue.shops import Shop
from tests.market_api.catalogue.test_listing import buy, notices

REASON = {"reason": "A complaint about its rights is examined."}


def tag_of(shop: Shop, listing: dict[str, Any]) -> str:
    return str(shop.get(f"/v1/listings/{listing['listing_id']}", shop.seller).headers["ETag"])


def priced(shop: Shop, listing: dict[str, Any], price_fen: int, who: Participant | None = None, **headers: str) -> Any:
    path = f"/v1/listings/{listing['listing_id']}/price"
    return shop.act(who or shop.seller, path, {"price_fen": price_fen}, **headers)


def frozen(shop: Shop, listing: dict[str, Any], event: str = "freeze", who: Participant | None = None) -> Any:
    return shop.act(who or shop.regulator, f"/v1/listings/{listing['listing_id']}/{event}", REASON)


def retired(shop: Shop, listing: dict[str, Any], last_day: str = "2027-12-31", who: Participant | None = None) -> Any:
    body = {"reason": "The survey that it rests on was ended.", "last_day": last_day}
    return shop.act(who or shop.seller, f"/v1/listings/{listing['listing_id']}/retire", body)


@pytest.fixture
def listing(shop: Shop) -> dict[str, Any]:
    return shop.listed(a_release(shop.folder))


# the price


def test_a_price_changes_for_who_has_seen_the_listing_as_it_is(shop: Shop, listing: dict[str, Any]) -> None:
    answer = priced(shop, listing, listing["negotiated_fen"], **{"If-Match": tag_of(shop, listing)})
    assert answer.status_code == 200, answer.text
    assert shop.told("/v1/components/zone_hours")["price_fen"] == listing["negotiated_fen"]


def test_of_two_who_have_seen_the_same_only_the_first_changes_it(shop: Shop, listing: dict[str, Any]) -> None:
    seen = tag_of(shop, listing)
    assert priced(shop, listing, listing["negotiated_fen"], **{"If-Match": seen}).status_code == 200
    answer = priced(shop, listing, listing["negotiated_fen"] + 1, **{"If-Match": seen})
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert shop.told("/v1/components/zone_hours")["price_fen"] == listing["negotiated_fen"]


def test_who_names_no_version_changes_nothing(shop: Shop, listing: dict[str, Any]) -> None:
    answer = priced(shop, listing, listing["negotiated_fen"])
    assert (answer.status_code, answer.json()["field"]) == (412, "If-Match")


@pytest.mark.parametrize("price_fen", [1, 79_999, 10**12])
def test_a_price_that_the_datasheet_does_not_allow_is_refused(
    shop: Shop, listing: dict[str, Any], price_fen: int
) -> None:
    answer = priced(shop, listing, price_fen, **{"If-Match": tag_of(shop, listing)})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert shop.told("/v1/components/zone_hours")["price_fen"] == listing["price_fen"]


def test_another_ones_listing_is_not_there_for_me(shop: Shop, listing: dict[str, Any]) -> None:
    other = a_participant(shop.market, "developer")
    assert shop.get(f"/v1/listings/{listing['listing_id']}", other).json()["code"] == "not_found"
    assert priced(shop, listing, 100_000, other, **{"If-Match": "*"}).json()["code"] == "not_found"
    assert retired(shop, listing, who=other).json()["code"] == "not_found"
    assert shop.told("/v1/listings", other) == {"items": []}


def test_the_price_of_what_is_not_on_sale_stays(shop: Shop, listing: dict[str, Any]) -> None:
    frozen(shop, listing)
    answer = priced(shop, listing, listing["negotiated_fen"], **{"If-Match": "*"})
    assert (answer.json()["code"], answer.json()["state"]) == ("wrong_state", "frozen")


def test_the_price_of_what_lost_its_rights_stays(shop: Shop) -> None:
    listing = shop.listed(a_release(shop.folder, "zone_hours", 2, put("rights/0/valid_until", "2026-11-28")))
    shop.clock.move(days=2)
    seller = renewed(shop.market, shop.seller)
    answer = priced(shop, listing, listing["negotiated_fen"], seller, **{"If-Match": "*"})
    assert answer.json()["code"] == "not_cleared"


# retirement


def test_what_is_retired_is_off_sale_and_its_holders_are_told_why(shop: Shop, listing: dict[str, Any]) -> None:
    holder = a_participant(shop.market, "app_developer", funds_fen=10**8)
    buy(shop, holder, listing)
    answer = retired(shop, listing)
    assert (answer.status_code, answer.json()["state"]) == (200, "retired")
    (notice,) = notices(shop, holder)
    assert notice["kind"] == "retirement"
    assert notice["told"] == {
        "release": "zone_hours@2",
        "reason": "The survey that it rests on was ended.",
        "last_day": "2027-12-31",
    }
    assert shop.told("/v1/components") == {"items": []}
    shown = shop.told("/v1/components/zone_hours")
    assert (shown["state"], shown["last_day"]) == ("retired", "2027-12-31")
    (held,) = shop.told("/v1/account/entitlements", holder)["items"]
    assert held["state"] == "active"


def test_nothing_is_retired_before_what_was_sold_ends(shop: Shop, listing: dict[str, Any]) -> None:
    holder = a_participant(shop.market, "app_developer", funds_fen=10**8)
    buy(shop, holder, listing, term_days=100)
    answer = retired(shop, listing, "2027-03-06")
    assert (answer.status_code, answer.json()["field"]) == (422, "last_day")
    assert "2027-03-07" in answer.json()["detail"]
    assert retired(shop, listing, "2027-03-07").status_code == 200


@pytest.mark.parametrize("day", ["2026-11-26", "2026-13-01", "tomorrow", 20270101, "2027-06-30T00:00:00"])
def test_a_last_day_that_is_none(shop: Shop, listing: dict[str, Any], day: Any) -> None:
    assert retired(shop, listing, day).json()["field"] == "last_day"


def test_what_is_retired_stays_so(shop: Shop, listing: dict[str, Any]) -> None:
    retired(shop, listing)
    assert retired(shop, listing).json()["code"] == "wrong_state"
    assert frozen(shop, listing).json()["code"] == "wrong_state"
    assert priced(shop, listing, listing["negotiated_fen"], **{"If-Match": "*"}).json()["code"] == "wrong_state"
    assert shop.list("zone_hours@2").json()["code"] == "wrong_state"


def test_a_later_release_brings_a_retired_component_back(shop: Shop, listing: dict[str, Any]) -> None:
    retired(shop, listing)
    assert shop.listed(a_release(shop.folder, "zone_hours", 3))["state"] == "listed"


# the regulator


def test_what_is_frozen_is_neither_found_nor_sold_until_it_is_released(either_shop: Shop) -> None:
    shop = either_shop
    listing = shop.listed(a_release(shop.folder))
    buyer = a_participant(shop.market, "app_developer", funds_fen=10**8)
    body = {
        "listing_id": listing["listing_id"],
        "terms": {"purposes": ["urban_management"]},
        "price_fen": listing["price_fen"],
    }
    assert frozen(shop, listing).json()["state"] == "frozen"
    assert shop.told("/v1/components?q=hourly") == {"items": []}
    assert shop.act(buyer, "/v1/orders", body).json()["code"] == "wrong_state"
    assert frozen(shop, listing, "release").json()["state"] == "listed"
    assert len(shop.told("/v1/components?q=hourly")["items"]) == 1
    assert shop.act(buyer, "/v1/orders", body).status_code == 201
    assert [each["kind"] for each in notices(shop, shop.seller)] in (["release", "freeze"], ["freeze", "release"])


def test_the_reason_of_a_freeze_is_told(shop: Shop, listing: dict[str, Any]) -> None:
    frozen(shop, listing)
    shown = shop.told("/v1/components/zone_hours")
    assert (shown["state"], shown["reason"]) == ("frozen", REASON["reason"])


def test_nobody_but_the_regulator_freezes(shop: Shop, listing: dict[str, Any]) -> None:
    operator = a_participant(shop.market, "operator")
    for who in (shop.seller, shop.buyer, operator):
        for event in ("freeze", "release"):
            assert frozen(shop, listing, event, who).json()["code"] == "not_permitted"
    assert shop.told("/v1/components/zone_hours")["state"] == "listed"


def test_what_was_superseded_stays_superseded_after_a_freeze(shop: Shop, listing: dict[str, Any]) -> None:
    later = shop.listed(a_release(shop.folder, "zone_hours", 3))
    assert frozen(shop, listing).json()["state"] == "frozen"
    assert frozen(shop, listing, "release").json()["state"] == "superseded"
    assert [each["listing_id"] for each in shop.told("/v1/components")["items"]] == [later["listing_id"]]


def test_what_is_not_frozen_is_not_released(shop: Shop, listing: dict[str, Any]) -> None:
    assert frozen(shop, listing, "release").json()["code"] == "wrong_state"
    assert frozen(shop, {"listing_id": "lst_" + "0" * 28}).json()["code"] == "not_found"


# notices


def test_notices_come_page_by_page_the_newest_first(shop: Shop) -> None:
    listing = shop.listed("zone_hours@1")
    for _ in range(2):
        for event in ("freeze", "release"):
            shop.clock.move(seconds=1)
            frozen(shop, listing, event)
    first = shop.told("/v1/account/notices?pageSize=3", shop.seller)
    rest = shop.told(f"/v1/account/notices?pageSize=3&pageToken={first['nextPageToken']}", shop.seller)
    kinds = [each["kind"] for each in first["items"] + rest["items"]]
    assert kinds == ["release", "freeze", "release", "freeze"]
    assert "nextPageToken" not in rest


def test_nobody_reads_anothers_notices(shop: Shop, listing: dict[str, Any]) -> None:
    frozen(shop, listing)
    assert notices(shop, shop.buyer) == []
    assert len(notices(shop, shop.seller)) == 1
