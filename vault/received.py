"""Received bytes: kept as they came, immutable, content-addressed, encrypted with AES-256-GCM.

A kept file is 8-byte magic, the 16-byte id of its file key (`vault.received_keys`), then frames of 4-byte length and
ciphertext. Frame i uses nonce i and states in its authenticated data whether it is the last, so that a truncated,
reordered or altered file is refused. Shredding destroys the file key: the bytes are gone then, wherever they lie.

Two other forms are read: the one of before, which holds 12-byte nonce and wrapped file key (48 bytes) in the place of
the id, and the bytes of sources of grade general in the clear, after a magic of their own, where a setting allows it.
"""

import hashlib
import os
import secrets
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.durable import sync_folder
from vault.errors import JinkuError
from vault.home import Home, storage_error
from vault.layers import Vault
from vault.received_keys import (
    add_file_key,
    destroy_file_keys,
    file_key_of,
    is_shredded,
    lying_in_the_clear,
    note_in_the_clear,
    replaced,
)

MAGIC = b"JINKUv2\n"
MAGIC_WITH_KEY = b"JINKUv1\n"
MAGIC_IN_THE_CLEAR = b"JINKUc1\n"
KEY_ID_BYTES = 16
FRAME_BYTES = 1 << 20


@dataclass(frozen=True)
class Received:
    """One file as received: its content hash (sha256, hex) and size in bytes."""

    sha256: str
    size_bytes: int


def received_path(home: Home, sha256: str) -> Path:
    """Where the bytes with this hash are kept."""
    return home.received / sha256[:2] / sha256


def may_lie_in_the_clear(grade: str, encrypt_general: bool) -> bool:
    """Whether bytes of a source of this grade may be kept unencrypted: none but general ones, where it is allowed."""
    return grade == "general" and not encrypt_general


def keep(
    home: Home,
    key: bytes,
    file: Path,
    each_chunk: Callable[[bytes], None],
    *,
    grade: str,
    encrypt_general: bool = True,
) -> Received:
    """Keep a copy of `file`, as the grade of its source asks; call `each_chunk` with every plain chunk on the way.

    Durable when it returns. Bytes that have been shredded are not kept again, and encrypted ones are never replaced by
    others in the clear. Raises OSError, and JinkuError where a file of keys cannot be used.
    """

    def chunks() -> Iterator[bytes]:
        with file.open("rb") as source:
            for chunk in _chunks_of(source):
                each_chunk(chunk)
                yield chunk

    return _keep(home, key, chunks(), in_the_clear=may_lie_in_the_clear(grade, encrypt_general))


def encrypt_kept(home: Home, key: bytes, hashes: Iterable[str]) -> tuple[str, ...]:
    """Encrypt those of the named kept bytes that lie in the clear, as their grade has risen; gives their hashes.

    Raises OSError, and JinkuError as `restore` does.
    """
    due = sorted(lying_in_the_clear(home) & set(hashes))
    for sha256 in due:
        _keep(home, key, _plain(home, key, sha256), in_the_clear=False)
    return tuple(due)


def restore(home: Home, key: bytes, sha256: str, target: Path) -> None:
    """Write the kept bytes in the clear to `target`.

    Raises JinkuError `bytes_shredded`, `bytes_missing` or `bytes_damaged`, and `key_lost`, `key_damaged` or `key_open`
    where their file key cannot be had.
    """
    with target.open("wb") as file:
        for chunk in _plain(home, key, sha256):
            file.write(chunk)


def shred(home: Home, vault: Vault, sha256: str) -> None:
    """Destroy the file key of kept bytes, and then what is left of them: no key of the vault brings them back.

    Durable when it returns; repeating it ends what a kill left. It takes an opened vault, as using its keys does.
    Raises JinkuError `bytes_missing` where nothing of them was ever kept, and what a full or unwritable disk raises.
    """
    assert home == vault.home
    path = received_path(home, sha256)
    if not path.exists() and not is_shredded(home, sha256):
        raise _missing(path)
    destroy_file_keys(home, sha256)
    try:
        path.unlink(missing_ok=True)
        if path.parent.exists():
            sync_folder(path.parent)
    except OSError as error:
        raise storage_error(error, path) from None


def _keep(home: Home, key: bytes, chunks: Iterable[bytes], *, in_the_clear: bool) -> Received:
    digest, size_bytes = hashlib.sha256(), 0
    draft = home.work / f"{secrets.token_hex(8)}.part"
    key_id, file_key = secrets.token_bytes(KEY_ID_BYTES), AESGCM.generate_key(256)
    try:
        with draft.open("wb") as target:
            write = _clear_writer(target) if in_the_clear else _frame_writer(target, key_id, file_key)
            for chunk, is_last in _with_last(chunks):
                digest.update(chunk)
                size_bytes += len(chunk)
                write(chunk, is_last)
            target.flush()
            os.fsync(target.fileno())
        draft.chmod(0o400)
        received = Received(digest.hexdigest(), size_bytes)
        if in_the_clear:
            _place_in_the_clear(home, draft, received.sha256)
        elif add_file_key(home, key, received.sha256, key_id.hex(), file_key):  # durable before the file is in place
            is_again = received_path(home, received.sha256).exists()
            _place(home, draft, received.sha256)
            if is_again:
                replaced(home, received.sha256, key_id.hex())
    finally:
        draft.unlink(missing_ok=True)
    return received


def _place(home: Home, draft: Path, sha256: str) -> None:
    final = received_path(home, sha256)
    final.parent.mkdir(mode=0o700, exist_ok=True)
    draft.replace(final)
    sync_folder(final.parent)


def _place_in_the_clear(home: Home, draft: Path, sha256: str) -> None:
    final = received_path(home, sha256)
    is_encrypted = final.exists() and sha256 not in lying_in_the_clear(home)
    if not is_encrypted and not is_shredded(home, sha256):
        note_in_the_clear(home, sha256)  # first, so that none lies there unnoticed
        _place(home, draft, sha256)


def _frame_writer(target: BinaryIO, key_id: bytes, file_key: bytes) -> Callable[[bytes, bool], None]:
    target.write(MAGIC + key_id)
    cipher, index = AESGCM(file_key), 0

    def write_frame(chunk: bytes, is_last: bool) -> None:
        nonlocal index
        sealed = cipher.encrypt(index.to_bytes(12, "big"), chunk, bytes([is_last]))
        target.write(struct.pack(">I", len(sealed)) + sealed)
        index += 1

    return write_frame


def _clear_writer(target: BinaryIO) -> Callable[[bytes, bool], None]:
    target.write(MAGIC_IN_THE_CLEAR)

    def write(chunk: bytes, is_last: bool) -> None:
        target.write(chunk)

    return write


def _plain(home: Home, key: bytes, sha256: str) -> Iterator[bytes]:
    """The kept bytes, chunk by chunk; bytes that have another hash than their name end in `bytes_damaged`."""
    digest = hashlib.sha256()
    for chunk in _as_kept(home, key, sha256):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise _damaged(received_path(home, sha256))


def _as_kept(home: Home, key: bytes, sha256: str) -> Iterator[bytes]:
    """The kept bytes in whatever form they are kept."""
    path = received_path(home, sha256)
    if is_shredded(home, sha256):
        raise JinkuError(
            "bytes_shredded",
            "the received bytes were destroyed and cannot be read again",
            str(path),
            "Nothing brings them back; their rows are accounted for in the ledger.",
        )
    if not path.exists():
        raise _missing(path)
    with path.open("rb") as file:
        magic = file.read(len(MAGIC))
        if magic == MAGIC_IN_THE_CLEAR:
            yield from _chunks_of(file)
        elif magic == MAGIC:
            yield from _frames(file, file_key_of(home, key, sha256, file.read(KEY_ID_BYTES).hex()), path)
        elif magic == MAGIC_WITH_KEY:
            yield from _frames(file, _key_in_header(file, key, path), path)
        else:
            raise _damaged(path)


def _key_in_header(file: BufferedReader, key: bytes, path: Path) -> bytes:
    nonce, wrapped = file.read(12), file.read(48)
    try:
        return AESGCM(key).decrypt(nonce, wrapped, MAGIC_WITH_KEY)
    except (InvalidTag, ValueError):
        raise _damaged(path) from None


def _frames(file: BufferedReader, file_key: bytes, path: Path) -> Iterator[bytes]:
    cipher, index, is_last = AESGCM(file_key), 0, False
    while not is_last:
        try:
            (length,) = struct.unpack(">I", file.read(4))
            sealed = file.read(length)
            is_last = not file.peek(1)
            chunk = cipher.decrypt(index.to_bytes(12, "big"), sealed, bytes([is_last]))
        except (InvalidTag, struct.error, ValueError):
            raise _damaged(path) from None
        yield chunk
        index += 1


def _chunks_of(file: BufferedReader) -> Iterator[bytes]:
    while chunk := file.read(FRAME_BYTES):
        yield chunk


def _with_last(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Every chunk and whether it is the last; of nothing one chunk without a byte."""
    before: bytes | None = None
    for chunk in chunks:
        if before is not None:
            yield before, False
        before = chunk
    yield before or b"", True


def _missing(path: Path) -> JinkuError:
    return JinkuError("bytes_missing", "the received bytes are not in the vault", str(path), "Land the file again.")


def _damaged(path: Path) -> JinkuError:
    return JinkuError(
        "bytes_damaged",
        "the received bytes are damaged or the key is another",
        str(path),
        "Restore them from your backup.",
    )
