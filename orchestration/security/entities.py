"""Who stands behind a component's rows, as its contract says, in the names of the vault's layers."""

import re

from orchestration.dbt_assets import Models
from orchestration.layers import COMPONENTS
from orchestration.security.compiled import component_table
from vault.contract import ComponentContract, Entities
from vault.disclosure.entities import EntityQuery
from vault.errors import JinkuError

NAMED = re.compile(r"\{([a-z][a-z0-9_]*)\}")
RESOURCE_DATABASE = "warehouse"


def entity_query(models: Models, name: str, contract: ComponentContract) -> EntityQuery | None:
    """The query of a component's entities; None where its contract names none.

    Raises JinkuError `entities_unusable` where it names a table that is none of the resource layer's.
    """
    entities = contract.entities
    if entities is None:
        return None
    named = set(NAMED.findall(entities.query))
    for table in named - {"rows"}:
        if not _is_resource(models, table):
            raise JinkuError(
                "entities_unusable",
                f"the entities' query names '{{{table}}}', which is no table of the resource layer",
                f"assets/components/{name}/defs.yaml",
                "Name tables of the resource layer, or {rows} for the component's own.",
            )
    return EntityQuery(
        NAMED.sub(lambda found: _place(found[1], name), entities.query),
        _layers(entities),
        entities.kind,
        has_cells=contract.subject == "aggregate",
    )


def _is_resource(models: Models, table: str) -> bool:
    node = models.manifest["nodes"].get(f"model.jinku.{table}")
    return bool(node) and node["fqn"][1] == "resource"


def _place(table: str, name: str) -> str:
    return component_table(name) if table == "rows" else f"{RESOURCE_DATABASE}.resource.{table}"


def _layers(entities: Entities) -> tuple[str, ...]:
    named = set(NAMED.findall(entities.query))
    layers = ([COMPONENTS.database] if "rows" in named else []) + ([RESOURCE_DATABASE] if named - {"rows"} else [])
    return tuple(layers)
