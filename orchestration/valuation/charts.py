"""Charts of a valuation's page: from costs to P¹, the factors of P², where the information lies, and the trend."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expectations.drawing import (
    ACCENT,
    BAD,
    GOOD,
    INK,
    LINE,
    MUTED,
    SURFACE,
    WARN,
    WIDTH,
    Point,
    as_svg,
    canvas,
    draw_area,
    draw_line,
    draw_text,
    own_settings,
)
from expectations.pages_format import plural
from orchestration.valuation.entropy_tree import ColumnShare
from orchestration.valuation.explanation import FACTORS, FactorRatio, factor_ratios
from orchestration.valuation.figures import LEAST_BITS, bits, constant, figure, money
from orchestration.valuation.reading import Reading
from pricing.component_price import Guided
from pricing.cost import ACTIVITIES
from pricing.guide import GuideParameters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW_HEIGHT, BAR_HEIGHT = 25, 13
BARS_LEFT, BARS_RIGHT = 112, 256
LEAST_WIDTH = 1.5
"""Of a bar, so that a cost of a few fen is seen to be there."""
FACTOR_HEIGHT, FACTORS_LEFT, FACTORS_RIGHT, AXIS_HEIGHT = 46, 18, 226, 26
COLUMN_HEIGHT, COLUMNS_RIGHT, COLUMNS_DRAWN, NAME_LENGTH = 36, 262, 24, 38
MORE_HEIGHT = 20
HATCH = "////"


@dataclass(frozen=True)
class Step:
    """One row of the waterfall: from an amount to another, or a total, which stands on 0. In fen."""

    words: str
    start_fen: float
    end_fen: float
    colour: str
    is_total: bool = False

    @property
    def told(self) -> str:
        """The total, or by how much the step changes it."""
        change_fen = self.end_fen - self.start_fen
        return money(self.end_fen) if self.is_total else f"{'+' if change_fen > 0 else ''}{money(change_fen)}"


def waterfall(reading: Reading) -> str:
    """From what the fields cost, activity by activity, to P¹ and what the regime leaves of it."""
    steps = tuple(_steps(reading))
    with own_settings():
        told = ", ".join(f"{step.words} {step.told}" for step in steps)
        return as_svg(_waterfall(steps), "waterfall", f"How P¹ builds up: {told}")


def factors(guided: Guided, guide: GuideParameters) -> str:
    """S, T, N and W over what is typical, with what their exponents leave of it, and Φ, their product."""
    ratios = factor_ratios(guided, guide)
    with own_settings():
        told = ", ".join(f"{ratio.symbol} {figure(ratio.ratio)} times typical" for ratio in ratios)
        figure_drawn = _factors(ratios, float(guided.adjustment), guide)
        return as_svg(figure_drawn, "factors", f"Factors of P²: {told}; Φ {figure(guided.adjustment)}")


def columns(shares: Sequence[ColumnShare]) -> str:
    """The bits of every column, what it repeats of another hatched; those that add most first."""
    with own_settings():
        told = ", ".join(f"{share.name} adds {bits(share.added_bits)}" for share in shares[:COLUMNS_DRAWN])
        return as_svg(_columns(shares), "columns", f"Information by column: {told}")


def _steps(reading: Reading) -> Iterator[Step]:
    negotiated, facts = reading.price.negotiated, reading.facts
    reached = 0.0
    for activity in ACTIVITIES:
        fen = sum(cost.by_activity_fen.get(activity, 0) for cost in facts.field_costs)
        if fen:
            yield Step(activity, reached, reached + fen, ACCENT)
        reached += fen
    yield Step("model C_xm", reached, reached + float(negotiated.model_fen), ACCENT)
    reached += float(negotiated.model_fen)
    cost, adjusted, joint = (
        float(fen) for fen in (negotiated.cost_price_fen, negotiated.adjusted_cost_fen, negotiated.joint_fen)
    )
    if facts.expected_licences > 1:
        yield Step(f"÷ {facts.expected_licences} licences", reached, cost, MUTED)
    yield Step("cost price P'", 0.0, cost, INK, True)
    if adjusted != cost:
        yield Step(f"k_y {constant(negotiated.adjustment)}", cost, adjusted, MUTED)
    yield Step("value A_k·I", adjusted, joint, GOOD)
    yield Step(f"margin {constant(negotiated.margin)}", joint, negotiated.price_fen, WARN)
    yield Step("P¹", 0.0, negotiated.price_fen, INK, True)
    if negotiated.listed_fen != negotiated.price_fen:
        words = "free of charge" if facts.regime == "public_free" else "to the ceiling"
        yield Step(words, negotiated.price_fen, negotiated.listed_fen, BAD)
        yield Step("listed at", 0.0, negotiated.listed_fen, INK, True)


def _waterfall(steps: Sequence[Step]) -> "Figure":
    height = len(steps) * ROW_HEIGHT + 4
    drawn = canvas(height)
    most = max((max(step.start_fen, step.end_fen) for step in steps), default=0.0) or 1.0
    for row, step in enumerate(steps):
        middle = height - (row + 0.5) * ROW_HEIGHT
        weight = "bold" if step.is_total else "normal"
        start, end = (BARS_LEFT + fen / most * (BARS_RIGHT - BARS_LEFT) for fen in (step.start_fen, step.end_fen))
        draw_text(drawn, (0, middle), step.words, INK, fontweight=weight)
        draw_text(drawn, (WIDTH, middle), step.told, INK, horizontalalignment="right", fontweight=weight)
        _bar(drawn, min(start, end), max(start, end), middle, step.colour)
        if row + 1 < len(steps):
            draw_line(drawn, [(end, middle - BAR_HEIGHT / 2), (end, middle - ROW_HEIGHT + BAR_HEIGHT / 2)], MUTED, 0.8)
    return drawn


def _bar(drawn: "Figure", left: float, right: float, middle: float, colour: str, opacity: float = 1.0) -> None:
    right = max(right, left + LEAST_WIDTH)
    draw_area(drawn, _box(left, right, middle), colour, opacity)


def _factors(ratios: Sequence[FactorRatio], adjustment: float, guide: GuideParameters) -> "Figure":
    height = (len(ratios) + 1) * FACTOR_HEIGHT + AXIS_HEIGHT
    drawn = canvas(height)
    least, most = math.log2(guide.least_ratio), math.log2(guide.most_ratio)

    def across(ratio: float) -> float:
        share = (math.log2(ratio) - least) / (most - least)
        return FACTORS_LEFT + min(1.0, max(0.0, share)) * (FACTORS_RIGHT - FACTORS_LEFT)

    middles = [height - row * FACTOR_HEIGHT - 31 for row in range(len(ratios) + 1)]
    for tick in sorted({float(guide.least_ratio), 0.5, 1.0, 2.0, float(guide.most_ratio)}):
        if guide.least_ratio <= tick <= guide.most_ratio:
            _tick(drawn, across(tick), middles, tick)
    for middle, ratio in zip(middles, ratios, strict=False):
        clip = " (clipped)" if ratio.is_clipped else ""
        typical = f"{figure(ratio.value)} to typical {figure(ratio.reference)}{clip}"
        _factor_named(drawn, middle, f"{ratio.symbol} {FACTORS[ratio.symbol]}", typical)
        _effect(drawn, across, ratio.ratio, ratio.effect, middle, f"^{constant(ratio.exponent)}")
        if ratio.is_clipped:
            marker, edge = ">" if ratio.ratio > 1 else "<", across(ratio.ratio)
            draw_line(drawn, [(edge, middle)], BAD, 0, marker=marker, markersize=9, markeredgecolor=SURFACE)
    bounds = f"within {figure(guide.least_adjustment)} and {figure(guide.most_adjustment)}"
    _factor_named(drawn, middles[-1], "Φ all four", bounds)
    _effect(drawn, across, adjustment, adjustment, middles[-1], "")
    return drawn


def _tick(drawn: "Figure", place: float, middles: Sequence[float], tick: float) -> None:
    """A line that stands beside the bars only, not through the words above them."""
    points = [(place, up) for middle in middles for up in (middle - 11, middle + 11, math.nan)]
    draw_line(drawn, points, MUTED if tick == 1 else LINE, 1)
    draw_text(drawn, (place, 8), f"×{constant(tick)}", MUTED, horizontalalignment="center")


def _factor_named(drawn: "Figure", middle: float, name: str, typical: str) -> None:
    draw_text(drawn, (0, middle + 21), name, INK, fontweight="bold")
    draw_text(drawn, (WIDTH, middle + 21), typical, MUTED, horizontalalignment="right")


def _effect(
    drawn: "Figure", across: Callable[[float], float], ratio: float, effect: float, middle: float, power: str
) -> None:
    """The ratio as a pale bar from 1, inside it what the exponent leaves, which is what the price is multiplied by."""
    colour = GOOD if effect >= 1 else BAD
    for reached, opacity in ((ratio, 0.28), (effect, 1.0)):
        if not math.isclose(reached, 1.0, rel_tol=1e-3):
            ends = across(1.0), across(reached)
            _bar(drawn, min(ends), max(ends), middle, colour, opacity)
    draw_text(drawn, (WIDTH, middle), f"×{figure(effect)}", INK, horizontalalignment="right", fontweight="bold")
    if power:
        draw_text(drawn, (FACTORS_RIGHT + 8, middle), power, MUTED)


def _columns(shares: Sequence[ColumnShare]) -> "Figure":
    shown, more = shares[:COLUMNS_DRAWN], len(shares) - COLUMNS_DRAWN
    height = len(shown) * COLUMN_HEIGHT + (MORE_HEIGHT if more > 0 else 2)
    drawn = canvas(height)
    most = max((share.bits for share in shares), default=0.0) or 1.0
    for row, share in enumerate(shown):
        top = height - row * COLUMN_HEIGHT
        middle = top - 26
        added, whole = (bits_number / most * COLUMNS_RIGHT for bits_number in (share.added_bits, share.bits))
        draw_text(drawn, (0, top - 9), shortened(share.name), INK)
        draw_text(drawn, (WIDTH, middle), f"+{bits(share.added_bits)}", INK, horizontalalignment="right")
        if share.added_bits >= LEAST_BITS:
            _bar(drawn, 0, added, middle, ACCENT)
        if share.shared_bits >= LEAST_BITS:
            corners = _box(added, max(whole, added + LEAST_WIDTH), middle)
            draw_area(drawn, corners, "none", 1.0, hatch=HATCH, edgecolor=MUTED)
            draw_line(drawn, [*corners, corners[0]], MUTED, 0.8)
    if more > 0:
        rest = sum(share.added_bits for share in shares[COLUMNS_DRAWN:])
        draw_text(drawn, (0, 8), f"and {plural(more, 'more column')}, +{bits(rest)}", MUTED)
    return drawn


def shortened(name: str) -> str:
    """A name that fits above its bar."""
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"


def _box(left: float, right: float, middle: float) -> list[Point]:
    low, high = middle - BAR_HEIGHT / 2, middle + BAR_HEIGHT / 2
    return [(left, low), (left, high), (right, high), (right, low)]
