"""Waivers: one offer outside the band, in one negotiation, within a range and a time, and only where it is needed."""

from datetime import timedelta
from pathlib import Path

import pytest

from market_api.negotiations.waivers import grant_waiver
from tests.market_api.builders import a_participant
from tests.market_api.goods import is_proven, refused
from tests.market_api.negotiations.talks import Talks, talks


@pytest.fixture
def two(released: Path, tmp_path: Path) -> Talks:
    return talks(released, tmp_path)


def waived(two: Talks, name: str, lowest_fen: int = 50_000, highest_fen: int = 84_000, hours: int = 24) -> str:
    regulator = a_participant(two.market, "regulator").participant_id
    granted = two.market.act(
        regulator,
        lambda transaction: grant_waiver(
            transaction, regulator, name, lowest_fen, highest_fen, timedelta(hours=hours), "A trial of public interest"
        ),
    )
    return str(granted["waiver_id"])


def test_a_waiver_lets_one_offer_leave_the_band_and_the_other_party_accept_it(two: Talks) -> None:
    name = two.opened()
    waiver = waived(two, name)
    offered = two.offer(name, two.buyer, 60_000, waiver_id=waiver)
    assert [each["waiver_id"] for each in offered["offers"]] == [waiver]
    agreed = two.accept(name, two.seller, 60_000)
    assert (agreed["state"], agreed["agreed_fen"]) == ("agreed", 60_000)
    assert is_proven(two.market)


def test_a_waiver_serves_one_offer(two: Talks) -> None:
    name = two.opened()
    waiver = waived(two, name)
    two.offer(name, two.buyer, 60_000, waiver_id=waiver)
    two.offer(name, two.seller, 110_000)
    assert "used before" in refused("offer_refused", two.offer, name, two.buyer, 70_000, waiver_id=waiver).detail


def test_a_waiver_covers_its_range_its_time_and_its_negotiation_alone(two: Talks) -> None:
    name, buyer = two.opened(), a_participant(two.market)
    other = two.opened(buyer=buyer)
    waiver = waived(two, name)
    for price_fen in (49_999, 84_001):
        assert "covers" in refused("offer_refused", two.offer, name, two.buyer, price_fen, waiver_id=waiver).detail
    assert "no such waiver" in refused("offer_refused", two.offer, other, buyer, 60_000, waiver_id=waiver).detail
    two.clock.move(hours=24)
    assert "good until" in refused("offer_refused", two.offer, name, two.buyer, 60_000, waiver_id=waiver).detail


def test_a_waiver_is_not_used_up_where_none_is_needed_or_the_offer_fails(two: Talks) -> None:
    name = two.opened()
    waiver = waived(two, name, 50_000, 90_000)
    assert "needs no waiver" in refused("offer_refused", two.offer, name, two.buyer, 90_000, waiver_id=waiver).detail
    refused("offer_refused", two.offer, name, two.buyer, 60_000, waiver_id=waiver, agreed_terms_hash="0" * 64)
    assert two.offer(name, two.buyer, 60_000, waiver_id=waiver)["state"] == "open"


def test_an_invented_waiver_is_none(two: Talks) -> None:
    name = two.opened()
    invented = "wvr_0000000000000000000000000000"
    refused("offer_refused", two.offer, name, two.buyer, 60_000, waiver_id=invented)


def test_what_is_over_or_a_range_that_is_none_is_not_waived(two: Talks) -> None:
    name = two.opened()
    for lowest_fen, highest_fen in ((2, 1), (0, 5), (-5, -1)):
        refused("invalid_request", waived, two, name, lowest_fen, highest_fen)
    two.withdraw(name, two.buyer)
    refused("wrong_state", waived, two, name)
    refused("not_found", waived, two, "neg_0000000000000000000000000000")
