"""The keys of a component's fingerprints, from the market's root secret, and HMAC-SHA256 as the engine computes it.

HMAC(K, m) = sha256(K ⊕ opad ‖ sha256(K ⊕ ipad ‖ m)) (RFC 2104): the engine knows sha256, so it is given both padded
keys, as values of a query and never in its text. The engine's own `hash()` is another in another version.
"""

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
SECRET_BYTES_MIN = 32
BLOCK_BYTES = 64
INNER, OUTER = 0x36, 0x5C


@dataclass(frozen=True)
class PaddedKey:
    """A key of HMAC, padded for its inner and its outer hash; its text form tells nothing."""

    inner: bytes
    outer: bytes

    def __repr__(self) -> str:
        return "PaddedKey(…)"


@dataclass(frozen=True)
class FingerprintKey:
    """The key of all copies of one component; its text form tells nothing."""

    component: str
    secret: bytes

    def __repr__(self) -> str:
        return f"FingerprintKey({self.component!r}, …)"

    @property
    def of_rows(self) -> PaddedKey:
        """Says which rows are marked and how strongly, in every copy alike."""
        return padded(hmac.digest(self.secret, b"rows", hashlib.sha256))

    def of_buyer(self, buyer: str) -> PaddedKey:
        """Says which bits one buyer's copy carries and which rows it lacks."""
        return padded(hmac.digest(self.secret, b"buyer\0" + buyer.encode(), hashlib.sha256))


def fingerprint_key(secret: bytes, component: str) -> FingerprintKey:
    """HKDF-SHA256(secret, info='jinku-market/fingerprint/' ‖ component).

    secret: the market's root secret. Every release of a component has the same key, so that a row has the same mark in
    all that one buyer receives, and comparing releases shows nothing. Raises ValueError for a secret of fewer than 32
    bytes, and for a component without a name.
    """
    if len(secret) < SECRET_BYTES_MIN or not component:
        raise ValueError(f"a fingerprint key needs a secret of {SECRET_BYTES_MIN} bytes or more, and a component")
    info = b"jinku-market/fingerprint/" + component.encode()
    return FingerprintKey(component, HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(secret))


def padded(key: bytes) -> PaddedKey:
    """A key of at most 64 bytes, as both hashes of HMAC begin with it."""
    block = key.ljust(BLOCK_BYTES, b"\0")
    return PaddedKey(bytes(each ^ INNER for each in block), bytes(each ^ OUTER for each in block))


def hmac_sql(inner: str, outer: str, message: str) -> str:
    """HMAC-SHA256 as hex, in SQL. inner, outer: expressions of a padded key; message: one of bytes."""
    return f"sha256({outer} || unhex(sha256({inner} || {message})))"
