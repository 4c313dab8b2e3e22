"""By what the vault can tell of whom a component's rows are, and what it holds of them in sensitive columns.

Somebody stands in the resource layer under one pseudonym in every table, and in a component under a pseudonym of that
one. So rows are linked with the records of their people by the pseudonyms that lineage shows, and by nothing that an
author says. Source: models §7 (R, attribute inference; differencing).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from review.model.flows import IDENTIFIER, Flow, Origin, Relation, Value
from review.model.groups import SUBJECTS
from review.model.statement import statement_of
from review.model.tracing import followed_tables
from review.model.under_review import ModelUnderReview, Table

SENSITIVE = "sensitive"
PERSON = "person"


@dataclass(frozen=True)
class SubjectLink:
    """A table below the component in which a pseudonym stands beside a subject's.

    key: the column of the pseudonym, and of: whose it is, such as a visit or the subject itself; subject: the column of
    the subject's, and kind: person or enterprise; origins: the source columns that the key is made from.
    """

    table: Table
    key: str
    of: str
    subject: str
    kind: str
    origins: frozenset[Origin]


@dataclass(frozen=True)
class SensitiveForm:
    """A column in which the vault holds a sensitive column of a source beside whom it speaks of.

    origin: the source's column; subject: the column that says of whom, and is_pseudonym: whether by the pseudonym of
    the resource layer, or by the identifier that this is made from.
    """

    origin: Origin
    table: Table
    column: str
    subject: str
    is_pseudonym: bool


def tables_behind(model: ModelUnderReview) -> frozenset[Table]:
    """The source tables that rows come from: all that the component's statement reads, through every model between.

    Column lineage would leave out those that only choose whose rows there are, by joining pseudonyms.
    """
    found: set[Table] = set()
    waiting = [model.table]
    while waiting:
        table = waiting.pop()
        if table in found:
            continue
        found.add(table)
        tree = statement_of(model.statements.get(table, "")).tree if table in model.statements else None
        if tree is not None:
            waiting += [(each.db.lower(), each.name.lower()) for each in tree.find_all(exp.Table) if each.db]
    return frozenset(found - set(model.statements))


def own_pseudonyms(model: ModelUnderReview, relation: Relation) -> dict[str, frozenset[Origin]]:
    """The columns of a component, or of a query over it, that are its own pseudonyms, with what these are made from."""
    return {name: origins for name, scope, origins in _pseudonyms(relation) if scope == model.name}


def subject_links(model: ModelUnderReview) -> tuple[SubjectLink, ...]:
    """Every table below a component that tells whose a pseudonym is, in the order of their names."""
    found = []
    for table, relation in followed_tables(model).items():
        known = tuple(_pseudonyms(relation))
        found += [
            SubjectLink(table, key, of, subject, kind, origins)
            for key, of, origins in known
            for subject, kind, _ in known
            if kind in SUBJECTS and (of != kind or key == subject)
        ]
    return tuple(found)


def sensitive_forms(
    model: ModelUnderReview, subjects: Mapping[Table, str], kind: str = PERSON
) -> dict[Origin, tuple[SensitiveForm, ...]]:
    """By each sensitive column of the sources that rows come from, the forms in which the vault holds it; none where no
    table says of whom it speaks.

    subjects: by source table the column that says of whom its rows are. Forms are those of the vault's models below the
    component, which are typed and without repeats; where none of these has the column, that of the source as received.
    """
    tables = followed_tables(model)
    asked = sorted(
        (*table, column)
        for table in tables_behind(model)
        for column, role in model.roles.get(table, {}).items()
        if role == SENSITIVE
    )
    found = {}
    for origin in asked:
        subject = subjects.get(origin[:2])
        made = tuple(
            form
            for table, relation in tables.items()
            for form in _forms(origin, table, relation, subject, kind)
            if table in model.statements
        )
        received = () if subject is None else (SensitiveForm(origin, origin[:2], origin[2], subject, False),)
        found[origin] = made or received
    return found


def _forms(origin: Origin, table: Table, relation: Relation, subject: str | None, kind: str) -> Iterator[SensitiveForm]:
    columns = [name for name, value in relation.columns.items() if any(_holds(flow, origin) for flow in value.flows)]
    if not columns:
        return
    named = [(name, origins) for name, scope, origins in _pseudonyms(relation) if scope == kind]
    own = [name for name, origins in named if (*origin[:2], subject) in origins]
    pseudonyms = own or [name for name, _ in named]
    bare = [] if subject is None else _identifiers(relation, (*origin[:2], subject))
    for column in columns:
        for name in pseudonyms or bare:
            yield SensitiveForm(origin, table, column, name, bool(pseudonyms))


def _holds(flow: Flow, origin: Origin) -> bool:
    return flow.origin == origin and not flow.is_aggregated and flow.detail != "count"


def _pseudonyms(relation: Relation) -> Iterator[tuple[str, str, frozenset[Origin]]]:
    """The columns that are a keyed pseudonym and nothing else: name, whose it is, what it is made from."""
    for name, value in sorted(relation.columns.items()):
        scopes = {flow.scope for flow in value.flows}
        if len(scopes) == 1 and scopes != {""} and all(map(_is_whole, value.flows)):
            yield name, next(iter(scopes)), _origins(value)


def _identifiers(relation: Relation, origin: Origin) -> list[str]:
    """The columns that are an identifier of a source, cleaned at most."""
    return [
        name
        for name, value in sorted(relation.columns.items())
        if _origins(value) == {origin}
        and all(flow.role == IDENTIFIER and not flow.scope and not flow.is_aggregated for flow in value.flows)
        and all(flow.detail in ("identity", "transformation") for flow in value.flows)
    ]


def _is_whole(flow: Flow) -> bool:
    return flow.role == IDENTIFIER and flow.detail == "identity" and not flow.is_aggregated


def _origins(value: Value) -> frozenset[Origin]:
    return frozenset(flow.origin for flow in value.flows)
