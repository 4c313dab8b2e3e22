"""Giving a layer another data key: its tables are copied into a new encrypted file, which takes the old one's place."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import duckdb

from vault.attaching import attach
from vault.durable import sync_file, sync_folder
from vault.errors import JinkuError
from vault.home import storage_error
from vault.keys import LAYERS, open_keys
from vault.keys.opening import end_killed_rotation, name_of, next_layer
from vault.keys.store import changing_keys, new_key, wrap, write_store
from vault.layers import Vault, connect

COPY = "copied"


def rotate_layers(vault: Vault) -> tuple[str, ...]:
    """Give every layer that is there a new data key, one after the other; gives their names.

    Those who read a layer meanwhile go on with the file they opened, those who open it later get the new one; writers
    are kept out while a layer is copied. Killed at any moment, each layer has either its old key or its new one.

    Raises JinkuError `layer_busy` where a writer is at work, `keys_busy`, `disk_full` and other faults of the disk;
    the layers done by then keep their new keys.
    """
    with changing_keys(vault.home, wait=False):
        end_killed_rotation(vault.home, vault.source)
        present = tuple(layer for layer in LAYERS if vault.home.layer(layer).exists())
        for layer in present:
            try:
                _rotate(vault, layer)
            except duckdb.Error as error:
                raise _failed(error, vault, layer) from None
            except OSError as error:
                raise storage_error(error, vault.home.layer(layer)) from None
    return present


def _rotate(vault: Vault, layer: str) -> None:
    """The order of the steps makes a kill harmless: the copy is whole and durable before its key stands beside the old
    one, and takes the layer's place before its key takes the old one's (`end_killed_rotation` reads this off).
    """
    place, copy, key = vault.home.layer(layer), next_layer(vault.home, layer), new_key()
    if place.with_suffix(".duckdb.wal").exists():  # left by a killed writer, of no use to another file
        with connect(vault, write=layer) as connection:
            connection.execute(f"checkpoint {layer}")
    with connect(vault, read=(layer,)) as connection:  # to the end, so that nobody writes what would be lost
        try:
            with _new_file(vault, connection, layer, key):
                connection.execute(f"copy from database {layer} to {COPY}")
                _refuse_unless_equal(connection, layer)
                connection.execute(f"checkpoint {COPY}")
        except duckdb.Error:
            copy.unlink(missing_ok=True)
            raise
        copy.chmod(0o600)
        sync_file(copy)
        sync_folder(copy.parent)
        _announce(vault, layer, key)
        copy.replace(place)
        sync_folder(copy.parent)
        _take_over(vault, layer)


@contextmanager
def _new_file(vault: Vault, connection: duckdb.DuckDBPyConnection, layer: str, key: bytes) -> Iterator[None]:
    attach(connection, next_layer(vault.home, layer), COPY, key.hex(), read_only=False)
    try:
        yield
    finally:
        connection.execute(f"detach {COPY}")


def _refuse_unless_equal(connection: duckdb.DuckDBPyConnection, layer: str) -> None:
    if _counts(connection, layer) != _counts(connection, COPY):
        raise duckdb.InternalException("the copy has other tables or rows than the layer")


def _counts(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    """The number of rows of every table, counted."""
    tables = connection.execute(
        "select format('{}.{}', schema_name, table_name), format('\"{}\".\"{}\"', schema_name, table_name) "
        "from duckdb_tables() where database_name = ?",
        [database],
    ).fetchall()
    counted = " union all ".join(f"select '{name}', count(*) from {database}.{quoted}" for name, quoted in tables)
    return dict(connection.execute(counted).fetchall()) if tables else {}


def _announce(vault: Vault, layer: str, key: bytes) -> None:
    """Put the new key beside the old one."""
    opened = open_keys(vault.home, vault.source)
    write_store(vault.home, replace(opened.store, following={name_of(layer): wrap(opened.master, name_of(layer), key)}))


def _take_over(vault: Vault, layer: str) -> None:
    """Put the new key in the old one's place, which is gone then."""
    store = open_keys(vault.home, vault.source).store
    write_store(vault.home, replace(store, wrapped={**store.wrapped, **store.following}, following={}))


def _failed(error: duckdb.Error, vault: Vault, layer: str) -> JinkuError:
    place = vault.home.layer(layer)
    if "No space left" in str(error):
        return storage_error(OSError(errno.ENOSPC, "disk full"), place)
    if isinstance(error, duckdb.OutOfMemoryException):
        return JinkuError(
            "memory_limit", "the memory limit is too small to copy this layer", str(place), "Raise JINKU_MEMORY_LIMIT."
        )
    return JinkuError(
        "storage",
        f"the layer could not be copied ({type(error).__name__})",
        str(place),
        "See to the disk and rotate again; the layer keeps its old key.",
    )
