"""What is listed is what the signed datasheet says; a later release takes its place, and its holders are told."""

import json
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.tables import listing_words, listings
from tests.market_api.builders import Participant, a_participant, list_release, renewed
from tests.market_api.catalogue.releases import COST_FEN, HOLDER, a_release, priced_at, put
from tests.market_api.catalogue.shops import TERMS, Shop
from vault.black_box.tables import entries
from vault.releases.reading import read_datasheet


def buy(shop: Shop, buyer: Participant, listing: dict[str, Any], **terms: Any) -> None:
    body = {
        "listing_id": listing["listing_id"],
        "terms": {"purposes": ["urban_management"], **terms},
        "price_fen": listing["price_fen"],
    }
    answer = shop.act(buyer, "/v1/orders", body)
    assert answer.status_code == 201, answer.text


def notices(shop: Shop, who: Participant) -> list[dict[str, Any]]:
    return list(shop.told("/v1/account/notices", who)["items"])


def steps(shop: Shop, subject: str) -> list[str]:
    """What the black box holds of something, in order."""
    query = sa.select(entries.c.kind).where(entries.c.subject == subject)
    return list(shop.market.read(lambda connection: connection.execute(query)).scalars())


def test_a_listing_is_what_its_datasheet_says(either_shop: Shop) -> None:
    release = a_release(either_shop.folder)
    sheet = read_datasheet(either_shop.folder / "releases" / "zone_hours" / "2")
    listing = either_shop.listed(release)
    assert (listing["component"], listing["number"], listing["state"]) == ("zone_hours", 2, "listed")
    assert listing["cost_fen"] == COST_FEN
    assert listing["guide_fen"] == listing["price_fen"] == sheet["price"]["steps"]["guided"]["listed_fen"]
    assert listing["negotiated_fen"] == sheet["price"]["steps"]["negotiated"]["listed_fen"]
    assert listing["shares"] == [[either_shop.seller.participant_id, "1"]]
    assert either_shop.told("/v1/components/zone_hours")["listing_id"] == listing["listing_id"]
    assert len(steps(either_shop, listing["listing_id"])) == 1
    either_shop.market.seal()
    assert either_shop.market.verify().is_whole


def test_the_same_request_twice_lists_once(shop: Shop) -> None:
    body = {"release": "zone_hours@1", "terms": TERMS, "shares": [[shop.seller.participant_id, "1"]]}
    headers = shop.seller.changing
    first, again = (shop.client.post("/v1/listings", json=body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"


def test_the_same_request_again_is_answered_as_before_though_the_release_is_gone(shop: Shop) -> None:
    import shutil

    body = {"release": "zone_hours@1", "terms": TERMS, "shares": [[shop.seller.participant_id, "1"]]}
    headers = shop.seller.changing
    first = shop.client.post("/v1/listings", json=body, headers=headers)
    shutil.rmtree(shop.folder / "releases" / "zone_hours")
    assert shop.client.post("/v1/listings", json=body, headers=headers).json() == first.json()


def test_the_provider_of_a_component_may_list_it_too(shop: Shop) -> None:
    provider = a_participant(shop.market, "developer", party="City data vault")
    assert shop.listed("zone_hours@1", provider)["seller_id"] == provider.participant_id


def test_a_price_within_the_band_or_the_guide_price_is_posted(shop: Shop) -> None:
    listing = shop.listed(a_release(shop.folder))
    band = shop.told("/v1/components/zone_hours/price")["negotiation"]
    for number, price_fen in enumerate((band["lowest_fen"], band["highest_fen"], listing["guide_fen"]), 3):
        assert shop.listed(a_release(shop.folder, number=number), price_fen=price_fen)["price_fen"] == price_fen


def test_a_guided_price_lies_between_cost_and_ceiling(shop: Shop) -> None:
    guided = priced_at(regime="public_guided", ceiling_fen=90_000)
    for number, price_fen in enumerate((COST_FEN, 85_000, 90_000), 2):
        listing = shop.listed(a_release(shop.folder, "zone_hours", number, guided), price_fen=price_fen)
        assert (listing["price_fen"], listing["ceiling_fen"]) == (price_fen, 90_000)


def test_public_data_at_cost_has_one_price_though_its_cost_is_no_whole_fen(shop: Shop) -> None:
    from fractions import Fraction

    at_cost = priced_at(regime="public_guided", model_cost_fen=Fraction(1, 3))
    listing = shop.listed(a_release(shop.folder, "zone_hours", 2, at_cost))
    assert listing["cost_fen"] == listing["price_fen"] == listing["ceiling_fen"] == COST_FEN


def test_free_data_costs_nothing_and_is_bought_for_nothing(shop: Shop) -> None:
    listing = shop.listed(a_release(shop.folder, "zone_hours", 2, priced_at(regime="public_free")))
    assert (listing["price_fen"], listing["cost_fen"], listing["guide_fen"]) == (0, 0, 0)
    buy(shop, shop.buyer, listing)


def test_a_price_on_request_is_not_posted(shop: Shop) -> None:
    listing = shop.listed("zone_hours@1", price="on_request")
    assert (listing["price"], listing["price_fen"]) == ("on_request", None)


def test_a_holder_of_rights_who_takes_part_shares_and_is_told(shop: Shop) -> None:
    holder = a_participant(shop.market, "provider", party=HOLDER)
    shares = [[shop.seller.participant_id, "7/10"], [holder.participant_id, "3/10"]]
    listing = shop.listed("zone_hours@1", shares=shares)
    assert listing["shares"] == shares
    (notice,) = notices(shop, holder)
    assert (notice["kind"], notice["listing_id"]) == ("share", listing["listing_id"])
    assert notice["told"] == {"share": "3/10", "of": shop.seller.participant_id}


def test_measured_shares_follow_the_records_of_each_source(shop: Shop) -> None:
    holder = a_participant(shop.market, "provider", party=HOLDER)
    listing = shop.listed("zone_hours@1", shares="by_contribution", providers_share="3/10")
    assert sorted(listing["shares"]) == sorted([[shop.seller.participant_id, "7/10"], [holder.participant_id, "3/10"]])


def test_a_term_that_outlasts_a_right_is_listed_with_a_warning(shop: Shop) -> None:
    release = a_release(shop.folder, "zone_hours", 2, put("rights/0/valid_until", "2027-01-31"))
    (warning,) = shop.listed(release)["warnings"]
    assert warning.startswith("A licence of 365 days outlasts the holding right on 'taxi_trips'")
    assert shop.listed(a_release(shop.folder, "zone_hours", 3))["warnings"] == []


# a later release


def test_a_later_release_takes_the_place_of_the_earlier_one(either_shop: Shop) -> None:
    shop = either_shop
    first = shop.listed("zone_hours@1")
    second = shop.listed(a_release(shop.folder, "zone_hours", 2))
    states = {each["number"]: each["state"] for each in shop.told("/v1/components/zone_hours/versions")["items"]}
    assert states == {1: "superseded", 2: "listed"}
    found = shop.told("/v1/components?q=hourly")["items"]
    assert [each["listing_id"] for each in found] == [second["listing_id"]]
    kept = sa.select(listing_words.c.listing_id).distinct()
    assert shop.market.read(lambda c: c.execute(kept).scalars().all()) == [second["listing_id"]]
    assert first["listing_id"] != second["listing_id"]


def test_holders_are_told_what_a_later_release_changes(either_shop: Shop) -> None:
    shop = either_shop
    holder = a_participant(shop.market, "app_developer", funds_fen=10**8)
    first = shop.listed(a_release(shop.folder, "zone_hours", 2))
    buy(shop, holder, first)
    changes = (put("contract/columns/3/unit", "trips"), put("quality/scores/accuracy", 0.9), priced_at(90_000))
    release = a_release(shop.folder, "zone_hours", 3, *changes)
    second = shop.listed(release)
    (notice,) = notices(shop, holder)
    told = notice["told"]
    assert (notice["kind"], told["from_release"], told["to_release"]) == ("change", "zone_hours@2", "zone_hours@3")
    assert told["columns_changed"] == [{"name": "trips", "changed": {"unit": {"before": "trip", "after": "trips"}}}]
    assert told["quality_scores"] == {"accuracy": {"before": 0.97, "after": 0.9}}
    assert told["price_fen"] == {"before": first["price_fen"], "after": second["price_fen"]}
    assert told["price_fen"]["before"] < told["price_fen"]["after"]
    assert notices(shop, shop.buyer) == []


def test_who_holds_it_no_more_is_not_told(shop: Shop) -> None:
    holder = a_participant(shop.market, "app_developer", funds_fen=10**8)
    buy(shop, holder, shop.listed(a_release(shop.folder, "zone_hours", 2)), term_days=30)
    shop.clock.move(days=31)
    list_release(shop.market, shop.seller, a_release(shop.folder, "zone_hours", 3))
    assert notices(shop, renewed(shop.market, holder)) == []


def test_an_earlier_or_the_same_release_does_not_take_the_place(shop: Shop) -> None:
    shop.listed(a_release(shop.folder, "zone_hours", 3))
    for release in ("zone_hours@3", "zone_hours@1"):
        answer = shop.list(release)
        assert answer.json()["code"] == "wrong_state"
        assert answer.json()["detail"].startswith("Release 3 of 'zone_hours' was listed before")


def test_a_component_that_another_lists_is_not_taken_over(shop: Shop) -> None:
    shop.listed("zone_hours@1")
    provider = a_participant(shop.market, "developer", party="City data vault")
    answer = shop.list(a_release(shop.folder, "zone_hours", 2), provider)
    assert answer.json()["code"] == "wrong_state"
    assert "another participant" in answer.json()["detail"]


def test_a_frozen_component_is_not_listed_anew(shop: Shop) -> None:
    listing = shop.listed("zone_hours@1")
    shop.act(shop.regulator, f"/v1/listings/{listing['listing_id']}/freeze", {"reason": "A complaint."})
    answer = shop.list(a_release(shop.folder, "zone_hours", 2))
    assert answer.json()["code"] == "wrong_state"
    assert "frozen by the regulator" in answer.json()["detail"]


def test_two_at_once_list_a_component_once(either_shop: Shop) -> None:
    from concurrent.futures import ThreadPoolExecutor

    shop = either_shop
    releases = ["zone_hours@1", *(a_release(shop.folder, "zone_hours", number) for number in range(2, 6))]
    provider = a_participant(shop.market, "developer", party="City data vault")
    sellers = [shop.seller, provider, shop.seller, provider, shop.seller]

    def listed(given: tuple[str, Participant]) -> str:
        release, seller = given
        try:
            return str(list_release(shop.market, seller, release)["state"])
        except Exception as error:
            return getattr(error, "code", repr(error))

    with ThreadPoolExecutor(5) as threads:
        outcomes = set(threads.map(listed, zip(releases, sellers, strict=True)))
    assert outcomes <= {"listed", "wrong_state"}
    own = listings.c
    states = shop.market.read(lambda c: c.execute(sa.select(own.state)).scalars().all())
    assert states.count("listed") == 1
    assert set(states) <= {"listed", "superseded"}
    shop.market.seal()
    assert shop.market.verify().is_whole


def test_no_name_or_reason_is_in_the_black_box(shop: Shop) -> None:
    from vault.black_box.tables import payloads

    listing = shop.listed("zone_hours@1")
    shop.act(shop.regulator, f"/v1/listings/{listing['listing_id']}/freeze", {"reason": "Mrs Wang complained."})
    told = shop.market.read(lambda c: [str(row) for row in c.execute(sa.select(payloads))])
    assert len(told) >= 4
    assert not any("Wang" in each or shop.seller.registered_name in each for each in told)


def test_a_listing_names_its_participants_by_their_ids_alone(shop: Shop) -> None:
    listing = shop.listed("zone_hours@1")
    assert shop.seller.registered_name not in json.dumps(listing)
