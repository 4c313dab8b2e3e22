"""What the result review of one component is given: its rows, what was released before, who contributed, what noise is
on record."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import ibis
import ibis.expr.types as ir
import sqlalchemy as sa
from ibis.common.exceptions import IbisError

from orchestration.dbt_assets import Models
from orchestration.layers import COMPONENTS, LAYER_OF_SCHEMA
from orchestration.security.compiled import model_under_review
from orchestration.security.contributions import contribution_queries, sources_of_unit
from orchestration.security.entities import EntitiesOfKind
from orchestration.security.held_columns import held, held_queries
from review.model.contributions import contribution_faults
from review.model.under_review import Table
from review.result.facts import PublishedTable, ResultFacts
from vault.contract import ComponentContract
from vault.disclosure.budgets import Spend, spends_of, spent
from vault.disclosure.draws import Draw, draw_of
from vault.disclosure.ledger import DisclosedSet
from vault.errors import JinkuError
from vault.ibis_tables import ibis_table
from vault.layers import Vault
from vault.releases.reading import find_release, read_datasheet
from vault.releases.table_files import read_table
from vault.snapshot import snapshot_hash


@dataclass(frozen=True)
class Subject:
    """What is reviewed: a component of the models, the sources it rests on, and whose data it discloses, first as its
    contract names them and then under every common kind, or why that cannot be told.

    related: sets of earlier releases that publish totals or their cells; uncompared: those of the same sources that no
    kind of theirs is common with.
    """

    models: Models
    name: str
    sources: tuple[str, ...]
    entities: tuple[EntitiesOfKind, ...]
    unusable: JinkuError | None
    related: tuple[DisclosedSet, ...]
    uncompared: tuple[DisclosedSet, ...] = ()

    @property
    def known(self) -> tuple[DisclosedSet, ...]:
        """Every set of earlier releases that the review looks at."""
        compared = (each for kind in self.entities for each in (*kind.earlier, *kind.others))
        return tuple(dict.fromkeys([*compared, *self.uncompared, *self.related]))

    @property
    def contract(self) -> ComponentContract:
        """The component's contract."""
        return self.models.known.components[self.name]


@dataclass(frozen=True)
class NoiseOnRecord:
    """What is on record of the noise of exactly these rows: the draw, what it took, and what its sources lost in the
    year."""

    draw: Draw | None
    spends: tuple[Spend, ...]
    spent_in_year: Mapping[tuple[str, str, int], tuple[Decimal, Decimal]]


def noise_on_record(connection: sa.Connection, name: str, data_hash: str) -> NoiseOnRecord:
    """The noise that gave exactly these rows of a component; nothing where none did."""
    draw = draw_of(connection, name, data_hash)
    spends = () if draw is None else spends_of(connection, [draw.draw_id])
    keys = {(each.source, each.unit, each.year) for each in spends}
    return NoiseOnRecord(draw, spends, {key: spent(connection, *key) for key in sorted(keys)})


def evidence_hash(engine: duckdb.DuckDBPyConnection, subject: Subject, statements: Mapping[Table, str]) -> str:
    """One hash of what the result review reads of the vault beside the component's own rows: who stands behind them, of
    whom they are some, who contributed what, and what is held of them that they do not show. These may change where the
    rows stay the same."""
    engine.execute("set enable_progress_bar = false")
    backend = ibis.duckdb.from_connection(engine)
    told = []
    for what, statement in _evidence(subject, statements):
        try:
            told.append(f"{what} {snapshot_hash(backend.sql(statement))}")
        except (duckdb.Error, IbisError) as error:
            told.append(f"{what} {type(error).__name__}")  # the check that needs it says so
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _evidence(subject: Subject, statements: Mapping[Table, str]) -> Iterator[tuple[str, str]]:
    contract = subject.contract
    for kind in subject.entities:
        yield f"entities {kind.query.kind}", kind.query.statement
    if contract.population is not None:
        schema, table = contract.population.split("/")
        yield "population", f"select * from {LAYER_OF_SCHEMA[schema].database}.{schema}.{table}"
    for figure, query in contribution_queries(subject.models, subject.name, contract).items():
        if not query.faults:
            yield f"contributions to {figure}", query.statement
    for each in held_queries(subject.models, subject.name, statements).columns:
        if each.statement:
            yield f"held {each.name}", each.statement


def result_facts(
    vault: Vault,
    engine: duckdb.DuckDBPyConnection,
    subject: Subject,
    statements: Mapping[Table, str],
    noise: NoiseOnRecord,
) -> ResultFacts:
    """The facts of a component, but for whose data it discloses. statements: its compiled SQL and all below it."""
    contract, sources = subject.contract, subject.models.known.sources
    population = None
    if contract.population is not None:
        schema, table = contract.population.split("/")
        population = ibis_table(engine, LAYER_OF_SCHEMA[schema].database, schema, table)
    rows = ibis_table(engine, COMPONENTS.database, COMPONENTS.name, subject.name)
    claim = contract.differential_privacy
    contributions, unreliable = _contributions(subject, rows, statements)
    return ResultFacts(
        subject.name,
        contract,
        frozenset(sources[source].category for source in subject.sources),
        rows,
        population=population,
        held=held(rows.get_backend(), engine, held_queries(subject.models, subject.name, statements)),
        contributions=contributions,
        unreliable=unreliable,
        related_releases=tuple(each.release_id for each in subject.related),
        published=_published(vault, rows, subject),
        uncompared={each.release_id: each.entities.entity_kind for each in subject.uncompared},
        draw=noise.draw,
        noise_sources=() if claim is None else sources_of_unit(subject.models, subject.name, claim.unit),
        spends=noise.spends,
        spent_in_year=noise.spent_in_year,
    )


def _contributions(
    subject: Subject, rows: ir.Table, statements: Mapping[Table, str]
) -> tuple[dict[str, ir.Table], dict[str, str]]:
    """Which enterprise contributed what to each figure, as the contract says; where it cannot be relied on, why."""
    contract, tables, unreliable = subject.contract, {}, {}
    if not contract.contributions:
        return {}, {}
    model = model_under_review(subject.models, subject.name, statements)
    for figure, query in contribution_queries(subject.models, subject.name, contract).items():
        has_value = contract.contributions[figure].aggregate != "count"
        faults = query.faults or contribution_faults(model, query.statement, "enterprise", has_value=has_value)
        if faults:
            unreliable[figure] = "; ".join(faults)
        else:
            tables[figure] = rows.get_backend().sql(query.statement)
    return tables, unreliable


def _published(vault: Vault, table: ir.Table, subject: Subject) -> tuple[PublishedTable, ...]:
    """What related releases show, as it was released."""
    found = []
    for name in dict.fromkeys(each.release_id for each in subject.related):
        folder = find_release(vault.home.releases, name).path
        grain = tuple(read_datasheet(folder)["contract"]["grain"])
        found.append(PublishedTable(name, read_table(table.get_backend(), folder), grain))
    return tuple(found)
