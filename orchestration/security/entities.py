"""Who stands behind a component's rows, as its contract says, in the names of the vault's layers."""

import re

from sqlglot import exp

from orchestration.dbt_assets import Models
from orchestration.layers import COMPONENTS, LAYER_OF_SCHEMA
from review.model.statement import statement_of
from vault.contract import ComponentContract, Entities
from vault.disclosure.entities import EntityQuery
from vault.errors import JinkuError

NAMED = re.compile(r"\{([a-z][a-z0-9_]*)\}")
RESOURCE = LAYER_OF_SCHEMA["resource"]


def entity_query(models: Models, name: str, contract: ComponentContract) -> EntityQuery | None:
    """The query of a component's entities; None where its contract names none.

    It runs inside the vault, so it is held to the form of a model: one select, no files, no unknown function.
    Raises JinkuError `entities_unusable` with what is wrong.
    """
    entities = contract.entities
    if entities is None:
        return None
    statement = NAMED.sub(lambda found: _place(found[1], name), entities.query)
    unknown = [table for table in NAMED.findall(entities.query) if table != "rows" and not _is_resource(models, table)]
    faults = [f"'{{{table}}}' is no table of the resource layer" for table in unknown] or _faults(statement)
    if faults:
        raise JinkuError(
            "entities_unusable",
            f"the query of the entities is not one to run here: {'; '.join(faults)}",
            f"assets/components/{name}/defs.yaml",
            "Write one select over {tables} of the resource layer and {rows}, the component's own.",
        )
    return EntityQuery(statement, _layers(entities), entities.kind, has_cells=contract.subject == "aggregate")


def _faults(statement: str) -> list[str]:
    """What the review of models has against the form of a query; and tables that are not written as {table}."""
    found = statement_of(statement)
    if found.tree is None:
        return list(found.faults)
    names = {each.alias_or_name for each in found.tree.ctes}
    others = [
        each.sql()
        for each in found.tree.find_all(exp.Table)
        if each.catalog not in (COMPONENTS.database, RESOURCE.database) and each.name not in names
    ]
    return [*found.faults, *(f"it reads {each}" for each in others)]


def _is_resource(models: Models, table: str) -> bool:
    node = models.manifest["nodes"].get(f"model.jinku.{table}")
    return bool(node) and node["fqn"][1] == RESOURCE.name


def _place(table: str, name: str) -> str:
    layer, table = (COMPONENTS, name) if table == "rows" else (RESOURCE, table)
    return f"{layer.database}.{layer.name}.{table}"


def _layers(entities: Entities) -> tuple[str, ...]:
    named = set(NAMED.findall(entities.query))
    layers = ([COMPONENTS.database] if "rows" in named else []) + ([RESOURCE.database] if named - {"rows"} else [])
    return tuple(layers)
