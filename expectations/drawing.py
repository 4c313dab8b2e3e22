"""What all charts are drawn with: matplotlib without axes, as SVG that stands inside a page.

The texts stay texts and the colours are the page's own, so that a chart follows light and dark and can be read aloud.
The same figures give the same bytes. Texts are English: the page's font may lack other scripts.
"""

import io
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PIXELS_PER_INCH = 72
WIDTH = 344
"""All charts are as wide as a phone has room for, and hardly ever scaled down: their texts stay readable on one."""
TEXT_SIZE = 12

INK, MUTED, LINE, ACCENT, BAD, SURFACE = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"
GOOD, WARN = "#070707", "#080808"
VARIABLES = {
    INK: "var(--ink, #1d2329)",
    MUTED: "var(--muted, #59626d)",
    LINE: "var(--line, #d9dde2)",
    ACCENT: "var(--accent, #1f5f9e)",
    BAD: "var(--bad, #a8231a)",
    SURFACE: "var(--surface, #ffffff)",
    GOOD: "var(--good, #1c6b40)",
    WARN: "var(--warn, #7d5300)",
}
"""Colours that no chart really uses, each standing for one of the page's."""

Point = tuple[float, float]
"""A place in pixels from the lower left corner."""

_SETTINGS: Any = {
    "svg.hashsalt": "jinku",
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "path.simplify": False,
    "text.parse_math": False,
}
_DRAWING = threading.Lock()
"""Matplotlib reads its settings from one place for the whole process."""


@contextmanager
def own_settings() -> Iterator[None]:
    """Our own settings, for one drawing at a time."""
    import matplotlib

    with _DRAWING, matplotlib.rc_context(_SETTINGS):
        yield


def canvas(height: int) -> "Figure":
    """A figure without axes: everything is placed in pixels, which is quicker by half."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / PIXELS_PER_INCH, height / PIXELS_PER_INCH), dpi=PIXELS_PER_INCH)
    FigureCanvasSVG(figure)
    figure.patch.set_visible(False)
    return figure


def draw_line(figure: "Figure", points: Sequence[Point], colour: str, width: float, **style: Any) -> None:
    """A line through points; one whose height is no number leaves a gap."""
    from matplotlib.lines import Line2D
    from matplotlib.transforms import IdentityTransform

    across, up = zip(*points, strict=True)
    figure.add_artist(Line2D(across, up, color=colour, linewidth=width, transform=IdentityTransform(), **style))


def draw_area(figure: "Figure", corners: Sequence[Point], colour: str, opacity: float, **style: Any) -> None:
    """A filled area without a rim."""
    from matplotlib.patches import Polygon
    from matplotlib.transforms import IdentityTransform

    own: Any = {"facecolor": colour, "alpha": opacity, "linewidth": 0, "transform": IdentityTransform(), **style}
    figure.add_artist(Polygon(corners, **own))


def draw_text(figure: "Figure", place: Point, text: str, colour: str, **style: Any) -> None:
    """A text, its middle at the height of the place."""
    from matplotlib.transforms import IdentityTransform

    own = {"fontsize": TEXT_SIZE, "verticalalignment": "center_baseline", **style}
    figure.text(*place, text, color=colour, transform=IdentityTransform(), **own)


def as_svg(figure: "Figure", name: str, told: str) -> str:
    """The drawing for a page, where its name is its own; told: what it shows, for who cannot see it."""
    target = io.StringIO()
    unsaid = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(target, format="svg", metadata=unsaid)
    return _for_a_page(target.getvalue(), name, told)


def _for_a_page(drawn: str, name: str, told: str) -> str:
    """The drawing without what only a file of its own needs, with the page's colours and identifiers of its own."""
    body = drawn[drawn.index(">", drawn.index("<svg")) + 1 :]
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL).replace("xlink:href", "href")
    body = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", body)
    pointed_at = set(re.findall(r"(?:href=\"|url\()#([\w.-]+)", body))
    body = re.sub(r' id="([^"]+)"', lambda found: _own_identifier(found[1], name, pointed_at), body)
    body = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", body)
    for stand_in, colour in VARIABLES.items():
        body = body.replace(stand_in, colour)
    body = re.sub(r"\s*\n\s*", " ", body)
    box = re.search(r'viewBox="[^"]+"', drawn)
    return f'<svg class="chart" {box[0] if box else ""} role="img" aria-label="{escape(told)}">{body.strip()}'


def _own_identifier(identifier: str, name: str, pointed_at: Iterable[str]) -> str:
    """Two drawings of one page count their parts alike: only what is pointed at keeps an identifier, under its name."""
    return f' id="{name}-{identifier}"' if identifier in pointed_at else ""
