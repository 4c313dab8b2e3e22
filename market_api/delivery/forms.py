"""The forms in which a copy is downloaded, each one file that is made once from the copy's parts, in bounded memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import duckdb

from market_api.fingerprint.engine import parquet_sql, text_literal

BATCH_ROWS = 65_536
"""Of an Arrow batch, and of a row group where parts are put together."""

Form = Literal["parquet", "arrow", "csv", "ndjson"]
Write = Callable[[duckdb.DuckDBPyConnection, Sequence[Path], Path], None]


@dataclass(frozen=True)
class Kind:
    """A form: how its file ends, what it is on the wire, and how it is written from the parts."""

    suffix: str
    media_type: str
    write: Write


def _write_parquet(connection: duckdb.DuckDBPyConnection, parts: Sequence[Path], target: Path) -> None:
    """One part is the whole, so it takes no more room."""
    if len(parts) == 1:
        target.hardlink_to(parts[0])
    else:
        _copy(connection, parts, target, f"format parquet, compression zstd, row_group_size {BATCH_ROWS}")


def _write_csv(connection: duckdb.DuckDBPyConnection, parts: Sequence[Path], target: Path) -> None:
    _copy(connection, parts, target, "format csv, header")


def _write_ndjson(connection: duckdb.DuckDBPyConnection, parts: Sequence[Path], target: Path) -> None:
    _copy(connection, parts, target, "format json")


def _write_arrow(connection: duckdb.DuckDBPyConnection, parts: Sequence[Path], target: Path) -> None:
    import pyarrow as pa  # type: ignore[import-untyped]  # see `loading`

    reader = connection.execute(f"from {parquet_sql(parts)}").to_arrow_reader(BATCH_ROWS)
    with pa.OSFile(str(target), "wb") as file, pa.ipc.new_stream(file, reader.schema) as stream:
        for batch in reader:
            stream.write_batch(batch)


def _copy(connection: duckdb.DuckDBPyConnection, parts: Sequence[Path], target: Path, how: str) -> None:
    connection.execute(f"copy (from {parquet_sql(parts)}) to {text_literal(str(target))} ({how})")


FORMS: Mapping[str, Kind] = MappingProxyType(
    {
        "parquet": Kind("parquet", "application/vnd.apache.parquet", _write_parquet),
        "arrow": Kind("arrows", "application/vnd.apache.arrow.stream", _write_arrow),
        "csv": Kind("csv", "text/csv; charset=utf-8; header=present", _write_csv),
        "ndjson": Kind("ndjson", "application/x-ndjson", _write_ndjson),
    }
)
"""Source of the media types: the IANA registry; NDJSON has none there and takes the name that is used."""
