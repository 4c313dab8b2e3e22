"""What is remembered of an answer is given again while nothing has changed, and to nobody who may not have it now."""

from dataclasses import replace

import pytest

from market_api.catalogue.front import KeptFront
from market_api.identity import credentials
from market_api.market import Market
from market_api.permissions import scopes_of
from market_api.web.rate_limit import RateLimits
from tests.market_api.builders import a_participant, renewed, suspended
from tests.market_api.catalogue.shops import Shop

COMPONENT = "/v1/components/zone_hours"
RELEASE = "zone_hours@1"


@pytest.fixture
def listed(either_shop: Shop) -> Shop:
    """A shop with one listing that its buyer has read twice, so that the answer is remembered."""
    either_shop.listed(RELEASE)
    assert either_shop.told(COMPONENT) == either_shop.told(COMPONENT)
    return either_shop


def long_ways(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of requests that were not answered from what is remembered, from now on."""
    gone: list[str] = []
    way = KeptFront._gone_the_long_way

    async def told(self, key, scope, receive, send):  # type: ignore[no-untyped-def]
        gone.append(scope["path"])
        await way(self, key, scope, receive, send)

    monkeypatch.setattr(KeptFront, "_gone_the_long_way", told)
    return gone


def revoke(market: Market, participant_id: str, credential_id: str) -> None:
    """Revoke a credential, once there is another."""
    fresh = credentials.fresh_secret(market.random_bytes)
    scopes = scopes_of("app_developer")
    market.act(participant_id, lambda transaction: credentials.add(transaction, participant_id, fresh, scopes))
    market.act(participant_id, lambda transaction: credentials.revoke(transaction, participant_id, credential_id))


def test_the_same_request_is_answered_again_with_the_same_bytes(listed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = long_ways(listed, monkeypatch)
    again = listed.get(COMPONENT)
    assert gone == []
    assert again.status_code == 200 and again.json()["release"] == RELEASE
    assert again.headers["X-Request-Id"] and again.headers["ETag"] and again.headers["X-Content-Type-Options"]


def test_a_change_of_the_listing_is_seen_at_once(listed: Shop) -> None:
    listing = listed.told(COMPONENT)
    done = listed.act(listed.regulator, f"/v1/listings/{listing['listing_id']}/freeze", {"reason": "under examination"})
    assert done.status_code == 200, done.text
    assert listed.told(COMPONENT)["state"] == "frozen"


def test_a_suspended_participant_is_cut_off_at_once(listed: Shop) -> None:
    suspended(listed.market, listed.buyer)
    assert listed.get(COMPONENT).status_code == 401


def test_a_revoked_credential_is_cut_off_at_once(listed: Shop) -> None:
    revoke(listed.market, listed.buyer.participant_id, listed.buyer.credential_id)
    assert listed.get(COMPONENT).status_code == 401


def test_a_token_is_good_until_it_expires_and_no_longer(listed: Shop) -> None:
    listed.clock.move(minutes=14)
    assert listed.get(COMPONENT).status_code == 200
    listed.clock.move(minutes=3)
    assert listed.get(COMPONENT).status_code == 401


def test_after_ten_minutes_the_long_way_is_gone_again(listed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = long_ways(listed, monkeypatch)
    listed.clock.move(minutes=11)
    assert listed.get(COMPONENT).status_code == 200
    assert gone == [COMPONENT]


def test_another_clients_answer_is_not_given(listed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = long_ways(listed, monkeypatch)
    other = a_participant(listed.market)
    assert listed.get(COMPONENT, other).status_code == 200
    assert gone == [COMPONENT]
    assert listed.get(COMPONENT, replace(other, token=other.token[:-2] + "xx")).status_code == 401
    assert listed.client.get(COMPONENT).status_code == 401


def test_a_token_without_the_scope_gets_nothing(listed: Shop) -> None:
    without = a_participant(listed.market, scopes=frozenset({"account"}))
    assert [listed.get(COMPONENT, without).status_code for _ in range(2)] == [403, 403]


def test_what_a_client_has_already_is_not_sent_again(listed: Shop) -> None:
    tag = listed.get(COMPONENT).headers["ETag"]
    answers = [listed.get(COMPONENT, **{"If-None-Match": tag}) for _ in range(2)]
    assert [(each.status_code, each.content) for each in answers] == [(304, b"")] * 2
    assert listed.get(COMPONENT).status_code == 200


def test_a_price_rests_on_the_day_and_is_never_remembered(listed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = long_ways(listed, monkeypatch)
    for _ in range(2):
        assert listed.get(f"{COMPONENT}/price").status_code == 200
    assert gone == [f"{COMPONENT}/price"] * 2


def test_a_renewed_token_is_looked_at_for_itself(listed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    listed.clock.move(minutes=1)
    again = renewed(listed.market, listed.buyer)
    gone = long_ways(listed, monkeypatch)
    assert [listed.get(COMPONENT, again).status_code for _ in range(2)] == [200, 200]
    assert gone == [COMPONENT]


def test_too_many_requests_are_refused_here_too(listed: Shop) -> None:
    listed.client.app.state.limits = RateLimits("5/minute")  # type: ignore[attr-defined]
    statuses = [listed.get(COMPONENT).status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2
