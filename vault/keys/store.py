"""The key store: a small file of keys, each wrapped with AES-256-GCM under the master key, replaced as a whole."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.durable import lock, write_private
from vault.errors import JinkuError
from vault.home import Home, storage_error
from vault.keys.derivation import derived_key
from vault.keys.private_file import read_private

FORMAT = 1
NONCE_BYTES = 12
KEY_BYTES = 32


@dataclass(frozen=True)
class KeyStore:
    """The wrapped keys as they lie on disk.

    master_id: the master key that unwraps them; wrapped: by name, such as 'root' or 'layer/raw'; following: the keys of
    layers that are being given new ones, by the same names.
    """

    master_id: str
    wrapped: Mapping[str, bytes]
    following: Mapping[str, bytes] = field(default_factory=dict)


def store_path(home: Home) -> Path:
    """The key store's file."""
    return home.keys / "keys.json"


def read_store(home: Home) -> KeyStore | None:
    """The key store, None where there is none.

    Raises JinkuError `key_unreadable`, `key_open`, or `key_damaged` where it is no key store.
    """
    content = read_private(store_path(home))
    if content is None:
        return None
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise ValueError(document["format"])
        return KeyStore(str(document["master"]), _of_hex(document["keys"]), _of_hex(document["following"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _damaged(store_path(home)) from None


def write_store(home: Home, store: KeyStore) -> None:
    """Put the key store in place, durable when it returns; the caller holds `changing_keys`.

    Raises JinkuError as any full or unwritable disk does.
    """
    document = {
        "format": FORMAT,
        "master": store.master_id,
        "keys": _as_hex(store.wrapped),
        "following": _as_hex(store.following),
    }
    try:
        write_private(store_path(home), json.dumps(document, indent=1).encode())
    except OSError as error:
        raise storage_error(error, store_path(home)) from None


@contextmanager
def changing_keys(home: Home, *, wait: bool = True) -> Iterator[None]:
    """Only one process changes keys at a time; who only reads them asks nobody.

    Raises JinkuError `keys_busy` where another does and `wait` is false.
    """
    path = home.keys / "keys.lock"
    with ExitStack() as held:
        try:
            held.enter_context(lock(path, wait=wait))
        except BlockingIOError:
            raise JinkuError(
                "keys_busy",
                "another process is changing the keys or saving them",
                str(path),
                "Wait for it and try again.",
            ) from None
        except OSError as error:
            raise storage_error(error, path) from None
        yield


def new_key() -> bytes:
    """A random data key."""
    return secrets.token_bytes(KEY_BYTES)


def wrap(master: bytes, name: str, key: bytes) -> bytes:
    """A key under the master key: 12-byte nonce, ciphertext, tag. It opens under its own name only."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _cipher(master).encrypt(nonce, key, name.encode())


def unwrap(master: bytes, name: str, wrapped: bytes, where: Path) -> bytes:
    """The key that was wrapped under this name. Raises JinkuError `key_damaged`, never gives garbage."""
    try:
        return _cipher(master).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError):
        raise _damaged(where) from None


def _cipher(master: bytes) -> AESGCM:
    return AESGCM(bytes.fromhex(derived_key(master, "wrapping")))


def _damaged(path: Path) -> JinkuError:
    return JinkuError("key_damaged", "the key store is damaged", str(path), "Restore the file from your backup.")


def _as_hex(keys: Mapping[str, bytes]) -> dict[str, str]:
    return {name: key.hex() for name, key in sorted(keys.items())}


def _of_hex(keys: Mapping[str, Any]) -> dict[str, bytes]:
    return {str(name): bytes.fromhex(key) for name, key in keys.items()}
