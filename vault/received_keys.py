"""The file keys of received bytes: each kept file has one of its own, wrapped, so that one file can be made unreadable.

They lie in one SQLite file in the keys' folder. What is deleted there is overwritten (`secure_delete`), and the journal
is emptied with each transaction: no file holds a destroyed key afterwards. A copy made before, such as a backup, does.

Every function raises JinkuError `key_open` where others may read the file, `key_damaged` where it is none, and what a
full or unwritable disk raises.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from vault.append_only import sqlite_engine, storage_failure
from vault.durable import sync_file, sync_folder
from vault.errors import JinkuError
from vault.home import Home
from vault.keys.private_file import refuse_open
from vault.keys.store import unwrap, wrap

PRAGMAS = ("pragma journal_mode = truncate", "pragma synchronous = full", "pragma secure_delete = on")

metadata = sa.MetaData()

file_keys = sa.Table(
    "file_keys",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False, index=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)

shredded = sa.Table("shredded", metadata, sa.Column("sha256", sa.Text, primary_key=True))

in_the_clear = sa.Table("in_the_clear", metadata, sa.Column("sha256", sa.Text, primary_key=True))


def keys_path(home: Home) -> Path:
    """The file of the file keys."""
    return home.keys / "received.sqlite"


def add_file_key(home: Home, received_key: bytes, sha256: str, key_id: str, file_key: bytes) -> bool:
    """Keep a file key, wrapped under the key `received`; durable when it returns.

    Gives whether it was kept: for bytes that have been shredded there is no key any more.
    """
    row = {"key_id": key_id, "sha256": sha256, "wrapped": wrap(received_key, _name(sha256, key_id), file_key)}
    with _using(home) as connection:
        if connection.execute(sa.select(shredded).filter_by(sha256=sha256)).first() is not None:
            return False
        connection.execute(sa.insert(file_keys).values(row))
    return True


def file_key_of(home: Home, received_key: bytes, sha256: str, key_id: str) -> bytes:
    """The file key that a kept file names.

    Raises JinkuError `key_lost` where it is not there, `key_damaged` where it does not unwrap.
    """
    with _using(home) as connection:
        found = connection.execute(sa.select(file_keys.c.wrapped).filter_by(key_id=key_id, sha256=sha256)).scalar()
    if found is None:
        raise JinkuError(
            "key_lost",
            "the file key of these received bytes is gone",
            str(keys_path(home)),
            "Restore the key file from your backup.",
        )
    return unwrap(received_key, _name(sha256, key_id), found, keys_path(home))


def replaced(home: Home, sha256: str, key_id: str) -> None:
    """Note that a kept file was replaced by one with this key: its earlier keys go, it lies in the clear no more."""
    with _using(home) as connection:
        earlier = sa.delete(file_keys).filter_by(sha256=sha256).where(file_keys.c.key_id != key_id)
        connection.execute(earlier)
        connection.execute(sa.delete(in_the_clear).filter_by(sha256=sha256))


def note_in_the_clear(home: Home, sha256: str) -> None:
    """Note that a file is about to be kept in the clear, so that it is found where its grade rises."""
    with _using(home) as connection:
        if connection.execute(sa.select(in_the_clear).filter_by(sha256=sha256)).first() is None:
            connection.execute(sa.insert(in_the_clear).values(sha256=sha256))


def lying_in_the_clear(home: Home) -> frozenset[str]:
    """The content hashes of the files that are kept in the clear."""
    with _using(home) as connection:
        return frozenset(connection.execute(sa.select(in_the_clear.c.sha256)).scalars())


def destroy_file_keys(home: Home, sha256: str) -> None:
    """Destroy every key of a kept file and remember that it was done; durable when it returns."""
    with _using(home) as connection:
        for table in (file_keys, in_the_clear, shredded):
            connection.execute(sa.delete(table).filter_by(sha256=sha256))
        connection.execute(sa.insert(shredded).values(sha256=sha256))


def is_shredded(home: Home, sha256: str) -> bool:
    """Whether the bytes with this content hash have been shredded."""
    with _using(home) as connection:
        return connection.execute(sa.select(shredded).filter_by(sha256=sha256)).first() is not None


def _name(sha256: str, key_id: str) -> str:
    return f"received/{sha256}/{key_id}"


@contextmanager
def _using(home: Home) -> Iterator[sa.Connection]:
    """One durable transaction on the file of file keys, which is made where it is not there."""
    path = keys_path(home)
    try:
        if not path.exists():
            _create(path)
        refuse_open(path)
        with _engine(path).begin() as connection:
            yield connection
    except (OSError, sa.exc.DBAPIError) as error:
        raise storage_failure(error, path) or JinkuError(
            "key_damaged", "the file of file keys is damaged", str(path), "Restore the file from your backup."
        ) from None


def _create(path: Path) -> None:
    """The file appears with its tables or not at all; where two processes make it, the file of the first stands."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with sqlite_engine(f"file:{quote(str(draft))}?mode=rw", ()).begin() as connection:
            metadata.create_all(connection)
        sync_file(draft)
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    sync_folder(path.parent)


@lru_cache(maxsize=8)
def _engine(path: Path) -> sa.Engine:
    return sqlite_engine(f"file:{quote(str(path))}?mode=rw", PRAGMAS).execution_options(begins_with_write=True)
