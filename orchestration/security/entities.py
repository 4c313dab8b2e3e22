"""Who stands behind a component's rows, as its contract says, in the names of the vault's layers."""

from collections.abc import Mapping
from dataclasses import replace

from orchestration.dbt_assets import Models
from orchestration.security.compiled import model_under_review
from orchestration.security.queries import contract_query
from review.model.entities import entity_faults
from review.model.under_review import Table
from review.model.written_out import lineage_of
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
        raise _unusable(name, query.faults)
    return EntityQuery(query.statement, query.layers, entities.kind, has_cells=contract.subject == "aggregate")


def followed_entity_query(
    models: Models, name: str, contract: ComponentContract, statements: Mapping[Table, str]
) -> EntityQuery | None:
    """The query of a component's entities, as `entity_query` has it, followed to the pseudonym that it names, and
    with the lineage of the cells.

    statements: the compiled SQL of the component and of all models below it. Raises JinkuError `entities_unusable` also
    where `entity` is another column than the pseudonym of the kind that the contract says.
    """
    query = entity_query(models, name, contract)
    if query is None:
        return None
    model = model_under_review(models, name, statements)
    faults = entity_faults(model, query.statement, query.kind)
    if faults:
        raise _unusable(name, faults)
    if not query.has_cells:
        return query
    return replace(query, lineage=lineage_of(model, query.statement, contract.count_columns))


def _unusable(name: str, faults: tuple[str, ...]) -> JinkuError:
    return JinkuError(
        "entities_unusable",
        f"the query of the entities is not one to rely on: {'; '.join(faults)}",
        f"assets/components/{name}/defs.yaml",
        "Write one select of a pseudonym over {tables} of the resource layer and {rows}, the component's own.",
    )
