"""Signatures hold for what was signed, by whom it was signed, and for nothing else."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import PROJECT
from tests.vault.black_box.logs import empty_vault
from vault.errors import JinkuError
from vault.signing import (
    canonical,
    key_id,
    public_folder,
    public_keys,
    public_keys_in,
    sign,
    signature_of,
    signing_key,
    verify_signature,
)

# RFC 8032 §7.1, test 2.
SECRET = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
KEY_ID = "39f713d0a644253f"

DOCUMENT: dict[str, Any] = {
    "title": "元件",
    "rows": 5_000,
    "measures": [0.1, 1e30, None, True],
    "rights": {"b": 1, "a": "\u20ac\n"},
}
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_the_signature_is_the_one_of_rfc_8032() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SECRET))
    assert key.public_key().public_bytes_raw().hex() == PUBLIC
    assert signature_of(key, b"\x72") == {"algorithm": "Ed25519", "key_id": KEY_ID, "value": SIGNATURE}


def test_the_signed_form_is_the_one_of_rfc_8785() -> None:
    numbers = {"numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001]}
    assert canonical(numbers) == b'{"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}', "RFC 8785 §3.2.2"


@given(st.dictionaries(st.text(), plain, max_size=4))
def test_any_document_can_be_signed_sent_and_checked(document: dict[str, object]) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SECRET))
    keys = {key_id(key.public_key()): key.public_key()}
    sent = json.loads(json.dumps({"document": document, "signature": sign(key, document)}))
    assert verify_signature(sent["document"], sent["signature"], keys)
    assert not verify_signature({**document, "more": 1, "other": 2}, sent["signature"], keys) or "more" in document


def test_what_was_changed_or_is_malformed_is_not_signed(tmp_path: Path) -> None:
    vault = empty_vault(tmp_path)
    signature, keys = sign(signing_key(vault), DOCUMENT), public_keys(vault.home)
    assert verify_signature(DOCUMENT, signature, keys)
    for other in ({**DOCUMENT, "rows": 5_001}, {}, {**DOCUMENT, "at": object()}):
        assert not verify_signature(other, signature, keys)
    changes: dict[str, list[Any]] = {
        "algorithm": ["none", None],
        "key_id": ["0" * 16, None, []],
        "value": ["", "gg", "00" * 64, None, 7],
    }
    for name, values in changes.items():
        for value in values:
            assert not verify_signature(DOCUMENT, {**signature, name: value}, keys)
    assert not verify_signature(DOCUMENT, {}, keys) and not verify_signature(DOCUMENT, signature, {})


def test_another_key_s_signature_under_this_key_s_name_is_none(tmp_path: Path) -> None:
    vault, other = empty_vault(tmp_path / "home"), empty_vault(tmp_path / "other")
    own = key_id(signing_key(vault).public_key())
    forged = {**sign(signing_key(other), DOCUMENT), "key_id": own}
    assert not verify_signature(DOCUMENT, forged, public_keys(vault.home))


@pytest.mark.parametrize(
    "document", [{"n": 2**53}, {"n": float("nan")}, {"n": float("inf")}, {1: 2}, {"n": b""}, {"n": "\ud800"}]
)
def test_what_canonical_json_cannot_hold_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(document)


@given(st.dictionaries(st.text(), plain | st.integers(), max_size=5))
def test_the_canonical_form_is_that_of_the_kept_library(document: dict[str, Any]) -> None:
    try:
        expected = rfc8785.dumps(document)
    except rfc8785.CanonicalizationError:
        with pytest.raises(ValueError, match=r"."):
            canonical(document)
    else:
        assert canonical(document) == expected


def test_the_key_is_made_once_and_only_its_public_half_is_readable(tmp_path: Path) -> None:
    vault = empty_vault(tmp_path)
    key = signing_key(vault)
    assert signing_key(vault).private_bytes_raw() == key.private_bytes_raw()
    path = vault.home.keys / "signing.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and key.private_bytes_raw() not in path.read_bytes()
    (public,) = public_folder(vault.home).iterdir()
    assert public.stem == key_id(key.public_key()) and stat.S_IMODE(public.stat().st_mode) == 0o444
    assert list(public_keys(vault.home)) == [public.stem]
    assert sorted(each.name for each in vault.home.keys.iterdir() if each.name.startswith(".signing")) == []


def test_a_lost_key_is_told_and_not_replaced(tmp_path: Path) -> None:
    vault = empty_vault(tmp_path)
    old, signature = signing_key(vault), sign(signing_key(vault), DOCUMENT)
    (vault.home.keys / "signing.key").unlink()
    with pytest.raises(JinkuError, match=r"key_lost: the signing key is gone .*backup"):
        signing_key(vault)
    (public_folder(vault.home) / "retired").mkdir()
    for public in public_folder(vault.home).glob("*.pem"):
        public.rename(public_folder(vault.home) / "retired" / public.name)
    assert signing_key(vault).private_bytes_raw() != old.private_bytes_raw(), "a person has decided so"
    assert verify_signature(DOCUMENT, signature, public_keys(vault.home)), "and what the old key signed still holds"


@pytest.mark.parametrize("content", [b"", b"JINKUs1\n", b"x" * 68])
def test_a_damaged_key_is_told(tmp_path: Path, content: bytes) -> None:
    vault = empty_vault(tmp_path)
    signing_key(vault)
    (vault.home.keys / "signing.key").write_bytes(content)
    with pytest.raises(JinkuError, match="key_damaged"):
        signing_key(vault)


def test_a_key_of_another_home_is_told(tmp_path: Path) -> None:
    vault, other = empty_vault(tmp_path / "home"), empty_vault(tmp_path / "other")
    signing_key(vault)
    signing_key(other)
    shutil.copy(other.home.keys / "signing.key", vault.home.keys / "signing.key")
    with pytest.raises(JinkuError, match=r"key_damaged: .*belongs to other keys"):
        signing_key(vault)


def test_a_file_that_is_no_public_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    with pytest.raises(JinkuError, match="key_damaged: this is no public key"):
        public_keys_in(tmp_path)
    assert public_keys_in(tmp_path / "none") == {}


def test_a_public_key_goes_by_its_content_and_not_by_its_file_s_name(tmp_path: Path) -> None:
    vault = empty_vault(tmp_path)
    key = signing_key(vault).public_key()
    (public,) = public_folder(vault.home).iterdir()
    public.rename(public.with_name("0123456789abcdef.pem"))
    found = public_keys(vault.home)
    assert list(found) == [key_id(key)] and isinstance(found[key_id(key)], Ed25519PublicKey)


MAKER = """
import sys
from pathlib import Path
from tests.vault.black_box.logs import empty_vault
from vault.signing import signing_key
print(signing_key(empty_vault(Path(sys.argv[1]))).private_bytes_raw().hex())
"""


def test_processes_that_make_the_key_at_once_have_one(tmp_path: Path) -> None:
    empty_vault(tmp_path)
    makers = [
        subprocess.Popen([sys.executable, "-c", MAKER, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert len({maker.communicate(timeout=60)[0] for maker in makers}) == 1
    assert [maker.returncode for maker in makers] == [0, 0]
