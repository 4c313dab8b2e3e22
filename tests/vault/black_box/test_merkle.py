"""The tree is the one of RFC 6962: its published hashes and proofs come out, and no other proof is believed."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.black_box.merkle import (
    EMPTY_ROOT,
    Frontier,
    Span,
    consistency_spans,
    folded,
    inclusion_spans,
    is_consistent,
    is_included,
    leaf_hash,
    nodes_of,
    position_of,
)

# The reference tree of the Certificate Transparency project (github.com/transparency-dev/merkle, testonly).
LEAVES = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = {
    0: (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    5: (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}
CONSISTENCY = {
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}

sizes = st.integers(1, 70)


def grown(leaves: list[bytes]) -> tuple[Frontier, dict[int, bytes]]:
    """A tree as the log keeps it: its right edge, and every perfect subtree that was completed, by its position."""
    frontier = Frontier()
    stored: dict[int, bytes] = {}
    for leaf in leaves:
        stored |= dict(frontier.add(leaf_hash(leaf)))
    return frontier, stored


def path_of(stored: dict[int, bytes], spans: tuple[Span, ...]) -> list[bytes]:
    return [folded([stored[position_of(node)] for node in nodes_of(span)]) for span in spans]


def some_leaves(size: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(size)]


def rfc_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = rfc_split(len(leaves))
    return hashlib.sha256(b"\x01" + rfc_root(leaves[:k]) + rfc_root(leaves[k:])).digest()


def rfc_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = rfc_split(len(leaves))
    if m < k:
        return [*rfc_path(m, leaves[:k]), rfc_root(leaves[k:])]
    return [*rfc_path(m - k, leaves[k:]), rfc_root(leaves[:k])]


def rfc_proof(m: int, leaves: list[bytes], is_known: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2, word for word."""
    if m == len(leaves):
        return [] if is_known else [rfc_root(leaves)]
    k = rfc_split(len(leaves))
    if m <= k:
        return [*rfc_proof(m, leaves[:k], is_known), rfc_root(leaves[k:])]
    return [*rfc_proof(m - k, leaves[k:], False), rfc_root(leaves[:k])]


def rfc_split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def test_the_published_roots_come_out() -> None:
    assert [grown(LEAVES[:size])[0].root.hex() for size in range(9)] == list(ROOTS)
    assert EMPTY_ROOT.hex() == ROOTS[0]


@pytest.mark.parametrize("index", INCLUSION)
def test_the_published_inclusion_proofs_come_out(index: int) -> None:
    path = path_of(grown(LEAVES)[1], inclusion_spans(index, 8))
    assert tuple(each.hex() for each in path) == INCLUSION[index]
    assert is_included(leaf_hash(LEAVES[index]), index, 8, path, bytes.fromhex(ROOTS[8]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_the_published_consistency_proofs_come_out(old: int, new: int) -> None:
    path = path_of(grown(LEAVES[:new])[1], consistency_spans(old, new))
    assert tuple(each.hex() for each in path) == CONSISTENCY[old, new]
    assert is_consistent(old, bytes.fromhex(ROOTS[old]), new, bytes.fromhex(ROOTS[new]), path)


@given(sizes, st.data())
def test_every_proof_is_the_rfc_s_and_is_believed(size: int, data: st.DataObject) -> None:
    leaves = some_leaves(size)
    frontier, stored = grown(leaves)
    assert frontier.root == rfc_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = path_of(stored, inclusion_spans(index, size))
    assert path == rfc_path(index, leaves)
    assert is_included(leaf_hash(leaves[index]), index, size, path, frontier.root)
    old = data.draw(st.integers(1, size))
    proof = path_of(stored, consistency_spans(old, size))
    assert proof == rfc_proof(old, leaves)
    assert is_consistent(old, rfc_root(leaves[:old]), size, frontier.root, proof)


@given(sizes, st.data())
def test_a_proof_of_anything_else_is_not_believed(size: int, data: st.DataObject) -> None:
    leaves = some_leaves(size)
    frontier, stored = grown(leaves)
    index = data.draw(st.integers(0, size - 1))
    path, leaf = path_of(stored, inclusion_spans(index, size)), leaf_hash(leaves[index])
    assert not is_included(leaf_hash(b"another"), index, size, path, frontier.root)
    assert not is_included(leaf, index, size, [*path, bytes(32)], frontier.root)
    assert not is_included(leaf, index, size, path, bytes(32))
    for place in (-1, size, index ^ 1):
        assert not is_included(leaf, place, size, path, frontier.root)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not is_included(leaf, index, size, path[:-1], frontier.root)
        assert not is_included(leaf, index, size, [*path[:at], bytes(32), *path[at + 1 :]], frontier.root)


@given(st.integers(2, 70), st.data())
def test_a_tree_that_changed_its_past_is_not_believed(size: int, data: st.DataObject) -> None:
    leaves = some_leaves(size)
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    other, stored = grown([*leaves[:changed], b"changed", *leaves[changed + 1 :]])
    proof, old_root = path_of(stored, consistency_spans(old, size)), rfc_root(leaves[:old])
    assert not is_consistent(old, old_root, size, other.root, proof)
    honest, stored = grown(leaves)
    proof = path_of(stored, consistency_spans(old, size))
    assert not is_consistent(old, old_root, size, honest.root, proof[:-1])
    assert not is_consistent(old, old_root, size, honest.root, [*proof, bytes(32)])
    assert not is_consistent(old, bytes(32), size, honest.root, proof)
    assert not is_consistent(size, honest.root, old, old_root, proof)
    for at in range(len(proof)):
        assert not is_consistent(old, old_root, size, honest.root, [*proof[:at], bytes(32), *proof[at + 1 :]])


def test_the_same_tree_and_the_empty_one_need_no_proof() -> None:
    root = grown(LEAVES)[0].root
    assert is_consistent(8, root, 8, root, []) and not is_consistent(8, root, 8, bytes(32), [])
    assert is_consistent(0, EMPTY_ROOT, 8, root, []) and not is_consistent(0, root, 8, root, [])
    assert not is_consistent(0, EMPTY_ROOT, 8, root, [bytes(32)])


def test_what_no_tree_has_is_refused() -> None:
    for index, size in ((0, 0), (8, 8), (-1, 8)):
        with pytest.raises(ValueError, match="has no leaf"):
            inclusion_spans(index, size)
    for old, new in ((9, 8), (-1, 8)):
        with pytest.raises(ValueError, match="extends none"):
            consistency_spans(old, new)
