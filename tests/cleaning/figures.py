"""Everything that is measured, gathered as values."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.declarations import Declarations
from tests.cleaning.accuracy import Accuracy
from tests.cleaning.city import CityFindings, city_findings
from tests.cleaning.graded_city import apart, together
from tests.cleaning.graded_pairs import (
    MIXED,
    graded,
    graded_by_column,
    graded_by_swapping,
    lay_out_clean,
    swap,
)
from tests.cleaning.pairs import Agreement, agreement, opened_pair
from tests.cleaning.ranking import Point, rank_correlation
from tests.cleaning.spoilt_city import CityMaker, compiled_base_models
from tests.cleaning.suites import fingerprint
from vault.contract import TableContract

SWAPPED_SHARE, SWAPPED_SEED = 0.05, 1


@dataclass(frozen=True)
class Correlation:
    """How well Q orders tables that were spoilt in one way."""

    data: str
    way: str
    points: tuple[Point, ...]

    @property
    def value(self) -> float | None:
        """Spearman's rank correlation; None where nothing varies."""
        return rank_correlation(self.points)


@dataclass(frozen=True)
class PairFigures:
    """A pair: dirty against clean, the clean file alone, the clean file with swapped cells, and the order by Q."""

    name: str
    version: int
    fingerprint: str
    rows: int
    columns: int
    dirty: Agreement
    clean: Accuracy
    swapped: Agreement
    correlations: tuple[Correlation, ...]


@dataclass(frozen=True)
class CityFigures:
    """The sample city: what became of its defects, and the order by Q."""

    findings: CityFindings
    correlations: tuple[Correlation, ...]


def pair_figures(name: str) -> PairFigures:
    """All figures of one pair, measured in a vault that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="jinku-cleaning-") as folder, opened_pair(name, Path(folder)) as pair:
        dirty = agreement(pair, pair.table)
        lay_out_clean(pair)
        clean = agreement(pair, MIXED).over_all
        swap(pair, SWAPPED_SHARE, SWAPPED_SEED)
        swapped = agreement(pair, MIXED)
        ways = {
            "wrong cells, every column alike": graded(pair),
            "wrong cells, each column by itself": graded_by_column(pair),
            "cells swapped between rows": graded_by_swapping(pair),
        }
        return PairFigures(
            name=name,
            version=pair.suite.version,
            fingerprint=fingerprint(name),
            rows=pair.batch.loaded,
            columns=len(pair.columns),
            dirty=dirty,
            clean=clean,
            swapped=swapped,
            correlations=tuple(Correlation(name, way, tuple(points)) for way, points in ways.items()),
        )


def city_figures(known: Declarations) -> CityFigures:
    """All figures of the sample city: the default one, and parts of it at graded rates."""
    suites = base_suites(known)
    with tempfile.TemporaryDirectory(prefix="jinku-cleaning-") as folder:
        models = compiled_base_models(Path(folder) / "models", known)
        maker = CityMaker(Path(folder), known.sources, models)
        with maker.whole() as connection:
            findings = city_findings(connection, list(models), suites)
        spoilt = {each.asset: suites[each.asset] for each in findings.alarms if each.spoilt}
        correlations = (
            *_correlations("all rates alike", together(maker, spoilt)),
            *_correlations("each rate by itself", apart(maker, spoilt)),
        )
    return CityFigures(findings, correlations)


def base_suites(known: Declarations) -> Mapping[str, TableContract]:
    """The suites of the base layer, by asset."""
    return {asset: contract for asset, contract in known.tables.items() if asset.startswith("base/")}


def _correlations(way: str, points: Mapping[str, Sequence[Point]]) -> list[Correlation]:
    return [Correlation(asset, way, tuple(found)) for asset, found in points.items()]
