"""The landing zone: what lies there, which source it belongs to, and whether it is complete."""

import fcntl
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from vault.contract import SourceContract
from vault.errors import JinkuError
from vault.home import Home, storage_error

UNFINISHED_SUFFIXES = (".part", ".tmp", ".partial", ".crdownload", "~")


@dataclass(frozen=True)
class LandedFile:
    """A file in the landing zone; `source` is None where no source claims it."""

    path: Path
    source: str | None
    size_bytes: int
    modified_ns: int


def scan(home: Home, sources: Mapping[str, SourceContract]) -> tuple[LandedFile, ...]:
    """All finished-looking files in the landing zone, by path. Links and hidden files are passed over."""
    found = []
    for path in sorted(home.landing.rglob("*")):
        if path.is_symlink() or not path.is_file() or _is_unfinished(path.relative_to(home.landing)):
            continue
        status = path.stat()
        source = source_of(path.relative_to(home.landing), sources)
        found.append(LandedFile(path, source, status.st_size, status.st_mtime_ns))
    return tuple(found)


def source_of(path: Path, sources: Mapping[str, SourceContract]) -> str | None:
    """The source a file belongs to: by its folder's name, otherwise by the one pattern that fits its name."""
    if len(path.parts) > 1 and path.parts[0] in sources:
        return path.parts[0]
    fitting = [name for name, contract in sources.items() if fits(path.name, contract)]
    return fitting[0] if len(fitting) == 1 else None


def fits(file_name: str, contract: SourceContract) -> bool:
    """Whether the file's name fits one of the contract's patterns."""
    return any(fnmatch(file_name, pattern) for pattern in contract.files)


def settled(file: LandedFile, now_ns: int, settle_seconds: float) -> bool:
    """Whether the file is complete: unchanged for a while, and open for writing nowhere on this machine."""
    try:
        status = file.path.stat()
    except FileNotFoundError:
        return False
    unchanged = (status.st_size, status.st_mtime_ns) == (file.size_bytes, file.modified_ns)
    return unchanged and now_ns - file.modified_ns >= settle_seconds * 1e9 and not _open_for_writing(file.path)


def land(home: Home, file: Path, source: str) -> Path:
    """Copy a file into the landing zone under its source; it appears there complete or not at all.

    Raises JinkuError `file_missing`, `disk_full` or `home_unwritable`.
    """
    folder = home.landing / source
    draft = folder / f".{file.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, draft)
        shutil.copystat(file, draft)
        draft.chmod(0o600)
        draft.replace(folder / file.name)
    except FileNotFoundError:
        raise JinkuError("file_missing", "there is no such file", str(file), "Check the path.") from None
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise storage_error(error, folder) from None
    return folder / file.name


def _is_unfinished(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts) or path.name.endswith(UNFINISHED_SUFFIXES)


def _open_for_writing(path: Path) -> bool:
    """A read lease is granted only while nobody has the file open for writing."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False  # not our file, or a file system without leases: the settle time decides alone
    finally:
        os.close(descriptor)
    return False
