"""Hashes of secrets: Argon2id for client secrets, whose checking takes the same work whoever asks.

Parameters: 19 MiB, 2 passes, 1 lane. Source: OWASP Password Storage Cheat Sheet, Argon2id.
"""

import hashlib
import hmac
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE_MAX = 4
"""So many hashes are made at once; more wait, so that the memory they take has a limit."""

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_PLACES = BoundedSemaphore(AT_ONCE_MAX)
_NOBODY = _HASHER.hash("the secret of nobody")


def secret_hash(secret: str) -> str:
    """A client secret's hash, with a salt of its own."""
    with _PLACES:
        return _HASHER.hash(secret)


def is_secret(hashed: str | None, secret: str) -> bool:
    """Whether a secret is the one that was hashed. Where there is no hash the same work is done for nothing."""
    with _PLACES:
        try:
            is_right = _HASHER.verify(hashed or _NOBODY, secret)
        except (VerificationError, InvalidHashError):
            return False
    return is_right and hashed is not None


def pull_hash(token: str) -> str:
    """A pull token's hash. The token is 256 bits at random, so nothing is gained by trying."""
    return hashlib.sha256(token.encode()).hexdigest()


def owner_hash(key: bytes, registration_id: str) -> str:
    """What stands for a declared owner: equal for the same owner, and telling nothing without the market's key."""
    return hmac.new(key, registration_id.encode(), hashlib.sha256).hexdigest()
