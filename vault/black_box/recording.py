"""Recording: an action and its entries in the black box, in one transaction; no log write, no action.

Before anything is done the log must match its last checkpoint, that one must be signed by this home, and the witness
must state nothing that the database lacks. After the commit, which is durable, the new checkpoint goes to the witness;
where a process is killed before that, the next recording writes it there first.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from vault.append_only import cause_of, storage_failure
from vault.black_box.checkpoints import (
    Checkpoint,
    add_line,
    checkpoint_line,
    line_at,
    lines_after,
    read_line,
    state_of,
)
from vault.black_box.entries import Event
from vault.black_box.kept import Kept, forget, kept_of
from vault.black_box.log import append, erase_payload, frontier_of
from vault.black_box.merkle import Frontier
from vault.black_box.witness import Witness, damaged_witness, held_witness
from vault.errors import JinkuError
from vault.layers import Vault
from vault.signing import key_id, public_keys


class Record:
    """A transaction that is open: what is done over `connection` stands only together with what is logged."""

    def __init__(self, kept: Kept, frontier: Frontier, at: datetime) -> None:
        self.connection = kept.connection
        self._kept = kept
        self._frontier = frontier
        self._size_before = frontier.size
        self._at = at
        self._writes_unfinished = 0

    def log(self, kind: str, subject: str, payload: Mapping[str, Any], actor: str) -> int:
        """Append an entry; gives its index. Raises ValueError as `Event` does, JinkuError `black_box_unusable`."""
        with self._all_or_nothing():
            return append(self.connection, self._frontier, [Event(kind, subject, payload, actor)], self._at).start

    def log_many(self, events: Sequence[Event]) -> range:
        """Append entries together, which is many times faster for many; gives their indices. Raises as `log` does."""
        with self._all_or_nothing():
            return append(self.connection, self._frontier, events, self._at)

    def erase_payload(self, index: int, actor: str) -> int:
        """Delete an earlier entry's payload for good, which is an entry itself; gives that one's index.

        Raises JinkuError `unknown_entry` where there is none (any more), and as `log` does.
        """
        with self._all_or_nothing():
            return erase_payload(self.connection, self._frontier, index, self._at, actor)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Whoever catches the error of a log write cannot go on without it."""
        self._writes_unfinished += 1
        with _unusable_told(self._kept.path):
            yield
        self._writes_unfinished -= 1

    def _seal(self, line_before: str | None) -> str | None:
        """Put the checkpoint of what was logged into the database; None where nothing was."""
        before, size, line = self._size_before, self._frontier.size, None
        if size > before:
            line = checkpoint_line(self._kept.key, size, self._frontier.root, self._at, line_before)
        if self._writes_unfinished or (line is not None and not add_line(self.connection, before, size, line)):
            raise JinkuError(
                "black_box_unusable",
                "not all of the action could be logged, so nothing was done",
                str(self._kept.path),
                "See the failure before this one.",
            )
        return line


@contextmanager
def recording(vault: Vault, at: datetime) -> Iterator[Record]:
    """One transaction of the registry, with its entries in the black box; it is rolled back where the body raises.

    Where nothing is logged it commits as any other. Raises JinkuError `black_box_broken` where the log was changed or
    rolled back, `black_box_unusable`, `witness_missing`, `witness_damaged`, `witness_unwritable`, what `signing_key`
    and `open_registry` raise, ValueError for a time without a zone, and RuntimeError inside another recording.
    """
    kept = kept_of(vault)
    try:
        with _unusable_told(kept.path):
            kept.connection.begin()
            before, size = state_of(kept.connection)
        with held_witness(kept.witness, may_begin=before is None) as witness:
            with _unusable_told(kept.path):
                frontier = _checked_frontier(kept, before, size)
                _catch_up(kept, witness, before)
            record = Record(kept, frontier, at)
            yield record
            with _unusable_told(kept.path):
                line = record._seal(before)
                kept.connection.commit()
            is_first, kept.line, kept.frontier = kept.line is None, line or before, frontier
            if line is not None:
                witness.append(line, is_first)
    except BaseException:
        forget()
        raise


def _checked_frontier(kept: Kept, line: str | None, size: int) -> Frontier:
    """The log's right edge, which is the one that its last checkpoint states, signed by a key of this home."""
    if line is None:
        if size:
            raise _broken(kept.path, "holds entries but no checkpoint")
        return Frontier()
    if line == kept.line and size == kept.frontier.size:
        return Frontier(size, list(kept.frontier.hashes))
    checkpoint, own = _read(line, kept.path), kept.key.public_key()
    known = {key_id(own): own} if checkpoint.key_id == key_id(own) else public_keys(kept.vault.home)
    if not checkpoint.is_signed(known):
        raise _broken(kept.path, "ends in a checkpoint that this home did not sign")
    if checkpoint.size != size:
        raise _broken(kept.path, "has another size than its last checkpoint states")
    frontier = frontier_of(kept.connection, size)
    if checkpoint.root != frontier.root.hex():
        raise _broken(kept.path, "is another log than its last checkpoint states")
    return frontier


def _read(line: str, path: Path) -> Checkpoint:
    try:
        return read_line(line)
    except ValueError:
        raise _broken(path, "ends in a checkpoint that cannot be read") from None


def _catch_up(kept: Kept, witness: Witness, last: str | None) -> None:
    """Have the witness state all checkpoints of the database, which must know the last one it states."""
    if witness.last == last and not witness.unfinished:
        return
    size = 0
    if witness.last is not None:
        try:
            size = read_line(witness.last).size
        except ValueError:
            raise damaged_witness(witness.path) from None
        if line_at(kept.connection, size) != witness.last:
            raise _broken(
                kept.path, "lacks the last checkpoint that is stated outside it: it was rolled back or changed"
            )
    witness.catch_up(lines_after(kept.connection, size))


@contextmanager
def _unusable_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sa.exc.DBAPIError) as error:
        raise storage_failure(error, path) or JinkuError(
            "black_box_unusable",
            f"the black box cannot be written, so nothing was done: {cause_of(error)}",
            str(path),
            "Run again; where it stays so, restore the registry from your backup.",
        ) from None


def _broken(path: Path, what: str) -> JinkuError:
    return JinkuError(
        "black_box_broken",
        f"the black box {what}; nothing was done",
        str(path),
        "Run `jinku blackbox verify`, keep a copy of what it finds, and restore the registry from your backup.",
    )
