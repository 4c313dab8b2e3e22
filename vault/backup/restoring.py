"""Putting a backup back, and looking whether one is whole."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from vault.backup.archive import Manifest, read_archive
from vault.durable import sync_folder
from vault.errors import JinkuError
from vault.home import Home, storage_error


def verify_backup(path: Path) -> Manifest:
    """What is in a backup, after every byte of it was read and compared.

    Raises JinkuError `file_missing`, `backup_damaged`, and what a faulty disk raises.
    """
    try:
        return read_archive(path, _pass_over)
    except OSError as error:
        raise storage_error(error, path) from None


def restore_home(path: Path, home: Home) -> Manifest:
    """Put a backup back as the home; gives what is in it.

    All files are written beside the home's place, compared with the manifest and made durable; only then they take the
    place, at once. A kill before that leaves nothing there.

    Raises JinkuError `restore_refused` where the home is not empty, `file_missing`, `backup_damaged`,
    `already_running`, and what a full or unwritable disk raises.
    """
    if home.root.exists() and (not home.root.is_dir() or any(home.root.iterdir())):
        raise JinkuError(
            "restore_refused",
            "there is something in the home already",
            str(home.root),
            "Set JINKU_HOME to an empty folder, or one that is not there yet.",
        )
    draft = home.root.with_name(f".{home.root.name}.restoring")
    try:
        with _held(draft):
            _clear(draft)
            manifest = read_archive(path, lambda name, *of_it: _write(draft / name, *of_it))
            for folder, _, _ in os.walk(draft):
                sync_folder(Path(folder))
            draft.rename(home.root)
            sync_folder(home.root.parent)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise storage_error(error, home.root) from None
    except JinkuError as error:
        if error.code != "already_running":
            shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


@contextmanager
def _held(draft: Path) -> Iterator[None]:
    """The folder is made and locked: of two that restore the same home, one is refused."""
    draft.parent.mkdir(parents=True, exist_ok=True)
    draft.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise JinkuError(
            "already_running", "another process is restoring this home", str(draft), "Wait for it or end it."
        ) from None
    finally:
        os.close(descriptor)


def _clear(draft: Path) -> None:
    """Remove what a killed restore left."""
    for left in draft.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def _write(target: Path, mode: int, modified: float, content: Iterator[bytes] | None) -> None:
    if content is None:
        target.mkdir(exist_ok=True)
        target.chmod(mode | 0o700)  # its owner must be able to fill it
        return
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for chunk in content:
            file.write(chunk)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    os.utime(target, (modified, modified))


def _pass_over(name: PurePosixPath, mode: int, modified: float, content: Iterator[bytes] | None) -> None:
    for _ in content or ():
        pass
