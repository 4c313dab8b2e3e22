"""The market's own keys: one root secret, made once, from which every other is derived. None of the vault's is here.

The secret lies in `keys/root.key`, readable by its owner alone, and in no database.
"""

import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vault.durable import lock, write_private
from vault.errors import JinkuError

SECRET_BYTES = 32
FILE_NAME = "root.key"


@dataclass(frozen=True)
class MarketKeys:
    """The root secret; its text form tells nothing."""

    root: bytes

    def __repr__(self) -> str:
        return "MarketKeys(…)"

    def derived(self, purpose: str) -> bytes:
        """32 bytes for one purpose: HKDF-SHA256 of the root secret, the purpose as its info."""
        return HKDF(SHA256(), SECRET_BYTES, salt=None, info=f"jinku-market/{purpose}".encode()).derive(self.root)

    @cached_property
    def signing(self) -> Ed25519PrivateKey:
        """Signs checkpoints of the black box and documents for others."""
        return Ed25519PrivateKey.from_private_bytes(self.derived("signing"))

    @cached_property
    def tokens(self) -> Ed25519PrivateKey:
        """Signs access tokens."""
        return Ed25519PrivateKey.from_private_bytes(self.derived("tokens"))

    @cached_property
    def addresses(self) -> bytes:
        """Signs the short-lived addresses of files and the tokens of pages."""
        return self.derived("addresses")


def market_keys(folder: Path) -> MarketKeys:
    """The keys of a market's folder, made where there never were any; its public key is written beside them.

    Raises JinkuError `market_key_damaged`, and OSError where the folder cannot be used.
    """
    path = folder / "keys" / FILE_NAME
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock(path.with_name(".lock")):
        if not path.exists():
            if (folder / "public").exists():
                raise _damaged(path, "is gone")
            write_private(path, secrets.token_bytes(SECRET_BYTES))
        root = path.read_bytes()
        if len(root) != SECRET_BYTES:
            raise _damaged(path, "is damaged")
        keys = MarketKeys(root)
        _publish(folder / "public" / "market.pem", keys.signing.public_key())
    return keys


def _publish(path: Path, key: Ed25519PublicKey) -> None:
    content = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_private(path, content)
        path.chmod(0o644)
    elif path.read_bytes() != content:
        raise _damaged(path, "is not that of the market's root secret")


def _damaged(path: Path, what: str) -> JinkuError:
    return JinkuError(
        "market_key_damaged",
        f"a key of the market {what}, so the market does not start",
        str(path),
        "Restore the market's folder from your backup: no other key can read its tokens or trace its copies.",
    )
