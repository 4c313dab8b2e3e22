"""Other participants' ids at every address that takes one: what one has no part in is not there for him."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from market_api.permissions import ACTS, ROLES
from tests.market_api.faults.addresses import MADE_UP, SHARING, Address, addresses_of
from tests.market_api.faults.asking import ask, log_size, refusal_of
from tests.market_api.faults.busy import Busy

FOR_ALL_OF_A_ROLE = frozenset({"operate", "regulate", "evaluate"})
"""Scopes whose holders are there for everybody's things."""

SHOWN_TO_EVERYBODY = frozenset(
    {
        "GET /v1/auctions/{auction_id}",
        "GET /v1/auctions/{auction_id}/entry",
        "GET /v1/auctions/{auction_id}/record",
        "POST /v1/auctions/{auction_id}/bids",
        "POST /v1/auctions/{auction_id}/commitments",
        "POST /v1/auctions/{auction_id}/reveal",
    }
)
"""An auction is public: whoever may bid sees its rules and his own part, and nobody else's."""

CATALOGUE = ("/v1/components/{component}",)
OWN_DATA = ("/v1/components/{component}/data",)
NO_IDS = frozenset({*SHARING, "index", "token"})
IN_BODIES = frozenset({"order_id", "entitlement_id", "negotiation_id", "dispute_id", "payout_id", "credential_id"})


def owned(client: TestClient) -> Iterator[tuple[Address, str]]:
    """The addresses that take the name of something that is not everybody's, and that name."""
    for address in addresses_of(client.app):  # type: ignore[arg-type]
        example = address.example if isinstance(address.example, dict) else {}
        named = [name for name in address.names if name not in NO_IDS]
        named += [name for name in example if name in IN_BODIES]
        is_public = str(address) in SHOWN_TO_EVERYBODY
        is_catalogue = address.path.startswith(CATALOGUE) and address.path not in OWN_DATA
        if named and not is_public and not is_catalogue:
            yield address, named[0]


def test_every_id_in_an_address_is_known_to_these_tests(busy: Busy, client: TestClient) -> None:
    known = set(busy.ids) | NO_IDS
    assert {name for each in addresses_of(client.app) for name in each.names} <= known  # type: ignore[arg-type]
    assert len(list(owned(client))) >= 40


@pytest.mark.parametrize("role", sorted(ROLES))
def test_whoever_has_no_part_in_it_is_told_that_it_is_not_there(busy: Busy, client: TestClient, role: str) -> None:
    stranger, before, tried = busy.strangers[role], log_size(busy.market), 0
    for address, name in owned(client):
        act = ACTS[address.act or ""]
        if role in act.roles and act.scope in FOR_ALL_OF_A_ROLE:
            continue
        theirs = busy.ids[name]
        nobodys = "no_such_component" if name == "component" else f"{theirs.partition('_')[0]}_{MADE_UP}"
        found = ask(client, address, stranger, busy.ids)
        made_up = ask(client, address, stranger, {**busy.ids, name: nobodys})
        wanted = 404 if role in act.roles else 403
        assert found.status_code == wanted, (str(address), found.text)
        assert refusal_of(found, theirs) == refusal_of(made_up, nobodys), str(address)
        tried += 1
    assert tried >= 15
    assert log_size(busy.market) == before


@pytest.mark.parametrize("role", sorted(ROLES))
def test_lists_of_ones_own_hold_nothing_of_others(busy: Busy, client: TestClient, role: str) -> None:
    stranger = busy.strangers[role]
    for address in addresses_of(client.app):  # type: ignore[arg-type]
        is_own = address.act and ACTS[address.act].scope not in FOR_ALL_OF_A_ROLE and role in address.roles
        if address.method == "GET" and not address.names and is_own:
            answer = client.get(address.path, headers=stranger.headers)
            assert answer.status_code == 200, (str(address), answer.text)
            for name in set(busy.ids) - {"auction_id", "listing_id", "component", "terms_hash"}:
                assert busy.ids[name] not in answer.text, (str(address), name)


def test_a_share_shows_the_tables_of_ones_own_entitlements_alone(busy: Busy, client: TestClient) -> None:
    buyer, stranger = busy.parties["app_developer"], busy.strangers["app_developer"]
    tables = "/delta-sharing/shares/jinku/all-tables"
    assert [each["name"] for each in client.get(tables, headers=buyer.headers).json()["items"]] == ["zone_hours"]
    assert client.get(tables, headers=stranger.headers).json()["items"] == []
    table = "/delta-sharing/shares/jinku/schemas/components/tables"
    for method, path in (("GET", "version"), ("GET", "metadata"), ("POST", "query")):
        theirs = client.request(method, f"{table}/zone_hours/{path}", headers=stranger.headers)
        nobodys = client.request(method, f"{table}/no_such/{path}", headers=stranger.headers)
        assert theirs.status_code == 404 and refusal_of(theirs) == refusal_of(nobodys)


def test_without_a_token_or_with_that_of_nobody_every_address_but_the_open_ones_is_closed(
    busy: Busy, client: TestClient
) -> None:
    before = log_size(busy.market)
    for address in addresses_of(client.app):  # type: ignore[arg-type]
        if address.act is not None:
            for headers in ({}, {"Authorization": "Bearer none"}, {"Authorization": "Basic cGFyOng="}):
                answer = ask(client, address, None, busy.ids, {"Idempotency-Key": "nobody-0001", **headers})
                assert answer.status_code == 401, (str(address), answer.text)
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert log_size(busy.market) == before
