"""Sealed auctions and the posted price: who wins, what is paid, and why nobody gains by bidding otherwise."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.auction import Outcome, SealedBid, first_price, posted_price, second_price, uniform_price
from pricing.draw import drawn_order, drawn_side
from pricing.sampling_auction import monopoly_price, random_sampling
from tests.pricing.markets import DRAW, SEED, bid_lists, bids, unhurried

Auction = Callable[[Sequence[SealedBid]], Outcome]

RESERVE = 4
SIDE = drawn_side(SEED)
FIRST: Auction = partial(first_price, reserve_fen=RESERVE, order=DRAW)
SECOND: Auction = partial(second_price, reserve_fen=RESERVE, order=DRAW)
UNIFORM: Auction = partial(uniform_price, reserve_fen=RESERVE, order=DRAW, licences=3)
SAMPLING: Auction = partial(random_sampling, reserve_fen=RESERVE, side=SIDE, order=DRAW)
POSTED: Auction = partial(posted_price, price_fen=RESERVE)

every_auction = pytest.mark.parametrize("auction", [FIRST, SECOND, UNIFORM, SAMPLING, POSTED])
sealed_auction = pytest.mark.parametrize("auction", [FIRST, SECOND, UNIFORM, SAMPLING])
truthful_auction = pytest.mark.parametrize("auction", [SECOND, UNIFORM, SAMPLING, POSTED])


@every_auction
@unhurried
@given(entered=bid_lists)
def test_a_winner_pays_from_the_reserve_to_its_own_bid(auction: Auction, entered: list[SealedBid]) -> None:
    amounts = {bid.bid_id: bid.amount_fen for bid in entered}
    for award in auction(entered).awards:
        assert RESERVE <= award.price_fen <= amounts[award.bid_id]


@every_auction
@unhurried
@given(entered=bid_lists)
def test_a_loser_pays_nothing_and_the_rest_is_the_revenue(auction: Auction, entered: list[SealedBid]) -> None:
    outcome = auction(entered)
    payments = {bid.bidder_id: outcome.payment_fen(bid.bidder_id) for bid in entered}
    assert not any(payments[bidder] for bidder in set(payments) - set(outcome.winners))
    assert sum(payments.values()) == outcome.revenue_fen
    assert len(set(outcome.winners)) == len(outcome.winners)


@pytest.mark.parametrize(("auction", "licences"), [(FIRST, 1), (SECOND, 1), (UNIFORM, 3)])
@unhurried
@given(entered=bid_lists)
def test_the_winners_are_the_highest_of_the_eligible(auction: Auction, licences: int, entered: list[SealedBid]) -> None:
    won = set(auction(entered).winners)
    eligible = sorted((bid.amount_fen for bid in entered if bid.amount_fen >= RESERVE), reverse=True)
    winning = sorted((bid.amount_fen for bid in entered if bid.bidder_id in won), reverse=True)
    assert winning == eligible[:licences]


@sealed_auction
@unhurried
@given(entered=bid_lists, order=st.randoms())
def test_the_order_of_arrival_does_not_matter(auction: Auction, entered: list[SealedBid], order: random.Random) -> None:
    shuffled = order.sample(entered, len(entered))
    assert auction(shuffled) == auction(entered)


@truthful_auction
@unhurried
@given(entered=st.lists(st.integers(0, 8), min_size=1, max_size=6).map(lambda amounts: bids(*amounts)))
def test_no_bidder_gains_by_any_other_bid_than_its_value(auction: Auction, entered: list[SealedBid]) -> None:
    for place, honest in enumerate(entered):
        value_fen = honest.amount_fen
        for amount_fen in range(10):
            deviating = [*entered[:place], replace(honest, amount_fen=amount_fen), *entered[place + 1 :]]
            assert gain(auction(deviating), honest.bidder_id, value_fen) <= gain(
                auction(entered), honest.bidder_id, value_fen
            )


def test_in_a_first_price_auction_a_lower_bid_can_gain() -> None:
    honest, lower = FIRST(bids(9, 5)), FIRST(bids(6, 5))
    assert gain(lower, "bidder0", 9) > gain(honest, "bidder0", 9) == 0


@unhurried
@given(bid_lists)
def test_with_one_licence_the_uniform_price_is_the_second(entered: list[SealedBid]) -> None:
    assert SECOND(entered) == uniform_price(entered, RESERVE, DRAW, 1)


def test_prices_follow_the_best_losing_bid_or_the_reserve() -> None:
    assert uniform_price(bids(70, 65, 60, 55), 50, DRAW, 2).awards[0].price_fen == 60
    assert uniform_price(bids(70, 65, 40), 50, DRAW, 2).awards[1].price_fen == 50
    assert uniform_price(bids(70), 50, DRAW, 2).winners == ("bidder0",)
    assert first_price(bids(70, 65, 60), 50, DRAW, licences=2).revenue_fen == 135
    assert second_price(bids(49), 50, DRAW) == Outcome(())


def test_equal_bids_are_ranked_by_the_draw_and_the_draw_by_the_seed() -> None:
    equal = bids(*([60] * 8))
    drawn = sorted(equal, key=lambda bid: DRAW(bid.bid_id))
    assert uniform_price(equal, 50, DRAW, 3).winners == tuple(bid.bidder_id for bid in drawn[:3])
    firsts = {uniform_price(equal, 50, drawn_order(bytes([seed])), 1).winners for seed in range(1, 60)}
    assert len(firsts) == 8, "every bidder can be the first"


def test_at_a_posted_price_all_who_would_pay_it_buy() -> None:
    takers = bids(60, 49, 50, 70)
    assert posted_price(takers, 50).winners == ("bidder0", "bidder2", "bidder3")
    assert posted_price(takers, 50, licences=2).winners == ("bidder0", "bidder2"), "first come, first served"
    assert posted_price(takers, 50).revenue_fen == 150


def test_the_monopoly_price_earns_the_most_and_of_equal_revenues_is_the_lowest() -> None:
    assert monopoly_price([10, 9, 8, 1]) == 8
    assert monopoly_price([6, 3]) == 3
    assert monopoly_price([6, 3], reserve_fen=4) == 6
    assert monopoly_price([3, 2], reserve_fen=4) is None


@unhurried
@given(st.lists(st.integers(0, 50), min_size=1, max_size=12), st.integers(0, 50))
def test_no_other_price_earns_more_than_the_monopoly_price(amounts: list[int], reserve_fen: int) -> None:
    def revenue(price_fen: int) -> int:
        return price_fen * sum(amount >= price_fen for amount in amounts)

    price_fen = monopoly_price(amounts, reserve_fen)
    if price_fen is None:
        assert max(amounts) < reserve_fen
    else:
        assert revenue(price_fen) == max(revenue(other) for other in amounts if other >= reserve_fen)


def test_each_side_is_offered_the_monopoly_price_of_the_other() -> None:
    sides = {"bidder0": 0, "bidder1": 0, "bidder2": 1, "bidder3": 1}
    outcome = random_sampling(bids(10, 6, 9, 5), 1, sides.__getitem__, DRAW)
    assert {award.bidder_id: award.price_fen for award in outcome.awards} == {"bidder0": 5, "bidder1": 5, "bidder2": 6}


def test_a_side_without_anyone_leaves_the_reserve_to_the_other() -> None:
    outcome = random_sampling(bids(10, 6), 5, lambda _: 0, DRAW)
    assert [award.price_fen for award in outcome.awards] == [5, 5]


@unhurried
@given(bid_lists)
def test_the_sides_are_the_parity_of_the_drawn_number(entered: list[SealedBid]) -> None:
    sides = {bid.bidder_id: int(drawn_order(SEED)(bid.bidder_id).hex(), 16) % 2 for bid in entered}
    assert random_sampling(entered, RESERVE, sides.__getitem__, DRAW) == SAMPLING(entered)


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="amount_fen must be a whole number of fen, 0 or more"):
        SealedBid("bid", "bidder", -1)
    with pytest.raises(ValueError, match="amount_fen must be a whole number of fen"):
        SealedBid("bid", "bidder", float("nan"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="reserve_fen must be a whole number of fen"):
        second_price(bids(1), -1, DRAW)
    with pytest.raises(ValueError, match="bidder_id comes twice"):
        second_price([SealedBid("one", "same", 1), SealedBid("two", "same", 2)], 0, DRAW)
    with pytest.raises(ValueError, match="bid_id comes twice"):
        second_price([SealedBid("same", "one", 1), SealedBid("same", "two", 2)], 0, DRAW)
    with pytest.raises(ValueError, match="a side must be 0 or 1"):
        random_sampling(bids(1), 0, lambda _: 2, DRAW)
    with pytest.raises(ValueError, match="amount must be a whole number of fen"):
        monopoly_price([-1])
    for sold in (
        lambda: first_price(bids(1), 0, DRAW, licences=0),
        lambda: uniform_price(bids(1), 0, DRAW, licences=0),
        lambda: posted_price(bids(1), 0, licences=0),
    ):
        with pytest.raises(ValueError, match="licences must be 1 or more"):
            sold()


def gain(outcome: Outcome, bidder_id: str, value_fen: int) -> int:
    """What a bidder who values a licence so has of the outcome."""
    return value_fen - outcome.payment_fen(bidder_id) if bidder_id in outcome.winners else 0
