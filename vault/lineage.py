"""From what every table reads to who reads each field: the readings along which cost flows to components.

A field is one column of one table, 'layer/table.column'. Source: models §4.2.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter

from pricing.cost import Reading
from vault.metering import TableLineage

Lineages = Mapping[str, TableLineage]
"""What each table is made from, by 'layer/table'."""

SINK = "unresolved:"
"""Before a table's name: where the cost of what it reads ends, because nobody knows which of its columns carry it."""


def table_of(field: str) -> str:
    """The table of a field; of a table itself, which stands for one whose columns are not known, the table."""
    return field.partition(".")[0]


def fields_of(table: str, lineages: Lineages) -> tuple[str, ...]:
    """The fields of a table; the table itself stands for one whose columns are not known."""
    known = lineages.get(table)
    return tuple(f"{table}.{column}" for column in known.columns) if known and known.columns else (table,)


def tables_read(lineage: TableLineage) -> set[str]:
    """The tables that a table is made from, as far as that is known."""
    origins = {origin for each in lineage.columns.values() for origin in each or ()}
    return {*lineage.tables, *map(table_of, {*origins, *lineage.conditions})}


def without_cycles(lineages: Lineages) -> dict[str, TableLineage]:
    """The lineages, those of tables that are made from themselves through others taken for unresolved."""
    cut = dict(lineages)
    while True:
        graph = {table: tables_read(each) - {table} for table, each in cut.items() if each.is_resolved}
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            for table in error.args[1]:
                cut[table] = TableLineage(dict.fromkeys(cut[table].columns), (), tuple(tables_read(cut[table])))
        else:
            return cut


def unresolved_above(table: str, lineages: Lineages) -> tuple[str, ...]:
    """A table and those above it of which it is not known what they are made from: cost does not pass them.

    A raw table is made from nothing, so that is known of it.
    """
    seen: set[str] = set()
    waiting = [table]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(tables_read(lineages[name]) if name in lineages else ())
    known = {name for name in seen if name.startswith("raw/") or (name in lineages and lineages[name].is_resolved)}
    return tuple(sorted(seen - known))


@dataclass(frozen=True)
class _Read:
    """A field is read to make a table: by these of its columns, or by what stands for them."""

    field: str
    table: str
    readers: frozenset[str]


def readings(lineages: Lineages, components: Collection[str]) -> tuple[Reading, ...]:
    """Who reads each field, as far as it leads to a component or to a table whose lineage is not known.

    lineages: without cycles and without the tables that take no part; components: the tables that cost ends at. A table
    counts once among the readers of a field, however many of its columns rest on it: it was read once to make it. What
    leads nowhere is no use of a field and takes no share.
    """
    read = [*_read_by_tables(lineages), *_read_by_components(lineages, components)]
    ends = {*components, *(f"{SINK}{table}" for table in lineages)}
    live = _leading_to(ends, read)
    return tuple(
        Reading(each.field, reader, Fraction(1, len(each.readers & live)))
        for each in read
        for reader in sorted(each.readers & live)
    )


def _read_by_tables(lineages: Lineages) -> Iterable[_Read]:
    for table, lineage in lineages.items():
        if not lineage.is_resolved:
            for parent in sorted(tables_read(lineage) - {table}):
                for field in fields_of(parent, lineages):
                    yield _Read(field, table, frozenset({f"{SINK}{table}"}))
            continue
        readers: dict[str, set[str]] = {}
        for column, origins in lineage.columns.items():
            for field in {*(origins or ()), *lineage.conditions}:
                if table_of(field) != table:
                    readers.setdefault(field, set()).add(f"{table}.{column}")
        for field, columns in sorted(readers.items()):
            yield _Read(field, table, frozenset(columns))


def _read_by_components(lineages: Lineages, components: Collection[str]) -> Iterable[_Read]:
    for component in components:
        for field in fields_of(component, lineages):
            if field != component:
                yield _Read(field, component, frozenset({component}))


def _leading_to(ends: set[str], read: Iterable[_Read]) -> set[str]:
    """The ends, and every field that reaches one."""
    upstream: dict[str, list[str]] = {}
    for each in read:
        for reader in each.readers:
            upstream.setdefault(reader, []).append(each.field)
    live: set[str] = set()
    waiting = list(ends)
    while waiting:
        name = waiting.pop()
        if name not in live:
            live.add(name)
            waiting.extend(upstream.get(name, ()))
    return live
