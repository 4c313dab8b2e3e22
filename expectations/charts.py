"""Charts of the quality pages: Z as a radar, and the trend of Q."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Any, get_args

from expectations.drawing import (
    ACCENT,
    BAD,
    INK,
    LINE,
    MUTED,
    SURFACE,
    TEXT_SIZE,
    WIDTH,
    Point,
    as_svg,
    canvas,
    draw_area,
    draw_line,
    draw_text,
    own_settings,
)
from expectations.history import TrendPoint
from expectations.pages_format import plural, short_score
from vault.contract import Dimension

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
RADAR_HEIGHT, RADAR_RADIUS = 268, 92
TREND_HEIGHT, TREND_LEFT, TREND_RIGHT, TREND_BOTTOM, TREND_TOP = 268, 34, 290, 58, 254
CLOSED_LEVEL, DAYS_LEVEL = 41, 14
MOST_POINTS_MARKED = 40
MOST_POINTS_DRAWN = 200
"""Longer trends are drawn as the median of neighbouring runs with the band between their lowest and highest."""
GROUPS = 100


def radar(scores: Mapping[Dimension, float | None]) -> str:
    """Z as a hexagon, 1 at the rim; a waived dimension (None) has a dashed spoke, no corner, and is named as waived."""
    with own_settings():
        return as_svg(_radar(scores), "radar", f"Quality vector Z: {_scores_told(scores)}")


def trend(points: Sequence[TrendPoint]) -> str:
    """Q over the runs, oldest first; runs whose gate was closed are marked below, and by a cross where there are few.

    Raises ValueError where there is no point.
    """
    if not points:
        raise ValueError("a trend of no run")
    with own_settings():
        return as_svg(_trend(points), "trend", _trend_told(points))


def trend_caption(count: int) -> str:
    """How a trend of so many runs is to be read."""
    if count > MOST_POINTS_DRAWN:
        return "line: middle of neighbouring runs; band: lowest to highest"
    return "one point for each run" if count <= MOST_POINTS_MARKED else "a line through all runs"


def _radar(scores: Mapping[Dimension, float | None]) -> "Figure":
    figure = canvas(RADAR_HEIGHT)
    for share in (0.25, 0.5, 0.75, 1.0):
        rim = [_corner(position, share) for position in range(len(DIMENSIONS))]
        draw_line(figure, [*rim, rim[0]], LINE, 1.4 if share == 1 else 0.8)
    shape = []
    for position, dimension in enumerate(DIMENSIONS):
        score = scores.get(dimension)
        spoke = [_corner(position, 0), _corner(position, 1)]
        if score is None:
            draw_line(figure, spoke, MUTED, 1, dashes=(3, 3))
        else:
            draw_line(figure, spoke, LINE, 0.8)
            shape.append(_corner(position, score))
        _name_corner(figure, position, dimension, score)
    if shape:
        draw_area(figure, shape, ACCENT, 0.18)
        draw_line(figure, [*shape, shape[0]], ACCENT, 2, marker="o", markersize=5)
    return figure


def _scores_told(scores: Mapping[Dimension, float | None]) -> str:
    figures = {dimension: scores.get(dimension) for dimension in DIMENSIONS}
    return ", ".join(
        f"{dimension} {'waived' if score is None else short_score(score)}" for dimension, score in figures.items()
    )


def _trend(points: Sequence[TrendPoint]) -> "Figure":
    figure = canvas(TREND_HEIGHT)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        draw_line(figure, [(TREND_LEFT, _up(share)), (TREND_RIGHT, _up(share))], LINE, 1.4 if share == 0 else 0.8)
        draw_text(figure, (TREND_LEFT - 6, _up(share)), f"{share:g}", MUTED, horizontalalignment="right")
    if len(points) > MOST_POINTS_DRAWN:
        _draw_band(figure, points)
    else:
        _draw_runs(figure, points)
    _draw_closed(figure, points)
    _draw_last(figure, points)
    _name_runs(figure, points)
    return figure


def _corner(position: int, share: float) -> Point:
    """A place on a spoke of the radar: the first dimension stands on top, the others follow clockwise."""
    angle = math.pi / 2 - position * 2 * math.pi / len(DIMENSIONS)
    distance = share * RADAR_RADIUS
    return WIDTH / 2 + distance * math.cos(angle), RADAR_HEIGHT / 2 + distance * math.sin(angle)


def _name_corner(figure: "Figure", position: int, dimension: Dimension, score: float | None) -> None:
    across, up = _corner(position, 1.08)
    off_centre = round(across - WIDTH / 2)
    side = "left" if off_centre > 0 else "right" if off_centre < 0 else "center"
    if side == "center":
        up += 16 if up > RADAR_HEIGHT / 2 else -16
    colour = MUTED if score is None else INK
    draw_text(figure, (across, up + 8), dimension.capitalize(), colour, horizontalalignment=side)
    text, weight = ("waived", "normal") if score is None else (short_score(score), "bold")
    style = {"horizontalalignment": side, "fontweight": weight, "fontsize": TEXT_SIZE + 1}
    draw_text(figure, (across, up - 8), text, colour, **style)


def _across(position: float, count: int) -> float:
    """Where a run stands; the only one of all stands in the middle."""
    inset = 8
    share = position / (count - 1) if count > 1 else 0.5
    return TREND_LEFT + inset + share * (TREND_RIGHT - TREND_LEFT - 2 * inset)


def _up(quality: float) -> float:
    return TREND_BOTTOM + quality * (TREND_TOP - TREND_BOTTOM)


def _draw_runs(figure: "Figure", points: Sequence[TrendPoint]) -> None:
    """Every run for itself; one without Q leaves a gap."""
    count = len(points)
    places = [
        (_across(position, count), math.nan if point.quality is None else _up(point.quality))
        for position, point in enumerate(points)
    ]
    is_marked = count <= MOST_POINTS_MARKED
    dots: Any = {"marker": "o", "markersize": 4} if is_marked else {}
    draw_line(figure, places, ACCENT, 1.8, **dots)
    closed = [
        (_across(position, count), _up(point.quality or 0.0))
        for position, point in enumerate(points)
        if point.gate_closed
    ]
    if closed and is_marked:
        draw_line(figure, closed, BAD, 0, linestyle="none", marker="x", markersize=8, markeredgewidth=2)


def _draw_band(figure: "Figure", points: Sequence[TrendPoint]) -> None:
    count = len(points)
    scored = [(position, point.quality) for position, point in enumerate(points) if point.quality is not None]
    size = math.ceil(count / GROUPS)
    groups = [list(found) for _, found in groupby(scored, key=lambda each: each[0] // size)]
    if not groups:
        return
    middles = [_across(median(position for position, _ in group), count) for group in groups]
    qualities = [[quality for _, quality in group] for group in groups]
    lowest = [(across, _up(min(group))) for across, group in zip(middles, qualities, strict=True)]
    highest = [(across, _up(max(group))) for across, group in zip(middles, qualities, strict=True)]
    draw_area(figure, [*lowest, *reversed(highest)], ACCENT, 0.22)
    middle = [(across, _up(median(group))) for across, group in zip(middles, qualities, strict=True)]
    draw_line(figure, middle, ACCENT, 1.6)


def _draw_closed(figure: "Figure", points: Sequence[TrendPoint]) -> None:
    """A bar below the line wherever the gate was closed; neighbours share one, and each is wide enough to be seen."""
    count = len(points)
    half = min(4.0, max(0.7, (_across(1, count) - _across(0, count)) * 0.4)) if count > 1 else 4.0
    bars: list[Point] = []
    for is_closed, run in groupby(enumerate(points), key=lambda each: each[1].gate_closed):
        positions = [position for position, _ in run]
        if is_closed:
            first, last = _across(positions[0], count), _across(positions[-1], count)
            bars += [(first - half, CLOSED_LEVEL), (last + half, CLOSED_LEVEL), (last + half, math.nan)]
    if bars:
        draw_line(figure, bars, BAD, 8, solid_capstyle="butt")
        draw_text(figure, (TREND_RIGHT + 7, CLOSED_LEVEL), "closed", BAD, horizontalalignment="left")


def _draw_last(figure: "Figure", points: Sequence[TrendPoint]) -> None:
    """The figure of the last run stands beside it."""
    last, count = points[-1], len(points)
    if last.quality is None:
        draw_text(figure, (TREND_RIGHT + 7, _up(0.5)), "no Q", MUTED, horizontalalignment="left")
        return
    colour = BAD if last.gate_closed else ACCENT
    if not last.gate_closed or count > MOST_POINTS_MARKED:
        dot: Any = {"marker": "o", "markersize": 8, "markeredgecolor": SURFACE, "markeredgewidth": 1.5}
        draw_line(figure, [(_across(count - 1, count), _up(last.quality))], colour, 0, linestyle="none", **dot)
    style = {"horizontalalignment": "left", "fontsize": TEXT_SIZE + 4, "fontweight": "bold"}
    draw_text(figure, (TREND_RIGHT + 7, _up(last.quality)), short_score(last.quality), colour, **style)


def _name_runs(figure: "Figure", points: Sequence[TrendPoint]) -> None:
    """The first and last day below the ends, and how many runs lie between."""
    first, last = points[0].evaluated_at, points[-1].evaluated_at
    form = "%Y-%m-%d" if first.date() != last.date() else "%m-%d %H:%M"
    middle = (TREND_LEFT + TREND_RIGHT) / 2
    if len(points) == 1:
        draw_text(figure, (middle, DAYS_LEVEL), f"{first:%Y-%m-%d}", MUTED, horizontalalignment="center")
        return
    draw_text(figure, (TREND_LEFT, DAYS_LEVEL), first.strftime(form), MUTED, horizontalalignment="left")
    draw_text(figure, (middle, DAYS_LEVEL), plural(len(points), "run"), MUTED, horizontalalignment="center")
    draw_text(figure, (TREND_RIGHT, DAYS_LEVEL), last.strftime(form), MUTED, horizontalalignment="right")


def _trend_told(points: Sequence[TrendPoint]) -> str:
    qualities = [point.quality for point in points if point.quality is not None]
    closed = sum(point.gate_closed for point in points)
    spread = f"from {short_score(min(qualities))} to {short_score(max(qualities))}" if qualities else "never scored"
    last = points[-1].quality
    now = "not scored" if last is None else short_score(last)
    return f"Q over {plural(len(points), 'run')}: {spread}, last {now}; the gate was closed in {closed:,}"
