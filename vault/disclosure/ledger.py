"""The ledger of released sets: which release disclosed what about how many entities of which sources.

The sets themselves lie in a layer of the vault as keyed hashes (`vault.disclosure.entities`); here stands how large
each was and a digest, so that a set that went missing or was changed is noticed. Source: models §7 (differencing).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vault.contract import ComponentContract
from vault.errors import JinkuError
from vault.moments import text_of
from vault.registry.tables import METADATA

disclosed_sets = sa.Table(
    "disclosed_set",
    METADATA,
    sa.Column("release_id", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("entity_kind", sa.Text, nullable=False),
    sa.Column("memberships", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.Column("lineage", sa.Text, nullable=False, server_default=""),
)

disclosed_sources = sa.Table(
    "disclosed_source",
    METADATA,
    sa.Column("release_id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Index("disclosed_source_by_source", "source"),
)


@dataclass(frozen=True)
class EntitySet:
    """A set that the vault keeps. entity_kind: how its entities are named, such as `person`; memberships: how many
    pairs of a cell and an entity it has; digest: of all of them, whatever their order."""

    entity_kind: str
    memberships: int
    digest: str


@dataclass(frozen=True)
class DisclosedSet:
    """The set of one release and scope, as the ledger holds it.

    lineage: the scope without the names that an author chose (`review.model.written_out`); "" where it is not known,
    as of rows that each stand for one subject.
    """

    release_id: str
    scope: str
    component: str
    entities: EntitySet
    lineage: str = ""


def scope_of(contract: ComponentContract) -> str:
    """What two releases must share to be subtracted from each other: what is counted, and by what.

    Rows that each stand for one subject are counted by whatever a reader likes, so their scope is the subject alone.
    """
    if contract.subject != "aggregate":
        return f"rows of {contract.subject}"
    return f"{', '.join(sorted(contract.count_columns)) or 'rows'} by {', '.join(sorted(contract.grain))}"


def earlier_sets(
    connection: sa.Connection, sources: Collection[str], scope: str, component: str, lineage: str = ""
) -> tuple[DisclosedSet, ...]:
    """The sets of the scope or of the lineage that releases of any of the sources disclosed, and those of the component
    under whatever scope, as its columns may have had other names; in the order of the releases' ids."""
    return tuple(
        each
        for each in _sets_of(connection, sources)
        if each.scope == scope or each.component == component or (lineage and each.lineage == lineage)
    )


def scope_as(scope: str, kind: str) -> str:
    """The scope of the same entities told as subjects of a kind; what is counted, and by what, stays what it was."""
    return f"{scope} as {kind}"


def sets_of_other_kinds(
    connection: sa.Connection, sources: Collection[str], kinds: Collection[str]
) -> tuple[DisclosedSet, ...]:
    """The sets of releases of any of the sources of which none has a kind among these: they cannot be compared."""
    sets = tuple(_sets_of(connection, sources))
    comparable = {each.release_id for each in sets if each.entities.entity_kind in kinds}
    return tuple(each for each in sets if each.release_id not in comparable)


def sets_of_kind(connection: sa.Connection, sources: Collection[str], entity_kind: str) -> tuple[DisclosedSet, ...]:
    """Every set of entities of a kind that releases of any of the sources disclosed, whatever they count."""
    return tuple(each for each in _sets_of(connection, sources) if each.entities.entity_kind == entity_kind)


def related_sets(
    connection: sa.Connection, sources: Collection[str], contract: ComponentContract, lineage: str = ""
) -> tuple[DisclosedSet, ...]:
    """The sets of releases of any of the sources that count what the contract counts by fewer or by more columns, told
    by their names or by their lineage: the one is a table of totals over the other's cells, so that cells left out can
    be computed from both."""
    return tuple(
        each
        for each in _sets_of(connection, sources)
        if _are_related(scope_of(contract), each.scope) or _are_related(lineage, each.lineage)
    )


def _sets_of(connection: sa.Connection, sources: Collection[str]) -> Iterator[DisclosedSet]:
    of_sources = sa.select(disclosed_sources.c.release_id).where(disclosed_sources.c.source.in_(sorted(sources)))
    statement = (
        sa.select(disclosed_sets)
        .where(disclosed_sets.c.release_id.in_(of_sources))
        .order_by(disclosed_sets.c.release_id, disclosed_sets.c.scope)
    )
    return map(_disclosed_set, connection.execute(statement).mappings())


def record_release(
    connection: sa.Connection,
    disclosed: DisclosedSet,
    sources: Collection[str],
    compared_with: Collection[str],
    at: datetime,
) -> None:
    """Put a release's set on record, in the transaction of the release.

    compared_with: ids of the releases that its review compared it with, or told that it could not. Raises JinkuError
    `release_not_compared` where another release of the same sources came between the review and now: nobody compared
    those two; and ValueError for a release without sources, and for a time without a zone.
    """
    if not sources:
        raise ValueError("a release discloses something of at least one source")
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    entities = disclosed.entities
    known = {each.release_id for each in _sets_of(connection, sources)} - {disclosed.release_id, *compared_with}
    if known:
        raise JinkuError(
            "release_not_compared",
            f"{len(known)} releases of the same sources came after the review",
            disclosed.component,
            "Review the component again.",
        )
    connection.execute(
        sa.insert(disclosed_sets).values(
            release_id=disclosed.release_id,
            scope=disclosed.scope,
            component=disclosed.component,
            entity_kind=entities.entity_kind,
            memberships=entities.memberships,
            digest=entities.digest,
            recorded_at=text_of(at),
            lineage=disclosed.lineage,
        )
    )
    named = sa.select(disclosed_sources.c.source).where(disclosed_sources.c.release_id == disclosed.release_id)
    new = set(sources) - set(connection.execute(named).scalars())
    for source in sorted(new):
        connection.execute(sa.insert(disclosed_sources).values(release_id=disclosed.release_id, source=source))


def _counted_by(scope: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """What a scope or a lineage counts and by which columns; None for rows of subjects."""
    counts, by, columns = scope.partition(" as ")[0].partition(" by ")
    return (frozenset(counts.split(", ")), frozenset(columns.split(", "))) if by else None


def _are_related(scope: str, other_scope: str) -> bool:
    one, other = _counted_by(scope), _counted_by(other_scope)
    if one is None or other is None:
        return False
    return bool(one[0] & other[0]) and (one[1] < other[1] or other[1] < one[1])


def _disclosed_set(row: Mapping[Any, Any]) -> DisclosedSet:
    entities = EntitySet(row["entity_kind"], row["memberships"], row["digest"])
    return DisclosedSet(row["release_id"], row["scope"], row["component"], entities, row["lineage"])
