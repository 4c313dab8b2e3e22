"""One component reviewed: S(X) = f(O, M, R) of exactly the rows, models and contracts there are, put on record."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import dagster as dg
import duckdb
import sqlalchemy as sa

from orchestration.dbt_assets import Models
from orchestration.layers import COMPONENTS, LAYER_OF_SCHEMA
from orchestration.security.compiled import compiled_statements, model_under_review
from orchestration.security.content import content_of
from orchestration.security.entities import EntitiesOfKind, common_kinds, followed_entity_query
from orchestration.security.result_facts import (
    NoiseOnRecord,
    Subject,
    evidence_hash,
    noise_on_record,
    result_facts,
)
from orchestration.subjects import models_below, sources_below
from review.code import code_hash
from review.findings import Finding
from review.model.reviewing import review_model
from review.model.under_review import Table
from review.origin.checks import review_origin
from review.origin.facts import SourceFacts
from review.origin.gathering import Open, origin_facts, source_facts
from review.policy import Policy
from review.records import Content, Review, latest_review, record_review
from review.result.releases import DIFFERENCING, LINEAR, differencing_minimum
from review.result.review import review_result
from review.result.thresholds import Thresholds, thresholds_for
from review.sign_off import SignOff, sign_off
from vault.black_box.recording import recording
from vault.disclosure.entities import EntityQuery, compare
from vault.disclosure.ledger import (
    DisclosedSet,
    earlier_sets,
    related_sets,
    scope_as,
    scope_of,
    sets_of_kind,
    sets_of_other_kinds,
)
from vault.errors import JinkuError
from vault.ibis_tables import ibis_table
from vault.layers import Vault, connect
from vault.registry.database import open_registry
from vault.rights.holdings import Place
from vault.snapshot import snapshot_hash

LAYERS_READ = ("raw", "warehouse", "components")


@dataclass(frozen=True)
class Reviewed:
    """A review on record, with what a release needs of it: the sources, who was compared under which kinds, and with
    which releases."""

    review: Review
    sources: tuple[str, ...]
    entities: tuple[EntitiesOfKind, ...]
    compared_with: tuple[str, ...]


def review_component(
    storage: dg.DagsterInstance,
    vault: Vault,
    models: Models,
    name: str,
    policy: Policy,
    known_sources: dict[str, SourceFacts],
    run_id: str,
    now: datetime,
) -> Reviewed:
    """Review a component as it was last built, and put what was found on record.

    known_sources: facts of sources measured before in this run, to which those of this component's are added. The
    findings of model and result are taken from the last review where nothing they rest on has changed; those of origin
    rest on the time and are always made anew. Raises JinkuError where the vault or the registry cannot be used.
    """
    contract = models.known.components[name]
    registry = open_registry(vault.home)
    sources = sources_below(models, name)
    statements, fault = _statements(vault, storage, models, name)
    entities, unusable = _entities(models, name, statements, fault)
    with registry.begin() as connection:
        subject = _subject(connection, models, name, sources, entities, unusable)
        last = latest_review(connection, name)
    thresholds = thresholds_for(policy.result, contract.release_tier)
    with connect(vault, read=LAYERS_READ) as engine:
        data_hash = snapshot_hash(ibis_table(engine, COMPONENTS.database, COMPONENTS.name, name))
        content = content_of(models, name, sources, data_hash, statements, policy)
        with registry.begin() as connection:
            noise = noise_on_record(connection, name, data_hash)
        evidence = evidence_hash(engine, subject, statements)
        cache_key = _cache_key(content, evidence, subject.known, noise, fault or unusable)
        if last is not None and last.cache_key == cache_key:
            lasting = tuple(each for each in last.findings if each.part != "origin")
        else:
            model = _model_findings(models, name, statements, fault)
            lasting = (*model, *_result_findings(vault, engine, subject, statements, noise, thresholds))
        with registry.begin() as connection:
            signed = sign_off(connection, name, content.key)
            opened = Open(vault, connection, engine)
            origin = _origin_findings(opened, subject, known_sources, signed, now)
    review = Review(name, content, cache_key, (*origin, *lasting), policy.blocking, run_id, now)
    with recording(vault, now) as record:
        review = record_review(record, review)
    return Reviewed(review, sources, subject.entities, tuple(each.release_id for each in subject.known))


def _subject(
    connection: sa.Connection,
    models: Models,
    name: str,
    sources: tuple[str, ...],
    entities: tuple[EntityQuery, ...],
    unusable: JinkuError | None,
) -> Subject:
    """The component with the earlier releases that its entities are held against, each kind with its own."""
    contract, found = models.known.components[name], []
    lineage = entities[0].lineage if entities else ""
    for query in entities:
        scope = scope_of(contract) if query is entities[0] else scope_as(scope_of(contract), query.kind)
        earlier = earlier_sets(connection, sources, scope, name, lineage)
        others = sets_of_kind(connection, sources, query.kind)
        found.append(
            EntitiesOfKind(
                query, scope, tuple(each for each in earlier if each.entities.entity_kind == query.kind), others
            )
        )
    kinds = {query.kind for query in entities}
    uncompared = sets_of_other_kinds(connection, sources, kinds) if entities else ()
    related = related_sets(connection, sources, contract, lineage)
    return Subject(models, name, sources, tuple(found), unusable, related, uncompared)


def _entities(
    models: Models, name: str, statements: Mapping[Table, str], fault: JinkuError | None
) -> tuple[tuple[EntityQuery, ...], JinkuError | None]:
    """The query of the entities and those under common kinds; where it cannot be used or followed, none and why."""
    contract = models.known.components[name]
    if fault is not None and contract.entities is not None:
        return (), fault
    try:
        query = followed_entity_query(models, name, contract, statements)
    except JinkuError as error:
        return (), error
    return (() if query is None else (query, *common_kinds(models, name, statements, query))), None


def _statements(
    vault: Vault, storage: dg.DagsterInstance, models: Models, name: str
) -> tuple[Mapping[Table, str], JinkuError | None]:
    """The compiled SQL; where it is not that of the rows, none of it and the cause."""
    try:
        return compiled_statements(vault.home, storage, models, name), None
    except JinkuError as error:
        return {}, error


def _model_findings(
    models: Models, name: str, statements: Mapping[Table, str], fault: JinkuError | None
) -> tuple[Finding, ...]:
    if fault is not None:
        return (Finding("M1_statement", "model", "error", str(fault)),)
    return review_model(model_under_review(models, name, statements))


def _result_findings(
    vault: Vault,
    engine: duckdb.DuckDBPyConnection,
    subject: Subject,
    statements: Mapping[Table, str],
    noise: NoiseOnRecord,
    thresholds: Thresholds,
) -> tuple[Finding, ...]:
    """The findings of the result; where whose data it is cannot be told, those that rest on it are errors."""
    comparisons, unusable = [], subject.unusable
    facts = result_facts(vault, engine, subject, statements, noise)
    for place, each in enumerate(subject.entities):
        minimum = differencing_minimum(facts, thresholds, each.query.kind if place else None)
        try:
            comparisons.append(compare(vault, each.query, each.earlier, minimum, each.others))
        except JinkuError as error:
            if error.code != "entities_unusable":
                raise
            unusable = unusable or error
    if comparisons and unusable is None:
        kinds = [each.query.kind for each in subject.entities]
        common = dict(zip(kinds[1:], comparisons[1:], strict=True))
        facts = replace(facts, comparison=comparisons[0], entity_kind=kinds[0], common=common)
    findings = review_result(facts, thresholds)
    if unusable is None:
        return findings
    return tuple(
        replace(each, outcome="error", reason=str(unusable)) if each.check in (DIFFERENCING, LINEAR) else each
        for each in findings
    )


def _origin_findings(
    opened: Open, subject: Subject, known_sources: dict[str, SourceFacts], signed: SignOff, now: datetime
) -> tuple[Finding, ...]:
    contracts = subject.models.known.sources
    for source in subject.sources:
        if source not in known_sources:
            known_sources[source] = source_facts(opened, source, contracts[source], now)
    facts = origin_facts(
        opened,
        subject.name,
        subject.contract,
        {source: known_sources[source] for source in subject.sources},
        _places(subject),
        now,
        signed_off=signed.state == "approved",
    )
    return _with_refusals(review_origin(facts), signed)


def _with_refusals(findings: Sequence[Finding], signed: SignOff) -> tuple[Finding, ...]:
    """What waits for people has failed once they have refused it."""
    if signed.state != "refused":
        return tuple(findings)
    refusing = ", ".join(each.reviewer for each in signed.decisions if each.verdict == "refuse")
    return tuple(
        Finding(each.check, each.part, "fail", f"refused by {refusing}: `jinku review` shows why", each.evidence)
        if each.outcome == "pending"
        else each
        for each in findings
    )


def _places(subject: Subject) -> tuple[Place, ...]:
    """Every table that the component rests on, its own included."""
    found = []
    for model in models_below(subject.models, subject.name):
        schema = subject.models.node(model)["fqn"][1]
        found.append(Place(LAYER_OF_SCHEMA[schema].database, schema, model))
    return tuple(found)


def _cache_key(
    content: Content, evidence: str, earlier: Sequence[DisclosedSet], noise: NoiseOnRecord, fault: JinkuError | None
) -> str:
    """Changes with all that the findings of model and result rest on: the review's own code, content, the evidence
    beside the rows, earlier releases, noise and what it lost, models and entities that cannot be used."""
    known = [code_hash(), content.key, evidence, *(each.release_id for each in earlier)]
    return hashlib.sha256("\n".join([*known, str(noise), str(fault or "")]).encode()).hexdigest()
