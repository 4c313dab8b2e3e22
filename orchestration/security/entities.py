"""Who stands behind a component's rows, as its contract says, in the names of the vault's layers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestration.dbt_assets import Models
from orchestration.security.compiled import model_under_review
from orchestration.security.held_columns import RAW, beside_statement, people_statement
from orchestration.security.queries import RESOURCE, contract_query
from review.model.entities import entity_faults
from review.model.flows import Origin
from review.model.linking import SubjectLink, own_pseudonyms, subject_links
from review.model.tracing import traced
from review.model.under_review import ModelUnderReview, Table
from review.model.written_out import lineage_of
from vault.contract import ComponentContract
from vault.disclosure.entities import EntityQuery
from vault.disclosure.ledger import DisclosedSet
from vault.errors import JinkuError


@dataclass(frozen=True)
class EntitiesOfKind:
    """Who stands behind a component's rows, under one kind of name, and what they are compared with.

    scope: as the ledger knows it; earlier: sets of the same kind and scope, or of the same component; others: all of
    the same sources and kind.
    """

    query: EntityQuery
    scope: str
    earlier: tuple[DisclosedSet, ...] = ()
    others: tuple[DisclosedSet, ...] = ()


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


def common_kinds(
    models: Models, name: str, statements: Mapping[Table, str], query: EntityQuery
) -> tuple[EntityQuery, ...]:
    """The same entities as the subjects that lineage shows behind them: persons behind a component's own pseudonyms,
    behind visits, or beside enterprises. Under these they can be held against releases that name their entities
    otherwise. None where no table below the component says whose a pseudonym is.

    query: as `followed_entity_query` gave it; statements: as there.
    """
    model = model_under_review(models, name, statements)
    own = _own_origins(model) if query.kind == name else frozenset()
    links = [
        link
        for link in subject_links(model)
        if link.kind != query.kind and (link.origins <= own if query.kind == name else link.of == query.kind)
    ]
    kinds = sorted({link.kind for link in links})
    return tuple(_told_as(name, query, kind, tuple(each for each in links if each.kind == kind)) for kind in kinds)


def _own_origins(model: ModelUnderReview) -> frozenset[Origin]:
    relation = traced(model).relation
    found = own_pseudonyms(model, relation) if relation is not None else {}
    return frozenset(origin for origins in found.values() for origin in origins)


def _told_as(name: str, query: EntityQuery, kind: str, links: tuple[SubjectLink, ...]) -> EntityQuery:
    """The subjects of a kind behind entities. A component's own pseudonym that no table knows names nobody, so that the
    comparison refuses it; an entity beside which no subject stands tells of none."""
    is_own = query.kind == name
    told = people_statement(name, links) if is_own else beside_statement(links)
    cell = ", named.cell as cell" if query.has_cells else ""
    missing = "told.key is null or told.subject is not null" if is_own else "told.subject is not null"
    statement = (
        f"select distinct told.subject as entity{cell} from ({query.statement}) as named "
        f"left join ({told}) as told on named.entity = told.key where {missing}"
    )
    layers = tuple(dict.fromkeys([*query.layers, RESOURCE.database, RAW]))
    return replace(query, statement=statement, layers=layers, kind=kind)


def _unusable(name: str, faults: tuple[str, ...]) -> JinkuError:
    return JinkuError(
        "entities_unusable",
        f"the query of the entities is not one to rely on: {'; '.join(faults)}",
        f"assets/components/{name}/defs.yaml",
        "Write one select of a pseudonym over {tables} of the resource layer and {rows}, the component's own.",
    )
