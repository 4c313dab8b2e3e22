"""Received bytes: kept as they came, immutable, content-addressed, encrypted with AES-256-GCM.

File format: 8-byte magic, 12-byte nonce and wrapped 32-byte file key (48 bytes), then frames of
4-byte length and ciphertext. Frame i uses nonce i and states in its authenticated data whether it
is the last, so that a truncated, reordered or altered file is refused.
"""

import hashlib
import os
import secrets
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import JinkuError
from vault.home import Home

MAGIC = b"JINKUv1\n"
FRAME_BYTES = 1 << 20


@dataclass(frozen=True)
class Received:
    """One file as received: its content hash (sha256, hex) and size in bytes."""

    sha256: str
    size_bytes: int


def received_path(home: Home, sha256: str) -> Path:
    """Where the bytes with this hash are kept."""
    return home.received / sha256[:2] / sha256


def keep(home: Home, key: bytes, file: Path, each_chunk: Callable[[bytes], None]) -> Received:
    """Keep a copy of `file`, encrypted; call `each_chunk` with every plain chunk on the way.

    Durable when it returns. Keeping the same bytes twice changes nothing.
    """
    digest, size_bytes = hashlib.sha256(), 0
    draft = home.work / f"{secrets.token_hex(8)}.part"
    try:
        with file.open("rb") as source, draft.open("wb") as target:
            write_frame = _frame_writer(target, key)
            chunk = source.read(FRAME_BYTES)
            while True:
                following = source.read(FRAME_BYTES)
                digest.update(chunk)
                size_bytes += len(chunk)
                each_chunk(chunk)
                write_frame(chunk, not following)
                if not following:
                    break
                chunk = following
            target.flush()
            os.fsync(target.fileno())
        final = received_path(home, digest.hexdigest())
        final.parent.mkdir(mode=0o700, exist_ok=True)
        draft.chmod(0o400)
        draft.replace(final)
        _sync_folder(final.parent)
    finally:
        draft.unlink(missing_ok=True)
    return Received(digest.hexdigest(), size_bytes)


def restore(home: Home, key: bytes, sha256: str, target: Path) -> None:
    """Write the kept bytes in the clear to `target`.

    Raises JinkuError `bytes_missing` or `bytes_damaged`.
    """
    path = received_path(home, sha256)
    if not path.exists():
        raise JinkuError("bytes_missing", "the received bytes are not in the vault", str(path), "Land the file again.")
    digest = hashlib.sha256()
    with target.open("wb") as file:
        for chunk in _frames(path, key):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != sha256:
        raise _damaged(path)


def _frame_writer(target: BinaryIO, key: bytes) -> Callable[[bytes, bool], None]:
    file_key, nonce = AESGCM.generate_key(256), secrets.token_bytes(12)
    target.write(MAGIC + nonce + AESGCM(key).encrypt(nonce, file_key, MAGIC))
    cipher, index = AESGCM(file_key), 0

    def write_frame(chunk: bytes, is_last: bool) -> None:
        nonlocal index
        sealed = cipher.encrypt(index.to_bytes(12, "big"), chunk, bytes([is_last]))
        target.write(struct.pack(">I", len(sealed)) + sealed)
        index += 1

    return write_frame


def _frames(path: Path, key: bytes) -> Iterator[bytes]:
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise _damaged(path)
        nonce, wrapped = file.read(12), file.read(48)
        try:
            cipher = AESGCM(AESGCM(key).decrypt(nonce, wrapped, MAGIC))
            index, is_last = 0, False
            while not is_last:
                (length,) = struct.unpack(">I", file.read(4))
                sealed = file.read(length)
                is_last = not file.peek(1)
                yield cipher.decrypt(index.to_bytes(12, "big"), sealed, bytes([is_last]))
                index += 1
        except (InvalidTag, struct.error, ValueError):
            raise _damaged(path) from None


def _damaged(path: Path) -> JinkuError:
    return JinkuError(
        "bytes_damaged",
        "the received bytes are damaged or the key is another",
        str(path),
        "Restore them from your backup.",
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
