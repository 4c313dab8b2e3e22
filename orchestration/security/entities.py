"""Who stands behind a component's rows, as its contract says, in the names of the vault's layers."""

from orchestration.dbt_assets import Models
from orchestration.security.queries import contract_query
from vault.contract import ComponentContract
from vault.disclosure.entities import EntityQuery
from vault.errors import JinkuError


def entity_query(models: Models, name: str, contract: ComponentContract) -> EntityQuery | None:
    """The query of a component's entities; None where its contract names none.

    It runs inside the vault, so it is held to the form of a model: one select, no files, no unknown function.
    Raises JinkuError `entities_unusable` with what is wrong.
    """
    entities = contract.entities
    if entities is None:
        return None
    query = contract_query(models, name, entities.query, own_rows=True)
    if query.faults:
        raise JinkuError(
            "entities_unusable",
            f"the query of the entities is not one to run here: {'; '.join(query.faults)}",
            f"assets/components/{name}/defs.yaml",
            "Write one select over {tables} of the resource layer and {rows}, the component's own.",
        )
    return EntityQuery(query.statement, query.layers, entities.kind, has_cells=contract.subject == "aggregate")
