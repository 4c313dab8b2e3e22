"""A proof convinces who holds the public key alone, and no changed proof does."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOON
from tests.vault.black_box.logs import empty_vault, log_checks, new_process, tamper, vault_with
from vault.black_box.entries import Event
from vault.black_box.log import entry_of
from vault.black_box.proofs import (
    prove_consistency,
    prove_inclusion,
    prove_inclusions,
    proves_consistency,
    proves_inclusion,
)
from vault.black_box.reading import reading
from vault.black_box.recording import recording
from vault.errors import JinkuError
from vault.layers import Vault
from vault.signing import public_keys

SIZE = 11


def inclusion(vault: Vault, index: int) -> dict[str, Any]:
    with reading(vault.home) as connection:
        proof: dict[str, Any] = json.loads(json.dumps(prove_inclusion(connection, index)))
    return proof


def consistency(vault: Vault, old: int, new: int) -> dict[str, Any]:
    with reading(vault.home) as connection:
        proof: dict[str, Any] = json.loads(json.dumps(prove_consistency(connection, old, new)))
    return proof


@pytest.mark.parametrize("size", [1, 2, 3, SIZE])
def test_every_entry_is_proved(tmp_path: Path, size: int) -> None:
    vault = vault_with(tmp_path, size)
    keys = public_keys(vault.home)
    for index in range(size):
        proof = inclusion(vault, index)
        assert proof["entry"]["subject"] == f"component_{index}" and proof["checkpoint"]["size"] == size
        assert proves_inclusion(proof, keys) and not proves_inclusion(proof, {})


@pytest.mark.parametrize("size", [1, 2, 3, SIZE])
def test_entries_proved_together_are_proved_as_each_alone(tmp_path: Path, size: int) -> None:
    vault = vault_with(tmp_path, size)
    alone = [inclusion(vault, index) for index in range(size)]
    with reading(vault.home) as connection:
        entries = [entry_of(connection, index) for index in reversed(range(size))]
        assert prove_inclusions(connection, entries) == alone[::-1]
        assert prove_inclusions(connection, []) == []
        unsigned = replace(entries[0], index=size)
        assert prove_inclusions(connection, [unsigned, entries[-1]]) == [None, alone[0]]


def test_no_changed_proof_is_believed(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    keys, proof = public_keys(vault.home), inclusion(vault, 4)
    changes: list[tuple[str, str | int, Any]] = [
        ("entry", "actor", "person:nobody"),
        ("entry", "index", 5),
        ("entry", "index", "4"),
        ("entry", "at", None),
        ("path", 0, "00" * 32),
        ("path", 0, "none"),
        ("checkpoint", "size", SIZE + 1),
        ("checkpoint", "size", "11"),
        ("checkpoint", "root", "00" * 32),
        ("checkpoint", "root", "none"),
        ("checkpoint", "signature", {}),
        ("checkpoint", "type", "receipt"),
    ]
    for part, name, value in changes:
        changed = copy.deepcopy(proof)
        changed[part][name] = value
        assert not proves_inclusion(changed, keys), (part, name, value)
    for name in proof:
        assert not proves_inclusion({part: value for part, value in proof.items() if part != name}, keys)
    assert not proves_inclusion({**proof, "entry": {**proof["entry"], "more": 1}}, keys)
    assert not proves_inclusion({**proof, "path": proof["path"][1:]}, keys)


def test_another_signer_proves_nothing(tmp_path: Path) -> None:
    vault, other = vault_with(tmp_path / "home", 2), empty_vault(tmp_path / "other")
    log_checks(other, 2)
    assert not proves_inclusion(inclusion(vault, 0), public_keys(other.home))


def test_a_log_is_proved_to_extend_every_older_one(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    keys = public_keys(vault.home)
    for old in range(1, SIZE + 1):
        for new in range(old, SIZE + 1):
            assert proves_consistency(consistency(vault, old, new), keys)


def test_no_changed_consistency_is_believed(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    keys, proof = public_keys(vault.home), consistency(vault, 5, SIZE)
    assert not proves_consistency(proof, {})
    assert not proves_consistency({**proof, "old": proof["new"], "new": proof["old"]}, keys)
    assert not proves_consistency({**proof, "path": proof["path"][1:]}, keys)
    assert not proves_consistency({**proof, "path": ["00" * 32 for _ in proof["path"]]}, keys)
    assert not proves_consistency({**proof, "old": consistency(vault, 4, SIZE)["old"]}, keys)
    assert not proves_consistency({**proof, "old": {**proof["old"], "root": proof["new"]["root"]}}, keys)
    assert not proves_consistency({"path": proof["path"]}, keys)


def test_a_rewritten_past_cannot_be_proved(tmp_path: Path) -> None:
    """Whoever holds the key may sign another log, but not prove that it extends what was signed before."""
    vault, other = vault_with(tmp_path / "home", 5), empty_vault(tmp_path / "other")
    with recording(other, NOON) as record:
        record.log_many([Event("check", f"part {number}", {}, "jinku") for number in range(SIZE)])
    keys = {**public_keys(vault.home), **public_keys(other.home)}
    with reading(other.home) as connection:
        whole = prove_consistency(connection, SIZE, SIZE)
    forged = {**whole, "old": consistency(vault, 5, 5)["old"]}
    for path in ([], ["00" * 32] * 3, ["00" * 32] * 4):
        assert not proves_consistency({**forged, "path": path}, keys)


def test_what_is_not_there_is_not_proved(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    for index in (SIZE, -1):
        with pytest.raises(JinkuError, match=r"unknown_entry: .*no such entry"):
            inclusion(vault, index)
    with pytest.raises(JinkuError, match=r"unknown_entry: .*no checkpoint of that size"):
        consistency(vault, 3, SIZE + 1)
    with pytest.raises(ValueError, match="extends none"):
        consistency(vault, 5, 3)
    new_process()
    tamper(vault.home, "delete from black_box_nodes where position = 0")
    with pytest.raises(JinkuError, match=r"black_box_broken: .*lacks node 0 of level 0"):
        inclusion(vault, 1)
    tamper(vault.home, "delete from black_box_checkpoints")
    with pytest.raises(JinkuError, match=r"black_box_broken: .*no checkpoint covers"):
        inclusion(vault, 1)
