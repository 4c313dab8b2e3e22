"""Sealed bids: committed to and revealed, forfeited where they are not, and told to nobody before the close."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from market_api.auctions.outcome import commitment_of
from market_api.fields import FEN_MAX
from tests.market_api.auctions.lots import (
    CLOSES,
    DEPOSIT_FEN,
    FUNDS_FEN,
    NONCE,
    OPENS,
    REVEALED,
    Sale,
    a_sale,
    free,
)
from tests.market_api.goods import is_proven, refused

MOMENT = timedelta(microseconds=1)


def test_the_second_price_is_paid_and_the_loser_gets_its_deposit_back(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    name = sale.opened("sealed_second")
    sale.sealed(name, {"ada": 150_000, "bo": 130_000})
    sale.close()
    assert sale.awards(name) == {"ada": 130_000}
    assert (sale.deposit(name, "ada"), sale.deposit(name, "bo")) == ("held", "returned")
    sale.pay(name, "ada")
    assert sale.funds_fen(sale.bidder("ada")) == free(FUNDS_FEN - 130_000)
    assert sale.funds_fen(sale.bidder("bo")) == free(FUNDS_FEN)
    assert is_proven(sale.market)


def test_the_first_price_is_the_own_bid_and_a_uniform_one_the_best_losing(sale: Sale) -> None:
    bids = {"ada": 150_000, "bo": 130_000, "chen": 120_000, "dee": 110_000}
    for form, prices in (
        ("sealed_first", {"ada": 150_000, "bo": 130_000}),
        ("sealed_uniform", {"ada": 120_000, "bo": 120_000}),
    ):
        opens = sale.clock.at + timedelta(days=7)
        times: dict[str, Any] = {name: opens + timedelta(days=day) for name, day in (("opens_at", 0), ("closes_at", 1))}
        name = sale.announced(form, licences=2, **times, reveals_until=opens + timedelta(days=2))
        sale.clock.at = opens
        for who, amount_fen in bids.items():
            sale.commit(name, who, amount_fen)
        sale.clock.at = times["closes_at"]
        for who, amount_fen in bids.items():
            sale.reveal(name, who, amount_fen)
        sale.close(opens + timedelta(days=2))
        assert sale.awards(name) == prices


def test_fewer_bidders_than_licences_pay_the_reserve(sale: Sale) -> None:
    name = sale.opened("sealed_uniform", licences=5)
    sale.sealed(name, {"ada": 150_000, "bo": 130_000})
    sale.close()
    assert sale.awards(name) == {"ada": 100_000, "bo": 100_000}


def test_commitments_end_and_reveals_begin_at_the_close_to_the_microsecond(sale: Sale) -> None:
    name = sale.announced("sealed_second")
    sale.clock.at = OPENS - MOMENT
    refused("wrong_state", sale.commit, name, "ada", 100_000)
    sale.clock.at = CLOSES - MOMENT
    sale.commit(name, "ada", 100_000)
    refused("wrong_state", sale.reveal, name, "ada", 100_000)
    sale.clock.at = CLOSES
    refused("wrong_state", sale.commit, name, "bo", 100_000)
    sale.clock.at = REVEALED
    refused("wrong_state", sale.reveal, name, "ada", 100_000)
    sale.clock.at = REVEALED - MOMENT
    sale.reveal(name, "ada", 100_000)
    sale.close()
    assert sale.seen(name)["state"] == "revealing"
    sale.close(REVEALED)
    assert sale.awards(name) == {"ada": 100_000}


def test_a_bid_that_is_not_revealed_loses_and_its_deposit_is_the_sellers(sale: Sale) -> None:
    name = sale.opened("sealed_second")
    sale.commit(name, "ada", 500_000)
    sale.commit(name, "bo", 120_000)
    sale.clock.at = CLOSES
    sale.reveal(name, "bo", 120_000)
    sale.close(REVEALED)
    assert sale.awards(name) == {"bo": 100_000}
    assert sale.deposit(name, "ada") == "forfeited"
    assert sale.funds_fen(sale.bidder("ada")) == free(FUNDS_FEN - DEPOSIT_FEN)
    assert sale.funds_fen(sale.seller) == free(DEPOSIT_FEN)
    assert is_proven(sale.market)


@pytest.mark.parametrize(
    ("amount_fen", "nonce"), [(155_000, NONCE), (145_000, NONCE), (150_000, NONCE[::-1]), (150_000, NONCE + "00")]
)
def test_what_was_not_committed_to_is_not_revealed_and_what_was_still_can_be(
    sale: Sale, amount_fen: int, nonce: str
) -> None:
    name = sale.opened("sealed_second")
    sale.commit(name, "ada", 150_000)
    sale.clock.at = CLOSES
    refused("bid_refused", sale.reveal, name, "ada", amount_fen, nonce)
    sale.reveal(name, "ada", 150_000)
    assert "before" in refused("bid_refused", sale.reveal, name, "ada", 150_000).detail
    assert sale.rows("select count(*) from auction_reveals") == [(1,)]


def test_a_copied_commitment_opens_for_nobody_but_its_author(sale: Sale) -> None:
    name = sale.opened("sealed_second")
    commitment = sale.commit(name, "ada", 150_000)["commitment"]
    sale.commit_to(name, "eve", commitment)
    sale.clock.at = CLOSES
    sale.reveal(name, "ada", 150_000)
    refused("bid_refused", sale.reveal, name, "eve", 150_000)
    sale.close(REVEALED)
    assert sale.awards(name) == {"ada": 100_000}
    assert sale.deposit(name, "eve") == "forfeited"


def test_a_commitment_of_another_lot_opens_nothing_here(sale: Sale) -> None:
    name = sale.opened("sealed_second")
    bidder = sale.entry(name, "ada")["bidder"]
    sale.commit_to(name, "ada", commitment_of("auc_0000000000000000000000000000", bidder, 150_000, NONCE))
    sale.clock.at = CLOSES
    refused("bid_refused", sale.reveal, name, "ada", 150_000)


@pytest.mark.parametrize("amount_fen", [0, -150_000, 95_000, 100_001, FEN_MAX + 5_000, 10**30])
def test_an_amount_that_no_bid_may_have_is_not_revealed_even_where_it_was_committed_to(
    sale: Sale, amount_fen: int
) -> None:
    name = sale.opened("sealed_second")
    sale.commit(name, "ada", amount_fen)
    sale.clock.at = CLOSES
    refused("bid_refused", sale.reveal, name, "ada", amount_fen)
    sale.close(REVEALED)
    assert sale.seen(name)["awards"] == []
    assert sale.deposit(name, "ada") == "forfeited"


def test_a_sealed_bid_is_neither_changed_nor_doubled(sale: Sale) -> None:
    name = sale.opened("sealed_second")
    sale.commit(name, "ada", 150_000)
    refused("bid_refused", sale.commit, name, "ada", 200_000)
    assert sale.rows("select count(*) from auction_bids") == [(1,)]
    assert sale.funds_fen(sale.bidder("ada")) == free(FUNDS_FEN - DEPOSIT_FEN, DEPOSIT_FEN)


@pytest.mark.parametrize("commitment", ["", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "0" * 63 + "\n"])
def test_what_is_no_commitment_is_not_taken(sale: Sale, commitment: str) -> None:
    name = sale.opened("sealed_second")
    refused("invalid_request", sale.commit_to, name, "ada", commitment)


def test_who_committed_to_nothing_reveals_nothing(sale: Sale) -> None:
    name = sale.opened("sealed_second")
    sale.clock.at = CLOSES
    refused("bid_refused", sale.reveal, name, "ada", 150_000)
    refused("invalid_request", sale.reveal, name, "ada", 150_000, "short")


def test_open_bids_are_not_for_sealed_auctions(sale: Sale) -> None:
    name = sale.opened("sealed_second")
    refused("wrong_state", sale.bid, name, "ada", 100_000)


def test_of_a_sealed_auction_nothing_is_told_before_the_close_also_while_it_is_revealed(sale: Sale) -> None:
    name = sale.announced("sealed_second")
    quiet = sale.seen(name)
    sale.clock.at = OPENS
    sale.commit(name, "ada", 150_000)
    sale.commit(name, "bo", 130_000)
    told = sale.seen(name)
    assert {**told, "state": "", "stage_until": ""} == {**quiet, "state": "", "stage_until": ""}
    sale.clock.at = CLOSES
    sale.reveal(name, "ada", 150_000)
    assert {**sale.seen(name), "state": "", "stage_until": ""} == {**quiet, "state": "", "stage_until": ""}
    assert "150000" not in json.dumps(sale.seen(name)) + json.dumps(sale.entry(name, "bo"))


def test_the_black_box_holds_no_amount_before_the_close(sale: Sale) -> None:
    sealed, payloads = sale.opened("sealed_second"), "select payload from black_box_payloads"
    sale.commit(sealed, "ada", 155_000)
    sale.clock.at = CLOSES
    sale.reveal(sealed, "ada", 155_000)
    told = json.dumps(sale.rows(payloads), default=str)
    assert "auction.bid" in told and "155000" not in told and NONCE not in told
