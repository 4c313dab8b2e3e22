"""Price outliers: prices that lie apart from those of comparable trades, or from the guide price P² of their day.

Among comparables: the modified z of the logarithm of the price, z = 0.6745 · (x - median) / MAD, flagged beyond 3.5;
the median moves only where half of the trades are odd. Where more than half of the prices are the same MAD is 0, and
the mean absolute deviation takes its place, z = (x - median) / (1.253314 · MeanAD). What lies within the band that may
be negotiated is no outlier, however alike all others are. Sources: Iglewicz and Hoaglin (1993); models §6 (band).
"""

import math
from collections.abc import Iterator, Sequence
from statistics import fmean, median

from market_api.screens.flags import ClearedTrade, Flag, flag, not_enough
from pricing.money import format_fen

LEAST_TRADES = 8
MOST_Z = 3.5
MAD_SCALE = 0.6745
MEAN_SCALE = 1.253314
MOST_RATIO = 2.0
BAND_RATIO = 1.15 / 0.85
"""Between the ends of the band that is negotiated in, (1 + δ) / (1 - δ) with δ = 0.15."""
ROUNDING = 1e-9
"""Of logarithms: a spread below it is none."""


def price_outliers(trades: Sequence[ClearedTrade]) -> Iterator[Flag]:
    """Trades whose price lies apart from those of their comparable group; a group of few says so.

    What is free of charge is not compared.
    """
    groups: dict[str, list[ClearedTrade]] = {}
    for trade in trades:
        if trade.price_fen:
            groups.setdefault(trade.comparable_group, []).append(trade)
    for name, group in sorted(groups.items()):
        if len(group) < LEAST_TRADES:
            yield not_enough((name,), len(group), LEAST_TRADES, f"Prices in {name}")
        else:
            yield from _outliers(name, group)


def off_guide(trades: Sequence[ClearedTrade], most_ratio: float = MOST_RATIO) -> Iterator[Flag]:
    """Trades at more than twice, or less than half, the guide price of their day. most_ratio: above 1."""
    for trade in sorted(trades, key=lambda each: each.trade_id):
        if not trade.guide_fen or not trade.price_fen:
            continue
        ratio = trade.price_fen / trade.guide_fen
        if max(ratio, 1 / ratio) > most_ratio:
            why = (
                f"Trade {trade.trade_id} closed at {format_fen(trade.price_fen)}, {ratio:.3g} times the guide price "
                f"of {format_fen(trade.guide_fen)}."
            )
            yield flag("off_guide_price", _subjects(trade), max(ratio, 1 / ratio), most_ratio, why)


def robust_z(values: Sequence[float]) -> tuple[float, ...]:
    """The modified z of each value; 0 for all where they do not differ."""
    middle = median(values)
    apart = [abs(value - middle) for value in values]
    spread = median(apart) / MAD_SCALE
    if spread <= ROUNDING:
        spread = fmean(apart) * MEAN_SCALE
    if spread <= ROUNDING:
        return (0.0,) * len(values)
    return tuple((value - middle) / spread for value in values)


def _outliers(name: str, group: Sequence[ClearedTrade]) -> Iterator[Flag]:
    typical_fen = max(1, round(median(trade.price_fen for trade in group)))
    scores = robust_z([math.log(trade.price_fen) for trade in group])
    for trade, z in sorted(zip(group, scores, strict=True), key=lambda pair: pair[0].trade_id):
        if abs(z) > MOST_Z and abs(math.log(trade.price_fen / typical_fen)) > math.log(BAND_RATIO):
            side = "above" if z > 0 else "below"
            why = (
                f"Trade {trade.trade_id} closed at {format_fen(trade.price_fen)}, far {side} the median of "
                f"{format_fen(typical_fen)} of {len(group)} trades in {name}."
            )
            yield flag("price_outlier", _subjects(trade), abs(z), MOST_Z, why)


def _subjects(trade: ClearedTrade) -> tuple[str, ...]:
    return trade.component, trade.seller, trade.buyer
