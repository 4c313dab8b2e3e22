"""How dbt models are shown in Dagster: names, groups, owners, words and promises, from their folder and contract."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from orchestration.declarations import Declarations
from orchestration.raw_assets import freshness
from vault.contract import ComponentContract, ProductContract

BUILD_AFTER_CHECKS = (
    # the pseudonym key is no table: it is never built, so it must not count as a missing input
    dg.AutomationCondition.eager().ignore(dg.AssetSelection.groups("vault", include_sources=True))
    & dg.AutomationCondition.all_deps_blocking_checks_passed()
)


class LayerTranslator(DagsterDbtTranslator):
    """Names, groups, owners and words of the dbt models, from their folder and their contract."""

    def __init__(self, known: Declarations, versions: Mapping[str, str]) -> None:
        super().__init__(DagsterDbtTranslatorSettings())
        self._versions = versions
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

    def get_code_version(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """What the table is built by, all the way up to raw."""
        return self._versions.get(dbt_resource_props["name"])

    def get_automation_condition(self, dbt_resource_props: Mapping[str, Any]) -> dg.AutomationCondition[Any]:
        """Build when something above changed and its blocking checks passed."""
        return BUILD_AFTER_CHECKS

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """The spec, with the freshness that the contract promises."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        contract = self._contracts.get(unique_id.rsplit(".", 1)[-1]) if unique_id.startswith("model.") else None
        policy = freshness(contract.refresh_period) if contract is not None else None
        return spec.replace_attributes(freshness_policy=policy) if policy is not None else spec
