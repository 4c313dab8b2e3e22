"""Keys: one master key in a file with mode 600; every other key is derived from it by name."""

import os
import secrets
import stat

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.errors import JinkuError
from vault.home import Home

MASTER_KEY_BYTES = 32
LAYERS = ("raw", "warehouse", "components")


def create_master_key(home: Home) -> None:
    """Write a new random master key, unless one is there.

    A home that holds encrypted layers but no key is refused rather than given a new one:
    Raises JinkuError `key_lost`.
    """
    path = home.keys / "master.key"
    if path.exists():
        return
    if any(home.layer(layer).exists() for layer in LAYERS):
        raise JinkuError(
            "key_lost",
            "the vault is encrypted and its master key is gone",
            str(path),
            "Restore the key file from your backup.",
        )
    draft = home.keys / f".master.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(MASTER_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails where another process was first: its key stands
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def master_key(home: Home) -> bytes:
    """The 32-byte master key.

    Raises JinkuError `key_lost` (no file), `key_unreadable` (may not be read),
    `key_open` (others may read it), `key_damaged` (not 32 bytes of hex).
    """
    path = home.keys / "master.key"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text()
    except FileNotFoundError:
        raise JinkuError(
            "key_lost", "there is no master key", str(path), "Restore the key file from your backup."
        ) from None
    except OSError:
        raise JinkuError(
            "key_unreadable", "the master key cannot be read", str(path), "Run as the vault's owner."
        ) from None
    if mode & 0o077:
        raise JinkuError("key_open", "others may read the master key", str(path), f"Run: chmod 600 {path}")
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise JinkuError(
            "key_damaged", "the master key is not 32 bytes of hex", str(path), "Restore the key file from your backup."
        )
    return key


def derived_key(master: bytes, name: str) -> str:
    """A 32-byte key for one purpose, as hex: HKDF-SHA256(master, info=name)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"jinku/{name}".encode()).derive(master).hex()
