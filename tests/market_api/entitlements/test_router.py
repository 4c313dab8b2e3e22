"""A participant sees its own data account and nobody else's."""

from pathlib import Path

import pytest

from market_api.entitlements.changing import suspend
from tests.market_api.builders import a_participant, served
from tests.market_api.delivery.pulls import DATA, Bought, bought, bought_by, listed, sold

LIST = "/v1/account/entitlements"


@pytest.fixture
def own(tmp_path: Path, pulled_home: Path) -> Bought:
    return bought(tmp_path, pulled_home)


def test_an_entitlement_tells_what_it_permits_and_what_is_left(own: Bought) -> None:
    client = served(own.market)
    assert client.get(DATA, headers=own.buyer.headers).status_code == 200
    listed(own.market, a_participant(own.market, "developer").participant_id, 2)
    told = client.get(f"/v1/entitlements/{own.entitlement_id}", headers=own.buyer.headers).json()
    assert (told["state"], told["pulls_used"], told["pulls_left"]) == ("active", 1, 2)
    assert told["releases"] == ["zone_hours@1", "zone_hours@2"]
    assert [(each["release"], each["channel"]) for each in told["pulls"]] == [("zone_hours@1", "http")]
    assert told["terms"]["pulls"] == 3 and told["valid_until"].startswith("2027-11-27")


def test_the_state_is_that_of_now_and_tells_its_reason(own: Bought) -> None:
    client, address = served(own.market), f"/v1/entitlements/{own.entitlement_id}"
    own.market.act("market", lambda transaction: suspend(transaction, own.entitlement_id, "under dispute"))
    told = client.get(address, headers=own.buyer.headers).json()
    assert (told["state"], told["reason"]) == ("suspended", "under dispute")
    (shown,) = client.get(LIST, headers=own.buyer.headers).json()["items"]
    assert shown["state"] == "suspended"


def test_entitlements_come_in_pages_in_the_order_in_which_they_were_bought(own: Bought) -> None:
    client, names = served(own.market), [own.entitlement_id]
    for _ in range(4):
        own.clock.move(seconds=1)
        names.append(bought_by(own.market, own.buyer, own.listing_id))
    found, token = [], ""
    while True:
        page = client.get(LIST, params={"pageSize": 2, "pageToken": token}, headers=own.buyer.headers).json()
        found += [each["entitlement_id"] for each in page["items"]]
        if (token := page.get("nextPageToken", "")) == "":
            break
    assert found == names


def test_another_participant_sees_nothing_of_it(own: Bought) -> None:
    client, other = served(own.market), sold(own.market, own.clock, own.listing_id)
    refused = client.get(f"/v1/entitlements/{own.entitlement_id}", headers=other.buyer.headers)
    none = client.get(f"/v1/entitlements/ent_{0:028x}", headers=other.buyer.headers)
    assert refused.status_code == none.status_code == 404
    assert refused.json()["detail"].replace(own.entitlement_id, "") == none.json()["detail"].replace(
        f"ent_{0:028x}", ""
    )
    items = client.get(LIST, headers=other.buyer.headers).json()["items"]
    assert [each["entitlement_id"] for each in items] == [other.entitlement_id]


@pytest.mark.parametrize("name", ["..%2F..%2Fetc", "ent_0", "ENT_" + "0" * 28, "ent_" + "0" * 27 + "'", "%00"])
def test_what_is_no_name_is_refused(own: Bought, name: str) -> None:
    assert served(own.market).get(f"/v1/entitlements/{name}", headers=own.buyer.headers).status_code in (404, 422)


def test_without_a_token_nothing_is_told(own: Bought) -> None:
    assert served(own.market).get(LIST).status_code == 401
