"""The rows of a release as files: a Delta table of one version, in Parquet that anything reads, and the way back.

Every release is a table of its own: nothing that is done to a later one can touch its files or its log, and a reader
that knows only Parquet finds the rows of one release in a folder and of no other.
"""

import errno
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from vault.durable import sync_file
from vault.errors import JinkuError
from vault.home import storage_error
from vault.releases.datasheet import TABLE

BATCH_ROWS = 65_536
FILE_BYTES = 256 << 20
"""Size that a Parquet file is closed at."""
CHUNK_BYTES = 1 << 20
UNFIT_CHARACTERS = frozenset("[]|^\\")
"""Of a path: the Delta writer aborts on them."""

FILE_MODE, FOLDER_MODE = 0o444, 0o755


def write_table(table: ir.Table, grain: Sequence[str], folder: Path, name: str) -> None:
    """Write the rows as version 0 of a Delta table, in the order of the grain; batch by batch, so in bounded memory.

    Raises JinkuError `release_unwritable`, and what a full or unwritable disk raises.
    """
    from deltalake import WriterProperties, write_deltalake
    from deltalake.exceptions import DeltaError

    if unfit := sorted(set(str(folder)) & UNFIT_CHARACTERS):
        raise JinkuError(
            "release_unwritable",
            f"the Delta table cannot lie in a folder whose path holds {' '.join(unfit)}",
            str(folder),
            "Set JINKU_HOME to another folder.",
        )
    ordered = table.order_by([ibis.asc(table[each], nulls_first=True) for each in _order(table, grain)])
    try:
        write_deltalake(
            folder / TABLE,
            ordered.to_pyarrow_batches(chunk_size=BATCH_ROWS),
            mode="error",
            name=name,
            target_file_size=FILE_BYTES,
            writer_properties=WriterProperties(compression="ZSTD"),
        )
    except (OSError, DeltaError) as error:
        raise _unwritable(error, folder) from None


def read_table(backend: Any, folder: Path) -> ir.Table:
    """The rows of a release as an expression of a DuckDB backend, read from its Parquet files alone."""
    paths = sorted((folder / TABLE).glob("*.parquet"))
    texts = ", ".join("'" + _literal(path).replace("'", "''") + "'" for path in paths)
    query = f"select * from read_parquet([{texts}], hive_partitioning = false, union_by_name = false)"
    found: ir.Table = backend.sql(query)
    return found


def columns_told(table: ir.Table) -> list[dict[str, Any]]:
    """Every column with its type, its rows without a value and its different values; counted by the engine."""
    return [{"name": name, "type": str(kind), **_counted(table, name)} for name, kind in table.schema().items()]


def files_told(folder: Path, *names: str) -> list[dict[str, Any]]:
    """Path, bytes and sha256 of every file in some folders or of some names, all below a folder; by path."""
    below = [path for name in names for path in (folder / name, *(folder / name).rglob("*")) if path.is_file()]
    return [
        {"path": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size, "sha256": file_hash(path)}
        for path in sorted(below)
    ]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def seal(folder: Path) -> None:
    """Make every file below a folder read-only for all, and durable; the folder itself stays its owner's."""
    for path in folder.rglob("*"):
        path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
        sync_file(path)
    sync_file(folder)


def _order(table: ir.Table, grain: Sequence[str]) -> list[str]:
    """The grain, then what else tells rows apart; no floats, as DuckDB takes a column that it sorts by from its own
    sort key, in which -0.0 is 0.0."""
    others = [name for name, kind in table.schema().items() if not kind.is_floating()]
    return [*grain, *(name for name in others if name not in grain)]


def _counted(table: ir.Table, name: str) -> dict[str, int]:
    column = table[name]
    (found,) = table.aggregate(nulls=column.isnull().sum(), distinct=column.nunique()).to_pyarrow().to_pylist()
    return {"nulls": int(found["nulls"]), "distinct": int(found["distinct"])}


def _literal(path: Path) -> str:
    """A path that the engine does not take for a pattern."""
    return re.sub(r"([\[*?])", r"[\1]", str(path))


def _unwritable(error: Exception, folder: Path) -> JinkuError:
    if "No space left" in str(error):
        return storage_error(OSError(errno.ENOSPC, "no space left"), folder)
    if isinstance(error, OSError) and error.errno:
        return storage_error(error, folder)
    return JinkuError(
        "release_unwritable",
        f"the rows cannot be written as a Delta table ({type(error).__name__})",
        str(folder),
        "See to the disk and run again; nothing was released.",
    )
