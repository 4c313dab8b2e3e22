"""What a suspended or frozen seller has listed is not found and not sold; who holds it sees why, and it comes back."""

from typing import Any

import pytest

from market_api.catalogue.offered import with_notice
from market_api.identity import participants
from market_api.identity.participants import decide
from market_api.market import Transaction
from tests.market_api.builders import Participant, a_participant
from tests.market_api.catalogue.releases import a_release
from tests.market_api.catalogue.shops import Shop
from tests.market_api.catalogue.test_changing import frozen, retired
from tests.market_api.catalogue.test_listing import buy
from tests.market_api.catalogue.test_reading import folder_of
from vault.releases.reading import PAGE

COMPONENT = "/v1/components/zone_hours"
REASON = "A complaint of Li Wei is examined."
SEARCHES = ("", "?q=hourly", "?field=governance", "?q=hour&order=price", "?order=title&pageSize=1", "?column=trips")
SOLD_FEN = 10**8


def decided(shop: Shop, event: str, who: Participant | None = None) -> None:
    """What operator or regulator decides on the seller."""
    name = (who or shop.seller).participant_id
    shop.market.act("market", lambda transaction: decide(transaction, name, event, REASON))


def found(shop: Shop) -> list[list[str]]:
    """The components that each search finds."""
    return [[each["component"] for each in shop.told(f"/v1/components{asked}")["items"]] for asked in SEARCHES]


def order(listing: dict[str, Any]) -> dict[str, Any]:
    terms = {"purposes": ["urban_management"]}
    return {"listing_id": listing["listing_id"], "terms": terms, "price_fen": listing["price_fen"]}


@pytest.mark.parametrize(
    ("stop", "restart"), [("suspend", ("reinstate",)), ("freeze", ("release", "reinstate"))], ids=["suspend", "freeze"]
)
def test_it_is_neither_found_nor_sold_until_its_seller_trades_again(
    either_shop: Shop, stop: str, restart: tuple[str, ...]
) -> None:
    shop = either_shop
    listing = shop.listed("zone_hours@1")
    buyer = a_participant(shop.market, funds_fen=SOLD_FEN)
    before = found(shop), shop.told("/v1/catalogue.jsonld")
    assert before[0] == [["zone_hours"]] * len(SEARCHES)
    decided(shop, stop)
    assert found(shop) == [[]] * len(SEARCHES)
    assert "zone_hours" not in shop.get("/v1/catalogue.jsonld").text
    assert shop.act(buyer, "/v1/orders", order(listing)).json()["code"] == "wrong_state"
    for event in restart:
        assert found(shop) == [[]] * len(SEARCHES)
        decided(shop, event)
    assert (found(shop), shop.told("/v1/catalogue.jsonld")) == before
    assert shop.act(buyer, "/v1/orders", order(listing)).status_code == 201


def test_of_several_sellers_only_the_suspended_one_is_left_out(shop: Shop) -> None:
    other = a_participant(shop.market, "developer", party="team:other")
    shop.listed("zone_hours@1")
    decided(shop, "suspend", other)
    assert found(shop) == [["zone_hours"]] * len(SEARCHES)


def test_what_is_remembered_of_a_search_is_not_given_after_a_suspension(either_shop: Shop) -> None:
    shop = either_shop
    shop.listed("zone_hours@1")
    for _ in range(3):
        assert len(shop.told("/v1/components?q=hourly")["items"]) == 1
        assert shop.told(COMPONENT)["trade"] == {"is_open": True}
    decided(shop, "suspend")
    assert shop.told("/v1/components?q=hourly") == {"items": []}
    assert shop.told(COMPONENT)["trade"]["cause"] == "seller_suspended"
    decided(shop, "reinstate")
    assert len(shop.told("/v1/components?q=hourly")["items"]) == 1
    assert shop.told(COMPONENT)["trade"] == {"is_open": True}


def test_its_holder_sees_the_datasheet_with_the_notice_and_what_it_bought(shop: Shop) -> None:
    listing = shop.listed("zone_hours@1")
    holder = a_participant(shop.market, funds_fen=SOLD_FEN)
    buy(shop, holder, listing)
    signed = (folder_of(shop) / PAGE).read_bytes()
    assert shop.get(f"{COMPONENT}/datasheet.html", holder).content == signed
    decided(shop, "suspend")
    page = shop.get(f"{COMPONENT}/datasheet.html", holder)
    assert page.status_code == 200 and "Not traded now. The operator has suspended its seller" in page.text
    assert "What was bought is delivered as before." in page.text and "Li Wei" not in page.text
    assert page.text.index("<body>") < page.text.index("Not traded now") < page.text.index("<header")
    assert shop.get(f"{COMPONENT}/datasheet", holder).status_code == 200
    (held,) = shop.told("/v1/account/entitlements", holder)["items"]
    assert held["state"] == "active"
    decided(shop, "reinstate")
    assert shop.get(f"{COMPONENT}/datasheet.html", holder).content == signed


def test_the_price_page_and_the_component_say_why_and_tell_no_reason_of_the_sellers(shop: Shop) -> None:
    shop.listed("zone_hours@1")
    decided(shop, "freeze")
    for place in ("", "/price"):
        document = shop.told(f"{COMPONENT}{place}")
        assert document["trade"]["is_open"] is False and document["trade"]["cause"] == "seller_frozen"
        assert "The regulator has frozen its seller" in document["trade"]["notice"]
        assert "Li Wei" not in str(document)


def test_no_negotiation_is_begun_with_a_suspended_seller(shop: Shop) -> None:
    listing = shop.listed("zone_hours@1")
    decided(shop, "suspend")
    body = {"listing_id": listing["listing_id"], "terms": {"purposes": ["urban_management"]}}
    assert shop.act(shop.buyer, "/v1/negotiations", body).json()["code"] == "wrong_state"


def test_every_state_of_a_listing_has_its_notice(shop: Shop) -> None:
    first = shop.listed("zone_hours@1")
    shop.listed(a_release(shop.folder, "zone_hours", 2))
    assert shop.told(f"{COMPONENT}?release=1")["trade"]["cause"] == "superseded"
    frozen(shop, first)
    told = shop.told(f"{COMPONENT}?release=1")["trade"]
    assert told["cause"] == "listing_frozen" and "A complaint about its rights is examined" in told["notice"]
    assert "neither sold nor delivered" in shop.get(f"{COMPONENT}/datasheet.html?release=1").text
    retired(shop, shop.told(COMPONENT))
    assert shop.told(COMPONENT)["trade"]["cause"] == "retired"
    assert "2027-12-31" in shop.told(COMPONENT)["trade"]["notice"]


def test_a_reason_that_holds_markup_is_shown_as_text(shop: Shop) -> None:
    listing = shop.listed(a_release(shop.folder))
    body = {"reason": "<script>alert(1)</script>"}
    shop.act(shop.regulator, f"/v1/listings/{listing['listing_id']}/freeze", body)
    text = shop.get(f"{COMPONENT}/datasheet.html?release=2").text
    assert "<script>" not in text and "&lt;script&gt;" in text


def test_a_page_without_a_body_has_the_notice_in_front(shop: Shop) -> None:
    class Row:
        state, reason, last_day, seller_state = "superseded", None, None, "admitted"

    assert with_notice(b"<p>bare</p>", Row()).startswith(b'<p role="status"')  # type: ignore[arg-type]


def test_an_applicant_who_is_refused_changes_no_listing(shop: Shop) -> None:
    shop.listed("zone_hours@1")

    def refused(transaction: Transaction) -> str:
        name = participants.apply(transaction, participants.Application("developer", "New Data", "none"))
        decide(transaction, name, "refuse", REASON)
        return name

    shop.market.act("market", refused)
    assert found(shop) == [["zone_hours"]] * len(SEARCHES)
