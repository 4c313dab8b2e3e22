"""Signing: anyone who holds a public key can check who made a document, without the vault.

Ed25519 (RFC 8032) over canonical JSON (RFC 8785). The private key is random and made once. It lies in the keys' folder
as 8-byte magic, 12-byte nonce and the key wrapped with AES-256-GCM under a key derived from the root secret, which no
rotation changes. Public keys lie in the clear below `public`, one PEM file for each: what an earlier key signed is
checked with the earlier key.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from json import JSONEncoder
from pathlib import Path
from typing import Any, TypedDict

import rfc8785
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from vault.durable import sync_folder
from vault.errors import JinkuError
from vault.home import Home, storage_error
from vault.keys import derived_key
from vault.layers import Vault

ALGORITHM = "Ed25519"
FILE_NAME = "signing.key"
MAGIC = b"JINKUs1\n"
NONCE_BYTES = 12
KEY_ID_DIGITS = 16


class Signature(TypedDict):
    """A signature as it stands in a document: the algorithm's name, the key's id, and the signature itself as hex."""

    algorithm: str
    key_id: str
    value: str


def canonical(document: Mapping[str, Any]) -> bytes:
    """The one form of a document that is signed and hashed (RFC 8785).

    Raises ValueError where it holds what canonical JSON cannot: a key that is no text, a whole number beyond 2^53, a
    number that is not finite, or any other type.
    """
    plain = dict(document)
    return _PLAIN_FORM.encode(plain).encode() if _is_plain(plain) else rfc8785.dumps(plain)


_PLAIN_FORM = JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_SAFE_INTEGER = 2**53 - 1


def _is_plain(value: Any) -> bool:
    """Whether the standard encoder gives the canonical form too: it does but for keys beyond ASCII, whose order is
    another, fractions and what is to be refused. It takes a small part of the time, and every trade needs it."""
    kind = type(value)
    if kind is str:
        return True
    if kind is dict:
        return all(type(key) is str and key.isascii() and _is_plain(each) for key, each in value.items())
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))
    return value is None or kind is bool or (kind is int and -_SAFE_INTEGER <= value <= _SAFE_INTEGER)


def signing_key(vault: Vault) -> Ed25519PrivateKey:
    """The vault's private key, made where there never was one.

    Raises JinkuError `key_lost` where there was one, `key_damaged`, `key_unreadable`, and what a full disk raises.
    """
    path = vault.home.keys / FILE_NAME
    try:
        file = path.stat()
    except FileNotFoundError:
        _make(vault.home, path, vault.master)
        file = path.stat()
    return _key_in(vault.home, vault.master, file.st_ino, file.st_mtime_ns)


@lru_cache(maxsize=8)
def _key_in(home: Home, secret: bytes, _inode: int, _changed_ns: int) -> Ed25519PrivateKey:
    """The key in a home's file, unwrapped once for each state of the file."""
    key = _unwrapped(home.keys / FILE_NAME, secret)
    public = public_folder(home) / f"{key_id(key.public_key())}.pem"
    if not public.exists():
        _write_once(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o444)
    return key


def public_folder(home: Home) -> Path:
    """Where the public keys lie; those that no longer sign are below `retired`."""
    return home.root / "public"


def public_keys(home: Home) -> Mapping[str, Ed25519PublicKey]:
    """All public keys of a home by their id. Raises JinkuError as `public_keys_in` does."""
    return public_keys_in(public_folder(home))


def public_keys_in(folder: Path) -> Mapping[str, Ed25519PublicKey]:
    """The public keys of a folder and those below it, by their id, which is found from the key, not from its file.

    Raises JinkuError `key_damaged`.
    """
    keys = {}
    for path in sorted(folder.rglob("*.pem")):
        try:
            key = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise JinkuError(
                "key_damaged", "this is no public key of Ed25519", str(path), "Restore the file from your backup."
            )
        keys[key_id(key)] = key
    return keys


def trusted_keys_in(folder: Path) -> Mapping[str, Ed25519PublicKey]:
    """The public keys of a folder, at least one. Raises JinkuError `no_public_key`, and as `public_keys_in` does."""
    found = public_keys_in(folder)
    if not found:
        raise JinkuError(
            "no_public_key",
            "there is no public key to check signatures with",
            str(folder),
            "Get the vault's `public` folder from its operator and name it with --keys.",
        )
    return found


def key_id(key: Ed25519PublicKey) -> str:
    """The name of a public key: the first 16 hex digits of the sha256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:KEY_ID_DIGITS]


def sign(key: Ed25519PrivateKey, document: Mapping[str, Any]) -> Signature:
    """The signature of a document, as plain values. Raises ValueError as `canonical` does."""
    return signature_of(key, canonical(document))


def signature_of(key: Ed25519PrivateKey, content: bytes) -> Signature:
    """The signature of a document that is canonical JSON already."""
    return {"algorithm": ALGORITHM, "key_id": _own_id(key), "value": key.sign(content).hex()}


@lru_cache(maxsize=8)
def _own_id(key: Ed25519PrivateKey) -> str:
    return key_id(key.public_key())


def verify_signature(
    document: Mapping[str, Any], signature: Mapping[str, Any], public_keys: Mapping[str, Ed25519PublicKey]
) -> bool:
    """Whether one of the keys signed the document. What is malformed, or signed by an unknown key, is not."""
    key = public_keys.get(str(signature.get("key_id")))
    if key is None or signature.get("algorithm") != ALGORITHM:
        return False
    try:
        key.verify(bytes.fromhex(str(signature.get("value"))), canonical(document))
    except (InvalidSignature, ValueError):
        return False
    return True


def _make(home: Home, path: Path, secret: bytes) -> None:
    if any(public_folder(home).glob("*.pem")) and not path.exists():  # the private key is always there first
        raise JinkuError(
            "key_lost",
            "the signing key is gone",
            str(path),
            "Restore it from your backup; if there is none, move the files in `public` to `public/retired`, and a new "
            "key is made.",
        )
    nonce = secrets.token_bytes(NONCE_BYTES)
    key = Ed25519PrivateKey.generate().private_bytes_raw()
    _write_once(path, MAGIC + nonce + _cipher(secret).encrypt(nonce, key, MAGIC), 0o600)


def _unwrapped(path: Path, secret: bytes) -> Ed25519PrivateKey:
    try:
        content = path.read_bytes()
    except OSError:
        raise JinkuError(
            "key_unreadable", "the signing key cannot be read", str(path), "Run as the vault's owner."
        ) from None
    nonce, wrapped = content[len(MAGIC) : len(MAGIC) + NONCE_BYTES], content[len(MAGIC) + NONCE_BYTES :]
    try:
        return Ed25519PrivateKey.from_private_bytes(_cipher(secret).decrypt(nonce, wrapped, MAGIC))
    except (InvalidTag, ValueError):
        raise JinkuError(
            "key_damaged",
            "the signing key is damaged or belongs to other keys than this home's",
            str(path),
            "Restore the folder of keys from your backup.",
        ) from None


def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(bytes.fromhex(derived_key(secret, "signing")))


def _write_once(path: Path, content: bytes, mode: int) -> None:
    """Whole and durable when it returns; a file that another process put there first stands."""
    draft = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        raise storage_error(error, path) from None
    finally:
        with suppress(OSError):
            draft.unlink()
