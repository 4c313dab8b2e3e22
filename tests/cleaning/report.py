"""The figures as tables of docs/quality.md, each between markers so that it can be written anew."""

import re
from collections.abc import Iterable, Sequence
from datetime import date

from tests.cleaning.accuracy import Accuracy
from tests.cleaning.city import Fate
from tests.cleaning.figures import SWAPPED_SHARE, CityFigures, Correlation, PairFigures

KINDS = ("missing", "bad_format", "out_of_range", "wrong_code", "broken_reference", "duplicate", "late")
MOSTLY_SEEN = 0.8


def with_section(page: str, name: str, text: str) -> str:
    """The page with what stands between the markers of a section replaced. Raises ValueError where they are missing."""
    begin, end = f"<!-- begin {name}: written by python -m tests.cleaning.measure -->", f"<!-- end {name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no section '{name}'")
    return pattern.sub(lambda _: f"{begin}\n\n{text.strip()}\n\n{end}", page)


def pairs_section(found: Sequence[PairFigures], today: date) -> str:
    """Precision and recall on the pairs: in all, by column, by dimension."""
    total = _table(
        (
            "data",
            "suite",
            "cells",
            "wrong",
            "flagged",
            "of these wrong",
            "precision",
            "recall",
            "F1",
            "flagged on clean",
        ),
        (
            (
                each.name,
                f"version {each.version}, `{each.fingerprint}`",
                each.rows * each.columns,
                *_counts(each.dirty.over_all),
                each.clean.flagged,
            )
            for each in found
        ),
    )
    by_column = _table(
        ("data", "column", "wrong", "flagged", "of these wrong", "precision", "recall", "F1"),
        ((each.name, f"`{one.name}`", *_counts(one)) for each in found for one in each.dirty.by_column),
    )
    by_dimension = _table(
        ("data", "rules of", "flagged", "of these wrong", "precision", "recall alone"),
        (
            (each.name, one.name, one.flagged, one.found, _share(one.precision), _share(one.recall))
            for each in found
            for one in each.dirty.by_dimension
        ),
    )
    return "\n\n".join(
        (
            f"Measured {today.isoformat()}.",
            total,
            "By column (columns without a wrong or flagged cell are left out):",
            by_column,
            "By dimension of the rules:",
            by_dimension,
        )
    )


def swapped_section(found: Sequence[PairFigures]) -> str:
    """The same suites on the clean files with swapped cells."""
    rows = []
    for each in found:
        columns = {one.name: one.recall for one in each.swapped.by_column if one.recall is not None}
        groups = (
            [name for name, recall in columns.items() if recall >= MOSTLY_SEEN],
            [name for name, recall in columns.items() if 0 < recall < MOSTLY_SEEN],
            [name for name, recall in columns.items() if recall == 0],
        )
        counts = _counts(each.swapped.over_all)
        rows.append((each.name, *counts, *(", ".join(f"`{name}`" for name in group) or "none" for group in groups)))
    heads = ("data", "wrong", "flagged", "of these wrong", "precision", "recall", "F1")
    return "\n\n".join(
        (
            f"{SWAPPED_SHARE:.0%} of all cells of the clean file, each taken from another row of its column:",
            _table((*heads, f"recall from {MOSTLY_SEEN:.0%}", "seen in part", "never seen"), rows),
        )
    )


def city_section(found: CityFigures, today: date) -> str:
    """What became of the planted defects, and what was flagged without cause."""
    fates = found.findings.fates
    unseen = [each for each in fates if each.seen < each.planted]
    return "\n\n".join(
        (
            f"Measured {today.isoformat()}. Found by an expectation of the base table, of those planted:",
            _matrix(fates, "by_suite"),
            "Seen by an expectation, in `_flags` or in `_copies`, of those planted:",
            _matrix(fates, "seen"),
            "Not seen at all:",
            _table(
                ("source", "column", "kind", "planted", "unseen"),
                (
                    (each.source, f"`{each.column}`", each.kind, each.planted, each.planted - each.seen)
                    for each in unseen
                ),
            ),
            "Rows that a suite flags, and whether it is right to:",
            _table(
                ("table", "rows", "flagged", "rightly", "precision", "false alarms among sound rows"),
                (
                    (
                        f"`{each.asset}`",
                        each.rows,
                        each.flagged,
                        each.rightly,
                        _share(each.precision),
                        f"{each.false_alarm_rate:.2%}",
                    )
                    for each in found.findings.alarms
                    if each.flagged
                ),
            ),
            "Where the false alarms come from:",
            _table(
                ("table", "reason in the contract", "rows"),
                ((f"`{each.asset}`", each.reason, each.rows) for each in found.findings.false_alarms),
            ),
        )
    )


def order_section(found: Sequence[Correlation]) -> str:
    """Rank correlations of Q with the true share of right cells: a line for the data, a column for a way to spoil."""
    ways = list(dict.fromkeys(each.way for each in found))
    cells = {(each.data, each.way): _order(each) for each in found}
    rows = ((f"`{data}`", *(cells[data, way] for way in ways)) for data in dict.fromkeys(each.data for each in found))
    return _table(("data", *ways), rows)


def _order(one: Correlation) -> str:
    """The correlation, and what it was taken over."""
    shares = [point.right_share for point in one.points]
    qualities = [point.quality for point in one.points]
    return (
        f"**{_share(one.value)}** ({len(one.points)} tables, {min(shares):.1%} to {max(shares):.1%} right, "
        f"Q {min(qualities):.3f} to {max(qualities):.3f})"
    )


def _matrix(fates: Sequence[Fate], count: str) -> str:
    """Sources by kinds: how many, of how many planted."""
    rows = []
    for source in (*dict.fromkeys(each.source for each in fates), None):
        mine = [each for each in fates if source in (each.source, None)]
        cells = []
        for kind in (*KINDS, None):
            some = [each for each in mine if kind in (each.kind, None)]
            planted = sum(each.planted for each in some)
            cells.append(f"{sum(getattr(each, count) for each in some):,} of {planted:,}" if planted else "")
        rows.append((source or "**all**", *cells))
    return _table(("source", *(kind.replace("_", " ") for kind in KINDS), "all"), rows)


def _counts(one: Accuracy) -> tuple[object, ...]:
    return one.wrong, one.flagged, one.found, _share(one.precision), _share(one.recall), _share(one.f1)


def _share(value: float | None) -> str:
    """Three digits, cut and not rounded, so that 1.000 means all."""
    return "–" if value is None else f"{int(value * 1000 + 1e-9) / 1000:.3f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")
