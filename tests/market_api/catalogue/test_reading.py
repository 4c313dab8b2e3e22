"""What the catalogue tells is what was signed, byte for byte, and is sent again only where it changed."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.market_api.builders import a_participant
from tests.market_api.catalogue.releases import a_release, priced_at, put
from tests.market_api.catalogue.shops import Shop
from tests.market_api.catalogue.test_changing import frozen
from tests.market_api.catalogue.test_listing import buy
from tests.market_api.catalogue.test_listing_refusals import overwrite
from vault.releases.datasheet import DATASHEET
from vault.releases.reading import PAGE

PLACES = ("", "/versions", "/datasheet", "/datasheet.html", "/schema", "/preview", "/price", "/contract")
LISTS = ("/v1/components", "/v1/catalogue.jsonld")


def folder_of(shop: Shop, number: int = 1) -> Path:
    return shop.folder / "releases" / "zone_hours" / str(number)


@pytest.fixture(scope="module")
def shown(asked: Shop) -> Shop:
    """A shop with two releases of one component, shared by what only reads."""
    asked.listed("zone_hours@1")
    asked.listed(a_release(asked.folder, "zone_hours", 2, put("table/rows", 1440)))
    return asked


def test_a_component_is_told_with_where_the_rest_is(shown: Shop) -> None:
    document = shown.told("/v1/components/zone_hours")
    assert (document["number"], document["state"], document["seller_name"]) == (2, "listed", "Zhihui Mobility")
    assert document["changes"]["from_release"] == "zone_hours@1"
    for name in ("versions", "datasheet", "datasheet.html", "schema", "price", "preview", "contract"):
        assert shown.get(document["links"][name]).status_code == 200
    assert "shares" not in document


def test_an_earlier_release_is_told_too(shown: Shop) -> None:
    document = shown.told("/v1/components/zone_hours?release=1")
    assert (document["number"], document["state"]) == (1, "superseded")


def test_the_versions_come_newest_first_page_by_page(shown: Shop) -> None:
    first = shown.told("/v1/components/zone_hours/versions?pageSize=1")
    rest = shown.told(f"/v1/components/zone_hours/versions?pageSize=1&pageToken={first['nextPageToken']}")
    assert [each["number"] for each in first["items"] + rest["items"]] == [2, 1]
    assert first["items"][0]["changes"]["to_release"] == "zone_hours@2"
    assert "nextPageToken" not in rest


def test_the_datasheet_is_told_byte_for_byte(shown: Shop) -> None:
    for number in (1, 2):
        answer = shown.get(f"/v1/components/zone_hours/datasheet?release={number}")
        assert answer.content == (folder_of(shown, number) / DATASHEET).read_bytes()
        assert answer.headers["content-type"] == "application/json"


def test_the_page_is_the_signed_one_and_runs_nothing(shown: Shop) -> None:
    answer = shown.get("/v1/components/zone_hours/datasheet.html")
    assert answer.content == (folder_of(shown, 2) / PAGE).read_bytes()
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_schema_says_what_was_promised_and_counted(shown: Shop) -> None:
    columns = {each["name"]: each for each in shown.told("/v1/components/zone_hours/schema")["columns"]}
    assert columns["first_day"]["type"] == "date"
    assert columns["first_day"]["nulls"] == 48
    assert columns["first_day"]["null_rate"] == round(48 / 1440, 6)
    assert (columns["trips"]["role"], columns["trips"]["unit"]) == ("measure", "trip")


@pytest.mark.parametrize("place", PLACES)
def test_what_a_client_has_already_is_not_sent_again(shown: Shop, place: str) -> None:
    first = shown.get(f"/v1/components/zone_hours{place}")
    tag = first.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = shown.get(f"/v1/components/zone_hours{place}", **{"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert shown.get(f"/v1/components/zone_hours{place}", **{"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize("place", [*LISTS, "/v1/account/notices"])
def test_lists_have_their_tags_too(shown: Shop, place: str) -> None:
    tag = shown.get(place).headers["ETag"]
    assert shown.get(place, **{"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("place", [*(f"/v1/components/zone_hours{place}" for place in PLACES), *LISTS])
def test_only_who_may_read_the_catalogue_reads_it(shown: Shop, place: str) -> None:
    assert shown.client.get(place).json()["code"] == "unauthenticated"
    puller = a_participant(shown.market, "app_developer", scopes=frozenset({"pull"}))
    assert shown.get(place, puller).json()["code"] == "not_permitted"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("component", ["nothing", "zone_hours?release=3", "zone_hours?release=999999999"])
def test_what_is_not_in_the_catalogue_is_not_there(shown: Shop, place: str, component: str) -> None:
    name, _, query = component.partition("?")
    if query and place == "/versions":
        return
    answer = shown.get(f"/v1/components/{name}{place}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["Zone", "a" * 64, "zone%20hours", "..%2f..%2fetc", "%00", "zone_hours@1", "1zone"])
def test_a_name_that_is_none(shown: Shop, name: str) -> None:
    assert shown.get(f"/v1/components/{name}").status_code in (404, 422)


def test_a_release_that_was_never_listed_is_not_shown(shown: Shop) -> None:
    a_release(shown.folder, "secret", 1)
    for place in PLACES:
        assert shown.get(f"/v1/components/secret{place}").json()["code"] == "not_found"


def test_an_answer_is_no_older_than_the_last_change(shop: Shop) -> None:
    listing = shop.listed(a_release(shop.folder))
    before = shop.get("/v1/components/zone_hours")
    found = shop.get("/v1/components?q=hourly")
    frozen(shop, listing)
    after = shop.get("/v1/components/zone_hours", **{"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, after.json()["state"]) == (200, "frozen")
    assert shop.get("/v1/components?q=hourly", **{"If-None-Match": found.headers["ETag"]}).json() == {"items": []}


def test_another_process_sees_a_change_as_well(shop: Shop) -> None:
    from tests.market_api.builders import served

    listing = shop.listed(a_release(shop.folder))
    other = served(shop.market)
    assert other.get("/v1/components", headers=shop.buyer.headers).json()["items"]
    frozen(shop, listing)
    assert other.get("/v1/components", headers=shop.buyer.headers).json() == {"items": []}


def test_a_sale_changes_nothing_of_what_the_catalogue_tells(shop: Shop) -> None:
    listing = shop.listed(a_release(shop.folder, "zone_hours", 2, priced_at(regime="public_free")))
    tag = shop.get("/v1/components/zone_hours").headers["ETag"]
    buy(shop, shop.buyer, listing)
    assert shop.get("/v1/components/zone_hours", **{"If-None-Match": tag}).status_code == 304


# what was altered after it was listed


def altered(shop: Shop, change: dict[str, Any]) -> None:
    path = folder_of(shop) / DATASHEET
    overwrite(path, json.dumps({**json.loads(path.read_text()), **change}).encode())


@pytest.mark.parametrize("place", ["/datasheet", "/datasheet.html", "/schema", "/preview", "/price", "/contract"])
def test_a_datasheet_that_was_altered_is_not_told(shop: Shop, place: str) -> None:
    shop.listed("zone_hours@1")
    altered(shop, {"run": "another"})
    answer = shop.get(f"/v1/components/zone_hours{place}")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cleared")


def test_another_signed_datasheet_in_its_place_is_not_told(shop: Shop) -> None:
    import shutil

    shop.listed("zone_hours@1")
    other = folder_of(shop).with_name("other")
    folder_of(shop).rename(other)
    shutil.copytree(other, folder_of(shop))
    a_release(shop.folder, "zone_hours", 9, put("release", "zone_hours@1"), put("number", 1), put("run", "another"))
    shutil.rmtree(folder_of(shop))
    folder_of(shop, 9).rename(folder_of(shop))
    for place in ("/datasheet", "/preview", "/price"):
        answer = shop.get(f"/v1/components/zone_hours{place}")
        assert answer.json()["detail"] == "What lies there is not what was listed as zone_hours@1."


def test_a_page_that_was_altered_is_not_told(shop: Shop) -> None:
    shop.listed("zone_hours@1")
    overwrite(folder_of(shop) / PAGE, b"<script>alert(1)</script>")
    assert shop.get("/v1/components/zone_hours/datasheet.html").json()["code"] == "not_cleared"


def test_a_release_that_is_gone_is_not_told(shop: Shop) -> None:
    import shutil

    shop.listed("zone_hours@1")
    shutil.rmtree(folder_of(shop))
    assert shop.get("/v1/components/zone_hours/datasheet").json()["code"] == "not_cleared"
    assert shop.told("/v1/components/zone_hours")["state"] == "listed"


def test_a_datasheet_is_told_though_its_rights_have_ended(shop: Shop) -> None:
    shop.listed(a_release(shop.folder, "zone_hours", 2, put("rights/0/valid_until", "2026-11-27")))
    shop.clock.move(hours=13)
    reader = a_participant(shop.market, "app_developer")
    answer = shop.get("/v1/components/zone_hours/datasheet", reader)
    assert (
        hashlib.sha256(answer.content).digest()
        == hashlib.sha256((folder_of(shop, 2) / DATASHEET).read_bytes()).digest()
    )
