"""Figures as the quality pages write them. Rounding never turns 'nearly' into 'all' or 'none'."""

from datetime import UTC, datetime

from markupsafe import Markup, escape

FILTERS = ("score", "short_score", "percent", "count", "seconds", "moment", "iso", "band", "breakable")
"""Those that the templates use."""

NOTHING = "–"
DIGITS = (2, 3, 4)
BANDS = (0.5, 0.7, 0.85, 0.95)
"""Where one shade of a score ends and the next begins."""


def score(value: float | None) -> str:
    """A figure in [0, 1] with two digits, or with as many (at most four) as keep it from looking like 0 or 1."""
    if value is None:
        return NOTHING
    for digits in DIGITS:
        text = f"{value:.{digits}f}"
        if not _misleads(text, value):
            return text
    return "<0.0001" if value < 0.5 else ">0.9999"


def short_score(value: float | None) -> str:
    """A score with two digits where room is short; less than 1 never reads as 1."""
    if value is None:
        return NOTHING
    return f"{min(value, 0.99) if value < 1 else value:.2f}"


def scores_apart(before: float, after: float) -> tuple[str, str] | None:
    """Two scores with as many digits as tell them apart, and from 0 and 1; None where four do not."""
    for digits in DIGITS:
        texts = f"{before:.{digits}f}", f"{after:.{digits}f}"
        if texts[0] != texts[1] and not (_misleads(texts[0], before) or _misleads(texts[1], after)):
            return texts
    texts = score(before), score(after)
    return texts if texts[0] != texts[1] else None


def _misleads(text: str, value: float) -> bool:
    """Whether a rounded figure reads as none or all of it, and is neither."""
    return value not in (0, 1) and float(text) in (0, 1)


def percent(rate: float | None) -> str:
    """A share of 1 in percent."""
    if rate is None:
        return NOTHING
    if rate in (0, 1):
        return f"{rate:.0%}"
    text = f"{rate:.2%}"
    return {"0.00%": "<0.01%", "100.00%": ">99.99%"}.get(text, text)


def count(number: int | None) -> str:
    """A count with its thousands apart."""
    return NOTHING if number is None else f"{number:,}"


def plural(number: int, noun: str) -> str:
    """A count with its noun, as in '1 row' and '2,000 rows'."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def seconds(value: float) -> str:
    """A duration."""
    return "<0.01 s" if 0 < value < 0.005 else f"{value:.2f} s"


def moment(time: datetime) -> str:
    """A time in UTC, to the minute."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def iso(time: datetime) -> str:
    """A time as machines read it."""
    return time.astimezone(UTC).isoformat(timespec="seconds")


def band(value: float) -> int:
    """Which of five shades a score has, 0 the worst."""
    return sum(value >= least for least in BANDS)


def breakable(name: str) -> Markup:
    """A name that may be broken into lines after its underscores."""
    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))
