"""Whose data stands behind a release: sets of entities as keyed hashes, in a layer of their own, compared by SQL.

A keyed hash says nothing to whoever has not the vault's master key, and is the same in every release, so that two
releases can be subtracted from each other here before anybody else does it. Source: models §7 (differencing).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from vault.disclosure.ledger import DisclosedSet, EntitySet
from vault.disclosure.linear_queries import Atom
from vault.errors import JinkuError
from vault.keys import derived_key
from vault.layers import Vault, connect

LAYER = "entities"
ATOMS_READ_MAX = 20_000

TABLE = f"{LAYER}.main.membership"
CREATE = f"create table if not exists {TABLE} (release_id text, scope text, cell blob, entity blob)"
OF_RELEASE = f"select cell, entity from {TABLE} where release_id = ? and scope = ?"
CANDIDATE = "temp.main.candidate"
MEASURED = f"select count(*), coalesce(bit_xor(md5_number(hex(cell) || hex(entity))), 0)::text from ({OF_RELEASE})"
COUNTED = f"""
    select (select count(distinct entity) from {CANDIDATE}), count(*), coalesce(min(entities), 0),
        coalesce(sum(entities), 0)
    from (select count(*) as entities from {CANDIDATE} group by cell)
"""


@dataclass(frozen=True)
class EntityQuery:
    """Who stands behind the rows of a release, as a query on layers of the vault.

    statement: SQL with a column `entity`, no null, and with `cell` where has_cells: text that tells the rows of an
    aggregate apart; layers: those it reads; kind: how its entities are named, such as `person` for the pseudonyms of
    the resource layer. Entities of other kinds cannot be compared, not even where they are the same people.
    """

    statement: str
    layers: tuple[str, ...]
    kind: str
    has_cells: bool = False


@dataclass(frozen=True)
class Difference:
    """A candidate A beside the set B of an earlier release: |A\\B|, |B\\A|, and the smallest of these within a cell
    that is not 0, 0 where all are."""

    release_id: str
    component: str
    only_new: int
    only_earlier: int
    smallest_in_cell: int


@dataclass(frozen=True)
class Comparison:
    """A candidate beside all earlier releases of the same sources and scope.

    atoms: of each cell where a group of fewer than `below` entities can be told apart by the releases they are in, the
    groups; `NEW` stands for the candidate there, and the place among the differences for each earlier release. The
    first is that of all cells together, where it is among them. cells: those of the candidate, smallest_cell: the
    fewest entities of one, and memberships: pairs of a cell and an entity; all 0 where the query tells no cells apart.
    """

    entities: int
    below: int
    differences: tuple[Difference, ...]
    atoms: tuple[tuple[Atom, ...], ...]
    cells: int = 0
    smallest_cell: int = 0
    memberships: int = 0


NEW = -1
"""The candidate among the queries of an atom."""


def compare(vault: Vault, query: EntityQuery, earlier: Sequence[DisclosedSet], below: int) -> Comparison:
    """The set of a release that is to be, beside those of earlier ones; nothing is written.

    Raises JinkuError `entities_unusable` where the query cannot be run or names nobody in some row, where an earlier
    set names its entities in another way, and where it is not as the ledger says; `layer_busy` and others as layers do.
    """
    for each in earlier:
        if each.entities.entity_kind != query.kind:
            raise _unusable(f"{each.release_id} names entities as '{each.entities.entity_kind}', not '{query.kind}'")
    held = (LAYER,) if earlier else ()
    if held and not vault.home.layer(LAYER).exists():
        raise _unusable("the layer of entities is gone")
    with connect(vault, read=(*held, *query.layers)) as connection:
        _put_candidate(connection, vault, query)
        for each in earlier:
            if _measured(connection, each) != each.entities:
                raise _unusable(f"the set of {each.release_id} is not as it was recorded")
        differences = tuple(_difference(connection, each) for each in earlier)
        atoms = _atoms(connection, earlier, below) if earlier else ()
        entities, *of_cells = map(int, connection.execute(COUNTED).fetchone() or (0, 0, 0, 0))
    return Comparison(entities, below, differences, atoms, *(of_cells if query.has_cells else (0, 0, 0)))


def keep_entities(vault: Vault, release_id: str, scope: str, query: EntityQuery) -> EntitySet:
    """Keep the set of a release, before the release is recorded; keeping it again replaces it.

    A set that no record in the ledger speaks of counts for nothing. Raises JinkuError as `compare` does.
    """
    of_release = [release_id, scope]
    with connect(vault, write=LAYER, read=query.layers) as connection:
        _put_candidate(connection, vault, query)
        connection.execute(CREATE)
        connection.execute("begin")
        connection.execute(f"delete from {TABLE} where release_id = ? and scope = ?", of_release)
        connection.execute(f"insert into {TABLE} select ?, ?, cell, entity from {CANDIDATE}", of_release)
        connection.execute("commit")
        return _measured(connection, DisclosedSet(release_id, scope, "", EntitySet(query.kind, 0, "")))


def _put_candidate(connection: duckdb.DuckDBPyConnection, vault: Vault, query: EntityQuery) -> None:
    """The query's entities as keyed hashes, without repeats, in a temporary table of the connection.

    hash = the first 16 bytes of sha256(key || sha256(key || value)): 2^64 entities would be needed for two to collide.
    """
    cell = "coalesce(cast(cell as text), '~')" if query.has_cells else "''"
    hashed = "unhex(substr(sha256(? || sha256(? || {value})), 1, 32))"
    try:
        connection.execute("create temporary table candidate (cell blob, entity blob)")
        (unnamed,) = connection.execute(
            f"select count(*) from ({query.statement}) where entity is null"
        ).fetchone() or (0,)
        connection.execute(
            f"insert into {CANDIDATE} select distinct {hashed.format(value=cell)}, "
            f"{hashed.format(value='cast(entity as text)')} from ({query.statement}) where entity is not null",
            [derived_key(vault.master, "entities")] * 4,
        )
    except duckdb.Error as error:
        raise _unusable(f"the query of entities failed ({type(error).__name__})") from None
    if unnamed:
        raise _unusable(f"{unnamed} rows of the query of entities name nobody")


def _measured(connection: duckdb.DuckDBPyConnection, of: DisclosedSet) -> EntitySet:
    """The set that is kept for a release, as it is now."""
    try:
        found = connection.execute(MEASURED, [of.release_id, of.scope]).fetchone() or (0, "0")
    except duckdb.CatalogException:
        raise _unusable("the sets of earlier releases are gone") from None
    return EntitySet(of.entities.entity_kind, int(found[0]), str(found[1]))


def _difference(connection: duckdb.DuckDBPyConnection, earlier: DisclosedSet) -> Difference:
    """Both differences as wholes and within the cells, in one statement."""
    found = connection.execute(
        f"""
        with new as (from {CANDIDATE}),
        earlier as ({OF_RELEASE}),
        added as (select cell, count(*) as entities from (from new except from earlier) group by cell),
        removed as (select cell, count(*) as entities from (from earlier except from new) group by cell)
        select
            (select count(*) from (select entity from new except select entity from earlier)),
            (select count(*) from (select entity from earlier except select entity from new)),
            (select coalesce(min(entities), 0) from (from added union all from removed))
        """,
        [earlier.release_id, earlier.scope],
    ).fetchone() or (0, 0, 0)
    return Difference(earlier.release_id, earlier.component, *map(int, found))


def _atoms(
    connection: duckdb.DuckDBPyConnection, earlier: Sequence[DisclosedSet], below: int
) -> tuple[tuple[Atom, ...], ...]:
    """Of all cells together, and of each cell, the groups of entities that are in the same releases, where one of them
    has fewer than `below`."""
    places = ", ".join(f"(?, ?, {place})" for place in range(len(earlier)))
    found = connection.execute(
        f"""
        with releases (release_id, scope, place) as (values {places}),
        members as (
            select cell, entity, {NEW} as place from {CANDIDATE}
            union all
            select cell, entity, place from {TABLE} inner join releases using (release_id, scope)
        ),
        patterns as (
            select cell, entity, list_sort(list(place)) as pattern from members group by cell, entity
            union all
            select null, entity, list_sort(list_distinct(list(place))) from members group by entity
        ),
        atoms as (select cell, pattern, count(*) as entities from patterns group by cell, pattern)
        select dense_rank() over (order by cell nulls first), pattern, entities from atoms
        qualify min(entities) over (partition by cell) < ?
        order by 1, pattern
        limit {ATOMS_READ_MAX + 1}
        """,
        [part for each in earlier for part in (each.release_id, each.scope)] + [below],
    ).fetchall()
    if len(found) > ATOMS_READ_MAX:
        raise _unusable(f"more than {ATOMS_READ_MAX} groups of entities can be told apart by the releases they are in")
    cells: dict[int, list[Atom]] = {}
    for cell, pattern, entities in found:
        cells.setdefault(cell, []).append(Atom(frozenset(pattern), entities))
    return tuple(tuple(atoms) for atoms in cells.values())


def _unusable(cause: str) -> JinkuError:
    return JinkuError(
        "entities_unusable",
        f"it cannot be told whose data earlier releases disclosed: {cause}",
        LAYER,
        "Correct the query of entities, or restore the vault from your backup.",
    )
