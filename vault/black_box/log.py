"""The log in SQL: entries are appended with their nodes of the tree, a few statements whatever its length.

It works on any connection to a database that holds the tables; who appends holds the write lock from the reading of
the frontier to the commit.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vault.black_box import tables
from vault.black_box.entries import ERASURE_SUBJECT, Entry, Event, leaf_of, payload_hash
from vault.black_box.merkle import Frontier, Node, leaf_hash, nodes_of, position_of
from vault.errors import JinkuError
from vault.moments import text_of
from vault.signing import canonical

SALT_BYTES = 32
ROWS_TOGETHER = 10_000
"""At most so many events are hashed before they are written: the memory that a batch takes is bounded."""

_ENTRY = tables.entries.c
_ENTRY_COLUMNS = (_ENTRY.leaf_index, _ENTRY.at, _ENTRY.kind, _ENTRY.actor, _ENTRY.subject, _ENTRY.payload_hash)
_SIZE = sa.select(sa.func.coalesce(sa.func.max(_ENTRY.leaf_index) + 1, 0))
_LAST_AT = sa.select(_ENTRY.at).order_by(_ENTRY.leaf_index.desc()).limit(1)
_HASHES = sa.select(tables.nodes).where(tables.nodes.c.position.in_(sa.bindparam("positions", expanding=True)))


@dataclass(frozen=True)
class Logged:
    """An entry and its payload as canonical JSON, None where that was erased."""

    entry: Entry
    payload: str | None


def size_of(connection: sa.Connection) -> int:
    """How many entries there are."""
    return int(connection.execute(_SIZE).scalar_one())


def last_at(connection: sa.Connection) -> datetime | None:
    """When the last entry was made; None while there is none."""
    found = connection.execute(_LAST_AT).scalar()
    return None if found is None else datetime.fromisoformat(found)


def frontier_of(connection: sa.Connection, size: int) -> Frontier:
    """The right edge of the tree of the first `size` entries. Raises JinkuError `black_box_broken`."""
    found = hashes_of(connection, nodes_of((0, size)))
    return Frontier(size, [found[node] for node in nodes_of((0, size))])


def hashes_of(connection: sa.Connection, wanted: Sequence[Node]) -> dict[Node, bytes]:
    """The stored hashes of nodes, a few for each level. Raises JinkuError `black_box_broken` where one is gone."""
    node_at = {position_of(node): node for node in wanted}
    rows = connection.execute(_HASHES, {"positions": list(node_at)}) if wanted else ()
    found = {node_at[position]: value for position, value in rows}
    lost = sorted(set(wanted) - set(found))
    if lost:
        level, index = lost[0]
        raise JinkuError(
            "black_box_broken",
            f"the black box lacks node {index} of level {level} of its tree; nothing was done",
            tables.nodes.name,
            "Run `jinku blackbox verify`, then restore the registry from your backup.",
        )
    return found


@dataclass(frozen=True)
class Salted:
    """An event ready to be appended: all is reckoned that does not depend on its place in the log."""

    event: Event
    salt: bytes
    payload: bytes
    payload_hash: str


def salted(event: Event, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> Salted:
    """Salt and hash an event's payload. Raises ValueError as `canonical` does."""
    salt, payload = random_bytes(SALT_BYTES), canonical(event.payload)
    return Salted(event, salt, payload, payload_hash(salt, payload))


def append(
    connection: sa.Connection,
    frontier: Frontier,
    events: Sequence[Event],
    at: datetime,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> range:
    """Add entries to the log and to the frontier, which is that of the whole log; gives their indices.

    Raises ValueError for a time without a zone and as `canonical` does, and sqlalchemy's DBAPIError.
    """
    first = frontier.size
    for start in range(0, len(events), ROWS_TOGETHER):
        together = [salted(event, random_bytes) for event in events[start : start + ROWS_TOGETHER]]
        append_salted(connection, frontier, together, at)
    return range(first, frontier.size)


Insert = Callable[[sa.Connection, sa.Table, Sequence[tuple[Any, ...]]], None]


def append_salted(
    connection: sa.Connection,
    frontier: Frontier,
    events: Sequence[Salted],
    at: datetime,
    insert: Insert = tables.insert,
) -> range:
    """As `append`, of events that are ready: so little is left to do that whoever waits for the log waits shortly.

    insert: how rows are added to a table.
    """
    moment, first = text_of(at), frontier.size
    entries, payloads, nodes = [], [], []
    for each in events:
        index, event = frontier.size, each.event
        entry = (index, moment, event.kind, event.actor, event.subject, each.payload_hash)
        entries.append(entry)
        payloads.append((index, each.salt, each.payload.decode()))
        nodes += frontier.add(leaf_hash(leaf_of(*entry)))
    for table, rows in ((tables.entries, entries), (tables.payloads, payloads), (tables.nodes, nodes)):
        insert(connection, table, rows)
    return range(first, frontier.size)


def erase_payload(connection: sa.Connection, frontier: Frontier, index: int, at: datetime, actor: str) -> int:
    """Delete an entry's payload and salt for good and log that this was done; gives the index of that new entry.

    The log stays whole: the entry keeps the salted hash, from which nothing can be guessed without the salt. The bytes
    are overwritten in the file when SQLite next moves its write-ahead log there, at the latest when it is closed.
    Raises JinkuError `unknown_entry` where there is no such payload (any more).
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("pragma secure_delete = on")
    erased = connection.execute(sa.delete(tables.payloads).where(tables.payloads.c.leaf_index == index))
    if erased.rowcount != 1:
        raise _unknown(index, "the black box holds no payload of that entry")
    (logged,) = append(connection, frontier, [Event("erasure", f"{ERASURE_SUBJECT}{index}", {}, actor)], at)
    return logged


def entry_of(connection: sa.Connection, index: int) -> Entry:
    """One entry. Raises JinkuError `unknown_entry`."""
    row = connection.execute(sa.select(*_ENTRY_COLUMNS).where(_ENTRY.leaf_index == index)).one_or_none()
    if row is None:
        raise _unknown(index, "the black box holds no such entry")
    return Entry(*row)


def last_entries(
    connection: sa.Connection, most: int, kind: str | None = None, subject: str | None = None
) -> tuple[Logged, ...]:
    """The last entries of a kind and of a subject, oldest first, with their payloads."""
    payload = tables.payloads.c.payload
    chosen = sa.select(*_ENTRY_COLUMNS, payload).outerjoin_from(
        tables.entries, tables.payloads, tables.payloads.c.leaf_index == _ENTRY.leaf_index
    )
    if kind is not None:
        chosen = chosen.where(_ENTRY.kind == kind)
    if subject is not None:
        chosen = chosen.where(_ENTRY.subject == subject)
    rows = connection.execute(chosen.order_by(_ENTRY.leaf_index.desc()).limit(most)).all()
    return tuple(Logged(Entry(*row[:-1]), row[-1]) for row in reversed(rows))


def _unknown(index: int, what: str) -> JinkuError:
    return JinkuError("unknown_entry", what, f"entry {index}", "See `jinku blackbox show` for those that there are.")
