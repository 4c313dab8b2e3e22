"""The quality page of one asset: the verdict first, then the figures behind it, down to the failing rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from markupsafe import Markup

from expectations.charts import DIMENSIONS, radar, trend, trend_caption
from expectations.history import Evaluation, TrendPoint
from expectations.pages_files import asset_page, rendered, written
from expectations.pages_rules import Rule, rule_of, rules_of
from expectations.pages_verdict import (
    SEVERITY_ORDER,
    causes_of,
    closed_since,
    column_gain_in_words,
    evaluated_count,
    gain_in_words,
    is_closed,
    points_up_to,
    previous_quality,
)
from expectations.results import ExpectationResult, RowReference, Status
from expectations.vector import Gain, PlatformMetrics, QualityVector
from expectations.waivers import Waiver
from expectations.weights import BetaSet
from pricing.quality import without_waived
from vault.contract import Dimension, Expectation

GAINS_SHOWN = 5
STATUSES: tuple[tuple[Status, str, str], ...] = (
    (
        "error",
        "Could not be evaluated",
        "The checker failed, not the data; the gate stays closed until that is mended.",
    ),
    ("failed", "Failed", "The data breaks these rules."),
    ("passed", "Passed", "The data keeps these rules."),
    ("vacuous", "Nothing to evaluate", "There was no value to look at, which is no evidence either way."),
)


@dataclass(frozen=True)
class AssetReport:
    """All that the page of one asset tells.

    asset: 'layer/name'; expectations: those of the contract now, matched to the results by their identifier;
    waivers: all of this asset, those that ran out too; data_docs_link: seen from the page itself.
    """

    asset: str
    title: str
    owner: str
    description: str
    evaluation: Evaluation
    expectations: tuple[Expectation, ...]
    trend: tuple[TrendPoint, ...]
    expectation_gains: tuple[Gain, ...]
    column_gains: tuple[Gain, ...]
    platform: PlatformMetrics
    waivers: tuple[Waiver, ...]
    weights: BetaSet
    data_docs_link: str | None


@dataclass(frozen=True)
class ScoreLine:
    """One dimension of Z: its score (None: waived), what it was before, its weight, and what it adds to Zᵀβ."""

    dimension: Dimension
    score: float | None
    previous: float | None
    evidence: str
    beta: float
    share: float
    reason: str

    @property
    def contribution(self) -> float:
        """β·Z, with β shared out anew where dimensions are waived."""
        return self.share * (self.score or 0.0)


@dataclass(frozen=True)
class ResultLine:
    """One expectation with its result, its rule in words, and its failing rows as conditions for SQL."""

    rule: Rule
    result: ExpectationResult
    evaluated: int | None
    places: tuple[str, ...]


@dataclass(frozen=True)
class WaiverLine:
    """One waiver: how many days it counts still (below 0: it has run out), and where it and the evaluation differ.

    counted: whether the evaluation left its dimension out; withdrawn: it did, but the waiver is no longer there.
    """

    waiver: Waiver
    days_left: int
    counted: bool
    withdrawn: bool = False


def write_asset_page(folder: Path, report: AssetReport, today: date) -> Path:
    """Write the page of an asset below the folder of reports, in the place of the one before; its path is returned.

    Raises JinkuError `report_unwritable` where it cannot be written, and ValueError where the asset is none.
    """
    page = asset_page(folder, report.asset)
    return written(page, rendered("asset.html", **_told(report, today)), folder)


def _told(report: AssetReport, today: date) -> dict[str, Any]:
    """What the template needs, by name."""
    results, vector = report.evaluation.results, report.evaluation.vector
    rules = rules_of(report.expectations)
    closed, points = is_closed(report.evaluation), points_up_to(report.evaluation, report.trend)
    layer, name = report.asset.split("/")
    return {
        "report": report,
        "layer": layer,
        "table": f"{layer}.{name}",
        "closed": closed,
        "causes": causes_of(results, rules),
        "since": closed_since(points),
        "open_remark": _open_remark(results),
        "quality": vector.quality if vector else None,
        "previous": previous_quality(points),
        "counts": {status: sum(each.status == status for each in results) for status, _, _ in STATUSES},
        "table_rows": next((each.table_rows for each in results if each.table_rows is not None), None),
        "radar": Markup(radar(vector.scores)) if vector else None,
        "trend": Markup(trend(points)) if points else None,
        "trend_caption": trend_caption(len(points)),
        "points": points,
        **_scores_told(report, vector, points),
        **_gains_told(report, results, rules),
        "groups": _groups(results, rules),
        "unevaluated": _unevaluated(results, rules),
        "waivers": _waivers(report, today),
        "platform": _platform_lines(report.platform),
    }


def _open_remark(results: Sequence[ExpectationResult]) -> str:
    """What an open gate does not say by itself."""
    if all(result.status == "vacuous" for result in results):
        return "But no expectation had anything to evaluate, so the data is not shown to be good either."
    failed = sum(result.status == "failed" for result in results)
    if failed == 0:
        return "Every expectation that had something to evaluate holds."
    if failed == 1:
        return "One expectation below critical failed: it costs Q, but does not close the gate."
    return f"{failed:,} expectations below critical failed: they cost Q, but do not close the gate."


def _scores_told(report: AssetReport, vector: QualityVector | None, points: Sequence[TrendPoint]) -> dict[str, Any]:
    if vector is None:
        return {"scores": (), "total": None, "is_recorded": True}
    beta = report.weights.beta
    waived = [dimension for dimension, found in vector.scores.items() if found is None]
    shares = without_waived(beta, waived, report.weights.floor) if len(waived) < len(beta) else {}
    evidence = _evidence(report.evaluation.results, report.platform)
    before = points[-2].scores if len(points) > 1 and points[-2].quality is not None else {}
    lines = [
        ScoreLine(
            dimension,
            vector.scores.get(dimension),
            before.get(dimension),
            evidence[dimension],
            beta[dimension],
            shares.get(dimension, 0.0),
            report.weights.weights[dimension].reason,
        )
        for dimension in DIMENSIONS
    ]
    total = sum(line.contribution for line in lines)
    return {"scores": lines, "total": total, "is_recorded": abs(total**2 - vector.quality) < 1e-6}


def _evidence(results: Iterable[ExpectationResult], platform: PlatformMetrics) -> dict[Dimension, str]:
    """What each score rests on."""
    rated = [result.dimension for result in results if result.rate is not None]
    found: dict[Dimension, str] = {}
    for dimension in DIMENSIONS:
        number = rated.count(dimension)
        parts = [f"{number} expectation{'s' if number > 1 else ''}"] if number else []
        parts += ["the platform"] if dimension in platform.rates else []
        found[dimension] = " and ".join(parts) or "no evidence"
    return found


def _gains_told(report: AssetReport, results: Iterable[ExpectationResult], rules: Mapping[str, Rule]) -> dict[str, Any]:
    words = {each.expectation_id: rule_of(each, rules).words for each in results}
    columns = [(gain, column_gain_in_words(gain)) for gain in report.column_gains]
    quoted = Markup("<q>{}</q>")
    expectations = [
        (gain, gain_in_words(gain, quoted.format(words.get(gain.name, gain.name)))) for gain in report.expectation_gains
    ]
    largest = max((gain.difference for gain in (*report.column_gains, *report.expectation_gains)), default=0.0)
    told: dict[str, Any] = {"largest_gain": largest}
    for name, found in (("column_gains", columns), ("expectation_gains", expectations)):
        shown = [(gain, sentence) for gain, sentence in found if sentence is not None]
        told[name], told[f"{name}_more"] = shown[:GAINS_SHOWN], max(0, len(shown) - GAINS_SHOWN)
    return told


def _groups(
    results: Sequence[ExpectationResult], rules: Mapping[str, Rule]
) -> list[tuple[Status, str, str, list[ResultLine]]]:
    """The expectations by status, the gravest first."""
    groups = []
    for status, title, remark in STATUSES:
        found = [each for each in results if each.status == status]
        found.sort(key=lambda each: (SEVERITY_ORDER.index(each.severity), 1.0 if each.rate is None else each.rate))
        lines = [
            ResultLine(rule_of(each, rules), each, evaluated_count(each), _places(each.row_references))
            for each in found
        ]
        if lines:
            groups.append((status, title, remark, lines))
    return groups


def _places(references: Sequence[RowReference]) -> tuple[str, ...]:
    """The failing rows as one condition per batch, to be copied behind a `where`."""
    ordered = sorted(references, key=lambda each: each.batch)
    found = []
    for batch, rows in groupby(ordered, key=lambda each: each.batch):
        quoted = batch.replace("'", "''")
        found.append(f"_batch = '{quoted}' and _row in ({', '.join(str(each.row) for each in rows)})")
    return tuple(found)


def _unevaluated(results: Iterable[ExpectationResult], rules: Mapping[str, Rule]) -> list[Rule]:
    """Expectations that came into the contract after the evaluation."""
    evaluated = {result.expectation_id for result in results}
    return [rule for identifier, rule in rules.items() if identifier not in evaluated]


def _waivers(report: AssetReport, today: date) -> list[WaiverLine]:
    applied = report.evaluation.vector.waivers if report.evaluation.vector else ()
    left_out, known = ({each.dimension for each in found} for found in (applied, report.waivers))
    return [
        *(WaiverLine(each, (each.until - today).days, each.dimension in left_out) for each in report.waivers),
        *(WaiverLine(each, 0, True, True) for each in applied if each.dimension not in known),
    ]


def _platform_lines(platform: PlatformMetrics) -> list[tuple[str, str, int, int]]:
    return [
        (
            "timeliness",
            "Refreshes within their period, last 90 days",
            platform.refreshes_in_time,
            platform.refreshes_due,
        ),
        ("accessibility", "Reads that succeeded, last 30 days", platform.reads_succeeded, platform.reads_attempted),
        ("accessibility", "Metadata fields filled", platform.metadata_filled, platform.metadata_required),
    ]
