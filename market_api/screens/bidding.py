"""Patterns among the bids of auctions: winners who take turns, and bids that hardly differ.

Rotation: among k who bid regularly, whoever won last wins the next auction, too, in one of k cases where nobody
arranges it, and more often where some are stronger. So what is measured, the lower tail of a binomial distribution with
1/k at the repeats that were seen, is about the chance of so few, or more than it.
Suppressed variance: the coefficient of variation of an auction's bids is 6 % or less, and the winner is further from
the second than the losers are from each other, as where the others bid for show (Imhof, Karagök and Rutz 2018).
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean, stdev

from market_api.screens.flags import Auction, Flag, flag, not_enough

MOST_CHANCE = 0.01
LEAST_ATTENDANCE = 0.5
"""Share of a series' auctions in which one bids who bids regularly."""
MOST_VARIATION = 0.06
MOST_DISTANCE = 1.0
LEAST_BIDS = 3
LEAST_AUCTIONS = 5
LEAST_CONSPICUOUS = 0.5


def rotation(auctions: Sequence[Auction]) -> Iterator[Flag]:
    """Series of auctions whose regular bidders win in turns; a series too short to tell says so."""
    for name, series in _by_series(auctions):
        regular = _regular_bidders(series)
        winners = [each.winner for each in series if each.winner in regular]
        if len(regular) < 2:
            continue
        repeats_share = 1 / len(regular)
        least = 1 + math.ceil(math.log(MOST_CHANCE) / math.log(1 - repeats_share))
        if len(winners) < least:
            yield not_enough((name,), len(winners), least, f"Auctions in {name} won by those who bid regularly")
            continue
        repeats = sum(before == after for before, after in pairwise(winners))
        chance = lower_tail(repeats, len(winners) - 1, repeats_share)
        if chance <= MOST_CHANCE:
            why = (
                f"Of {len(winners)} auctions in {name} among {len(regular)} regular bidders, {repeats} were won by the "
                f"winner before; so few come by chance in {chance:.2g} of cases at most."
            )
            yield flag("bid_rotation", (name, *sorted(regular)), chance, MOST_CHANCE, why)


def suppressed_variance(auctions: Sequence[Auction]) -> Iterator[Flag]:
    """Series in half or more of whose auctions the bids hardly differ, but for the winner's; too few say so."""
    for name, series in _by_series(auctions):
        judged = [each for each in series if len(each.bids) >= LEAST_BIDS]
        if len(judged) < LEAST_AUCTIONS:
            yield not_enough((name,), len(judged), LEAST_AUCTIONS, f"Auctions in {name} with {LEAST_BIDS} bids or more")
            continue
        found = [each for each in judged if _is_conspicuous(each)]
        share = len(found) / len(judged)
        if share >= LEAST_CONSPICUOUS:
            bidders = sorted({bid.bidder for each in found for bid in each.bids})
            why = (
                f"In {len(found)} of {len(judged)} auctions in {name} the bids vary by {MOST_VARIATION:.0%} or less, "
                f"and the losing ones lie closer together than the winner to the second."
            )
            yield flag("suppressed_variance", (name, *bidders), share, LEAST_CONSPICUOUS, why)


def lower_tail(successes: int, trials: int, chance: float) -> float:
    """P(X <= successes) of a binomial distribution."""
    return math.fsum(
        math.comb(trials, count) * chance**count * (1 - chance) ** (trials - count) for count in range(successes + 1)
    )


def _by_series(auctions: Sequence[Auction]) -> list[tuple[str, list[Auction]]]:
    series: dict[str, list[Auction]] = {}
    for auction in sorted(auctions, key=lambda each: (each.closed_at, each.auction_id)):
        series.setdefault(auction.series, []).append(auction)
    return sorted(series.items())


def _regular_bidders(series: Sequence[Auction]) -> frozenset[str]:
    attended: dict[str, int] = {}
    for auction in series:
        for bid in auction.bids:
            attended[bid.bidder] = attended.get(bid.bidder, 0) + 1
    return frozenset(name for name, count in attended.items() if count >= LEAST_ATTENDANCE * len(series))


def _is_conspicuous(auction: Auction) -> bool:
    """Little variation, and the winner apart; or all bids the same, above the reserve that would explain it."""
    first, second, *others = sorted((bid.amount_fen for bid in auction.bids), reverse=True)
    amounts = [first, second, *others]
    mean = fmean(amounts)
    if not mean or stdev(amounts) / mean > MOST_VARIATION:
        return False
    if first == amounts[-1]:
        return first > auction.reserve_fen
    spread = stdev([second, *others])
    return first - second > MOST_DISTANCE * spread
