"""Tokens, retries and pages: what the client does by itself, against a real server and a wire that loses answers."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from market_api.client import Component, Market, MarketError, apply
from market_api.client.connection import Connection
from market_api.client.values import value_of
from tests.market_api.client.places import FUNDS_FEN, NAME, PURPOSES, Lost, Place, a_place


@pytest.fixture(scope="module")
def busy_place(pulled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A market that takes three requests of a client in a second."""
    with a_place(pulled_home, tmp_path_factory.mktemp("busy"), rate_limit="3/second") as found:
        yield found


def test_a_token_that_has_ended_is_renewed(place: Place) -> None:
    market = place.joined().market
    before = market.account()
    place.clock.move(minutes=16)
    assert market.account() == before


def test_a_wrong_secret_is_refused(place: Place) -> None:
    with pytest.raises(MarketError) as caught:
        Market(place.url, place.buyer.participant_id, "wrong").account()
    assert (caught.value.status, caught.value.code) == (401, "invalid_client")


def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_done_twice(place: Place) -> None:
    assert place.listing.state == "listed"
    buyer, wire = place.joined(funds_fen=FUNDS_FEN), Lost("/v1/orders", times=2)
    market = place.again(buyer, wire)
    bought = market.buy(NAME, PURPOSES)
    assert len(wire.sent) == 3 and len({each.headers["Idempotency-Key"] for each in wire.sent}) == 1
    assert [each.order_id for each in buyer.market.orders()] == [bought.order_id]


def test_it_gives_up_after_so_many_attempts(place: Place) -> None:
    wire = Lost("/v1/account", times=9)
    market = place.again(place.buyer, wire, attempts_max=2)
    with pytest.raises(httpx.ReadError):
        market.account()
    assert len(wire.sent) == 2


def test_it_waits_longer_each_time(place: Place) -> None:
    waited: list[float] = []
    wire = Lost("/health", times=9)
    connection = Connection(httpx.Client(base_url=place.url, transport=wire), None, 4, waited.append)
    with pytest.raises(httpx.ReadError):
        connection.get("/health")
    assert waited == [0.4, 0.8, 1.6]


def test_nobody_there_is_said_so(place: Place) -> None:
    http = httpx.Client(base_url="http://127.0.0.1:9")
    with pytest.raises(httpx.ConnectError):
        Connection(http, None, 2, lambda _: None).get("/health")


def test_a_market_that_is_busy_is_asked_again_when_it_says_so(busy_place: Place) -> None:
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        time.sleep(seconds)

    connection = Connection(httpx.Client(base_url=busy_place.url), None, 5, pause)
    form = {"role": "app_developer", "registered_name": "Luwang Navigation", "taxpayer": "general"}
    for number in range(5):
        connection.post("/v1/applications", {**form, "registered_name": f"Luwang {number}"})
    assert waited and min(waited) >= 1.0


def test_a_list_is_read_to_its_last_page(place: Place) -> None:
    names = {place.joined().participant_id for _ in range(3)}
    found = list(place.operator.connection.pages("/v1/participants", pageSize=2))
    assert names <= {each["participant_id"] for each in found} and len(found) > 3
    assert len({each["participant_id"] for each in found}) == len(found)


def test_an_answer_that_is_no_document_is_an_error(place: Place) -> None:
    with pytest.raises(MarketError) as caught:
        place.buyer.market.connection.get("/docs")
    assert caught.value.code == "unknown"


def test_members_that_a_later_market_adds_do_no_harm(place: Place) -> None:
    assert place.listing.state == "listed"
    document = dict(place.buyer.market.component(NAME).document)
    later = {**document, "colour": "blue", "terms": {**document["terms"], "seats": 4}}
    assert value_of(Component, later) == value_of(Component, document)
    del document["release"]
    with pytest.raises(TypeError, match="release"):
        value_of(Component, document)


def test_secrets_are_in_no_text_form(place: Place) -> None:
    applied = apply(place.url, "app_developer", "Secretive Maps")
    assert applied.client_secret and applied.client_secret not in repr(applied)
