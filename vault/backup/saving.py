"""Saving a home while it is in use: nobody writes a layer meanwhile, everything else goes on."""

import errno
import fcntl
import os
import secrets
import sqlite3
import stat
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from vault.backup.archive import Manifest, SavedFile, add_file, add_folder, add_manifest
from vault.durable import sync_folder
from vault.errors import JinkuError
from vault.home import Home, storage_error
from vault.keys import LAYERS, open_keys
from vault.keys.master import master_path, next_master_path
from vault.keys.opening import end_killed_rotation
from vault.keys.store import changing_keys
from vault.layers import Vault

SQLITE_ENDINGS = frozenset({".db", ".sqlite"})
SQLITE_COMPANIONS = ("-wal", "-shm", "-journal")
LEFT_OUT_ENDINGS = (".lock", ".draft", ".part")
BUSY_SECONDS = 30


def back_up(vault: Vault, target: Path, made_at: datetime, *, with_master_key: bool) -> Manifest:
    """Save the vault's home in one file, which appears whole and durable or not at all; gives what is in it.

    The layers are held for reading from the first byte to the last, so that they belong together; SQLite files are
    copied by SQLite. The witness of the black box comes before its entries: it may be behind them, never ahead.

    Raises JinkuError `backup_refused` where the file is there already, lies in the home, or the master key is asked for
    and lies in no file; `layer_busy` where a layer is written, `keys_busy`, and what a full or unwritable disk raises.
    """
    _refuse_place(vault.home, target)
    if with_master_key and vault.source.kind != "file":
        raise _refused("the master key lies in no file of this home", str(master_path(vault.home)), "Save it yourself.")
    draft = target.with_name(f".{target.name}.part")
    try:
        with changing_keys(vault.home, wait=False), layers_held(vault.home) as layers:
            end_killed_rotation(vault.home, vault.source)
            master = open_keys(vault.home, vault.source).store.master_id
            with _private(draft) as file:
                with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
                    files = _add_all(archive, vault.home, layers, with_master_key)
                    manifest = Manifest(made_at, master, with_master_key, files)
                    add_manifest(archive, manifest)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise storage_error(error, target) from None
    finally:
        draft.unlink(missing_ok=True)
    return manifest


@contextmanager
def layers_held(home: Home) -> Iterator[Mapping[Path, BinaryIO]]:
    """The layers' files, open and locked as the engine locks what it reads: it refuses to write them meanwhile."""
    with ExitStack() as held:
        files: dict[Path, BinaryIO] = {}
        for path in (home.layer(layer) for layer in LAYERS if home.layer(layer).exists()):
            files[path] = held.enter_context(path.open("rb"))
            try:
                fcntl.lockf(files[path], fcntl.LOCK_SH | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                raise JinkuError(
                    "layer_busy",
                    "another process is writing this layer",
                    str(path),
                    "Wait for the run to end and try again.",
                ) from None
        yield files


def _add_all(
    archive: tarfile.TarFile, home: Home, layers: Mapping[Path, BinaryIO], with_master_key: bool
) -> dict[str, SavedFile]:
    files: dict[str, SavedFile] = {}
    left_out = {next_master_path(home)} | (set() if with_master_key else {master_path(home)})
    for path, is_folder in _found(home):
        name = path.relative_to(home.root).as_posix()
        try:
            status = path.lstat()
            mode = stat.S_IMODE(status.st_mode)
            if is_folder:
                add_folder(archive, name, mode)
            elif stat.S_ISREG(status.st_mode) and path not in left_out and not _is_left_out(home, path, layers):
                with _opened(home, path, layers) as file:
                    files[name] = add_file(archive, name, file, mode, status.st_mtime)
        except FileNotFoundError:
            continue  # it was removed since it was listed, as a moment later it would not have been listed
    return files


def _found(home: Home) -> Iterator[tuple[Path, bool]]:
    """What the home holds, and whether it is a folder: each folder before what is in it, the witness first."""
    yield home.root, True
    first = sorted(home.root.iterdir(), key=lambda path: (path != home.witness, path.name))
    for top in first:
        for folder, folders, names in os.walk(top) if top.is_dir() and not top.is_symlink() else ():
            if Path(folder) == home.work:
                folders.clear()
                continue
            folders.sort()
            yield Path(folder), True
            yield from ((Path(folder) / name, False) for name in sorted(names))
        if not top.is_dir():
            yield top, False


def _is_left_out(home: Home, path: Path, layers: Mapping[Path, BinaryIO]) -> bool:
    """Locks and drafts, what belongs to a SQLite file that is copied whole, and layers that came up meanwhile."""
    if home.landing in path.parents:
        return False  # what a provider dropped is saved by whatever name
    companion_of = next((path.name.removesuffix(end) for end in SQLITE_COMPANIONS if path.name.endswith(end)), "")
    is_companion = Path(companion_of).suffix in SQLITE_ENDINGS
    is_new_layer = path.suffix == ".duckdb" and path.parent == home.layer(LAYERS[0]).parent and path not in layers
    return path.name.endswith(LEFT_OUT_ENDINGS) or is_companion or is_new_layer


@contextmanager
def _opened(home: Home, path: Path, layers: Mapping[Path, BinaryIO]) -> Iterator[BinaryIO]:
    if path in layers:
        yield layers[path]  # opening it once more, and closing it, would let go of its lock
    elif path.suffix in SQLITE_ENDINGS and home.landing not in path.parents:
        with _copy_of_database(home, path) as copy, copy.open("rb") as file:
            yield file
    else:
        with path.open("rb") as file:
            yield file


@contextmanager
def _copy_of_database(home: Home, path: Path) -> Iterator[Path]:
    """The database as it is at one moment, whoever writes it."""
    copy = home.work / f"{secrets.token_hex(8)}.part"
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=BUSY_SECONDS)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        yield copy
    except sqlite3.Error as error:
        number = errno.ENOSPC if "full" in str(error) else errno.EIO
        raise OSError(number, f"{path.name} cannot be copied: {error}") from None
    finally:
        for left in (copy, *(copy.with_name(copy.name + end) for end in SQLITE_COMPANIONS)):
            left.unlink(missing_ok=True)


def _refuse_place(home: Home, target: Path) -> None:
    if target.exists():
        raise _refused("the file is there already", str(target), "Name another: a backup is never overwritten.")
    if home.root in target.resolve().parents:
        raise _refused("the backup would lie in the home it saves", str(target), "Name a file outside of it.")
    if not target.resolve().parent.is_dir():
        raise _refused("there is no such folder", str(target.parent), "Make it first.")


def _refused(what: str, where: str, action: str) -> JinkuError:
    return JinkuError("backup_refused", what, where, action)


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb")
