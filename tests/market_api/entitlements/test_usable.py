"""Which entitlement permits a pull of which release, and why none does."""

from dataclasses import replace
from pathlib import Path

import pytest

from market_api.entitlements.changing import resume, revoke, suspend
from market_api.entitlements.metering import deliver
from market_api.entitlements.usable import Permit, usable
from market_api.problems import Problem
from tests.market_api.builders import a_participant, suspended
from tests.market_api.delivery.pulls import TERMS, Bought, bought, bought_by, listed, moved, sold
from tests.market_api.delivery.releases import NAME


def asked(of: Bought, number: int | None = None, is_pull: bool = True) -> Permit:
    market, holder = of.market, of.buyer.participant_id
    return market.read(
        lambda connection: usable(connection, market.settings, holder, NAME, of.clock(), number, is_pull=is_pull)
    )


def refusal(of: Bought, number: int | None = None) -> Problem:
    with pytest.raises(Problem) as caught:
        asked(of, number)
    return caught.value


def cause(of: Bought, number: int | None = None) -> str:
    return str(refusal(of, number).further["cause"])


def counted(of: Bought, number: int = 1) -> None:
    """Use one pull up."""
    of.market.act(
        of.buyer.participant_id,
        lambda transaction: deliver(transaction, of.entitlement_id, number, "0" * 64, "http"),
    )


@pytest.fixture
def first(tmp_path: Path, pulled_home: Path) -> Bought:
    return bought(tmp_path, pulled_home)


def test_what_was_bought_may_be_pulled(first: Bought) -> None:
    permit = asked(first)
    assert (permit.entitlement_id, permit.release_id, permit.number) == (first.entitlement_id, f"{NAME}@1", 1)
    assert permit.delivery is None


def test_a_participant_without_an_entitlement_is_told_of_none(first: Bought) -> None:
    other = replace(first, buyer=a_participant(first.market))
    assert refusal(other).code == "not_found"
    assert first.buyer.participant_id not in refusal(other).detail


def test_each_decision_refuses_with_its_cause(first: Bought) -> None:
    market, own = first.market, first.entitlement_id
    market.act("market", lambda transaction: suspend(transaction, own, "under dispute"))
    assert cause(first) == "suspended" and "under dispute" in refusal(first).detail
    market.act("market", lambda transaction: resume(transaction, own))
    assert asked(first)
    moved(market, first.listing_id, "freeze", "recalled")
    assert cause(first) == "frozen" and "recalled" in refusal(first).detail
    moved(market, first.listing_id, "release")
    suspended(market, first.buyer, "fees unpaid")
    assert cause(first) == "participant_not_admitted"
    market.act("market", lambda transaction: revoke(transaction, own, "the dispute was upheld"))
    assert cause(first) == "revoked" and "the dispute was upheld" in refusal(first).detail


def test_an_entitlement_that_is_over_refuses_before_anybody_has_written_it_down(first: Bought) -> None:
    first.clock.move(days=365)
    assert cause(first) == "expired" and "2027-11-27" in refusal(first).detail


def test_used_up_pulls_refuse_but_for_a_delivery_that_is_under_way(tmp_path: Path, pulled_home: Path) -> None:
    own = bought(tmp_path, pulled_home, replace(TERMS, pulls=1))
    counted(own)
    assert asked(own).delivery is not None
    own.clock.move(minutes=60)
    assert cause(own) == "pulls_used_up"
    assert asked(own, is_pull=False).number == 1


def test_without_updates_a_later_release_is_not_included(tmp_path: Path, pulled_home: Path) -> None:
    own = bought(tmp_path, pulled_home, replace(TERMS, updates=False))
    listed(own.market, a_participant(own.market, "developer").participant_id, 2)
    assert asked(own).number == 1
    assert cause(own, 2) == "not_covered" and "included are: 1" in refusal(own, 2).detail


def test_with_updates_the_newest_release_is_the_current_one_and_the_older_stays(first: Bought) -> None:
    seller = a_participant(first.market, "developer")
    assert cause(first, 2) == "not_covered"
    second = listed(first.market, seller.participant_id, 2)
    assert (asked(first).number, asked(first, 1).number, asked(first, 2).number) == (2, 1, 2)
    moved(first.market, second, "freeze", "recalled")
    assert cause(first) == "frozen" and asked(first, 1).number == 1
    moved(first.market, second, "retire", "replaced")
    assert asked(first).number == 1, "what its seller took off the market is not the current release"


def test_a_later_release_does_not_include_an_earlier_one(first: Bought) -> None:
    second = listed(first.market, a_participant(first.market, "developer").participant_id, 2)
    other = sold(first.market, first.clock, second)
    assert asked(other).number == 2
    assert cause(other, 1) == "not_covered"


def test_of_two_entitlements_the_one_that_ends_first_is_used_first(first: Bought) -> None:
    first.clock.move(seconds=1)
    shorter = bought_by(first.market, first.buyer, first.listing_id, replace(TERMS, term_days=10))
    assert asked(first).entitlement_id == shorter
    counted(first)
    assert asked(first).entitlement_id == first.entitlement_id, "a delivery under way is gone on with"
    first.market.act("market", lambda transaction: revoke(transaction, first.entitlement_id, "mistake"))
    assert asked(first).entitlement_id == shorter
    first.clock.move(days=11)
    assert cause(first) == "expired", "the one bought last tells why"


def altered(path: Path, old: str, new: str) -> None:
    path.chmod(0o644)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_altered_datasheet_is_refused(first: Bought) -> None:
    assert asked(first)
    path = first.market.settings.releases / NAME / "1" / "datasheet.json"
    altered(path, '"provider": "City data vault"', '"provider": "Nobody"')
    assert refusal(first).code == "not_cleared" and "not signed" in refusal(first).detail


def test_a_signature_of_a_key_that_is_no_longer_trusted_is_refused(first: Bought) -> None:
    assert asked(first)
    for path in first.market.settings.trust.rglob("*.pem"):
        path.unlink()
    assert refusal(first).code == "not_cleared"


def test_rights_must_be_in_force_when_it_is_pulled(tmp_path: Path, pulled_home: Path) -> None:
    own = bought(tmp_path, pulled_home, replace(TERMS, term_days=3650))
    own.clock.move(days=365 * 4 + 60)
    assert refusal(own).code == "not_cleared" and "right" in refusal(own).detail


def test_the_release_of_another_component_in_its_place_is_refused(first: Bought) -> None:
    folder = first.market.settings.releases / NAME
    (folder / "1").rename(folder / "9")
    (folder / "2").rename(folder / "1")
    assert refusal(first).code == "not_cleared" and "another release" in refusal(first).detail
    (folder / "1").rename(folder / "2")
    assert refusal(first).code == "not_cleared" and "not there" in refusal(first).detail
