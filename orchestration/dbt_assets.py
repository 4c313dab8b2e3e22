"""dbt models as assets: one op per layer, so that blocking checks on one layer stop the next."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from orchestration.city import City
from orchestration.column_lineage import column_lineage
from orchestration.dbt import NodeResult, build
from orchestration.declarations import Declarations
from orchestration.failures import RETRY_TRANSIENT, clear_failures
from orchestration.layers import LAYER_OF_SCHEMA, LAYERS, Layer
from orchestration.raw_assets import POOL, freshness
from orchestration.tables import TableFacts, columns_of, facts_of
from vault.contract import ComponentContract, ProductContract
from vault.layers import connect

BUILD_AFTER_CHECKS = dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()


class LayerTranslator(DagsterDbtTranslator):
    """Names, groups, owners and words of the dbt models, from their folder and their contract."""

    def __init__(self, known: Declarations) -> None:
        super().__init__(DagsterDbtTranslatorSettings())
        self._contracts: Mapping[str, ComponentContract | ProductContract] = {**known.components, **known.products}

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """[layer, name]; a raw table's key for a dbt source."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([dbt_resource_props["fqn"][1], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The layer."""
        return str(dbt_resource_props["fqn"][1])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The contract's words for components and products; the model's own otherwise."""
        contract = self._contracts.get(dbt_resource_props["name"])
        if contract is not None:
            return f"{contract.title.en} ({contract.title.zh}). {contract.description}"
        words = dbt_resource_props.get("description") or ""
        return str(words) or f"{dbt_resource_props['fqn'][1]} table {dbt_resource_props['name']}"

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """The contract's owner; the vault's team for base and resource."""
        contract = self._contracts.get(dbt_resource_props["name"])
        return [contract.owner if contract is not None else "team:vault"]

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> dict[str, str]:
        """Application field and release tier of what can be traded."""
        contract = self._contracts.get(dbt_resource_props["name"])
        tags = {"field": contract.application_field} if contract is not None else {}
        if isinstance(contract, ComponentContract):
            tags |= {"release_tier": contract.release_tier, "subject": contract.subject}
        return tags

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> dict[str, Any]:
        """Column schema from the contract, before anything is built."""
        contract = self._contracts.get(dbt_resource_props["name"])
        layer = dbt_resource_props["fqn"][1]
        metadata: dict[str, Any] = {"dagster/table_name": f"{layer}.{dbt_resource_props['name']}"}
        if contract is not None:
            metadata["dagster/column_schema"] = dg.TableSchema(
                columns=[dg.TableColumn(c.name, c.logical_type, description=c.description) for c in contract.columns]
            )
        return metadata

    def get_automation_condition(self, dbt_resource_props: Mapping[str, Any]) -> dg.AutomationCondition[Any]:
        """Build when something above changed and its blocking checks passed."""
        return BUILD_AFTER_CHECKS

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """The spec, with the freshness that the contract promises."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        contract = self._contracts.get(unique_id.rsplit(".", 1)[-1]) if unique_id.startswith("model.") else None
        policy = freshness(contract.refresh_period) if contract is not None else None
        return spec.replace_attributes(freshness_policy=policy) if policy is not None else spec


def layer_assets(
    layer: Layer, manifest_path: Path, manifest: Mapping[str, Any], known: Declarations
) -> dg.AssetsDefinition:
    """All models of one layer as one op."""
    translator = LayerTranslator(known)

    @dbt_assets(
        manifest=manifest_path,
        select=f"fqn:jinku.{layer.name}",
        name=f"build_{layer.name}",
        dagster_dbt_translator=translator,
        pool=POOL,
        retry_policy=RETRY_TRANSIENT,
    )
    def build_layer(context: dg.AssetExecutionContext, city: City) -> Iterator[Any]:
        with clear_failures():
            results = build(city.vault(), _selection(context, layer))
            yield from list(_materializations(city, layer, results, known))
            yield from _check_results(context, manifest, results)
            _raise_if_failed(results)

    return build_layer


def _selection(context: dg.AssetExecutionContext, layer: Layer) -> list[str]:
    if context.is_subset:
        return sorted(key.path[-1] for key in context.selected_asset_keys)
    return [f"fqn:jinku.{layer.name}"]


def _materializations(
    city: City, layer: Layer, results: tuple[NodeResult, ...], known: Declarations
) -> Iterator[dg.MaterializeResult]:
    built = [result for result in results if result.resource_type == "model" and result.status == "success"]
    contracts: Mapping[str, ComponentContract | ProductContract] = {**known.components, **known.products}
    with connect(city.vault(), read=("raw", "warehouse", "components")) as connection:
        inputs = columns_of(connection)
        for result in built:
            key = dg.AssetKey([layer.name, result.name])
            facts = facts_of(connection, layer, result.name)
            metadata = _metadata(result, facts, column_lineage(result.compiled_code, inputs))
            if result.name in contracts:
                metadata["contract_hash"] = _hash(contracts[result.name].model_dump_json())
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)


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
        "model_hash": _hash(result.compiled_code),
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(name, kind.lower()) for name, kind in facts.columns]
        ),
    }
    if facts.batches is not None:
        metadata["batches"] = facts.batches
    if any(dependencies.values()):
        metadata["dagster/column_lineage"] = dg.TableColumnLineage(deps_by_column=dependencies)
    return metadata


def _check_results(
    context: dg.AssetExecutionContext, manifest: Mapping[str, Any], results: tuple[NodeResult, ...]
) -> Iterator[dg.AssetCheckResult]:
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


def _raise_if_failed(results: tuple[NodeResult, ...]) -> None:
    failed = [result for result in results if result.status in ("error", "fail", "runtime error")]
    if failed:
        names = ", ".join(result.name for result in failed)
        first_line = failed[0].message.strip().splitlines()[0] if failed[0].message.strip() else failed[0].status
        raise dg.Failure(
            description=f"{names} failed: {first_line}",
            metadata={result.name: result.status for result in failed},
            allow_retries=False,
        )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


__all__ = ["LAYERS", "layer_assets"]
