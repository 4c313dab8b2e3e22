"""Wash trades: sales that move no data to anybody who wants it, made to show a price or a volume.

Three patterns: the same component sold forth and back; sales to the same buyer again and again that are never pulled;
money that comes back to where it started through others. Each has honest causes too.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from market_api.screens.flags import ClearedTrade, Flag, flag, named

WINDOW = timedelta(days=90)
"""Within which trades belong together: a quarter, over which prices of an epoch are made."""
GRACE = timedelta(days=14)
"""After a sale, in which nobody needs to have pulled yet."""
LEAST_UNPULLED = 3
LEAST_UNPULLED_SHARE = Fraction(1, 2)
LEAST_CIRCLE = 3
LEAST_CIRCULAR_SHARE = Fraction(1, 2)
"""Of all that the members of a circle paid: where many trade with many, some payments meet by chance."""
TOLERANCE = Fraction(1, 5)
"""By how much of the first amount the later ones of a circle may differ: fee and tax are taken on the way."""


def round_trips(trades: Sequence[ClearedTrade], window: timedelta = WINDOW) -> Iterator[Flag]:
    """A sells a component to B, and B sells that component to A, within the window."""
    groups: dict[tuple[str, str, str], list[ClearedTrade]] = {}
    for trade in sorted(trades, key=_by_time):
        one, other = sorted((trade.seller, trade.buyer))
        if one != other:
            groups.setdefault((trade.component, one, other), []).append(trade)
    for (component, one, other), found in sorted(groups.items()):
        turns = [
            (earlier, later)
            for earlier, later in pairwise(found)
            if earlier.seller == later.buyer and later.closed_at - earlier.closed_at <= window
        ]
        if turns:
            turned = {trade for turn in turns for trade in turn}
            why = f"{component} went forth and back {len(turns)} times between {one} and {other}: {named(turned)}."
            yield flag("round_trip", (one, other, component), len(turns), 1, why)


def unpulled_repeats(trades: Sequence[ClearedTrade], as_of: datetime, grace: timedelta = GRACE) -> Iterator[Flag]:
    """The same seller sells to the same buyer three times or more, and half of it or more is never pulled.

    as_of: until when pulls were counted. Raises ValueError for a time without a zone.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    groups: dict[tuple[str, str], list[ClearedTrade]] = {}
    for trade in trades:
        if trade.closed_at <= as_of - grace:
            groups.setdefault((trade.seller, trade.buyer), []).append(trade)
    for (seller, buyer), found in sorted(groups.items()):
        unpulled = [trade for trade in found if trade.pulls == 0]
        if len(unpulled) >= LEAST_UNPULLED and len(unpulled) >= LEAST_UNPULLED_SHARE * len(found):
            days = grace.days
            why = (
                f"{buyer} bought {len(found)} times from {seller} and never pulled {len(unpulled)} of it, {days} days "
                f"and more after the sale: {named(unpulled)}."
            )
            yield flag("unpulled_repeats", (seller, buyer), len(unpulled), LEAST_UNPULLED, why)


def circular_flows(
    trades: Sequence[ClearedTrade], window: timedelta = WINDOW, tolerance: Fraction = TOLERANCE
) -> Iterator[Flag]:
    """Money that goes from buyer to seller through three or more and comes back, one payment after the other.

    All within the window of the first payment, and each within the tolerance of its amount. A set of participants is
    flagged once, where half or more of what its members paid went round. The work grows with the square of the trades
    among those who both buy and sell, no others.
    """
    rounds: dict[frozenset[str], set[tuple[ClearedTrade, ...]]] = {}
    paid = sorted(_core([trade for trade in trades if trade.price_fen]), key=_by_time)
    for position, first in enumerate(paid):
        circle = _circle(first, paid[position + 1 :], window, tolerance)
        if circle:
            rounds.setdefault(frozenset(trade.buyer for trade in circle), set()).add(circle)
    spent_fen = _spent(trades)
    for members, circles in sorted(rounds.items(), key=lambda item: sorted(item[0])):
        found = {trade for circle in circles for trade in circle}
        share = Fraction(sum(trade.price_fen for trade in found), sum(spent_fen[member] for member in members))
        if share >= LEAST_CIRCULAR_SHARE:
            why = (
                f"Payments of about the same amount went round among {', '.join(sorted(members))} within {window.days} "
                f"days, {float(share):.0%} of all that they paid: {named(found)}."
            )
            yield flag("circular_flow", sorted(members), float(share), float(LEAST_CIRCULAR_SHARE), why)


def _spent(trades: Sequence[ClearedTrade]) -> dict[str, int]:
    """What each buyer paid in all, in fen."""
    spent: dict[str, int] = {}
    for trade in trades:
        spent[trade.buyer] = spent.get(trade.buyer, 0) + trade.price_fen
    return spent


def _circle(
    first: ClearedTrade, later: Sequence[ClearedTrade], window: timedelta, tolerance: Fraction
) -> tuple[ClearedTrade, ...]:
    """The first payments by which the money of a trade comes back to its buyer; empty where it does not.

    Whoever was reached early can pay on whatever one who was reached later could, so only the earliest is kept.
    """
    reached: dict[str, tuple[ClearedTrade, ...]] = {first.seller: (first,)}
    for trade in later:
        if trade.closed_at - first.closed_at > window:
            break
        path = reached.get(trade.buyer)
        if path is None or abs(trade.price_fen - first.price_fen) > tolerance * first.price_fen:
            continue
        if trade.seller == first.buyer:
            if len(path) + 1 >= LEAST_CIRCLE:
                return (*path, trade)
        elif trade.seller not in reached:
            reached[trade.seller] = (*path, trade)
    return ()


def _core(trades: Sequence[ClearedTrade]) -> list[ClearedTrade]:
    """The trades that could lie on a circle: those who only buy or only sell are left out, until nobody does."""
    kept = [trade for trade in trades if trade.buyer != trade.seller]
    while True:
        both = {trade.buyer for trade in kept} & {trade.seller for trade in kept}
        fewer = [trade for trade in kept if trade.buyer in both and trade.seller in both]
        if len(fewer) == len(kept):
            return kept
        kept = fewer


def _by_time(trade: ClearedTrade) -> tuple[datetime, str]:
    return trade.closed_at, trade.trade_id
