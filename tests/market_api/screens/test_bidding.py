"""Winners who take turns and bids for show are flagged; luck, strength and short series are not."""

import random
from collections.abc import Mapping

import pytest

from market_api.screens.bidding import lower_tail, rotation, suppressed_variance
from tests.market_api.screens.patterns import auction, honest_auctions, kinds


def won_by(number: int, winner: int, bidders: int = 3, spread_fen: int = 40_000) -> Mapping[str, int]:
    """Bids of which one wins clearly, the others well apart."""
    return {f"app_{each}": 400_000 if each == winner else 200_000 + spread_fen * each for each in range(bidders)}


@pytest.mark.parametrize("seed", range(10))
def test_honest_auctions_are_not_flagged(seed: int) -> None:
    auctions = honest_auctions(seed)
    assert [*rotation(auctions), *suppressed_variance(auctions)] == []


def test_chance_flags_few_honest_series() -> None:
    flagged = sum("bid_rotation" in kinds(list(rotation(honest_auctions(seed)))) for seed in range(100, 400))
    assert flagged <= 9, "of 300 at a chance of 1 % each; more than 9 come in about 1 of 1000 such tests"


@pytest.mark.parametrize(("bidders", "count"), [(2, 8), (3, 13), (4, 18)])
def test_winners_in_turns_are_flagged_as_soon_as_it_can_be_told(bidders: int, count: int) -> None:
    auctions = [auction(f"a{n:02d}", won_by(n, n % bidders, bidders), day=n) for n in range(count)]
    (flag,) = rotation(auctions)
    assert (flag.kind, flag.threshold) == ("bid_rotation", 0.01) and flag.measure <= 0.01
    assert flag.subjects == ("governance", *(f"app_{each}" for each in range(bidders)))
    assert kinds(list(rotation(auctions[:-1]))) == {"not_enough"}


def test_an_outsider_who_comes_by_now_and_then_hides_no_rotation() -> None:
    auctions = [auction(f"a{n:02d}", won_by(n, n % 3), day=n) for n in range(20)]
    auctions += [auction("b0", {**won_by(0, 0), "outsider": 500_000}, day=4.5), auction("b1", {"outsider": 1}, day=9.5)]
    assert kinds(list(rotation(auctions))) == {"bid_rotation"}


def test_the_strongest_who_wins_mostly_is_no_rotation() -> None:
    dice = random.Random(5)
    auctions = [
        auction(f"a{n:02d}", won_by(n, 0 if dice.random() < 0.6 else dice.choice([1, 2])), n) for n in range(40)
    ]
    assert list(rotation(auctions)) == []


def test_a_series_of_one_bidder_or_none_is_left_alone() -> None:
    assert list(rotation([auction(f"a{n}", {"app_0": 300_000}, n) for n in range(20)])) == []
    assert list(rotation([auction("a", {}, winner=None)])) == list(rotation([])) == []


def test_bids_for_show_are_flagged() -> None:
    show = {"app_0": 300_000, "app_1": 290_000, "app_2": 289_500, "app_3": 289_000}
    auctions = [auction(f"a{n}", show, n) for n in range(5)]
    (flag,) = suppressed_variance(auctions)
    assert (flag.kind, flag.measure, flag.threshold) == ("suppressed_variance", 1.0, 0.5)
    assert flag.subjects == ("governance", "app_0", "app_1", "app_2", "app_3")
    assert kinds(list(suppressed_variance(auctions[:4]))) == {"not_enough"}


def test_the_same_bid_by_all_is_flagged_unless_the_reserve_explains_it() -> None:
    same = {"app_0": 300_000, "app_1": 300_000, "app_2": 300_000}
    assert kinds(list(suppressed_variance([auction(f"a{n}", same, n) for n in range(5)]))) == {"suppressed_variance"}
    at_reserve = [auction(f"a{n}", same, n, reserve_fen=300_000) for n in range(5)]
    assert list(suppressed_variance(at_reserve)) == []


def test_close_bids_without_a_gap_are_competition() -> None:
    close = {"app_0": 300_000, "app_1": 297_000, "app_2": 291_000, "app_3": 282_000}
    assert list(suppressed_variance([auction(f"a{n}", close, n) for n in range(6)])) == []


def test_the_tail_of_the_binomial_is_right() -> None:
    assert lower_tail(0, 7, 0.5) == 1 / 128
    assert lower_tail(7, 7, 0.5) == pytest.approx(1)
    assert lower_tail(1, 3, 0.25) == pytest.approx(0.75**3 + 3 * 0.25 * 0.75**2)
