"""The trend of a component's prices and of its value index over its past valuations."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from expectations.drawing import ACCENT, GOOD, LINE, MUTED, WARN, as_svg, canvas, draw_line, draw_text, own_settings
from expectations.pages_format import plural
from orchestration.valuation.figures import figure, money
from pricing.money import FEN_PER_YUAN, round_half_up, yuan_to_fen
from vault.valuations import Valuation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRICES_HEIGHT, INDEX_HEIGHT, DAYS_HEIGHT, GAP_HEIGHT, RIGHT = 132, 84, 24, 34, 236
TREND_LENGTH = 100
"""Valuations that are drawn, the last ones."""
MOST_MARKED = 40
"""Of more valuations than this the points are not marked."""
LABEL_HEIGHT = 15
LARGE_FEN = 10_000_00
"""From here on a price in a chart stands without its fen."""


def prices(trend: Sequence[Valuation]) -> str:
    """P¹, P² and I over the last valuations, oldest first; a line wherever another parameter set came into force.

    Raises ValueError where there is none.
    """
    if not trend:
        raise ValueError("a trend of no valuation")
    shown = trend[-TREND_LENGTH:]
    with own_settings():
        return as_svg(_prices(shown), "prices", _prices_told(shown))


def _prices(trend: Sequence[Valuation]) -> "Figure":
    drawn = canvas(PRICES_HEIGHT + INDEX_HEIGHT + DAYS_HEIGHT + 2 * GAP_HEIGHT)
    index_bottom = DAYS_HEIGHT
    prices_bottom = DAYS_HEIGHT + INDEX_HEIGHT + GAP_HEIGHT
    _draw_changes(drawn, trend)
    negotiated, guided, index = ([found(each) for each in trend] for found in (negotiated_fen, guide_fen, value_index))
    _panel(drawn, {"P¹": (negotiated, ACCENT), "P²": (guided, WARN)}, prices_bottom, PRICES_HEIGHT, money_of)
    _panel(drawn, {"I": (index, GOOD)}, index_bottom, INDEX_HEIGHT, figure)
    first, last = trend[0].valued_at, trend[-1].valued_at
    form = "%Y-%m-%d" if first.date() != last.date() else "%m-%d %H:%M"
    if len(trend) == 1:
        draw_text(drawn, (RIGHT / 2, 8), f"{first:%Y-%m-%d}", MUTED, horizontalalignment="center")
        return drawn
    draw_text(drawn, (0, 8), first.strftime(form), MUTED)
    draw_text(drawn, (RIGHT, 8), last.strftime(form), MUTED, horizontalalignment="right")
    return drawn


def negotiated_fen(valuation: Valuation) -> float:
    """P¹ before the regime, fen."""
    return float(valuation.price["negotiated"]["price_fen"])


def guide_fen(valuation: Valuation) -> float:
    """P² before the regime, fen; no number where there is none."""
    guided = valuation.price["guided"]
    return math.nan if guided is None else float(guided["price_fen"])


def value_index(valuation: Valuation) -> float:
    """I, without unit."""
    return float(valuation.price["valuation"]["value_index"])


def money_of(amount_fen: float) -> str:
    """An amount as a label tells it: fen only where they count."""
    if amount_fen < LARGE_FEN:
        return money(amount_fen)
    return money(yuan_to_fen(round_half_up(amount_fen / FEN_PER_YUAN))).removesuffix(".00")


def _panel(
    drawn: "Figure",
    series: Mapping[str, tuple[list[float], str]],
    bottom: float,
    height: float,
    told: Callable[[float], str],
) -> None:
    """Lines over 0, the highest figure above them, and each one's last figure beside its end."""
    known = [value for values, _ in series.values() for value in values if not math.isnan(value)]
    most = max(known, default=0.0) or 1.0
    for share in (0.0, 1.0):
        level = bottom + share * height
        draw_line(drawn, [(0, level), (RIGHT, level)], LINE, 1.2 if share == 0 else 0.8)
    draw_text(drawn, (0, bottom + height + 9), f"highest {told(max(known, default=0.0))}", MUTED)
    labels = []
    for name, (values, colour) in series.items():
        places = [
            (_along(position, len(values)), bottom + value / most * height) for position, value in enumerate(values)
        ]
        if any(not math.isnan(value) for value in values):
            draw_line(drawn, places, colour, 2, marker="o", markersize=3.5 if len(values) <= MOST_MARKED else 0)
        if not math.isnan(values[-1]):
            labels.append((places[-1][1], f"{name} {told(values[-1])}", colour))
    for level, text, colour in _apart(labels, bottom):
        draw_text(drawn, (RIGHT + 8, level), text, colour, fontweight="bold")


def _apart(labels: Sequence[tuple[float, str, str]], bottom: float) -> Iterator[tuple[float, str, str]]:
    """Labels moved up until none covers another."""
    free = bottom + 4
    for level, text, colour in sorted(labels):
        yield max(level, free), text, colour
        free = max(level, free) + LABEL_HEIGHT


def _along(position: int, count: int) -> float:
    return (position / (count - 1) if count > 1 else 0.5) * (RIGHT - 8) + 4


def _draw_changes(drawn: "Figure", trend: Sequence[Valuation]) -> None:
    """A line before each valuation that came under another parameter set."""
    top = DAYS_HEIGHT + INDEX_HEIGHT + GAP_HEIGHT + PRICES_HEIGHT
    for position in _changes(trend):
        place = (_along(position - 1, len(trend)) + _along(position, len(trend))) / 2
        draw_line(drawn, [(place, DAYS_HEIGHT), (place, top)], MUTED, 1, dashes=(2, 3))


def _changes(trend: Sequence[Valuation]) -> list[int]:
    hashes = [each.price["valuation"]["parameter_hash"] for each in trend]
    return [position for position in range(1, len(hashes)) if hashes[position] != hashes[position - 1]]


def _prices_told(trend: Sequence[Valuation]) -> str:
    negotiated, guided = [negotiated_fen(each) for each in trend], guide_fen(trend[-1])
    spread = f"P¹ from {money(min(negotiated))} to {money(max(negotiated))}, last {money(negotiated[-1])}"
    guide = "no P²" if math.isnan(guided) else f"P² last {money(guided)}"
    return f"{plural(len(trend), 'valuation')}: {spread}; {guide}; I last {figure(value_index(trend[-1]))}"
