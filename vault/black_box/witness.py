"""The witness: the signed checkpoints in a file outside the database, one a line. A database that was rolled back lacks
what the witness states.

Whoever records holds the file's lock until its line is written, so that lines stand in the order of their checkpoints.
The file is only ever appended to: a line that a killed process left unfinished is completed from the database.

A line outlives its process at once. It is made to outlive a power cut where it is the first that a thread writes, and
with every page of the file that is full: making each line durable would take longer than the commit it states. What a
power cut takes from the file the database still has, durable and signed, and the next recording writes it again.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vault.errors import JinkuError

FILE_NAME = "checkpoints.jsonl"
PAGE_BYTES = 4096
LINE_BYTES_MAX = 4096


@dataclass(frozen=True)
class Witness:
    """The open file, locked. size_bytes: its size; last: its last line, None where there is none; unfinished: what
    stands after that."""

    path: Path
    descriptor: int
    size_bytes: int
    last: str | None
    unfinished: str

    def catch_up(self, lines: Sequence[str]) -> None:
        """Write what a killed process could not. Raises JinkuError `witness_unwritable` and `witness_damaged`."""
        text = "".join(f"{line}\n" for line in lines)
        if not text.startswith(self.unfinished):
            raise damaged_witness(self.path)
        if text:
            self._write(text.removeprefix(self.unfinished), True, "so nothing was done")

    def append(self, line: str, is_first: bool) -> None:
        """Add a line whose checkpoint stands in the database. Raises JinkuError `witness_unwritable`."""
        text = f"{line}\n"
        fills_page = self.size_bytes // PAGE_BYTES < (self.size_bytes + len(text)) // PAGE_BYTES
        self._write(text, is_first or fills_page, "though the action stands")

    def _write(self, text: str, is_durable: bool, outcome: str) -> None:
        rest = text.encode()
        try:
            while rest:
                rest = rest[os.write(self.descriptor, rest) :]
            if is_durable:
                os.fdatasync(self.descriptor)
        except OSError as error:
            raise _unwritable(self.path, error, outcome) from None


@contextmanager
def held_witness(folder: Path, may_begin: bool) -> Iterator[Witness]:
    """Hold the witness for writing; with `may_begin` it is made where it is not there.

    Raises JinkuError `witness_missing`, `witness_unwritable` and `witness_damaged`.
    """
    path = folder / FILE_NAME
    descriptor = _opened(path, may_begin)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Witness(path, descriptor, *_end_of(path, descriptor))
    finally:
        os.close(descriptor)


@contextmanager
def quiet_witness(path: Path) -> Iterator[int | None]:
    """Hold a witness's lock for reading, so that nobody records meanwhile; gives its size in bytes, None where it is
    missing or may not be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        yield None
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def lines_of(path: Path, size_bytes: int) -> Iterator[str]:
    """The finished lines among the first bytes of a witness; what is no text comes with its bytes replaced."""
    with path.open("rb") as file:
        left = size_bytes
        while left > 0 and (line := file.readline(min(left, LINE_BYTES_MAX))):
            left -= len(line)
            if line.endswith(b"\n") or left > 0:
                yield line.removesuffix(b"\n").decode(errors="replace")


def damaged_witness(path: Path) -> JinkuError:
    """The refusal of a witness whose end the database does not know."""
    return JinkuError(
        "witness_damaged",
        "the end of the file of signed checkpoints is none that the database knows, so nothing was done",
        str(path),
        "Run `jinku blackbox verify`, then restore the file from your copy or remove its last line.",
    )


def _opened(path: Path, may_begin: bool) -> int:
    try:
        if may_begin:
            path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_APPEND | (os.O_CREAT if may_begin else 0), 0o644)
    except FileNotFoundError:
        raise JinkuError(
            "witness_missing",
            "the signed checkpoints outside the database are gone, so nothing was done",
            str(path),
            "Restore the file from your copy, or make an empty one there to have it written anew from the database.",
        ) from None
    except OSError as error:
        raise _unwritable(path, error, "so nothing was done") from None


def _end_of(path: Path, descriptor: int) -> tuple[int, str | None, str]:
    """The size, the last line and what stands after it; a line that began before what is read of the file is none."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - 2 * LINE_BYTES_MAX)
    *finished, unfinished = os.pread(descriptor, size - start, start).split(b"\n")
    if start > 0 and len(finished) < 2:
        raise damaged_witness(path)
    try:
        return size, finished[-1].decode() if finished else None, unfinished.decode()
    except UnicodeDecodeError:
        raise damaged_witness(path) from None


def _unwritable(path: Path, error: OSError, outcome: str) -> JinkuError:
    return JinkuError(
        "witness_unwritable",
        f"the signed checkpoint could not be written outside the database, {outcome}: {error.strerror}",
        str(path),
        "Make the file writable, with room in it: the next action first writes what is missing there.",
    )
