"""The queries that contracts hold, in the names of the vault's layers.

They run inside the vault, so they are held to the form of a model: one select, no files, no unknown function, and no
table but those that are named as `{table}`.
"""

import re
from dataclasses import dataclass

from sqlglot import exp

from orchestration.dbt_assets import Models
from orchestration.layers import COMPONENTS, LAYER_OF_SCHEMA
from review.model.statement import statement_of

NAMED = re.compile(r"\{([a-z][a-z0-9_]*)\}")
OWN = "rows"
"""How a query names the component's own table."""

RESOURCE = LAYER_OF_SCHEMA["resource"]


@dataclass(frozen=True)
class ContractQuery:
    """A query as the engine takes it. layers: those it reads; faults: why it must not be run."""

    statement: str
    layers: tuple[str, ...]
    faults: tuple[str, ...]


def contract_query(models: Models, name: str, query: str, *, own_rows: bool) -> ContractQuery:
    """A query of a component's contract. own_rows: whether it may read the component's own table, as `{rows}`."""
    named = set(NAMED.findall(query))
    tables = named - {OWN} if own_rows else named
    statement = NAMED.sub(lambda found: _place(found[1], name), query)
    unknown = [each for each in sorted(tables) if not _is_resource(models, each)]
    places = {_place(each, name) for each in named}
    faults = [f"'{{{table}}}' is no table of the resource layer" for table in unknown] or _faults(statement, places)
    layers = ([COMPONENTS.database] if named - tables else []) + ([RESOURCE.database] if tables else [])
    return ContractQuery(statement, tuple(layers), tuple(faults))


def _faults(statement: str, places: set[str]) -> list[str]:
    """What the review of models has against the form of a query; and tables that are not written as {table}."""
    found = statement_of(statement)
    if found.tree is None:
        return list(found.faults)
    names = {each.alias_or_name for each in found.tree.ctes}
    others = [
        each.sql()
        for each in found.tree.find_all(exp.Table)
        if f"{each.catalog}.{each.db}.{each.name}" not in places
        and not isinstance(each.this, exp.Func)
        and (each.db or each.name not in names)
    ]
    return [*found.faults, *(f"it reads {each}" for each in others)]


def _is_resource(models: Models, table: str) -> bool:
    node = models.manifest["nodes"].get(f"model.jinku.{table}")
    return bool(node) and node["fqn"][1] == RESOURCE.name


def _place(table: str, name: str) -> str:
    layer, table = (COMPONENTS, name) if table == OWN else (RESOURCE, table)
    return f"{layer.database}.{layer.name}.{table}"
