"""What a thread keeps of a registry from one recording to the next: its connection, its key, and where the log stood.

Opening and closing a connection takes longer than an append, and what this thread itself has checked or signed last
need not be checked again.
"""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vault.black_box.merkle import Frontier
from vault.layers import Vault
from vault.registry.database import open_registry, registry_path
from vault.signing import signing_key


@dataclass
class Kept:
    """path: the registry's; file: which one it is, in which process; witness: the folder of the witness; line: the last
    checkpoint that was checked or signed here, None where none was; frontier: the right edge of the log it states."""

    vault: Vault
    path: Path
    file: tuple[int, ...]
    witness: Path
    key: Ed25519PrivateKey
    connection: sa.Connection
    line: str | None = None
    frontier: Frontier = field(default_factory=Frontier)


_OF_THREAD = threading.local()


def kept_of(vault: Vault) -> Kept:
    """What this thread keeps of a vault's registry; made anew where it kept another's, or the file is another one.

    Raises RuntimeError inside another recording of the same thread, and what `open_registry` and `signing_key` raise.
    """
    kept: Kept | None = getattr(_OF_THREAD, "kept", None)
    if kept is not None and kept.file[-1:] == (os.getpid(),):
        if kept.connection.in_transaction():
            raise RuntimeError("a recording is open in this thread already: log over that one")
        if kept.vault == vault and kept.file == _identity(kept.path):
            return kept
        kept.connection.close()
    key, engine, path = signing_key(vault), open_registry(vault.home), registry_path(vault.home)
    kept = Kept(vault, path, _identity(path), vault.home.witness, key, engine.connect())
    _OF_THREAD.kept = kept
    return kept


def forget() -> None:
    """Close the connection that this thread keeps, and with it any transaction that is open."""
    kept: Kept | None = getattr(_OF_THREAD, "kept", None)
    if kept is not None:
        _OF_THREAD.kept = None
        kept.connection.close()


def _identity(path: Path) -> tuple[int, ...]:
    """A file that was put in another's place is another one, and so is each file to a process that was forked off."""
    try:
        file = os.stat(path)  # noqa: PTH116  (it is half the time, and part of every append)
    except FileNotFoundError:
        return ()
    return file.st_dev, file.st_ino, os.getpid()
