"""A trend as small as a word: a line without axes for a row of a table, made without a plotting library.

The overview shows dozens of them at once; drawn by matplotlib they would take longer than all the rest of the page.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import ceil

from markupsafe import Markup, escape

from expectations.history import TrendPoint

WIDTH, HEIGHT, MARGIN = 120, 28, 3
MOST_POINTS = 60
"""More runs are drawn as the lowest of neighbours: a dip must not vanish."""

Place = tuple[float, float | None, bool]
"""How far along, Q, and whether the gate was closed."""


def sparkline(points: Sequence[TrendPoint]) -> Markup:
    """Q over the runs, 0 at the bottom and 1 at the top, with a mark below every run whose gate was closed."""
    if not points:
        return Markup("")
    places = list(_thinned(points))
    drawn = [Markup('<path class="spark-line" d="{}"/>').format(path) for path in _lines(places)]
    drawn += [
        Markup('<path class="spark-closed" d="M{:.1f} {}v4"/>').format(_across(along), HEIGHT - 4)
        for along, _, is_closed in places
        if is_closed
    ]
    along, quality, is_closed = places[-1]
    if quality is not None:
        kind = "spark-last closed" if is_closed else "spark-last"
        dot = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="2.6"/>')
        drawn.append(dot.format(kind, _across(along), _up(quality)))
    told = escape(_told(points))
    head = Markup('<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, told)
    return head + Markup("").join(drawn) + Markup("</svg>")


def _thinned(points: Sequence[TrendPoint]) -> Iterator[Place]:
    size = ceil(len(points) / MOST_POINTS)
    last = max(len(points) - 1, 1)
    for first in range(0, len(points), size):
        group = points[first : first + size]
        qualities = [point.quality for point in group if point.quality is not None]
        middle = 1.0 if len(points) == 1 else min(1.0, (first + (len(group) - 1) / 2) / last)
        is_end = first + size >= len(points)
        shown = group[-1].quality if is_end else min(qualities, default=None)
        closed = group[-1].gate_closed if is_end else any(point.gate_closed for point in group)
        yield (1.0 if is_end else middle), shown, closed


def _lines(places: Iterable[Place]) -> Iterator[str]:
    """One path for each stretch of runs that were scored; a run without Q leaves a gap."""
    for is_scored, stretch in groupby(places, key=lambda place: place[1] is not None):
        if is_scored:
            steps = [f"{_across(along):.1f} {_up(quality or 0.0):.1f}" for along, quality, _ in stretch]
            yield "M" + "L".join(steps)


def _across(along: float) -> float:
    return MARGIN + along * (WIDTH - 2 * MARGIN)


def _up(quality: float) -> float:
    return MARGIN + (1 - quality) * (HEIGHT - 2 * MARGIN - 5)


def _told(points: Sequence[TrendPoint]) -> str:
    closed = sum(point.gate_closed for point in points)
    qualities = [point.quality for point in points if point.quality is not None]
    spread = f"Q from {min(qualities):.2f} to {max(qualities):.2f}" if qualities else "never scored"
    return f"{len(points):,} run{'s' if len(points) > 1 else ''}: {spread}, gate closed in {closed:,}"
