"""dbt models as assets: one op per layer, so that blocking checks on one layer stop the next."""

import errno
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.city import City
from orchestration.column_lineage import ModelLineage, model_lineage
from orchestration.dbt import (
    DBT_PROJECT,
    REFUSED,
    NodeResult,
    build,
    compile_models,
    manifest,
    read_manifest,
    test_models,
)
from orchestration.declarations import Declarations
from orchestration.failures import RETRY_TRANSIENT, clear_failures, without_values
from orchestration.freshness import COLLECTED_UNTIL
from orchestration.layers import COMPONENTS, LAYER_OF_SCHEMA, Layer
from orchestration.raw_assets import POOL
from orchestration.roles import ONLY_BATCH, ROLES, raw_roles, recorded_roles, roles_of_columns
from orchestration.tables import TableFacts, columns_of, facts_of
from orchestration.translation import LayerTranslator
from orchestration.use import lineage_of_model, tables_above
from orchestration.versions import code_versions
from vault.contract import ComponentContract, ProductContract
from vault.home import Home, storage_error
from vault.layers import connect
from vault.ledger import last_collected
from vault.metering import StorageObservation, Task, record

MODEL_HASH = "model_hash"
"""Metadata of a built table: the hash of the compiled SQL that made it."""


@dataclass(frozen=True)
class Models:
    """The parsed dbt project beside the declarations it belongs to."""

    manifest_path: Path
    manifest: Mapping[str, Any]
    versions: Mapping[str, str]
    known: Declarations

    @property
    def contracts(self) -> Mapping[str, ComponentContract | ProductContract]:
        """Contracts of components and products by model name."""
        return {**self.known.components, **self.known.products}

    def node(self, name: str) -> Mapping[str, Any]:
        """The manifest's node of a model."""
        node: Mapping[str, Any] = self.manifest["nodes"][f"model.jinku.{name}"]
        return node

    def names(self, layer: Layer) -> tuple[str, ...]:
        """The models of a layer."""
        nodes = self.manifest["nodes"].values()
        return tuple(
            sorted(node["name"] for node in nodes if node["resource_type"] == "model" and node["fqn"][1] == layer.name)
        )

    def raw_inputs(self, name: str) -> tuple[str, ...]:
        """The raw tables a model reads directly."""
        return tuple(
            key.split(".")[-1] for key in self.node(name)["depends_on"]["nodes"] if key.startswith("source.jinku.raw.")
        )


def parsed_models(home: Home, known: Declarations) -> Models:
    """Parse the dbt project, or take the parsed one where nothing changed. Raises JinkuError `dbt_parse`."""
    path = manifest(home, known)
    parsed = read_manifest(path)
    settings = (DBT_PROJECT / "dbt_project.yml").read_text()
    return Models(path, parsed, code_versions(parsed, settings, known.noise_claims), known)


def layer_assets(layer: Layer, models: Models) -> dg.AssetsDefinition:
    """All models of one layer as one op."""

    @dbt_assets(
        manifest=models.manifest_path,
        select=f"fqn:jinku.{layer.name}",
        name=f"build_{layer.name}",
        dagster_dbt_translator=LayerTranslator(models.known, models.versions),
        pool=POOL,
        retry_policy=RETRY_TRANSIENT,
    )
    def build_layer(context: dg.AssetExecutionContext, city: City) -> Iterator[Any]:
        with clear_failures():
            selected = sorted(key.path[-1] for key in context.selected_asset_keys)
            _drop_outdated(context, city, layer, models, selected)
            with connect(city.vault(), read=("raw",)) as connection:
                collected = last_collected(connection)
            results = _built(city, layer, models, selected)
            yield from _materializations(context, city, layer, models, results, collected)
            yield from _check_results(context, results)
            _raise_if_failed(city.vault().home, results)

    return build_layer


def _built(city: City, layer: Layer, models: Models, selected: list[str]) -> tuple[NodeResult, ...]:
    """Build the models with their tests; of those whose contract claims noise the rows are drawn in between."""
    noisy = [name for name in selected if layer == COMPONENTS and name in models.known.noise_claims]
    plain = [_selector(layer, name) for name in selected if name not in noisy]
    results = build(city.vault(), plain) if plain else ()
    return (*results, *_drawn(city, models, noisy)) if noisy else results


def _drawn(city: City, models: Models, names: list[str]) -> tuple[NodeResult, ...]:
    from orchestration.security.noise import Drawing, drawn  # what measures and draws is imported when needed

    vault = city.vault()
    compiled = compile_models(vault, [_selector(COMPONENTS, name) for name in names])
    results = drawn(Drawing(vault, models, city.policy(), datetime.now(UTC)), compiled)
    there = [_selector(COMPONENTS, result.name) for result in results if result.status == "success"]
    return (*results, *test_models(vault, there)) if there else results


def _selector(layer: Layer, name: str) -> str:
    return f"jinku.{layer.name}.{name}"


def _drop_outdated(
    context: dg.AssetExecutionContext, city: City, layer: Layer, models: Models, selected: list[str]
) -> None:
    """An incremental table made by other code than today's, here or above, is made anew as a whole."""
    outdated = []
    for name in selected:
        if models.node(name)["config"]["materialized"] == "incremental":
            event = context.instance.get_latest_materialization_event(dg.AssetKey([layer.name, name]))
            tags = event.asset_materialization.tags if event is not None and event.asset_materialization else None
            if (tags or {}).get("dagster/code_version") != models.versions[name]:
                outdated.append(name)
    if outdated:
        with connect(city.vault(), write=layer.database) as connection:
            for name in outdated:
                connection.execute(f"drop table if exists {layer.database}.{layer.name}.{name}")


def _materializations(
    context: dg.AssetExecutionContext,
    city: City,
    layer: Layer,
    models: Models,
    results: tuple[NodeResult, ...],
    collected: Mapping[str, datetime],
) -> list[dg.MaterializeResult]:
    built = [result for result in results if result.resource_type == "model" and result.status == "success"]
    materialized, tasks, storage = [], [], []
    roles = raw_roles(city.sources)
    with connect(city.vault(), read=("raw", "warehouse", "components")) as connection:
        inputs = columns_of(connection)
        for result in built:
            facts = facts_of(connection, layer, result.name)
            analysed = model_lineage(result.compiled_code, inputs)
            lineage = analysed.columns if analysed is not None else {}
            metadata = _metadata(result, facts, lineage)
            for schema, table in {origin[:2] for origins in lineage.values() for origin in origins} - set(roles):
                roles[schema, table] = recorded_roles(context.instance, schema, table)
            roles[layer.name, result.name] = roles_of_columns([name for name, _ in facts.columns], lineage, roles)
            metadata[ROLES] = dg.MetadataValue.json(roles[layer.name, result.name])
            if result.name in models.contracts:
                metadata["contract_hash"] = _hash(models.contracts[result.name].model_dump_json())
            until = [collected[table] for table in models.raw_inputs(result.name) if table in collected]
            if until:
                metadata[COLLECTED_UNTIL] = max(until).isoformat()
            materialized.append(dg.MaterializeResult(asset_key=[layer.name, result.name], metadata=metadata))
            task, observation = _use(context.run.run_id, layer, models, result, facts, analysed)
            tasks.append(task)
            storage.append(observation)
    record(city.home.metering, tasks, storage)
    return materialized


def _use(
    run_id: str, layer: Layer, models: Models, result: NodeResult, facts: TableFacts, analysed: ModelLineage | None
) -> tuple[Task, StorageObservation]:
    """What building a model used, for the meter."""
    asset, now = f"{layer.name}/{result.name}", datetime.now(UTC)
    columns = [name for name, _ in facts.columns]
    lineage = lineage_of_model(columns, analysed, tables_above(models.manifest, result.name))
    return Task(run_id, asset, result.seconds, now, lineage), StorageObservation(run_id, asset, facts.size_bytes, now)


def _metadata(
    result: NodeResult, facts: TableFacts, lineage: Mapping[str, tuple[tuple[str, str, str], ...]]
) -> dict[str, Any]:
    dependencies = {
        name: [
            dg.TableColumnDep(asset_key=dg.AssetKey([schema, table]), column_name=column)
            for schema, table, column in origins
            if schema == "raw" or schema in LAYER_OF_SCHEMA
        ]
        for name, origins in lineage.items()
    }
    metadata: dict[str, Any] = {
        "dagster/row_count": facts.rows,
        "bytes": facts.size_bytes,
        "seconds": round(result.seconds, 3),
        MODEL_HASH: hash_of_sql(result.compiled_code),
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(name, kind.lower()) for name, kind in facts.columns]
        ),
    }
    if facts.batches is not None:
        metadata["batches"] = facts.batches
    if facts.batch is not None:
        metadata[ONLY_BATCH] = facts.batch
    if any(dependencies.values()):
        metadata["dagster/column_lineage"] = dg.TableColumnLineage(deps_by_column=dependencies)
    return metadata


def _check_results(context: dg.AssetExecutionContext, results: tuple[NodeResult, ...]) -> Iterator[dg.AssetCheckResult]:
    """One result per selected dbt test: failed is a finding, error is a test that could not run; both fail."""
    status = {result.name: result for result in results if result.resource_type == "test"}
    for key in sorted(context.selected_asset_check_keys, key=str):
        result = status.get(key.name)
        if result is None:
            yield dg.AssetCheckResult(
                asset_key=key.asset_key, check_name=key.name, passed=False, metadata={"status": "not run"}
            )
            continue
        yield dg.AssetCheckResult(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=result.status == "pass",
            severity=dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR,
            metadata={"status": result.status, "failing_rows": result.failures},
        )


def _raise_if_failed(home: Home, results: tuple[NodeResult, ...]) -> None:
    failed = [result for result in results if result.status in ("error", "fail", "runtime error", REFUSED)]
    if failed:
        names = ", ".join(result.name for result in failed)
        if "No space left on device" in failed[0].message:
            raise storage_error(OSError(errno.ENOSPC, ""), home.root)
        raise dg.Failure(
            description=f"{names} failed: {_cause_of(failed[0])}",
            metadata={result.name: result.status for result in failed},
            allow_retries=False,
        )


def _cause_of(result: NodeResult) -> str:
    return result.message if result.status == REFUSED else without_values(result.message) or result.status


def hash_of_sql(compiled_sql: str) -> str:
    """How a built table's metadata names the SQL that made it; dbt's own blank lines at the ends do not count."""
    return _hash(compiled_sql.strip())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
