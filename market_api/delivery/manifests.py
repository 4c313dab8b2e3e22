"""The manifest of a copy: for whom it was made, from which release, and every file of it by hash, signed by the market.

A copy is served only while its files are what its manifest says. Their hashes are computed once for each state of a
file on the disk; the signature is checked whenever the manifest is read.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vault.signing import canonical, key_id, sign, verify_signature

FORMAT = "jinku-copy/1"
MANIFEST = "manifest.json"
FILES_KNOWN = 8_192


@dataclass(frozen=True)
class CopyFile:
    """One file of a copy. name: within its folder."""

    name: str
    bytes: int
    sha256: str
    rows: int


@dataclass(frozen=True)
class Manifest:
    """What a copy is. datasheet: the hash of the release's; terms: that of the licence; form: 'parts', or the one file
    in which it is downloaded; rows_omitted and not_traceable: of its fingerprint, see `market_api.fingerprint`."""

    entitlement: str
    participant: str
    release: str
    datasheet: str
    terms: str
    form: str
    made_at: str
    rows: int
    rows_omitted: int
    not_traceable: str | None
    files: tuple[CopyFile, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """From plain values. Raises KeyError and TypeError for others."""
        known = {key: value for key, value in document.items() if key not in ("format", "signature")}
        return cls(**{**known, "files": tuple(CopyFile(**each) for each in document["files"])})

    def document(self) -> dict[str, Any]:
        """As plain values, still to be signed."""
        return {"format": FORMAT, **asdict(self), "files": [asdict(each) for each in self.files]}

    @property
    def hash(self) -> str:
        """SHA-256 of its canonical JSON (RFC 8785), as hex: it names the copy in the black box."""
        return hashlib.sha256(canonical(self.document())).hexdigest()


def signed_text(manifest: Manifest, key: Ed25519PrivateKey) -> bytes:
    """A manifest as it is kept."""
    document = manifest.document()
    return json.dumps({**document, "signature": sign(key, document)}, ensure_ascii=False, indent=1).encode()


def read_manifest(folder: Path, key: Ed25519PublicKey) -> Manifest | None:
    """The manifest in a folder; None where there is none that this key has signed."""
    try:
        document = json.loads((folder / MANIFEST).read_bytes())
        signature = document.pop("signature")
        is_signed = document["format"] == FORMAT and verify_signature(document, signature, {key_id(key): key})
        return Manifest.read(document) if is_signed else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def is_whole(folder: Path, manifest: Manifest) -> bool:
    """Whether every file of a copy is there as its manifest says."""
    return all(_is_same(folder / each.name, each) for each in manifest.files)


def told_file(path: Path, rows: int) -> CopyFile:
    """What a manifest says of a file that was just written."""
    return CopyFile(path.name, path.stat().st_size, _file_hash(path), rows)


def _is_same(path: Path, told: CopyFile) -> bool:
    try:
        found = path.lstat()
        if found.st_size != told.bytes:
            return False
        return _hash_of(path, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size) == told.sha256
    except OSError:
        return False


@lru_cache(maxsize=FILES_KNOWN)
def _hash_of(path: Path, _inode: int, _changed_ns: int, _touched_ns: int, _bytes: int) -> str:
    return _file_hash(path)


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
