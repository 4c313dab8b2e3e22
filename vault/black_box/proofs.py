"""Proofs for people outside: that an entry is in the log, and that the log of today extends the one of before.

A proof is a plain document. It is checked with the public key alone: no vault, no database.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault.black_box.checkpoints import checkpoint_of, line_at, state_of
from vault.black_box.entries import Entry, leaf_of
from vault.black_box.log import entry_of, hashes_of
from vault.black_box.merkle import (
    Span,
    consistency_spans,
    folded,
    inclusion_spans,
    is_consistent,
    is_included,
    leaf_hash,
    nodes_of,
)
from vault.errors import JinkuError


def prove_inclusion(connection: sa.Connection, index: int) -> dict[str, Any]:
    """That the log of the last checkpoint holds an entry: the entry, its path to the root as hex, and that checkpoint.

    Raises JinkuError `unknown_entry` and `black_box_broken`.
    """
    entry = entry_of(connection, index)
    line, _ = state_of(connection)
    checkpoint = None if line is None else json.loads(line)
    if checkpoint is None or index >= checkpoint["size"]:
        raise JinkuError(
            "black_box_broken",
            "the black box holds an entry that no checkpoint covers",
            f"entry {index}",
            "Run `jinku blackbox verify`.",
        )
    path = _hashes(connection, inclusion_spans(index, checkpoint["size"]))
    return {"entry": entry.document, "path": path, "checkpoint": checkpoint}


def prove_inclusions(connection: sa.Connection, entries: Sequence[Entry]) -> list[dict[str, Any] | None]:
    """The same of several entries under one checkpoint, in two statements whatever their number; None for an entry that
    is not signed yet.

    entries: as the database has them, read in the same transaction. Raises JinkuError `black_box_broken`.
    """
    line, _ = state_of(connection)
    checkpoint = None if line is None else json.loads(line)
    size = 0 if checkpoint is None else int(checkpoint["size"])
    paths = {each.index: inclusion_spans(each.index, size) for each in entries if each.index < size}
    wanted = {node for spans in paths.values() for span in spans for node in nodes_of(span)}
    stored = hashes_of(connection, sorted(wanted))
    return [
        None
        if each.index not in paths
        else {
            "entry": each.document,
            "path": [folded([stored[node] for node in nodes_of(span)]).hex() for span in paths[each.index]],
            "checkpoint": checkpoint,
        }
        for each in entries
    ]


def prove_consistency(connection: sa.Connection, old_size: int, new_size: int) -> dict[str, Any]:
    """That the log of one checkpoint begins with all of an older one: both checkpoints, and the path between them.

    Raises JinkuError `unknown_entry` where there is no checkpoint of such a size, `black_box_broken`, and ValueError
    where the old size is larger than the new one.
    """
    old, new = (_checkpoint(connection, size) for size in (old_size, new_size))
    return {"old": old, "path": _hashes(connection, consistency_spans(old_size, new_size)), "new": new}


def prove_growth(connection: sa.Connection, old_size: int) -> dict[str, Any]:
    """That the log of the last checkpoint begins with all of an older one, as `prove_consistency` has it.

    Raises JinkuError `unknown_entry` where there is no checkpoint of that size, and `black_box_broken`.
    """
    line, size = state_of(connection)
    return prove_consistency(connection, old_size, size if line is None else json.loads(line)["size"])


def proves_inclusion(proof: Mapping[str, Any], public_keys: Mapping[str, Ed25519PublicKey]) -> bool:
    """Whether a document is a proof of its entry under one of the keys. What is malformed is not."""
    try:
        entry, checkpoint = Entry(**proof["entry"]), checkpoint_of(proof["checkpoint"])
        leaf = leaf_hash(leaf_of(**proof["entry"]))
        is_in = is_included(leaf, entry.index, checkpoint.size, _path(proof), bytes.fromhex(checkpoint.root))
    except (KeyError, TypeError, ValueError):
        return False
    return is_in and checkpoint.is_signed(public_keys)


def proves_consistency(proof: Mapping[str, Any], public_keys: Mapping[str, Ed25519PublicKey]) -> bool:
    """Whether a document is a proof of its two checkpoints under some of the keys. What is malformed is not."""
    try:
        old, new = checkpoint_of(proof["old"]), checkpoint_of(proof["new"])
        old_root, new_root = bytes.fromhex(old.root), bytes.fromhex(new.root)
        extends = is_consistent(old.size, old_root, new.size, new_root, _path(proof))
    except (KeyError, TypeError, ValueError):
        return False
    return extends and old.is_signed(public_keys) and new.is_signed(public_keys)


def _checkpoint(connection: sa.Connection, size: int) -> Any:
    line = line_at(connection, size)
    if line is None:
        raise JinkuError(
            "unknown_entry",
            "the black box holds no checkpoint of that size",
            f"{size} entries",
            "Take a size that stands in the file of signed checkpoints.",
        )
    return json.loads(line)


def _hashes(connection: sa.Connection, spans: Iterable[Span]) -> list[str]:
    """The hash of each subtree as hex: stored as it is, or folded from at most one stored node for each level."""
    rows = [nodes_of(span) for span in spans]
    stored = hashes_of(connection, [node for row in rows for node in row])
    return [folded([stored[node] for node in row]).hex() for row in rows]


def _path(proof: Mapping[str, Any]) -> list[bytes]:
    return [bytes.fromhex(each) for each in proof["path"]]
