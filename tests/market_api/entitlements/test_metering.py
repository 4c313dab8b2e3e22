"""A pull is counted once, before it is served, and never more often than was bought."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from market_api.catalogue.tables import listings
from market_api.entitlements.changing import revoke
from market_api.entitlements.metering import DELIVERY_LIFE, Delivery, deliver
from market_api.entitlements.tables import deliveries
from market_api.problems import Problem
from tests.market_api.delivery.pulls import TERMS, Bought, bought, deliveries_of, moved, pulls_used
from tests.market_api.delivery.releases import NAME
from vault.black_box.tables import payloads

COPY = "c" * 64
THREADS = 20


def delivered(of: Bought, number: int = 1) -> Delivery:
    return of.market.act(
        of.buyer.participant_id,
        lambda transaction: deliver(transaction, of.entitlement_id, number, COPY, "http"),
    )


def refused(of: Bought, number: int = 1) -> str:
    with pytest.raises(Problem) as caught:
        delivered(of, number)
    return str(caught.value.further["cause"])


def with_releases(of: Bought, count: int) -> None:
    """As many listed releases of the component; only their listings are asked for when a pull is counted."""
    with of.market.engine.begin() as connection:
        row = dict(connection.execute(sa.select(listings)).mappings().one())
        for number in range(2, count + 1):
            own = {"listing_id": f"lst_{number:028x}", "release_number": number, "release_id": f"{NAME}@{number}"}
            own["state"] = "superseded"
            connection.execute(sa.insert(listings).values({**row, **own}))


def all_at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """What each call gives, or the problem that it raises."""
    gate = threading.Barrier(len(calls))

    def called(call: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return call()
        except Problem as problem:
            return problem

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(called, calls))


@pytest.fixture
def own(tmp_path: Path, pulled_home: Path, database_url: str | None) -> Bought:
    return bought(tmp_path, pulled_home, database_url=database_url)


def test_a_pull_is_counted_and_logged_with_its_copy_and_terms(own: Bought) -> None:
    delivery = delivered(own)
    assert pulls_used(own.market, own.entitlement_id) == 1
    entries = own.market.read(lambda connection: connection.execute(sa.select(payloads.c.payload)).scalars().all())
    (told,) = [each for each in entries if '"delivery.pull"' in str(each)]
    assert delivery.delivery_id in str(told) and COPY in str(told) and '"pulls_used":1' in str(told)
    assert own.market.seal() and not own.market.verify().problems


def test_within_its_life_a_delivery_is_gone_on_with_and_counted_once(own: Bought) -> None:
    first = delivered(own)
    own.clock.move(seconds=DELIVERY_LIFE.total_seconds() - 1)
    assert delivered(own) == first
    own.clock.move(seconds=1)
    second = delivered(own)
    assert second.delivery_id != first.delivery_id
    assert pulls_used(own.market, own.entitlement_id) == 2 == len(deliveries_of(own.market, own.entitlement_id))


def test_each_release_is_a_pull_of_its_own(own: Bought) -> None:
    with_releases(own, 4)
    assert len({delivered(own, number).delivery_id for number in (1, 2, 3)}) == 3
    assert refused(own, 4) == "pulls_used_up"
    assert delivered(own, 2), "what is under way is not cut off by that"


def test_no_limit_is_no_limit(tmp_path: Path, pulled_home: Path) -> None:
    own = bought(tmp_path, pulled_home, replace(TERMS, pulls=None))
    with_releases(own, 30)
    assert len({delivered(own, number).delivery_id for number in range(1, 31)}) == 30


def test_twenty_who_want_the_last_pull_get_it_once(own: Bought) -> None:
    with_releases(own, THREADS + 2)
    assert delivered(own, 1) and delivered(own, 2)
    calls = [lambda number=number: delivered(own, number) for number in range(3, THREADS + 3)]
    outcomes = all_at_once(calls)
    won = [each for each in outcomes if isinstance(each, Delivery)]
    lost = [each.further["cause"] for each in outcomes if isinstance(each, Problem) and each.code == "not_entitled"]
    assert len(won) == 1 and lost == ["pulls_used_up"] * (THREADS - 1)
    assert pulls_used(own.market, own.entitlement_id) == 3 == len(deliveries_of(own.market, own.entitlement_id))


def test_twenty_who_want_the_same_release_share_one_pull(own: Bought) -> None:
    outcomes = all_at_once([lambda: delivered(own)] * THREADS)
    assert len({each.delivery_id for each in outcomes}) == 1
    assert pulls_used(own.market, own.entitlement_id) == 1


def test_what_was_decided_meanwhile_is_not_counted(own: Bought) -> None:
    moved(own.market, own.listing_id, "freeze", "recalled")
    assert refused(own) == "frozen"
    moved(own.market, own.listing_id, "release")
    own.market.act("market", lambda transaction: revoke(transaction, own.entitlement_id, "mistake"))
    assert refused(own) == "revoked"
    assert pulls_used(own.market, own.entitlement_id) == 0


def test_a_pull_that_cannot_be_logged_is_not_counted(own: Bought, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise sa.exc.OperationalError("insert", {}, OSError("no"))

    monkeypatch.setattr("market_api.log.append_events", fails)
    with pytest.raises((Problem, sa.exc.OperationalError)):
        delivered(own)
    assert pulls_used(own.market, own.entitlement_id) == 0 == len(deliveries_of(own.market, own.entitlement_id))


def test_the_database_itself_counts_no_further_than_was_bought(own: Bought) -> None:
    too_many = sa.text("update entitlements set pulls_used = pulls_max + 1")
    with pytest.raises(sa.exc.IntegrityError), own.market.engine.begin() as connection:
        connection.execute(too_many)


def test_a_delivery_is_never_changed(own: Bought) -> None:
    delivered(own)
    later = sa.update(deliveries).values(ends_at="2099")
    with pytest.raises(sa.exc.DBAPIError), own.market.engine.begin() as connection:
        connection.execute(later)


def test_a_delivery_lives_for_an_hour() -> None:
    assert timedelta(hours=1) == DELIVERY_LIFE
