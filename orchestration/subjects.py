"""From the models and declarations to a table that can be judged: its suite, its words, and what the platform knows."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import dagster as dg
import sqlalchemy as sa

from expectations import history
from expectations.engine import TableUnderTest
from expectations.judging import Subject
from expectations.vector import PlatformMetrics
from orchestration.dbt_assets import Models
from orchestration.judged_tables import contract_of, suite_of
from orchestration.layers import Layer
from orchestration.platform_metrics import REFRESHES_LOOKED_AT, RefreshTimes, platform_metrics
from orchestration.roles import public, recorded_batch, recorded_roles
from orchestration.words import title_of
from vault.contract import ComponentContract
from vault.ledger import tables_of


def subject_of(storage: dg.DagsterInstance, models: Models, layer: Layer, name: str) -> Subject:
    """The table with its suite and words; only columns whose role is not personal may show a figure."""
    contract = contract_of(models, layer, name)
    if isinstance(contract, ComponentContract):
        roles = {str(column.name): str(column.role) for column in contract.columns}
        title = contract.title.en
    else:
        roles, title = recorded_roles(storage, layer.name, name), title_of(name)
    return Subject(
        table=TableUnderTest(
            f"{layer.name}/{name}",
            layer.database,
            layer.name,
            name,
            public(roles),
            recorded_batch(storage, layer.name, name),
        ),
        expectations=suite_of(contract),
        title=title,
        owner=contract.owner if contract is not None else "team:vault",
        description=contract.description if contract is not None else str(models.node(name).get("description") or ""),
    )


def measured_by_the_platform(
    engine: sa.Engine,
    models: Models,
    layer: Layer,
    name: str,
    collected: Mapping[str, Sequence[datetime]],
    is_readable: bool,
    now: datetime,
) -> PlatformMetrics:
    """The platform's counts of one table, this reading included.

    collected: when batches of each source came. A base or resource table is refreshed when its sources are; a
    component, and a table that rests on no source, when it is built, which is when it is judged.
    """
    contract = contract_of(models, layer, name)
    past = history.attempts(engine, f"{layer.name}/{name}", now - REFRESHES_LOOKED_AT)
    sources = sources_below(models, name)
    built = [time for time, _ in past] + [now]
    refreshes: list[RefreshTimes] = [
        (models.known.sources[source].refresh_period, collected.get(source, ())) for source in sources
    ]
    if isinstance(contract, ComponentContract):
        refreshes = [(contract.refresh_period, built)]
    elif not sources:
        refreshes = [("static", built)]
    return platform_metrics(refreshes, [*past, (now, is_readable)], contract, now)


def models_below(models: Models, name: str) -> tuple[str, ...]:
    """A model and every model that its rows rest on, by name."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            parents = models.node(each)["depends_on"]["nodes"]
            waiting += [parent.rsplit(".", 1)[-1] for parent in parents if parent.startswith("model.")]
    return tuple(sorted(found))


def sources_below(models: Models, name: str) -> tuple[str, ...]:
    """The sources that a table rests on, through all models below it."""
    source_of_table = {
        table: source for source, contract in models.known.sources.items() for table in tables_of(source, contract)
    }
    tables = {table for model in models_below(models, name) for table in models.raw_inputs(model)}
    return tuple(sorted({source_of_table[table] for table in tables if table in source_of_table}))
