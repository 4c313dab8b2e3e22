"""Received bytes are kept as their grade asks, come back as they were, and once shredded never come back."""

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from tests.builders import collect_all, drop, fresh_vault, source_contract
from vault.collection import encrypt_as_graded
from vault.errors import JinkuError
from vault.home import Home, Settings, prepare
from vault.keys import create_master_key, rotate_master
from vault.layers import Vault, connect, open_vault
from vault.received import (
    FRAME_BYTES,
    MAGIC_WITH_KEY,
    Received,
    keep,
    may_lie_in_the_clear,
    received_path,
    restore,
    shred,
)
from vault.received_keys import add_file_key, file_keys, is_shredded, keys_path

SECRET = b"PLANTED-7734"
GOOD = b"meter,day,litres\nm1,2026-01-01,5\n" + SECRET + b",2026-01-01,7\n"


def vault_in(root: Path) -> Vault:
    """A vault that holds received bytes alone: no layer is there."""
    home = Home(root)
    prepare(home)
    create_master_key(home)
    return open_vault(home, Settings(memory_limit="1GiB", threads=2, settle_seconds=0))


def kept(vault: Vault, content: bytes, grade: str = "core", encrypt_general: bool = True) -> Received:
    file = vault.home.root / "landed"
    file.write_bytes(content)
    received = keep(
        vault.home, vault.received_key, file, lambda chunk: None, grade=grade, encrypt_general=encrypt_general
    )
    file.unlink()
    return received


def read_back(vault: Vault, sha256: str) -> bytes:
    target = vault.home.root / "back"
    try:
        restore(vault.home, vault.received_key, sha256, target)
        return target.read_bytes()
    finally:
        target.unlink(missing_ok=True)


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(JinkuError) as raised:
        act()
    return raised.value.code


def files_with(vault: Vault, needle: bytes) -> list[Path]:
    return [path for path in vault.home.root.rglob("*") if path.is_file() and needle in path.read_bytes()]


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 2 * FRAME_BYTES])
@pytest.mark.parametrize("encrypt_general", [True, False])
def test_bytes_come_back_as_they_were(tmp_path: Path, size: int, encrypt_general: bool) -> None:
    vault, content = vault_in(tmp_path), secrets.token_bytes(size)
    received = kept(vault, content, "general", encrypt_general)
    assert received == Received(hashlib.sha256(content).hexdigest(), size)
    assert read_back(vault, received.sha256) == content
    assert kept(vault, content, "general", encrypt_general) == received, "keeping them twice changes nothing"
    assert read_back(vault, received.sha256) == content


@pytest.mark.parametrize("place", [0, 9, 30, 60, -1])
def test_an_altered_file_is_refused(tmp_path: Path, place: int) -> None:
    vault = vault_in(tmp_path)
    sha256 = kept(vault, GOOD).sha256
    _alter(received_path(vault.home, sha256), place)
    assert code_of(lambda: read_back(vault, sha256)) in ("bytes_damaged", "key_lost")


def _alter(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def test_a_cut_file_and_one_altered_in_the_clear_are_refused(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    whole, clear = kept(vault, GOOD * 50_000).sha256, kept(vault, GOOD, "general", False).sha256
    os.truncate(received_path(vault.home, whole), FRAME_BYTES + 44)
    assert code_of(lambda: read_back(vault, whole)) == "bytes_damaged"
    _alter(received_path(vault.home, clear), 20)
    assert code_of(lambda: read_back(vault, clear)) == "bytes_damaged"


def test_a_file_in_the_place_of_another_is_refused(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    one, other = kept(vault, GOOD).sha256, kept(vault, GOOD * 2).sha256
    received_path(vault.home, one).replace(received_path(vault.home, other))
    assert code_of(lambda: read_back(vault, other)) == "key_lost"


# The file keys


def test_each_file_has_a_key_of_its_own_which_is_not_in_the_file(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    for content in (GOOD, GOOD * 2, GOOD * 3):
        kept(vault, content)
    wrapped = wrapped_keys(vault)
    assert len(set(wrapped)) == 3
    assert all(files_with(vault, each) == [keys_path(vault.home)] for each in wrapped)
    assert keys_path(vault.home).stat().st_mode & 0o777 == 0o600


def wrapped_keys(vault: Vault) -> list[bytes]:
    with sqlite3.connect(keys_path(vault.home)) as connection:
        return [wrapped for (wrapped,) in connection.execute(f"select wrapped from {file_keys.name}")]


def test_the_file_keys_outlive_a_rotation_of_the_master_key(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    sha256 = kept(vault, GOOD).sha256
    rotate_master(vault.home, vault.source)
    assert read_back(vault, sha256) == GOOD


def test_lost_open_damaged_and_wrong_file_keys_are_clear_errors(tmp_path: Path) -> None:
    vault, other = vault_in(tmp_path / "one"), vault_in(tmp_path / "other")
    sha256 = kept(vault, GOOD).sha256
    whole = keys_path(vault.home).read_bytes()
    assert code_of(lambda: restore(vault.home, other.received_key, sha256, tmp_path / "x")) == "key_damaged"
    keys_path(vault.home).chmod(0o644)
    assert code_of(lambda: read_back(vault, sha256)) == "key_open"
    keys_path(vault.home).chmod(0o600)
    keys_path(vault.home).write_bytes(b"no database" * 100)
    assert code_of(lambda: read_back(vault, sha256)) == "key_damaged"
    keys_path(vault.home).unlink()
    assert code_of(lambda: read_back(vault, sha256)) == "key_lost"
    keys_path(vault.home).write_bytes(whole)
    assert read_back(vault, sha256) == GOOD


def test_a_kill_between_key_and_file_leaves_the_file_that_was_there_readable(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    sha256 = kept(vault, GOOD).sha256
    add_file_key(vault.home, vault.received_key, sha256, "00" * 16, secrets.token_bytes(32))
    assert read_back(vault, sha256) == GOOD
    kept(vault, GOOD)
    assert read_back(vault, sha256) == GOOD and len(wrapped_keys(vault)) == 1, "keeping them again tidies up"


# Files whose key is in their header, as they were written before


def old_file(vault: Vault, content: bytes) -> str:
    sha256, file_key, nonce = hashlib.sha256(content).hexdigest(), AESGCM.generate_key(256), secrets.token_bytes(12)
    sealed = AESGCM(file_key).encrypt(bytes(12), content, b"\1")
    path = received_path(vault.home, sha256)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(
        MAGIC_WITH_KEY
        + nonce
        + AESGCM(vault.received_key).encrypt(nonce, file_key, MAGIC_WITH_KEY)
        + len(sealed).to_bytes(4, "big")
        + sealed
    )
    return sha256


def test_a_file_with_its_key_in_its_header_is_read_and_given_one_outside_when_kept_again(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    sha256 = old_file(vault, GOOD)
    assert read_back(vault, sha256) == GOOD
    kept(vault, GOOD)
    assert read_back(vault, sha256) == GOOD
    assert MAGIC_WITH_KEY not in received_path(vault.home, sha256).read_bytes()


# Shredding


@pytest.mark.parametrize("form", ["encrypted", "in the clear", "with its key in its header"])
def test_shredded_bytes_never_come_back(tmp_path: Path, form: str) -> None:
    vault = vault_in(tmp_path)
    other = kept(vault, GOOD * 2).sha256
    if form == "with its key in its header":
        sha256 = old_file(vault, GOOD)
    else:
        sha256 = kept(vault, GOOD, "general", encrypt_general=form == "encrypted").sha256
    before = received_path(vault.home, sha256).read_bytes()
    shred(vault.home, vault, sha256)
    assert code_of(lambda: read_back(vault, sha256)) == "bytes_shredded"
    assert not received_path(vault.home, sha256).exists() and not files_with(vault, SECRET)
    assert is_shredded(vault.home, sha256) and read_back(vault, other) == GOOD * 2
    received_path(vault.home, sha256).write_bytes(before)
    assert code_of(lambda: read_back(vault, sha256)) == "bytes_shredded", "whoever brings the file back"


def test_no_file_holds_a_destroyed_key(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    for copies in range(1, 12):
        kept(vault, GOOD * copies)
    sha256 = kept(vault, GOOD * 12).sha256
    (wrapped,) = wrapped_keys(vault)[-1:]
    assert files_with(vault, wrapped)
    shred(vault.home, vault, sha256)
    assert files_with(vault, wrapped) == []


def test_shredded_bytes_that_land_again_are_not_kept_again(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    sha256 = kept(vault, GOOD).sha256
    shred(vault.home, vault, sha256)
    for grade, encrypt_general in (("core", True), ("general", False)):
        assert kept(vault, GOOD, grade, encrypt_general).sha256 == sha256
        assert code_of(lambda: read_back(vault, sha256)) == "bytes_shredded"
        assert not received_path(vault.home, sha256).exists()


def test_shredding_twice_ends_what_a_kill_left(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    sha256 = old_file(vault, GOOD)
    before = received_path(vault.home, sha256).read_bytes()
    shred(vault.home, vault, sha256)
    received_path(vault.home, sha256).write_bytes(before)
    shred(vault.home, vault, sha256)
    assert not received_path(vault.home, sha256).exists()


def test_bytes_that_were_never_kept_cannot_be_shredded(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    assert code_of(lambda: shred(vault.home, vault, "ab" * 32)) == "bytes_missing"


# The grade decides


@given(st.one_of(st.sampled_from(["core", "important"]), st.text()), st.booleans())
@trying(max_examples=200, deadline=None)
def test_only_general_bytes_may_lie_in_the_clear_and_only_where_it_is_allowed(
    grade: str, encrypt_general: bool
) -> None:
    assert may_lie_in_the_clear(grade, encrypt_general) == (grade == "general" and not encrypt_general)


@pytest.mark.parametrize("grade", ["core", "important", "General", "", "unheard of"])
@pytest.mark.parametrize("encrypt_general", [True, False])
def test_core_and_important_bytes_are_encrypted_whatever_the_setting(
    tmp_path: Path, grade: str, encrypt_general: bool
) -> None:
    vault = vault_in(tmp_path)
    sha256 = kept(vault, GOOD, grade, encrypt_general).sha256
    assert not files_with(vault, SECRET) and read_back(vault, sha256) == GOOD


def test_general_bytes_lie_in_the_clear_where_the_setting_says_so(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    sha256 = kept(vault, GOOD, "general", encrypt_general=False).sha256
    assert files_with(vault, SECRET) == [received_path(vault.home, sha256)]


def test_encrypted_bytes_are_not_replaced_by_the_same_ones_in_the_clear(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    sha256 = kept(vault, GOOD, "core").sha256
    assert kept(vault, GOOD, "general", encrypt_general=False).sha256 == sha256
    assert not files_with(vault, SECRET) and read_back(vault, sha256) == GOOD


@pytest.mark.parametrize("grade", ["important", "core", "general"])
def test_bytes_in_the_clear_are_encrypted_when_the_grade_rises_or_the_setting_changes(
    tmp_path: Path, grade: str
) -> None:
    sources = {"readings": source_contract(grade="general"), "others": source_contract(files=["others*"])}
    strict = fresh_vault(tmp_path, sources)
    lax = replace(strict, settings=replace(strict.settings, encrypt_general=False))
    drop(lax, "readings.csv", GOOD)
    drop(lax, "others.csv", GOOD.replace(b"m1", b"m9"), "others")
    readings, others = collect_all(lax, sources)
    assert len(files_with(lax, SECRET)) == 2
    raised = {**sources, "readings": source_contract(grade=grade)}
    vault = strict if grade == "general" else lax
    with connect(vault, write="raw") as connection:
        changed = encrypt_as_graded(vault, connection, raised)
        assert encrypt_as_graded(vault, connection, raised) == ()
    assert set(changed) == {readings.sha256} | ({others.sha256} if grade == "general" else set())
    assert len(files_with(lax, SECRET)) == 2 - len(changed)
    assert read_back(vault, readings.sha256) == GOOD
