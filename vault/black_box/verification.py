"""Verifying the black box: every row against every other, against the signatures and against the witness.

Rows are read as streams, so memory does not grow with the log, and hashed one by one: no SQL can do that. Where a row
is not what the rows around it say, the check goes on with what is stored, so that one changed row is told once or twice
and not once for each node above it. Source: models §7; RFC 6962 §2.1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault.black_box import tables
from vault.black_box.checkpoints import Checkpoint, hash_of_line, read_line
from vault.black_box.entries import ERASURE_SUBJECT, leaf_of, payload_hash
from vault.black_box.merkle import folded, leaf_hash, node_hash, position_of
from vault.black_box.reading import reading
from vault.black_box.witness import FILE_NAME, lines_of, quiet_witness
from vault.home import Home
from vault.signing import public_keys

PROBLEMS_TOLD = 100
"""The others are counted: a log that was rewritten has one for every row."""
PAGE_ROWS = 5_000
BEFORE_ALL = -(2**63)
"""Before the first key that a row can have, whoever wrote it."""
ENTRIES = "black_box_entries e left join black_box_payloads p on p.leaf_index = e.leaf_index"
ENTRY_COLUMNS = "e.leaf_index, e.at, e.kind, e.actor, e.subject, e.payload_hash, p.salt, p.payload"
LOST = bytes(32)
"""Stands for a leaf of which nothing is left."""

PublicKeys = Mapping[str, Ed25519PublicKey]
Kind = Literal["changed", "removed", "added", "tree", "checkpoint", "rolled_back", "witness"]


@dataclass(frozen=True)
class Problem:
    """What is not as it was written. kind: a word for it; what: which rows, in a sentence."""

    kind: Kind
    what: str


@dataclass(frozen=True)
class Verified:
    """What was found: the first problems and how many more there are, none where the log is whole; how many entries
    there are, how many of their payloads were erased, and the last checkpoint."""

    problems: tuple[Problem, ...]
    more_problems: int
    entries: int
    erased: int
    checkpoint: Checkpoint | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify_home(home: Home, copy: Path | None = None, keys: PublicKeys | None = None) -> Verified:
    """Verify the registry's log against the home's witness, or against a copy of it kept elsewhere, which may be older.

    keys: the public keys to trust, those of the home without it. It waits for whoever is recording.
    Raises JinkuError `nothing_recorded`, `registry_unusable`, and `key_damaged` as `public_keys` does.
    """
    path, trusted = copy or home.witness / FILE_NAME, public_keys(home) if keys is None else keys
    with reading(home) as connection:
        with quiet_witness(path) as size_bytes:
            connection.execute(sa.select(tables.checkpoints.c.size).limit(1)).all()  # from here on it reads this state
        lines = None if size_bytes is None else lines_of(path, size_bytes)
        return verify(connection, lines, trusted, is_copy=copy is not None)


def verify(
    connection: sa.Connection,
    witness: Iterator[str] | None,
    keys: PublicKeys,
    is_copy: bool,
    is_growing: bool = False,
) -> Verified:
    """Verify the log of any database, within a transaction that sees one state (PostgreSQL: repeatable read).

    witness: its lines in order, None where it is missing; is_copy: it may be older than the database. Otherwise it may
    lack the last line alone, as it does after a process was killed right after its commit. is_growing: it is signed
    from time to time and not with every entry, so that its end may not be covered yet. Raises sqlalchemy's DBAPIError.
    """
    findings = _Findings()
    stated = _Chain(connection, witness, keys, findings)
    checkpoints = stated.checkpoints()
    log = _Log(connection, checkpoints, findings, is_growing)
    try:
        log.check()
        for _ in checkpoints:
            pass  # those that a log with a gap could not be held against
        stated.check_end(is_copy)
    except TypeError:
        findings.add("changed", "a row holds a value of another type than was ever written; the rest was not checked")
    return Verified(tuple(findings.told), findings.more, log.size, len(log.erased), stated.last)


@dataclass
class _Findings:
    told: list[Problem] = field(default_factory=list)
    more: int = 0

    def add(self, kind: Kind, what: str) -> None:
        if len(self.told) < PROBLEMS_TOLD:
            self.told.append(Problem(kind, what))
        else:
            self.more += 1


class _Chain:
    """The checkpoints: each follows from the one before, the last is signed, and the witness states the same ones."""

    def __init__(
        self, connection: sa.Connection, witness: Iterator[str] | None, keys: PublicKeys, findings: _Findings
    ) -> None:
        self.last: Checkpoint | None = None
        self._connection = connection
        self._is_missing = witness is None
        self._witness = witness or iter(())
        self._stated = next(self._witness, None)
        self._keys = keys
        self._findings = findings
        self._lines_behind = 0

    def checkpoints(self) -> Iterator[Checkpoint]:
        """All that can be read, in the order of their size."""
        before = None
        for size, line in _rows(self._connection, "size, line", tables.checkpoints.name):
            self._compare(size, line)
            checkpoint = _read(line)
            if checkpoint is None or checkpoint.size != size:
                self._findings.add("checkpoint", f"the checkpoint of {_entries(size)} cannot be read")
            else:
                if checkpoint.previous != hash_of_line(before):
                    self._findings.add("checkpoint", f"the checkpoint of {_entries(size)} does not follow the last one")
                    self._check_signature()
                self.last = checkpoint
                yield checkpoint
            before = line

    def check_end(self, is_copy: bool) -> None:
        """The last signature, which vouches for all before, and what the witness alone states."""
        self._check_signature()
        while self._stated is not None:
            self._tell_unknown(self._stated)
            self._stated = next(self._witness, None)
        if self._is_missing and self.last is not None:
            self._findings.add("witness", "the witness is missing or cannot be read")
        elif self._lines_behind > 1 and not is_copy:
            self._findings.add(
                "witness",
                f"the witness lacks the last {self._lines_behind} checkpoints: it is older, or the power was cut; "
                "the next action writes them anew",
            )

    def _check_signature(self) -> None:
        if self.last is not None and not self.last.is_signed(self._keys):
            self._findings.add(
                "checkpoint", f"the checkpoint of {_entries(self.last.size)} is not signed by a key that is known"
            )

    def _compare(self, size: int, line: str) -> None:
        """Both stand in the order of their size."""
        while self._stated is not None and self._stated != line:
            stated = _read(self._stated)
            if stated is not None and stated.size > size:
                self._findings.add("witness", f"the witness lacks the checkpoint of {_entries(size)}")
                return
            self._tell_unknown(self._stated)
            self._stated = next(self._witness, None)
            if stated is not None and stated.size == size:
                return
        if self._stated is None:
            self._lines_behind += 1
        self._stated = next(self._witness, None)

    def _tell_unknown(self, line: str) -> None:
        """A line of the witness that the database does not have: a proof against the database where it is signed."""
        stated = _read(line)
        if stated is None or not stated.is_signed(self._keys):
            self._findings.add(
                "witness", "the witness holds a line that is no checkpoint signed by a key that is known"
            )
        else:
            self._findings.add(
                "rolled_back",
                f"the database lacks the checkpoint of {_entries(stated.size)} at {stated.at} that the witness states: "
                "it was rolled back or changed",
            )


class _Log:
    """The entries, their payloads and the tree above them."""

    def __init__(
        self, connection: sa.Connection, checkpoints: Iterator[Checkpoint], findings: _Findings, is_growing: bool
    ) -> None:
        self.size = 0
        self.erased: set[int] = set()
        self._connection = connection
        self._checkpoints = checkpoints
        self._due: Checkpoint | None = None
        self._signed_size = 0
        self._is_other_log = False
        self._findings = findings
        self._is_growing = is_growing
        self._missing: set[int] = set()
        self._hashes: list[bytes] = []
        self._nodes = _rows(connection, "position, hash", tables.nodes.name)
        self._node: tuple[int, bytes] | None = None
        self._position = 0

    def check(self) -> None:
        """Every row once."""
        self._due, self._node = next(self._checkpoints, None), next(self._nodes, None)
        for row in _rows(self._connection, ENTRY_COLUMNS, ENTRIES):
            if row[0] < self.size:
                self._findings.add("added", f"entry {row[0]} stands before the first one")
                continue
            if row[0] > self.size and not self._fill_gap(row[0]):
                return
            self._take(leaf_hash(_leaf(row[:6])))
            self._check_payload(*row)
        for index in sorted(self._missing):
            self._findings.add("removed", f"the payload of entry {index} is gone, and no erasure is on record")
        self._check_end()

    def _fill_gap(self, until: int) -> bool:
        """Whether the check can go on after entries that are gone: where their nodes are still there."""
        gone = (
            f"entry {self.size} is gone" if until == self.size + 1 else f"entries {self.size} to {until - 1} are gone"
        )
        own, places = tables.nodes.c, [position_of((0, place)) for place in (self.size, until)]
        in_gap = sa.and_(own.position >= places[0], own.position < places[1])
        nodes = self._connection.execute(sa.select(sa.func.count()).where(in_gap)).scalar_one()
        can_go_on = nodes == places[1] - places[0]
        self._findings.add("removed", gone if can_go_on else f"{gone}, and nodes with it: what follows is unchecked")
        while can_go_on and self.size < until:
            self._take(None)
        return can_go_on

    def _take(self, leaf: bytes | None) -> None:
        """Put a leaf into the tree and compare all nodes that it completes, and the root where one was signed."""
        level, index, found = 0, self.size, self._agreed(0, self.size, leaf)
        while index & 1:
            level, index = level + 1, index >> 1
            found = self._agreed(level, index, node_hash(self._hashes.pop(), found))
        self._hashes.append(found)
        self.size += 1
        while self._due is not None and self._due.size <= self.size:
            self._check_root(self._due)
            self._due = next(self._checkpoints, None)

    def _agreed(self, level: int, index: int, computed: bytes | None) -> bytes:
        """The stored hash of the next node in the order of completion, or the computed one where it is gone; what
        differs is told."""
        position, stored = self._node or (-1, LOST)
        is_there = position == self._position
        self._position += 1
        if not is_there:
            self._findings.add("tree", f"node {index} of level {level} of the tree is gone")
            return computed or LOST
        self._node = next(self._nodes, None)
        if computed is None or computed == stored:
            return stored
        if level == 0:
            self._findings.add("changed", f"entry {index} is not what was logged")
        else:
            self._findings.add("tree", f"node {index} of level {level} of the tree is not made of those below it")
        return stored

    def _check_root(self, checkpoint: Checkpoint) -> None:
        self._signed_size = checkpoint.size
        if checkpoint.root != folded(self._hashes).hex() and not self._is_other_log:
            self._is_other_log = True  # all later ones differ as well
            self._findings.add(
                "checkpoint", f"the log of {_entries(checkpoint.size)} is not the one that its checkpoint states"
            )

    def _check_payload(self, index: int, _at: Any, kind: Any, _actor: Any, subject: Any, *hashed: Any) -> None:
        stated, salt, payload = hashed
        if salt is None:
            self._missing.add(index)
        elif not isinstance(payload, str) or payload_hash(salt, payload.encode()) != stated:
            self._findings.add("changed", f"the payload of entry {index} is not what was logged")
        if kind == "erasure":
            self._check_erasure(index, str(subject).removeprefix(ERASURE_SUBJECT))

    def _check_erasure(self, index: int, erased: str) -> None:
        if erased.isdecimal() and int(erased) in self._missing:
            self._missing.remove(int(erased))
            self.erased.add(int(erased))
        else:
            self._findings.add("added", f"the payload of entry {erased}, erased by entry {index}, is there again")

    def _check_end(self) -> None:
        """What lies beyond the last entry, and beyond the last signature."""
        signed = self._signed_size
        if self._due is not None:
            signed = max(each.size for each in chain([self._due], self._checkpoints))
        if signed > self.size:
            self._findings.add(
                "removed",
                f"the log ends after {_entries(self.size)}, {signed - self.size} short of its last checkpoint",
            )
        elif signed < self.size and not self._is_growing:
            self._findings.add("added", f"no checkpoint covers the end of the log: {_entries(self.size - signed)}")
        if signed <= self.size and self._node is not None:
            self._findings.add("tree", f"the tree holds nodes beyond those of {_entries(self.size)}")


def _rows(connection: sa.Connection, columns: str, source: str) -> Iterator[Any]:
    """Rows in the order of their first column, which is their key, a few thousand at a time."""
    key = columns.split(",")[0]
    page = f"select {columns} from {source} where {key} > {tables.mark(connection)} order by {key} limit {PAGE_ROWS}"
    last = BEFORE_ALL
    while rows := tables.run(connection, page, (last,)).fetchall():
        yield from rows if connection.dialect.name == "sqlite" else map(_with_bytes, rows)
        last = rows[-1][0]


def _with_bytes(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of a driver that gives bytes as a view of memory."""
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def _leaf(columns: tuple[Any, ...]) -> bytes:
    try:
        return leaf_of(*columns)
    except (TypeError, ValueError):
        return b""  # a value that no entry can have


def _read(line: str) -> Checkpoint | None:
    try:
        return read_line(line)
    except ValueError:
        return None


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"
