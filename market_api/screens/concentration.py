"""Concentration of an application field: who sells, and who buys, how much of it.

HHI = Σ (100 · s_i)², from above 0 to 10,000 points, with s_i the share of the money. Thresholds: above 1,800 points is
highly concentrated (US Merger Guidelines 2023, §2.1); one with half, or three with three quarters, of a market are
presumed to dominate it (反垄断法 2022, art. 24).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from market_api.screens.flags import ClearedTrade, Flag, flag, not_enough

Side = Literal["sellers", "buyers"]

MOST_HHI = 1800.0
MOST_TOP_1 = 0.5
MOST_TOP_3 = 0.75
LEAST_TRADES = 10


@dataclass(frozen=True)
class Concentration:
    """One side of one field. top_1, top_3: shares of the largest one and three; largest: their names, first first."""

    application_field: str
    side: Side
    trades: int
    total_fen: int
    hhi: float
    top_1: float
    top_3: float
    largest: tuple[str, ...]


def concentrations(trades: Sequence[ClearedTrade]) -> tuple[Concentration, ...]:
    """Of every field in which money was paid, by field and side; what is free of charge has no shares."""
    fields = sorted({trade.application_field for trade in trades if trade.price_fen})
    sides: tuple[Side, ...] = ("sellers", "buyers")
    by_field = {name: [trade for trade in trades if trade.application_field == name] for name in fields}
    return tuple(_concentration(name, side, by_field[name]) for name in fields for side in sides)


def concentration_flags(figures: Sequence[Concentration]) -> Iterator[Flag]:
    """Every figure above its threshold; a field with too few trades is said to have too few."""
    for each in figures:
        place = (each.application_field, each.side)
        if each.trades < LEAST_TRADES:
            yield not_enough(place, each.trades, LEAST_TRADES, f"Trades in {each.application_field}")
            continue
        what = f"of what is paid in {each.application_field}, by {each.side}, over {each.trades} trades"
        if each.hhi > MOST_HHI:
            yield flag("concentration", place, each.hhi, MOST_HHI, f"The HHI {what}, is {each.hhi:,.0f} points.")
        if each.top_1 >= MOST_TOP_1:
            yield _share(each, what, 1, each.top_1, MOST_TOP_1)
        if each.top_3 >= MOST_TOP_3:
            yield _share(each, what, 3, each.top_3, MOST_TOP_3)


def _share(each: Concentration, what: str, count: int, share: float, threshold: float) -> Flag:
    largest = each.largest[:count]
    why = f"The largest {len(largest)} have {share:.0%} {what}."
    return flag("concentration", (each.application_field, each.side, *largest), share, threshold, why)


def _concentration(name: str, side: Side, trades: Sequence[ClearedTrade]) -> Concentration:
    paid: dict[str, int] = {}
    for trade in trades:
        participant = trade.seller if side == "sellers" else trade.buyer
        paid[participant] = paid.get(participant, 0) + trade.price_fen
    total = sum(paid.values())
    ranked = sorted(paid, key=lambda participant: (-paid[participant], participant))
    shares = [Fraction(paid[participant], total) for participant in ranked]
    return Concentration(
        application_field=name,
        side=side,
        trades=len(trades),
        total_fen=total,
        hhi=float(sum((100 * share) ** 2 for share in shares)),
        top_1=float(shares[0]),
        top_3=float(sum(shares[:3])),
        largest=tuple(ranked[:3]),
    )
