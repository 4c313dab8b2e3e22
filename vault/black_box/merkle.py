"""The Merkle tree of RFC 6962 §2.1: its hashes, and the proofs that anyone can check without the log. Pure functions.

A node (level, index) is a perfect subtree: it covers the leaves from index * 2^level to before (index + 1) * 2^level,
and never changes once they are there. Any other subtree of the RFC is a row of such nodes, folded from the right.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

Node = tuple[int, int]
Span = tuple[int, int]
"""A subtree's leaves: the first, and the one after the last."""

EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    """sha256(0x00 || data)."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """sha256(0x01 || left || right)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def position_of(node: Node) -> int:
    """The place of a node in the order in which nodes are completed: after its last leaf come, level by level, the
    subtrees that this leaf completes. Before leaf j stand 2j - (ones in j) nodes."""
    level, index = node
    last_leaf = ((index + 1) << level) - 1
    return 2 * last_leaf - last_leaf.bit_count() + level


def folded(hashes: Sequence[bytes]) -> bytes:
    """The hash of the subtree that a row of perfect subtrees makes, the larger ones standing left."""
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes)) if hashes else EMPTY_ROOT


def nodes_of(span: Span) -> tuple[Node, ...]:
    """The perfect subtrees that make up a subtree, from left to right: at most one for each level."""
    start, end = span
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return tuple(found)


@dataclass
class Frontier:
    """The right edge of a growing tree: all that is needed to add a leaf. `hashes` are those of nodes_of((0, size))."""

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    @property
    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return folded(self.hashes)

    def add(self, leaf: bytes) -> list[tuple[int, bytes]]:
        """Add a leaf's hash; gives the nodes that it completes, as (position, hash), the leaf itself first."""
        position, index, found = position_of((0, self.size)), self.size, leaf
        completed = [(position, found)]
        while index & 1:
            position, index, found = position + 1, index >> 1, node_hash(self.hashes.pop(), found)
            completed.append((position, found))
        self.hashes.append(found)
        self.size += 1
        return completed


def inclusion_spans(index: int, size: int) -> tuple[Span, ...]:
    """The subtrees whose hashes are the inclusion proof of a leaf in a tree, in the RFC's order (§2.1.1).

    Raises ValueError where the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    start, end = 0, size
    spans = []
    while end - start > 1:
        middle = _middle(start, end)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return tuple(reversed(spans))


def consistency_spans(old_size: int, new_size: int) -> tuple[Span, ...]:
    """The subtrees whose hashes prove that a tree extends an older one, in the RFC's order (§2.1.2).

    Raises ValueError unless 0 <= old_size <= new_size.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a tree of {new_size} leaves extends none of {old_size}")
    if old_size == 0:
        return ()
    start, end = 0, new_size
    spans = []
    while old_size < end:
        middle = _middle(start, end)
        if old_size <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start > 0:
        spans.append((start, end))  # else it is the older tree itself, whose root the checker has
    return tuple(reversed(spans))


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path proves that the tree with this size and root holds the leaf's hash at that index."""
    if not 0 <= index < size:
        return False
    spans = inclusion_spans(index, size)
    if len(spans) != len(path):
        return False
    found = leaf
    for (start, _), sibling in zip(spans, path, strict=True):
        found = node_hash(sibling, found) if start < index else node_hash(found, sibling)
    return found == root


def is_consistent(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path proves that the newer tree begins with all leaves of the older one, unchanged."""
    if not 0 <= old_size <= new_size:
        return False
    spans = consistency_spans(old_size, new_size)
    if len(spans) != len(path):
        return False
    if old_size in (0, new_size):
        return old_root == (new_root if old_size else EMPTY_ROOT)
    begins_with_own = spans[0][1] == old_size
    old = new = path[0] if begins_with_own else old_root
    rest = list(zip(spans, path, strict=True))[int(begins_with_own) :]
    for (start, _), sibling in rest:
        if start < old_size:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    return old == old_root and new == new_root


def _middle(start: int, end: int) -> int:
    """Where the RFC splits a tree: the largest power of two below its number of leaves."""
    return start + (1 << ((end - start - 1).bit_length() - 1))
