"""What is decided on an entitlement, and its end by time."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from market_api.entitlements.changing import entitlement_of_order, expire_ended, resume, revoke, suspend
from market_api.entitlements.tables import entitlements
from market_api.problems import Problem
from tests.market_api.delivery.pulls import Bought, bought, sold
from vault.black_box.tables import entries


@pytest.fixture
def own(tmp_path: Path, pulled_home: Path, database_url: str | None) -> Bought:
    return bought(tmp_path, pulled_home, database_url=database_url)


def row_of(of: Bought) -> sa.Row[object]:
    query = sa.select(entitlements).where(entitlements.c.entitlement_id == of.entitlement_id)
    return of.market.read(lambda connection: connection.execute(query).one())


def logged(of: Bought) -> int:
    query = sa.select(sa.func.count()).select_from(entries).where(entries.c.subject == of.entitlement_id)
    return of.market.read(lambda connection: connection.execute(query).scalar_one())


def test_a_decision_moves_the_entitlement_and_keeps_its_reason(own: Bought) -> None:
    act, name = own.market.act, own.entitlement_id
    assert act("market", lambda transaction: suspend(transaction, name, "under dispute")) == "suspended"
    assert row_of(own).reason == "under dispute"
    assert act("market", lambda transaction: resume(transaction, name)) == "active"
    assert row_of(own).reason is None
    assert act("market", lambda transaction: revoke(transaction, name, "upheld")) == "revoked"
    assert logged(own) == 4, "its beginning and three decisions"


def test_what_was_revoked_stays_revoked(own: Bought) -> None:
    own.market.act("market", lambda transaction: revoke(transaction, own.entitlement_id, "upheld"))
    with pytest.raises(Problem, match="wrong_state"):
        own.market.act("market", lambda transaction: resume(transaction, own.entitlement_id))


def test_an_entitlement_that_is_not_there_cannot_be_decided_on(own: Bought) -> None:
    with pytest.raises(Problem, match="not_found"):
        own.market.act("market", lambda transaction: suspend(transaction, f"ent_{0:028x}", "mistake"))


def test_an_order_names_its_entitlement(own: Bought) -> None:
    order_id = row_of(own).order_id
    found = own.market.read(lambda connection: entitlement_of_order(connection, order_id))
    assert found is not None and found.entitlement_id == own.entitlement_id
    assert own.market.read(lambda connection: entitlement_of_order(connection, f"ord_{0:028x}")) is None


def test_entitlements_expire_when_their_term_is_over_and_not_before(own: Bought) -> None:
    other = sold(own.market, own.clock, own.listing_id)
    own.market.act("market", lambda transaction: suspend(transaction, other.entitlement_id, "under dispute"))
    own.clock.move(days=364)
    expire_ended(own.market)
    assert (row_of(own).state, row_of(other).state) == ("active", "suspended")
    own.clock.move(days=1)
    expire_ended(own.market)
    expire_ended(own.market)
    assert (row_of(own).state, row_of(other).state) == ("expired", "expired")
    assert logged(own) == 2, "an entitlement ends once"
