"""Keys derived by name from one secret: one key for each purpose, and none says anything of another."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derived_key(master: bytes, name: str) -> str:
    """A 32-byte key for one purpose, as hex: HKDF-SHA256(master, info=name)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"jinku/{name}".encode()).derive(master).hex()
