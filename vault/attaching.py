"""Attaching one encrypted DuckDB file, and what can be in the way of it."""

from pathlib import Path

import duckdb

from vault.errors import JinkuError


def attach(connection: duckdb.DuckDBPyConnection, path: Path, alias: str, key: str, *, read_only: bool) -> None:
    """Attach a layer's file under a name with its key, given as hex; it is made where it is not there.

    Raises JinkuError `layer_busy`, `layer_locked` where the key is wrong, `layer_unreadable`.
    """
    file = str(path).replace("'", "''")
    mode = ", read_only" if read_only else ""
    try:
        connection.execute(f"attach '{file}' as {alias} (encryption_key '{key}'{mode})")
    except duckdb.Error as error:
        text = str(error)
        if "lock" in text or "already attached" in text.lower():
            raise JinkuError(
                "layer_busy",
                "another process is writing this layer",
                str(path),
                "Wait for the run to end and try again.",
            ) from None
        if "encrypt" in text.lower() or "key" in text.lower():
            raise JinkuError(
                "layer_locked",
                "the layer cannot be opened with this key",
                str(path),
                "Restore the key that belongs to this home.",
            ) from None
        raise JinkuError(
            "layer_unreadable", "the layer's file cannot be opened", str(path), "Restore it from your backup."
        ) from None
