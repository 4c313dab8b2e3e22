"""The facts a price rests on, gathered: from the catalogue of builds, the quality history, the vault and the contract.

Everything is as of one moment and one epoch; nothing here computes a price. Source: models §1 to §5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg
import duckdb

from expectations.history import Evaluation
from orchestration.dbt_assets import Models
from orchestration.layers import COMPONENTS, Layer
from orchestration.use import tables_above
from pricing.comparables import Factors, Substitute, scarcity_among
from pricing.exact import clipped, exact
from pricing.guide import GuideParameters, coverage, timeliness
from vault.contract import REFRESH_PERIOD_DAYS, Column, ComponentContract
from vault.measures import TableMeasures

DATED_TYPES = ("date", "timestamp")


@dataclass(frozen=True)
class SourceTable:
    """A table of source records that a component reads, 'layer/table', as it was last built."""

    table: str
    rows: int
    batches: int


@dataclass(frozen=True)
class Age:
    """How old the data is: the newest event in the component, or the last build where no column tells events.

    age_days: 0 or more; is_future: the newest event lies after the day of valuation.
    """

    newest: date
    age_days: int
    update_period_days: int
    half_life_days: float | None
    is_future: bool


@dataclass(frozen=True)
class Scope:
    """What two components must share to be compared: the tables read, the rows' keys, the columns' concepts."""

    component: str
    owner: str
    sources: frozenset[str]
    grain: frozenset[str]
    concepts: frozenset[str]

    @property
    def rows_id(self) -> str:
        """Equal where the rows are of the same sources by the same keys."""
        return f"{','.join(sorted(self.sources))} by {','.join(sorted(self.grain))}"


def sources_of(storage: dg.DagsterInstance, models: Models, name: str) -> tuple[SourceTable, ...]:
    """The tables of source records that a component reads, with the rows and batches of their last builds.

    N is the sum of their rows. A row is a source record where it is known which batch it came in; a table that has no
    batches, such as a calendar or a list of places made of many sources, holds none. Source: models §3.
    """
    found = []
    for table in tables_read(models, name):
        event = storage.get_latest_materialization_event(dg.AssetKey(table.split("/")))
        metadata = event.asset_materialization.metadata if event and event.asset_materialization else {}
        if "batches" in metadata:
            rows, batches = (metadata.get(key) for key in ("dagster/row_count", "batches"))
            found.append(SourceTable(table, _whole(rows), _whole(batches)))
    return tuple(found)


def tables_read(models: Models, name: str) -> tuple[str, ...]:
    """The tables inside the vault that a component reads, 'layer/table'; through a component to what that one reads."""
    found: set[str] = set()
    waiting, seen = [name], {name}
    while waiting:
        for table in tables_above(models.manifest, waiting.pop()):
            layer, below = table.split("/")
            if layer != COMPONENTS.name:
                found.add(table)
            elif below not in seen:
                seen.add(below)
                waiting.append(below)
    return tuple(sorted(found))


def scope_of(models: Models, name: str) -> Scope:
    """What a component covers, as its contract and its model say."""
    contract = models.known.components[name]
    concepts = {column.name: concept_of(column) for column in contract.columns}
    return Scope(
        component=name,
        owner=contract.provider,
        sources=frozenset(tables_read(models, name)),
        grain=frozenset(concepts[column] for column in contract.grain),
        concepts=frozenset(concepts.values()),
    )


def concept_of(column: Column) -> str:
    """The concept of a column: what is declared, its name otherwise."""
    return column.concept_id or column.name


def age_of(
    connection: duckdb.DuckDBPyConnection,
    layer: Layer,
    name: str,
    contract: ComponentContract,
    built_at: datetime,
    now: datetime,
    guide: GuideParameters,
) -> Age:
    """How old the newest event is, in whole days; the day it was built where no column of events has a value."""
    newest = None
    for column in contract.columns:
        if column.event_time and column.logical_type in DATED_TYPES:
            statement = f'select cast(max("{column.name}") as date) from {layer.database}.{layer.name}."{name}"'
            (newest,) = connection.execute(statement).fetchone() or (None,)
    newest = newest or built_at.astimezone(UTC).date()
    days = (now.astimezone(UTC).date() - newest).days
    half_life = guide.half_lives_days[contract.refresh_period]
    return Age(
        newest=newest,
        age_days=max(0, days),
        update_period_days=REFRESH_PERIOD_DAYS[contract.refresh_period] or 0,
        half_life_days=None if half_life is None else float(half_life),
        is_future=days < 0,
    )


def factors_of(
    scope: Scope,
    others: Sequence[Scope],
    measures: TableMeasures,
    records: int,
    completeness: float,
    contract: ComponentContract,
    age: Age,
) -> Factors:
    """S, T, N and W. S is 1 for a component without information: nothing of it could be replaced.

    W of a contract that does not say what share it covers is 0: nothing said, no credit. Source: models §5.
    """
    named = {column.name: concept_of(column) for column in contract.columns}
    bits = {named[column.name]: column.bits for column in measures.columns}
    substitutes = [
        Substitute(other.owner, other.concepts, 1 if other.rows_id == scope.rows_id else 0) for other in others
    ]
    share = 0.0 if contract.population_share is None else contract.population_share
    return Factors(
        scarcity=scarcity_among(scope.owner, bits, substitutes) if any(bits.values()) else 1.0,
        timeliness=timeliness(age.age_days, age.update_period_days, age.half_life_days),
        records=records,
        coverage=clipped(coverage(completeness, share), exact(0), exact(1)),
    )


def scores_of(evaluation: Evaluation | None) -> tuple[Mapping[str, float], tuple[str, ...]]:
    """Z and the waived dimensions of a table's last evaluation; nothing where it has none."""
    if evaluation is None or evaluation.vector is None:
        return {}, ()
    scores = evaluation.vector.scores
    measured = {str(dimension): score for dimension, score in scores.items() if score is not None}
    return measured, tuple(str(dimension) for dimension, score in scores.items() if score is None)


def _whole(value: object) -> int:
    number = getattr(value, "value", None)
    return int(number) if isinstance(number, int | float) else 0
