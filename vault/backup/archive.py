"""The file of a backup: a tar whose last member is the manifest, which states the sha256 of every file before it.

A file that was cut off has no manifest, one that was altered another hash: neither is taken for a backup.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from vault.errors import JinkuError

FORMAT = "jinku-backup/1"
MANIFEST = "manifest.json"
ROOT = "home"
CHUNK_BYTES = 1 << 20

Take = Callable[[PurePosixPath, int, float, Iterator[bytes] | None], None]
"""What receives a member: its path below the home, mode, time of change, and content; of a folder there is none."""


@dataclass(frozen=True)
class SavedFile:
    """A file in a backup: its content hash (sha256, hex) and size in bytes."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Manifest:
    """What is in a backup.

    master_id: of the master key that opens it; has_master_key: whether that key is inside; files: by their paths below
    the home.
    """

    made_at: datetime
    master_id: str
    has_master_key: bool
    files: Mapping[str, SavedFile]

    @property
    def size_bytes(self) -> int:
        """The bytes of all files."""
        return sum(file.size_bytes for file in self.files.values())


def add_folder(archive: tarfile.TarFile, name: str, mode: int) -> None:
    """Add a folder by its path below the home."""
    entry = tarfile.TarInfo(f"{ROOT}/{name}".rstrip("/."))
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    archive.addfile(entry)


def add_file(archive: tarfile.TarFile, name: str, file: BinaryIO, mode: int, modified: float) -> SavedFile:
    """Add an open file, from its beginning and as long as it is now, by its path below the home. Raises OSError."""
    entry = tarfile.TarInfo(f"{ROOT}/{name}")
    entry.size = os.fstat(file.fileno()).st_size
    entry.mode, entry.mtime = mode, modified
    file.seek(0)
    read = _Hashed(file)
    archive.addfile(entry, read)
    return SavedFile(read.digest.hexdigest(), entry.size)


def add_manifest(archive: tarfile.TarFile, manifest: Manifest) -> None:
    """Add the manifest, which ends a backup."""
    document = {**asdict(manifest), "format": FORMAT, "made_at": manifest.made_at.isoformat()}
    content = json.dumps(document).encode()
    entry = tarfile.TarInfo(MANIFEST)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, io.BytesIO(content))


def read_archive(path: Path, take: Take) -> Manifest:
    """Give every member of a backup to `take`, then check all of them against the manifest.

    What was taken may be used only after this returns. Raises JinkuError `file_missing`, `backup_damaged`, and OSError.
    """
    found: dict[str, SavedFile] = {}
    manifest: Manifest | None = None
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for entry in archive:
                if manifest is not None:
                    raise _damaged(path)
                content = archive.extractfile(entry) if entry.isreg() else None
                if entry.name == MANIFEST and content is not None:
                    manifest = _manifest(content.read(), path)
                    continue
                name = _name_below_home(entry, path, found)
                saved = _take(entry, name, content, take)
                if saved is not None:
                    found[str(name)] = saved
    except FileNotFoundError as error:
        if str(error.filename) != str(path):
            raise
        raise JinkuError("file_missing", "there is no such file", str(path), "Check the path.") from None
    except (tarfile.TarError, EOFError, UnicodeError):
        raise _damaged(path) from None
    if manifest is None or manifest.files != found:
        raise _damaged(path)
    return manifest


class _Hashed(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self.file.read(size)
        self.digest.update(chunk)
        return chunk


def _take(entry: tarfile.TarInfo, name: PurePosixPath, content: IO[bytes] | None, take: Take) -> SavedFile | None:
    mode, modified = entry.mode & 0o777, float(entry.mtime)
    if content is None:
        take(name, mode, modified, None)
        return None
    digest, size_bytes = hashlib.sha256(), 0

    def chunks() -> Iterator[bytes]:
        nonlocal size_bytes
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            size_bytes += len(chunk)
            yield chunk

    take(name, mode, modified, chunks())
    return SavedFile(digest.hexdigest(), size_bytes)


def _name_below_home(entry: tarfile.TarInfo, path: Path, found: Mapping[str, SavedFile]) -> PurePosixPath:
    """The member's path below the home; members of other kinds, or that lead elsewhere, are none of ours."""
    name = PurePosixPath(entry.name)
    if not (entry.isreg() or entry.isdir()) or name.parts[:1] != (ROOT,) or ".." in name.parts:
        raise _damaged(path)
    below = name.relative_to(ROOT)
    if str(below) in found:
        raise _damaged(path)
    return below


def _manifest(content: bytes, path: Path) -> Manifest:
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise ValueError(document["format"])
        return Manifest(
            datetime.fromisoformat(document["made_at"]),
            str(document["master_id"]),
            bool(document["has_master_key"]),
            {str(name): SavedFile(**saved) for name, saved in document["files"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _damaged(path) from None


def _damaged(path: Path) -> JinkuError:
    return JinkuError(
        "backup_damaged",
        "this is no whole backup, or it was altered",
        str(path),
        "Use another backup; nothing was put back.",
    )
