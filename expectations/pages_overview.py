"""The overview of all assets: closed gates first, then a line for each asset, straight from the quality history."""

import fcntl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol, get_args

import sqlalchemy as sa
from markupsafe import Markup

from expectations import history
from expectations.charts import DIMENSIONS
from expectations.charts_sparkline import sparkline
from expectations.history import Evaluation, TrendPoint
from expectations.pages_files import (
    asset_link,
    asset_page,
    overview_page,
    rendered,
    unwritable,
    valuation_link,
    written,
)
from expectations.pages_rules import rule_of, rules_of
from expectations.pages_verdict import (
    Cause,
    causes_of,
    column_gain_in_words,
    gain_in_words,
    is_closed,
    points_up_to,
    previous_quality,
)
from expectations.results import ExpectationResult, Status
from expectations.scoring import gains_of_columns, gains_of_expectations
from expectations.vector import QualityVector
from expectations.weights import BetaSet, beta_set
from vault.contract import Dimension, Expectation
from vault.errors import JinkuError

TREND_LENGTH = 100
"""Runs that the small trend of one asset looks back."""
LAYERS = ("raw", "base", "resource", "component", "components", "product", "products")
"""Layers in the order of the data's way; others follow by name."""
"""Into how many parts a rate is divided where it stands for counts."""
SAME = 1e-6
"""How far two figures for one Q may lie apart."""
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True)
class OverviewLine:
    """One asset on the overview. Texts are plain, or Markup where names are set apart in them.

    scores and quality are None where none were computed; causes: what closes the gate; fix_first: a sentence, or ''.
    """

    asset: str
    evaluated_at: datetime
    gate_closed: bool
    causes: tuple[Cause, ...]
    scores: Mapping[Dimension, float | None] | None
    unmeasured: frozenset[Dimension]
    quality: float | None
    previous_quality: float | None
    counts: Mapping[Status, int]
    fix_first: str = ""
    title: str = ""
    owner: str = ""


@dataclass(frozen=True)
class AssetWords:
    """What the contract says of an asset, which the history does not keep."""

    title: str = ""
    owner: str = ""
    expectations: tuple[Expectation, ...] = ()


class HasWeights(Protocol):
    """What the lines are judged by, as far as it is needed here."""

    @property
    def weights(self) -> BetaSet:
        """The set in force."""
        ...


NO_WORDS: Mapping[str, AssetWords] = {}


def write_overview_of(
    engine: sa.Engine, folder: Path, rules: HasWeights, now: datetime, words: Mapping[str, AssetWords] = NO_WORDS
) -> Path:
    """Write the overview of all assets on record, one process at a time, so that the last page is the newest.

    Raises JinkuError `report_unwritable` where it cannot be written.
    """
    page = overview_page(folder)
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        lock = (page.parent / ".lock").open("w")
    except OSError as error:
        raise unwritable(folder, error) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines, trends = overview_of(engine, rules, words)
        return write_overview(folder, lines, trends, now)


def overview_of(
    engine: sa.Engine, rules: HasWeights, words: Mapping[str, AssetWords] = NO_WORDS
) -> tuple[tuple[OverviewLine, ...], dict[str, tuple[TrendPoint, ...]]]:
    """The line of every asset on record with its last runs; words: of the assets whose contracts are at hand."""
    evaluations = history.latest_of_all(engine)
    trends = {
        asset: points_up_to(evaluations[asset], points)
        for asset, points in history.trends(engine, length=TREND_LENGTH).items()
        if asset in evaluations
    }
    lines = [
        _line(evaluation, trends.get(asset, ()), rules.weights, words.get(asset, AssetWords()))
        for asset, evaluation in evaluations.items()
    ]
    return tuple(lines), trends


def write_overview(
    folder: Path, lines: Sequence[OverviewLine], trends: Mapping[str, Sequence[TrendPoint]], now: datetime
) -> Path:
    """Write the overview below the folder of reports; an asset whose page is there is a link to it.

    Raises JinkuError `report_unwritable` where it cannot be written, and ValueError for a name that is no asset's.
    """
    ordered = sorted(lines, key=_order)
    scored = [line for line in ordered if line.quality is not None]
    text = rendered(
        "overview.html",
        layers=[(layer, list(found)) for layer, found in groupby(ordered, key=_layer)],
        closed=[line for line in ordered if line.gate_closed],
        line_count=len(ordered),
        worst=min(scored, key=lambda line: line.quality or 0.0, default=None),
        links={line.asset: asset_link(line.asset) for line in ordered if asset_page(folder, line.asset).is_file()},
        sparklines={line.asset: sparkline(trends.get(line.asset, ())) for line in ordered},
        dimensions=DIMENSIONS,
        valuation_link=valuation_link(folder),
        now=now,
    )
    return written(overview_page(folder), text, folder)


def _layer(line: OverviewLine) -> str:
    return line.asset.split("/")[0]


def _order(line: OverviewLine) -> tuple[Any, ...]:
    """By layer on the data's way; in each the closed gates first, then the lowest Q."""
    layer = _layer(line)
    place = LAYERS.index(layer) if layer in LAYERS else len(LAYERS)
    return (place, layer, not line.gate_closed, -1.0 if line.quality is None else line.quality, line.asset)


def _line(evaluation: Evaluation, points: Sequence[TrendPoint], weights: BetaSet, words: AssetWords) -> OverviewLine:
    results, vector = evaluation.results, evaluation.vector
    rated = {result.dimension for result in results if result.rate is not None}
    scores = vector.scores if vector else {}
    return OverviewLine(
        asset=evaluation.asset,
        evaluated_at=evaluation.evaluated_at,
        gate_closed=is_closed(evaluation),
        causes=causes_of(results, rules_of(words.expectations)),
        scores=vector.scores if vector else None,
        unmeasured=frozenset(dimension for dimension, found in scores.items() if found == 0 and dimension not in rated),
        quality=vector.quality if vector else None,
        previous_quality=previous_quality(points),
        counts={status: sum(each.status == status for each in results) for status in STATUSES},
        fix_first=_fix_first(results, vector, weights, words),
        title=words.title,
        owner=words.owner,
    )


def _fix_first(
    results: Sequence[ExpectationResult], vector: QualityVector | None, weights: BetaSet, words: AssetWords
) -> Markup:
    """The sentence on the column, else the expectation, that costs most of Q; empty where none does.

    It is empty too where the Q on record cannot be found again: matrix mode weighs fields by their entropy, which is
    not on record, and a sentence that starts from another Q would mislead.
    """
    judged_by = _weights_of(vector, weights)
    if vector is None or judged_by is None:
        return Markup("")
    given = (results, vector.platform, judged_by, vector.waivers)
    columns = gains_of_columns(*given)
    gains = columns or gains_of_expectations(*given)
    if not gains or abs(gains[0].quality - vector.quality) > SAME:
        return Markup("")
    if columns:
        return column_gain_in_words(columns[0]) or Markup("")
    rules = rules_of(words.expectations)
    rule = next(rule_of(each, rules) for each in results if each.expectation_id == gains[0].name)
    return gain_in_words(gains[0], Markup("<q>{}</q>").format(rule.words)) or Markup("")


def _weights_of(vector: QualityVector | None, weights: BetaSet) -> BetaSet | None:
    """The weights that Q was found with; None where that set is gone."""
    if vector is None or vector.beta_set == weights.name:
        return weights
    try:
        return beta_set(vector.beta_set)
    except JinkuError:
        return None
