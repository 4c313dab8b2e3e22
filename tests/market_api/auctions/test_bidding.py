"""The English auction: limits, deposits, the soft close and its edges, the last call, and who may not bid."""

import json
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from market_api.fields import FEN_MAX
from market_api.identity.participants import decide
from tests.market_api.auctions.lots import (
    CLOSES,
    DEPOSIT_FEN,
    FUNDS_FEN,
    LAST_CALL,
    OPENS,
    Sale,
    a_sale,
    at_the_last_call,
    free,
)
from tests.market_api.builders import a_participant, suspended
from tests.market_api.goods import a_listing, is_proven, move_listing, refused

MOMENT = timedelta(microseconds=1)
NONE = timedelta(0)


def test_the_house_bids_for_a_limit_and_the_winner_pays_a_step_above_the_best_loser(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    name = sale.opened()
    first = sale.bid(name, "ada", 150_000)
    assert (first["is_leading"], first["price_fen"]) == (True, 100_000)
    second = sale.bid(name, "bo", 120_000)
    assert (second["is_leading"], second["price_fen"]) == (False, 125_000)
    assert sale.seen(name)["least_bid_fen"] == 130_000
    sale.close(CLOSES)
    assert sale.awards(name) == {"ada": 125_000}
    assert sale.pay(name, "ada")["price_fen"] == 125_000
    assert sale.funds_fen(sale.bidder("ada")) == free(FUNDS_FEN - 125_000)
    assert sale.funds_fen(sale.bidder("bo")) == free(FUNDS_FEN)
    assert is_proven(sale.market)


@pytest.mark.parametrize("limit_fen", [0, -5_000, 95_000, 99_999, 100_001, 103_000, FEN_MAX + 5_000, 10**30, -(10**30)])
def test_an_amount_that_no_bid_may_have_is_refused(sale: Sale, limit_fen: int) -> None:
    name = sale.opened()
    refused("bid_refused", sale.bid, name, "ada", limit_fen)
    assert sale.deposit(name, "ada") is None
    assert sale.funds_fen(sale.bidder("ada")) == free(FUNDS_FEN)


def test_a_lot_of_a_suspended_seller_takes_no_bids_until_it_is_reinstated(sale: Sale) -> None:
    name = sale.opened()
    sale.bid(name, "ada", 150_000)
    suspended(sale.market, sale.seller)
    assert refused("wrong_state", sale.bid, name, "bo", 160_000).code == "wrong_state"
    assert refused("wrong_state", sale.bid, name, "ada", 170_000).code == "wrong_state"
    assert sale.deposit(name, "bo") is None
    own = sale.seller.participant_id
    sale.market.act("market", lambda transaction: decide(transaction, own, "reinstate", "unfounded"))
    assert sale.bid(name, "bo", 160_000)["is_leading"]


def test_a_bid_must_beat_the_standing_price_and_the_leader_its_own_limit(sale: Sale) -> None:
    name = sale.opened()
    sale.bid(name, "ada", 150_000)
    sale.bid(name, "bo", 120_000)
    assert refused("bid_refused", sale.bid, name, "chen", 125_000).further["least_fen"] == 130_000
    assert refused("bid_refused", sale.bid, name, "ada", 150_000).further["least_fen"] == 155_000
    assert sale.bid(name, "ada", 155_000)["price_fen"] == 125_000
    assert sale.deposit(name, "chen") is None
    assert sale.bid(name, "chen", FEN_MAX)["price_fen"] == 160_000


def test_of_equal_limits_the_earlier_leads(sale: Sale) -> None:
    name = sale.opened()
    sale.bid(name, "ada", 150_000)
    assert sale.bid(name, "bo", 150_000)["is_leading"] is False
    sale.close(CLOSES)
    assert sale.awards(name) == {"ada": 150_000}


def test_no_bid_is_taken_before_the_opening_or_from_the_close_on(sale: Sale) -> None:
    name = sale.announced()
    sale.clock.at = OPENS - MOMENT
    assert "not open yet" in refused("wrong_state", sale.bid, name, "ada", 100_000, NONE).detail
    sale.clock.at = OPENS
    assert sale.bid(name, "ada", 100_000, NONE)["is_leading"]
    sale.clock.at = CLOSES
    assert "about to be closed" in refused("wrong_state", sale.bid, name, "bo", 200_000, NONE).detail
    sale.close()
    assert "closed" in refused("wrong_state", sale.bid, name, "bo", 200_000, NONE).detail
    assert sale.awards(name) == {"ada": 100_000}


def test_a_bid_in_the_last_five_minutes_moves_the_end_to_five_minutes_after_it(sale: Sale) -> None:
    name = sale.opened()
    sale.clock.at = CLOSES - timedelta(minutes=5) - MOMENT
    assert sale.bid(name, "ada", 100_000, NONE)["stage_until"].startswith("2026-12-05T12:00:00.000000")
    sale.clock.at = CLOSES - MOMENT
    assert sale.bid(name, "bo", 110_000, NONE)["stage_until"].startswith("2026-12-05T12:04:59.999999")
    sale.close(CLOSES)
    assert sale.seen(name)["state"] == "open"
    assert sale.bid(name, "ada", 120_000, NONE)["stage_until"].startswith("2026-12-05T12:05:00")
    sale.close(CLOSES + timedelta(minutes=5) - MOMENT)
    assert sale.seen(name)["state"] == "open"
    sale.close(CLOSES + timedelta(minutes=5))
    assert sale.awards(name) == {"ada": 115_000}


def test_after_24_extensions_a_sealed_last_call_decides(sale: Sale) -> None:
    name = at_the_last_call(sale)
    assert sale.seen(name)["price_fen"] == 225_000
    call = sale.bid(name, "bo", 300_000)
    assert "is_leading" not in call and "price_fen" not in call
    sale.bid(name, "ada", 260_000)
    assert sale.seen(name)["price_fen"] == 225_000
    assert sale.entry(name, "bo")["is_leading"] is None
    sale.close()
    assert sale.seen(name)["state"] == "last_call"
    sale.clock.at += LAST_CALL
    refused("wrong_state", sale.bid, name, "ada", 500_000)
    sale.close()
    assert sale.awards(name) == {"bo": 265_000}
    assert is_proven(sale.market)


def test_the_last_call_is_one_bid_of_each_who_bid_before(sale: Sale) -> None:
    name = at_the_last_call(sale)
    assert "bid before" in refused("bid_refused", sale.bid, name, "chen", 300_000).detail
    assert sale.deposit(name, "chen") is None
    refused("bid_refused", sale.bid, name, "bo", 225_000)
    sale.bid(name, "bo", 230_000)
    assert "stands" in refused("bid_refused", sale.bid, name, "bo", 300_000).detail
    assert refused("bid_refused", sale.bid, name, "ada", 225_000).further["least_fen"] == 230_000
    sale.clock.at += LAST_CALL
    sale.close()
    assert sale.awards(name) == {"bo": 230_000}


def test_a_last_call_that_nobody_answers_leaves_the_leader(sale: Sale) -> None:
    name = at_the_last_call(sale)
    sale.clock.at += LAST_CALL
    sale.close()
    assert sale.awards(name) == {"ada": 225_000}


def test_the_deposit_is_taken_once_and_without_it_there_is_no_bid(sale: Sale) -> None:
    name = sale.opened()
    poor = sale.bidder("poor", funds_fen=DEPOSIT_FEN - 1)
    assert refused("funds_missing", sale.bid, name, "poor", 100_000).further["missing_fen"] == 1
    assert sale.funds_fen(poor) == free(DEPOSIT_FEN - 1)
    for limit_fen in (100_000, 110_000, 120_000):
        sale.bid(name, "ada", limit_fen)
    assert sale.funds_fen(sale.bidder("ada")) == free(FUNDS_FEN - DEPOSIT_FEN, DEPOSIT_FEN)
    assert sale.rows("select count(*) from auction_bids") == [(3,)]


def test_the_seller_its_sharers_and_who_belongs_to_them_may_not_bid(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    market = sale.market
    owned: dict[str, Any] = {"funds_fen": FUNDS_FEN, "owner_registration": "91110000MA01"}
    provider = a_participant(market, "provider", **owned)
    sharer = a_participant(market, "developer", funds_fen=FUNDS_FEN)
    shares = [[sale.seller.participant_id, "1/2"], [provider.participant_id, "1/4"], [sharer.participant_id, "1/4"]]
    market.act(
        "market",
        lambda transaction: transaction.connection.exec_driver_sql(
            "update listings set shares = ?", (json.dumps(shares),)
        ),
    )
    assert sum(Fraction(share) for _, share in shares) == 1
    name = sale.opened()
    sale.bidders = {"seller": sale.seller, "sharer": sharer, "sister": a_participant(market, **owned)}
    for who in ("seller", "sharer", "sister"):
        refused("not_permitted", sale.bid, name, who, 100_000)
    assert sale.bid(name, "ada", 100_000)["is_leading"]


def test_of_participants_of_one_owner_the_first_bids(sale: Sale) -> None:
    name = sale.opened()
    for who in ("ada", "ada too"):
        sale.bidder(who, owner_registration="91110000MA02")
    sale.bid(name, "ada", 100_000)
    refused("not_permitted", sale.bid, name, "ada too", 150_000)
    assert sale.bid(name, "bo", 150_000)["is_leading"]


def test_a_frozen_listing_takes_no_bids(sale: Sale) -> None:
    name = sale.opened()
    move_listing(sale.market, sale.listing_id, "freeze")
    refused("wrong_state", sale.bid, name, "ada", 100_000)


def test_commitments_are_for_sealed_auctions_and_limits_for_open_ones(sale: Sale) -> None:
    name = sale.opened()
    refused("wrong_state", sale.commit, name, "ada", 100_000)
    refused("wrong_state", sale.reveal, name, "ada", 100_000)
    refused("not_found", sale.bid, "auc_0000000000000000000000000000", "ada", 100_000)


def test_a_clock_that_goes_back_neither_reorders_bids_nor_reopens_what_is_over(sale: Sale) -> None:
    name = sale.opened()
    sale.clock.at = CLOSES - timedelta(minutes=1)
    sale.bid(name, "ada", 100_000, NONE)
    sale.clock.at = OPENS
    sale.bid(name, "bo", 110_000, NONE)
    moments = [row[0] for row in sale.rows("select made_at from auction_bids order by number")]
    assert moments[0] == moments[1]
    sale.close(CLOSES + timedelta(minutes=5))
    sale.clock.at = OPENS
    refused("wrong_state", sale.bid, name, "chen", 200_000)
    assert sale.awards(name) == {"bo": 105_000}


def test_a_bid_is_told_to_nobody_but_its_standing_price(sale: Sale) -> None:
    name = sale.opened()
    sale.bid(name, "ada", 900_000)
    sale.bid(name, "bo", 120_000)
    told = json.dumps(sale.seen(name)) + json.dumps(sale.entry(name, "chen"))
    assert "900000" not in told and "120000" not in told
    for who in ("ada", "bo"):
        assert sale.bidder(who).participant_id not in told
        assert sale.entry(name, who)["bidder"] not in told
    assert sale.seen(name)["price_fen"] == 125_000
    assert [each["amount_fen"] for each in sale.entry(name, "ada")["bids"]] == [900_000]


def test_a_bidder_has_another_name_in_every_auction(sale: Sale) -> None:
    first = sale.announced()
    move_listing(sale.market, sale.listing_id, "retire")
    sale.listing_id = a_listing_again(sale)
    second = sale.announced()
    assert sale.entry(first, "ada")["bidder"] != sale.entry(second, "ada")["bidder"]


def a_listing_again(sale: Sale) -> str:
    sale.market.act(
        "market", lambda transaction: transaction.connection.exec_driver_sql("update listings set release_id = 'old@1'")
    )
    return a_listing(sale.market, sale.seller)
