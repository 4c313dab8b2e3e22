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
PAIRS_MAX = 50_000_000
"""Most pairs of memberships of one entity that are looked at between two releases whose cells cannot be aligned."""

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
    the resource layer. Entities of other kinds cannot be compared, not even where they are the same people. lineage:
    what makes the cells, whatever they are called; cells of equal lineage and name are the same cell. "" where it is
    not known.
    """

    statement: str
    layers: tuple[str, ...]
    kind: str
    has_cells: bool = False
    lineage: str = ""


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
class CloseCells:
    """Cells of a candidate beside those of an earlier release under whatever names: how many of either tell of fewer
    than the minimum when a cell of the other, or several that make it up, are subtracted, and the fewest told of."""

    release_id: str
    component: str
    cells: int
    fewest: int


@dataclass(frozen=True)
class Comparison:
    """A candidate beside all earlier releases of the same sources and scope.

    atoms: of each cell where a group of fewer than `below` entities can be told apart by the releases they are in, the
    groups; `NEW` stands for the candidate there, and the place among the differences for each earlier release. The
    first is that of all cells together, where it is among them. cells: those of the candidate, smallest_cell: the
    fewest entities of one, and memberships: pairs of a cell and an entity; all 0 where the query tells no cells apart.
    close: what cells tell of one another in releases whose cells are made otherwise, where that is fewer than `below`.
    """

    entities: int
    below: int
    differences: tuple[Difference, ...]
    atoms: tuple[tuple[Atom, ...], ...]
    cells: int = 0
    smallest_cell: int = 0
    memberships: int = 0
    close: tuple[CloseCells, ...] = ()


NEW = -1
"""The candidate among the queries of an atom."""


def compare(
    vault: Vault,
    query: EntityQuery,
    earlier: Sequence[DisclosedSet],
    below: int,
    others: Sequence[DisclosedSet] = (),
) -> Comparison:
    """The set of a release that is to be, beside those of earlier ones; nothing is written.

    earlier: sets of the same scope, whose cells are the same where they are called the same; others: all of the same
    sources and kind. Of these every cell is held against every cell, unless the lineage says that names can be relied
    on. Raises JinkuError `entities_unusable` where the query cannot be run or names nobody in some row, where an
    earlier set names its entities in another way, where it is not as the ledger says, and where there are too many
    cells to be held against each other; `layer_busy` and others as layers do.
    """
    made_otherwise = [each for each in others if not query.lineage or each.lineage != query.lineage]
    for each in (*earlier, *made_otherwise):
        if each.entities.entity_kind != query.kind:
            raise _unusable(f"{each.release_id} names entities as '{each.entities.entity_kind}', not '{query.kind}'")
    held = (LAYER,) if earlier or made_otherwise else ()
    if held and not vault.home.layer(LAYER).exists():
        raise _unusable("the layer of entities is gone")
    with connect(vault, read=(*held, *query.layers)) as connection:
        _put_candidate(connection, vault, query)
        for each in dict.fromkeys([*earlier, *made_otherwise]):
            if _measured(connection, each) != each.entities:
                raise _unusable(f"the set of {each.release_id} is not as it was recorded")
        differences = tuple(_difference(connection, each) for each in earlier)
        atoms = _atoms(connection, earlier, below) if earlier else ()
        close = tuple(found for each in made_otherwise if (found := _close_cells(connection, each, below)) is not None)
        entities, cells, smallest, memberships = map(int, connection.execute(COUNTED).fetchone() or (0, 0, 0, 0))
    if not query.has_cells:
        return Comparison(entities, below, differences, atoms, close=close)
    return Comparison(entities, below, differences, atoms, cells, smallest, memberships, close)


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


CLOSE = """
    with one as ({one}),
    other as ({other}),
    one_size as (select cell, count(*) as entities from one group by cell),
    other_size as (select cell, count(*) as entities from other group by cell),
    pairs as (
        select one.cell as cell, other.cell as part, count(*) as shared
        from one inner join other on one.entity = other.entity
        group by one.cell, other.cell
    ),
    within as (
        select pairs.*, one_size.entities as entities, other_size.entities as part_entities
        from pairs
        inner join one_size on pairs.cell = one_size.cell
        inner join other_size on pairs.part = other_size.cell
        where other_size.entities - shared < ? and (shared >= ? or shared = other_size.entities)
    ),
    covered as (
        select within.cell, count(*) as counted, count(distinct one.entity) as entities
        from within
        inner join one on within.cell = one.cell
        inner join other on within.part = other.cell and one.entity = other.entity
        group by within.cell
    ),
    made_up as (
        select within.cell, any_value(within.entities) - any_value(covered.entities) as only_one,
            sum(part_entities - shared) as only_other
        from within inner join covered on within.cell = covered.cell
        where covered.counted = covered.entities
        group by within.cell
    ),
    told as (
        select cell, entities - shared as only_one, part_entities - shared as only_other from within
        union all
        from made_up
    )
    select count(distinct cell), coalesce(min(only_one + only_other), 0)
    from told
    where only_one < ? and only_other < ? and only_one + only_other > 0
"""
"""The cells of one release from which a cell of another, or all that lie in it where none of these share an entity, can
be subtracted so that fewer than the minimum are left. A cell lies in another where fewer than the minimum of it do not,
and the minimum or all of it do."""

MEETINGS = f"""
    select coalesce(sum(one.cells * other.cells), 0)
    from (select entity, count(*) as cells from {CANDIDATE} group by entity) as one
    inner join (select entity, count(*) as cells from ({OF_RELEASE}) group by entity) as other using (entity)
"""


def _close_cells(connection: duckdb.DuckDBPyConnection, earlier: DisclosedSet, below: int) -> CloseCells | None:
    """What the cells of the candidate and of an earlier release tell of each other; None where it is enough."""
    of_release = [earlier.release_id, earlier.scope]
    (meetings,) = connection.execute(MEETINGS, of_release).fetchone() or (0,)
    if meetings > PAIRS_MAX:
        raise _unusable(f"its cells and those of {earlier.release_id} meet in more than {PAIRS_MAX} memberships")
    new, limits = f"from {CANDIDATE}", [below] * 4
    forth = connection.execute(CLOSE.format(one=new, other=OF_RELEASE), [*of_release, *limits]).fetchone() or (0, 0)
    back = connection.execute(CLOSE.format(one=OF_RELEASE, other=new), [*of_release, *limits]).fetchone() or (0, 0)
    cells = int(forth[0] + back[0])
    fewest = min((int(fewest) for found, fewest in (forth, back) if found), default=0)
    return CloseCells(earlier.release_id, earlier.component, cells, fewest) if cells else None


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
