"""Checkpoints: what the log was at a moment, signed. Each names the one before by its hash, so that the last signature
vouches for all of them.

A checkpoint is one line of canonical JSON, the same in the database and in the witness.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vault.black_box import tables
from vault.moments import text_of
from vault.signing import signature_of, verify_signature

TYPE = "jinku black box checkpoint"
"""Stands in what is signed, so that no other signed document can be taken for a checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """A log of `size` entries had this root at that time. previous: sha256 of the line before, empty for the first."""

    size: int
    root: str
    at: str
    previous: str
    signature: Mapping[str, Any]

    @property
    def signed(self) -> dict[str, Any]:
        """The document that the signature is over."""
        return {"type": TYPE, "size": self.size, "root": self.root, "at": self.at, "previous": self.previous}

    @property
    def key_id(self) -> str:
        """Which key is said to have signed it."""
        return str(self.signature.get("key_id"))

    def is_signed(self, public_keys: Mapping[str, Ed25519PublicKey]) -> bool:
        """Whether one of the keys signed it."""
        return verify_signature(self.signed, self.signature, public_keys)


def checkpoint_line(key: Ed25519PrivateKey, size: int, root: bytes, at: datetime, line_before: str | None) -> str:
    """A new signed checkpoint. Raises ValueError for a time without a zone.

    Canonical JSON written out, as every action waits for it: all of its texts are plain ASCII.
    """
    head = f'{{"at":"{text_of(at)}","previous":"{hash_of_line(line_before)}","root":"{root.hex()}",'
    tail = f'"size":{size},"type":"{TYPE}"}}'
    signature = signature_of(key, f"{head}{tail}".encode())
    members = ",".join(f'"{name}":"{value}"' for name, value in sorted(signature.items()))
    return f'{head}"signature":{{{members}}},{tail}'


def read_line(line: str) -> Checkpoint:
    """The checkpoint that a line states, whoever wrote it. Raises ValueError for any other text."""
    return checkpoint_of(json.loads(line))


def checkpoint_of(document: Any) -> Checkpoint:
    """The checkpoint that a document states, whoever wrote it. Raises ValueError for any other document."""
    if not isinstance(document, dict) or document.get("type") != TYPE:
        raise ValueError("no checkpoint")
    size, signature = document.get("size"), document.get("signature")
    if not isinstance(size, int) or not isinstance(signature, dict):
        raise ValueError("no checkpoint")
    root, at, previous = (str(document.get(name)) for name in ("root", "at", "previous"))
    return Checkpoint(size, root, at, previous, signature)


def hash_of_line(line: str | None) -> str:
    """How the next checkpoint names this one; empty where there is none."""
    return "" if line is None else hashlib.sha256(line.encode()).hexdigest()


def state_of(connection: sa.Connection) -> tuple[str | None, int]:
    """The last checkpoint in the database and how many entries there are, in one statement."""
    line, last_index = tables.run(
        connection,
        "select (select line from black_box_checkpoints order by size desc limit 1), "
        "(select max(leaf_index) from black_box_entries)",
    ).fetchone()
    return line, 0 if last_index is None else int(last_index) + 1


def line_at(connection: sa.Connection, size: int) -> str | None:
    """The checkpoint of a log of this size."""
    own = tables.checkpoints.c
    found: str | None = connection.execute(sa.select(own.line).where(own.size == size)).scalar()
    return found


def lines_after(connection: sa.Connection, size: int) -> list[str]:
    """The checkpoints of longer logs, in order."""
    own = tables.checkpoints.c
    return list(connection.execute(sa.select(own.line).where(own.size > size).order_by(own.size)).scalars())


def add_line(connection: sa.Connection, size_before: int, size: int, line: str) -> bool:
    """Keep a checkpoint in the database, where that holds every entry since the last one; whether it does. Entries may
    have been lost on the way, with a savepoint that was rolled back."""
    mark = tables.mark(connection)
    added = tables.run(
        connection,
        f"insert into black_box_checkpoints (size, line) select {mark}, {mark} "
        f"where (select count(*) from black_box_entries where leaf_index >= {mark}) = {mark}",
        (size, line, size_before, size - size_before),
    )
    return bool(added.rowcount == 1)
