"""What the vault holds in sensitive columns of the people behind a component's rows, in the names of its layers.

The queries are made from lineage alone and run inside the vault; they write nothing, and what they give is counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import ibis.expr.types as ir
from ibis.backends.sql import SQLBackend
from ibis.common.exceptions import IbisError

from orchestration.dbt_assets import Models
from orchestration.layers import LAYER_OF_SCHEMA
from orchestration.security.compiled import model_under_review
from orchestration.subjects import sources_below
from review.model.flows import Origin
from review.model.linking import (
    PERSON,
    SENSITIVE,
    SensitiveForm,
    SubjectLink,
    own_pseudonyms,
    sensitive_forms,
    subject_links,
)
from review.model.tracing import traced
from review.model.under_review import ModelUnderReview, Table
from review.result.facts import Held, HeldColumn
from vault.contract import Column
from vault.ledger import tables_of
from vault.rights.pseudonyms import component_pseudonym_sql, pseudonym_sql
from vault.sql_names import quoted_name

RAW = "raw"
OF_PERSONS = frozenset({"person", "event", "object"})
"""Subjects of contracts whose rows may be somebody's."""


@dataclass(frozen=True)
class HeldQuery:
    """The values of one column by the component's own pseudonym of whose they are.

    name: of the table and column; declared: the source's column; statement: gives key and value, "" where no key can be
    made, and then `cause` says why; filled: a query of one row, whether there is any value at all.
    """

    name: str
    declared: Column
    statement: str = ""
    filled: str = ""
    cause: str = ""


@dataclass(frozen=True)
class HeldQueries:
    """The queries of all such columns of a component. key: its own column; people: gives all keys that can be made."""

    columns: tuple[HeldQuery, ...] = ()
    key: str = ""
    people: str = ""


def held_queries(models: Models, name: str, statements: Mapping[Table, str]) -> HeldQueries:
    """What is to be looked at for a component whose rows are persons, or events and objects of theirs; nothing for
    another. statements: the compiled SQL of the component and of all models below it."""
    if models.known.components[name].subject not in OF_PERSONS:
        return HeldQueries()
    model, declared = model_under_review(models, name, statements), _declared(models)
    trace = traced(model)
    if trace.relation is None:
        cause = f"the model could not be followed: {trace.failure}"
        below = {table for source in sources_below(models, name) for table in _tables(models, source)}
        asked = [each for each in sorted(declared) if each[1] in below]
        return HeldQueries(tuple(HeldQuery(".".join(each), declared[each], cause=cause) for each in asked))
    forms = sensitive_forms(model, _subjects(models))
    if not forms:
        return HeldQueries()
    key, links, cause = _key(model, own_pseudonyms(model, trace.relation))
    people = people_statement(name, links)
    columns = tuple(
        query
        for origin, of_origin in forms.items()
        for query in (
            [_query(form, declared[origin], people) for form in of_origin]
            if of_origin and not cause
            else [_unlinked(origin, declared[origin], cause)]
        )
    )
    return HeldQueries(columns, key, people)


def held(backend: SQLBackend, engine: duckdb.DuckDBPyConnection, queries: HeldQueries) -> Held:
    """The tables that the queries give; one that fails is no evidence, and says so without what the engine says."""
    columns = tuple(_held_column(backend, engine, each) for each in queries.columns)
    if all(each.values is None for each in columns):
        return Held(columns, queries.key)
    return Held(columns, queries.key, backend.sql(queries.people))  # part of the queries that did not fail


def people_statement(name: str, links: tuple[SubjectLink, ...]) -> str:
    """The query of (key, subject): a component's own pseudonym of whatever links name, and whose it is, null where the
    table does not say."""
    return " union ".join(
        f"select {component_pseudonym_sql(name, quoted_name(link.key))} as key, {quoted_name(link.subject)} as subject "
        f"from {place(link.table)} where {quoted_name(link.key)} is not null"
        for link in links
    )


def beside_statement(links: tuple[SubjectLink, ...]) -> str:
    """The query of (key, subject): the pseudonyms of the resource layer that links name, and whose they are."""
    return " union ".join(
        f"select {quoted_name(link.key)} as key, {quoted_name(link.subject)} as subject from {place(link.table)}"
        for link in links
    )


def place(table: Table) -> str:
    """A table as SQL calls it."""
    schema, name = table
    return f"{RAW if schema == RAW else LAYER_OF_SCHEMA[schema].database}.{schema}.{quoted_name(name)}"


def _tables(models: Models, source: str) -> dict[str, tuple[Column, ...]]:
    return tables_of(source, models.known.sources[source])


def _declared(models: Models) -> dict[Origin, Column]:
    """Every sensitive column of a source."""
    return {
        (RAW, table, column.name): column
        for source in models.known.sources
        for table, columns in _tables(models, source).items()
        for column in columns
        if column.role == SENSITIVE
    }


def _subjects(models: Models) -> dict[Table, str]:
    """By source table the column that says of which person its rows are."""
    found = {}
    for source, contract in models.known.sources.items():
        for table, columns in _tables(models, source).items():
            named = {column.name for column in columns}
            if contract.subject is not None and contract.subject.kind == PERSON and contract.subject.column in named:
                found[RAW, table] = contract.subject.column
    return found


def _key(model: ModelUnderReview, own: Mapping[str, frozenset[Origin]]) -> tuple[str, tuple[SubjectLink, ...], str]:
    """The component's column by which its rows are linked with persons, by which tables; or why there is none."""
    if not own:
        how = f"add pseudonym('{model.name}', person_id) to the model"
        return "", (), f"no column of the component is its own pseudonym, by which a row's person could be told: {how}"
    known = [link for link in subject_links(model) if link.kind == PERSON]
    for column, origins in sorted(own.items()):
        links = tuple(link for link in known if link.origins <= origins)
        if links:
            return column, links, ""
    return "", (), f"no table below the component says whose {', '.join(sorted(own))} is"


def _unlinked(origin: Origin, declared: Column, cause: str) -> HeldQuery:
    nobody = f"nothing says of whom {origin[1]} speaks: declare the `subject` of the source"
    return HeldQuery(".".join(origin), declared, cause=cause or nobody)


def _query(form: SensitiveForm, declared: Column, people: str) -> HeldQuery:
    column, subject = quoted_name(form.column), quoted_name(form.subject)
    told = subject if form.is_pseudonym else pseudonym_sql(PERSON, f"{subject}::varchar")
    value = _typed(column, declared) if form.table[0] == RAW else column
    of_column = f"select {told} as subject, {value} as value from {place(form.table)} where {column} is not null"
    return HeldQuery(
        ".".join([*form.table, form.column]),
        declared,
        f"select distinct people.key, held.value from ({people}) as people inner join ({of_column}) as held "
        "on people.subject = held.subject where held.value is not null",
        f"select count(*) from (select 1 from ({of_column}) where value is not null limit 1)",
    )


def _typed(column: str, declared: Column) -> str:
    """A column as it was received, as what its contract says."""
    if declared.logical_type in ("number", "integer"):
        return f"try_cast(trim({column}) as double)"
    return f"nullif(trim({column}), '')"


def _held_column(backend: SQLBackend, engine: duckdb.DuckDBPyConnection, query: HeldQuery) -> HeldColumn:
    if query.cause:
        return HeldColumn(query.name, None, query.cause)
    declared = query.declared
    is_quantity = declared.unit is not None or declared.logical_type == "number"
    try:
        (filled,) = engine.execute(query.filled).fetchone() or (0,)
        values: ir.Table = backend.sql(query.statement)
    except (duckdb.Error, IbisError) as error:
        return HeldColumn(query.name, None, f"its query failed ({type(error).__name__})")
    return HeldColumn(query.name, values, "", bool(filled), is_quantity, declared.decision_resolution)
