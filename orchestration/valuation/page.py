"""The valuation pages: static files, one for each component and one overview. What is it worth, and why that price?

They need no network and no script, and hold figures and names of columns, never a value of the data.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from markupsafe import Markup

from expectations.pages_files import PAGES as QUALITY_PAGES
from expectations.pages_files import (
    TEMPLATES,
    VALUATION_PAGES,
    asset_link,
    asset_page,
    environment,
    valuation_overview,
    written,
)
from expectations.pages_files import overview_page as quality_overview
from orchestration.valuation import charts
from orchestration.valuation.charts_trend import TREND_LENGTH, prices
from orchestration.valuation.entropy_tree import column_shares
from orchestration.valuation.explanation import explained
from orchestration.valuation.figures import bits, figure, money, money_change
from orchestration.valuation.findings import findings_in_words
from orchestration.valuation.improvements import improvements
from orchestration.valuation.reading import read
from vault.errors import JinkuError
from vault.valuations import Valuation

OWN_TEMPLATES = Path(__file__).parent / "templates"
GAINS_SHOWN = 10
LEAST_REPEATED = 0.05
"""Share of its bits that a column must repeat to be told as one that repeats another."""

COMPONENT = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Source:
    """One source table with its rows and batches; link: its quality page, '' where there is none."""

    table: str
    rows: int
    batches: int
    link: str


@dataclass(frozen=True)
class PricedLine:
    """One component on the overview. guide_fen: None without a guide price; listed_*: what the regime leaves."""

    valuation: Valuation
    link: str
    regime: str
    negotiated_fen: int
    guide_fen: int | None
    listed_fen: int
    findings: tuple[str, ...]

    @property
    def value(self) -> Mapping[str, Any]:
        """The steps of I."""
        value: Mapping[str, Any] = self.valuation.price["valuation"]
        return value


def valuation_page(reports: Path, component: str) -> Path:
    """Where the page of a component lies below the folder of reports. Raises ValueError for a name that is none."""
    if COMPONENT.fullmatch(component) is None:
        raise ValueError(f"no component: {component!r}")
    return reports / VALUATION_PAGES / f"{component}.html"


def write_valuation_page(reports: Path, valuation: Valuation, trend: Sequence[Valuation], now: datetime) -> Path:
    """Write the page of a component below the folder of reports, in the place of the one before; its path is returned.

    trend: valuations of the component, oldest first; those after `valuation` are left out. Raises JinkuError
    `report_unwritable` where it cannot be written, and ValueError where the component's name is none.
    """
    page = valuation_page(reports, valuation.component)
    number = valuation.valuation_id or math.inf  # not recorded yet: later than all that are
    earlier = tuple(each for each in trend if 0 < each.valuation_id < number)
    return written(page, _rendered("valuation.html", **_told(reports, valuation, earlier), now=now), reports, _refused)


def write_valuation_overview(reports: Path, valuations: Sequence[Valuation], now: datetime) -> Path:
    """Write the overview of all components below the folder of reports; one whose page is there is a link to it.

    valuations: the last one of each component. Raises JinkuError `report_unwritable` where it cannot be written, and
    ValueError for a component's name that is none.
    """
    lines = [_line(reports, valuation) for valuation in valuations]
    lines.sort(key=lambda line: (-line.value["value_index"], line.valuation.component))
    quality = f"../{QUALITY_PAGES}/index.html" if quality_overview(reports).is_file() else ""
    text = _rendered("valuations.html", lines=lines, quality_link=quality, now=now)
    return written(valuation_overview(reports), text, reports, _refused)


def _told(reports: Path, valuation: Valuation, earlier: Sequence[Valuation]) -> dict[str, Any]:
    """What the template of a component needs, by name."""
    reading = read(valuation)
    shares = column_shares(reading.entropy)
    before = earlier[-1] if earlier else None
    guided, trend = reading.price.guided, (*earlier, valuation)
    lines = explained(valuation, before)
    return {
        "valuation": valuation,
        "document": valuation.document,
        "reading": reading,
        "before": None if before is None else read(before).price,
        "parts": [(part, list(found)) for part, found in groupby(lines, key=lambda line: line.part)],
        "waterfall": Markup(charts.waterfall(reading)),
        "factors": Markup(charts.factors(guided, reading.parameters.guide)) if guided else None,
        "columns": Markup(charts.columns(shares)) if shares else None,
        "repeats": sorted(
            (share for share in shares if share.repeated_share >= LEAST_REPEATED),
            key=lambda share: (-share.repeated_share, share.name),
        ),
        "independent": [share for share in shares if share.bits and share.repeated_share < LEAST_REPEATED],
        "empty": [share for share in shares if not share.bits],
        "prices": Markup(prices(trend)),
        "trend_caption": _trend_caption(trend),
        **_gains_told(valuation),
        "sources": _sources(reports, valuation),
        "findings": findings_in_words(valuation),
        "quality_link": _quality_link(reports, f"components/{valuation.component}"),
    }


def _gains_told(valuation: Valuation) -> dict[str, Any]:
    found = [each for each in improvements(valuation) if each.has_effect]
    largest = max((max(each.negotiated_gain_fen, each.guide_gain_fen or 0) for each in found), default=0)
    return {"gains": found[:GAINS_SHOWN], "gains_more": max(0, len(found) - GAINS_SHOWN), "largest_gain": largest or 1}


def _trend_caption(trend: Sequence[Valuation]) -> str:
    count = len(trend)
    hashes = {each.price["valuation"]["parameter_hash"] for each in trend[-TREND_LENGTH:]}
    shown = f"the last {TREND_LENGTH} of {count:,} valuations" if count > TREND_LENGTH else "every valuation"
    return f"{shown}; dashed: other parameters from there on" if len(hashes) > 1 else shown


def _sources(reports: Path, valuation: Valuation) -> list[Source]:
    return [
        Source(source["table"], source["rows"], source["batches"], _quality_link(reports, source["table"]))
        for source in valuation.document["sources"]
    ]


def _quality_link(reports: Path, asset: str) -> str:
    """The quality page of an asset, seen from ours; '' where there is none."""
    return f"../{QUALITY_PAGES}/{asset_link(asset)}" if asset_page(reports, asset).is_file() else ""


def _line(reports: Path, valuation: Valuation) -> PricedLine:
    page = valuation_page(reports, valuation.component)
    negotiated, guided = valuation.price["negotiated"], valuation.price["guided"]
    return PricedLine(
        valuation=valuation,
        link=page.name if page.is_file() else "",
        regime=valuation.document["facts"]["regime"],
        negotiated_fen=negotiated["price_fen"],
        guide_fen=None if guided is None else guided["price_fen"],
        listed_fen=negotiated["listed_fen"],
        findings=findings_in_words(valuation),
    )


def _rendered(template: str, **values: Any) -> str:
    figures = {"figure": figure, "money": money, "money_change": money_change, "bits": bits}
    return environment(OWN_TEMPLATES, TEMPLATES).get_template(template).render(**figures, **values)


def _refused(folder: Path, error: OSError) -> JinkuError:
    return JinkuError(
        "report_unwritable",
        f"the valuation page cannot be written: {error.strerror or type(error).__name__}",
        str(folder),
        "Make the folder writable, with room in it, and run again; the valuations are on record.",
    )
