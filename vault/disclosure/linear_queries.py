"""What can be computed from released totals: whether some combination of them tells of a few entities alone.

Totals are sums over groups; whoever has several can add and subtract them. Exact, in whole numbers, and bounded: what
is too large is refused and never skipped. Source: models §7 (rank test).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd

QUERIES_MAX = 64
ATOMS_MAX = 4096
SUBSETS_MAX = 20_000

Row = list[int]


class TooLarge(Exception):
    """More totals, groups or combinations than can be searched."""


@dataclass(frozen=True)
class Atom:
    """Entities that stand in the same totals: the numbers of these, and how many entities they are."""

    queries: frozenset[int]
    entities: int


def isolates(atoms: Sequence[Atom], group_minimum: int, new: int | None = None) -> bool:
    """Whether a linear combination of the totals is a sum over at least 1 and fewer than group_minimum entities.

    new: a total that is not out yet; where it adds nothing that the others do not tell already, the answer is no.
    Rule: a vector of the row space of the totals whose support has fewer than group_minimum entities. Raises TooLarge.
    Source: models §7.
    """
    queries = sorted({query for atom in atoms for query in atom.queries})
    if len(queries) > QUERIES_MAX or len(atoms) > ATOMS_MAX:
        raise TooLarge(f"{len(queries)} totals over {len(atoms)} groups")
    ordered = sorted(atoms, key=lambda atom: -atom.entities)
    of_query = {query: [int(query in atom.queries) for atom in ordered] for query in queries}
    if new is not None:
        others = [row for query, row in of_query.items() if query != new]
        if len(_echelon(others)) == len(_echelon(list(of_query.values()))):
            return False
    large = sum(atom.entities >= group_minimum for atom in ordered)
    within_small = [row[large:] for row in _echelon(list(of_query.values())) if not any(row[:large])]
    return _reaches_few(within_small, [atom.entities for atom in ordered[large:]], group_minimum)


def blocks(atoms: Iterable[Atom]) -> list[list[Atom]]:
    """The atoms in the most parts of which no two share a total, so that each can be looked at by itself."""
    root: dict[int, int] = {}

    def root_of(query: int) -> int:
        while root.setdefault(query, query) != query:
            root[query] = query = root[root[query]]
        return query

    known = [atom for atom in atoms if atom.queries]
    for atom in known:
        first, *others = sorted(atom.queries)
        for other in others:
            root[root_of(other)] = root_of(first)
    found: dict[int, list[Atom]] = {}
    for atom in known:
        found.setdefault(root_of(min(atom.queries)), []).append(atom)
    return list(found.values())


def _reaches_few(rows: list[Row], entities: list[int], group_minimum: int) -> bool:
    """Whether some combination of independent rows is nothing outside columns of fewer than group_minimum entities."""
    if not rows:
        return False
    for tried, chosen in enumerate(_few(entities, group_minimum)):
        if tried >= SUBSETS_MAX:
            raise TooLarge(f"more than {SUBSETS_MAX} groups of few entities")
        outside = [[value for place, value in enumerate(row) if place not in chosen] for row in rows]
        if len(_echelon(outside)) < len(rows):
            return True
    return False


def _few(entities: Sequence[int], group_minimum: int, start: int = 0) -> Iterator[frozenset[int]]:
    """Every choice of places from `start` on, at least one, that together have fewer than group_minimum entities."""
    for place in range(start, len(entities)):
        left = group_minimum - entities[place]
        if left > 0:
            yield frozenset({place})
            for more in _few(entities, left, place + 1):
                yield more | {place}


def _echelon(rows: list[Row]) -> list[Row]:
    """Independent rows that span the same space, each beginning farther right than the one before."""
    left, found = [_reduced(row) for row in rows], []
    for column in range(len(rows[0]) if rows else 0):
        place = next((place for place, row in enumerate(left) if row[column]), None)
        if place is None:
            continue
        pivot = left.pop(place)
        found.append(pivot)
        left = [_without(row, pivot, column) for row in left]
        if not left:
            break
    return found


def _without(row: Row, pivot: Row, column: int) -> Row:
    """The row with nothing in a column, by the pivot row."""
    if not row[column]:
        return row
    kept, taken = pivot[column], row[column]
    return _reduced([value * kept - other * taken for value, other in zip(row, pivot, strict=True)])


def _reduced(row: Row) -> Row:
    divisor = gcd(*row)
    return [value // divisor for value in row] if divisor > 1 else row
