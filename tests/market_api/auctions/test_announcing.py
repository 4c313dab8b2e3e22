"""Announcing: the rules are fixed and published before the first bid, with the notice that the law asks for."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from market_api.auctions.announcing import withdraw
from market_api.auctions.rules import Rules
from market_api.settings import settings_of
from pricing.draw import seed_commitment
from tests.market_api.auctions.lots import CLOSES, OPENS, REVEALED, Sale
from tests.market_api.builders import NOON, a_participant
from tests.market_api.goods import ASKED, EXCLUSIVE, acted, is_proven, lose_clearance, move_listing, refused
from vault.errors import JinkuError

SECOND = timedelta(seconds=1)


def test_the_rules_of_a_lot_stand_from_its_announcement_under_their_hash(sale: Sale) -> None:
    seen = sale.seen(sale.announced())
    rules = Rules.read(seen["rules"])
    assert (rules.reserve_fen, rules.deposit_fen, rules.licences) == (100_000, 10_000, 1)
    assert rules.hash == seen["rules_hash"]
    assert replace(rules, increment_fen=1).hash != rules.hash
    assert (seen["state"], seen["stage_until"]) == ("announced", rules.document()["opens_at"])
    assert is_proven(sale.market)


def test_the_seed_is_committed_to_and_told_after_the_close_alone(sale: Sale) -> None:
    name = sale.announced()
    committed = sale.seen(name)["rules"]["seed_commitment"]
    assert sale.rows("select seed from auctions") == [(None,)]
    sale.close(CLOSES)
    (seed,) = sale.rows("select seed from auctions")[0]
    assert seed_commitment(bytes.fromhex(seed)) == committed


@pytest.mark.parametrize(
    ("form", "changes", "field"),
    [
        ("english", {"opens_at": OPENS - SECOND}, "opens_at"),
        ("english", {"opens_at": NOON + timedelta(days=366)}, "opens_at"),
        ("english", {"closes_at": OPENS}, "closes_at"),
        ("english", {"closes_at": OPENS + timedelta(days=61)}, "closes_at"),
        ("english", {"reveals_until": REVEALED}, "reveals_until"),
        ("sealed_second", {"reveals_until": None}, "reveals_until"),
        ("sealed_second", {"reveals_until": CLOSES}, "reveals_until"),
        ("sealed_second", {"reveals_until": CLOSES + timedelta(days=15)}, "reveals_until"),
        ("english", {"increment_fen": 0}, "increment_fen"),
        ("english", {"increment_fen": -5_000}, "increment_fen"),
        ("english", {"increment_fen": 100_001}, "increment_fen"),
        ("english", {"licences": 2}, "licences"),
        ("sealed_second", {"licences": 2}, "licences"),
        ("sealed_uniform", {"licences": 0}, "licences"),
        ("sealed_uniform", {"licences": 10_001}, "licences"),
        ("sealed_uniform", {"licences": 2, "terms": EXCLUSIVE}, "licences"),
        ("rsop", {"licences": 5}, "licences"),
        ("rsop", {"terms": EXCLUSIVE}, "licences"),
        ("english", {"terms": replace(ASKED, users=11)}, "terms.users"),
        ("english", {"terms": replace(ASKED, purposes=("advertising",))}, "terms.purposes"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_by_its_name(
    sale: Sale, form: str, changes: dict[str, Any], field: str
) -> None:
    assert refused("invalid_request", sale.announced, form, **changes).field == field
    assert sale.rows("select count(*) from auctions") == [(0,)]


def test_only_the_seller_puts_its_listing_up_and_one_lot_at_a_time(sale: Sale) -> None:
    refused("not_permitted", sale.announced, who=a_participant(sale.market, "developer"))
    sale.announced()
    assert "under way" in refused("wrong_state", sale.announced).detail
    sale.close(CLOSES)
    assert sale.announced(opens_at=CLOSES + timedelta(days=7), closes_at=CLOSES + timedelta(days=8))


@pytest.mark.parametrize("regime", ["public_guided", "public_free"])
def test_a_price_that_is_not_the_markets_is_not_auctioned(sale: Sale, regime: str) -> None:
    sale.market.act(
        "market",
        lambda transaction: transaction.connection.exec_driver_sql(f"update listings set regime = '{regime}'"),
    )
    refused("wrong_state", sale.announced)


def test_what_is_frozen_or_not_cleared_is_not_auctioned(sale: Sale) -> None:
    move_listing(sale.market, sale.listing_id, "freeze")
    refused("wrong_state", sale.announced)
    move_listing(sale.market, sale.listing_id, "release")
    lose_clearance(sale.market)
    refused("not_cleared", sale.announced)


def test_the_seller_takes_a_lot_back_until_it_opens_and_nobody_else_does(sale: Sale) -> None:
    name = sale.announced()
    refused("not_found", acted, sale.market, a_participant(sale.market, "developer"), withdraw, name)
    sale.clock.at = OPENS
    refused("wrong_state", acted, sale.market, sale.seller, withdraw, name)
    sale.clock.at = OPENS - SECOND
    acted(sale.market, sale.seller, withdraw, name)
    assert sale.seen(name)["state"] == "cancelled"
    refused("wrong_state", acted, sale.market, sale.seller, withdraw, name)


def test_the_notice_is_seven_days_unless_the_environment_says_fewer(sale: Sale) -> None:
    folder = str(sale.market.settings.folder)
    given = {"JINKU_RELEASES": folder, "JINKU_MARKET_TRUST": folder, "JINKU_MARKET_FOLDER": folder}
    assert settings_of(given).notice_days == 7
    assert settings_of({**given, "JINKU_MARKET_NOTICE_DAYS": "0"}).notice_days == 0
    for wrong in ("-1", "1.5", "soon", "366", "٧"):
        with pytest.raises(JinkuError, match="NOTICE_DAYS"):
            settings_of({**given, "JINKU_MARKET_NOTICE_DAYS": wrong})
