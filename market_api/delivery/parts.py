"""The parts of a copy: Parquet files of bounded rows, fingerprinted for the buyer and reviewed again.

A file larger than one part is cut between its row groups, one group in memory at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from market_api.catalogue.clearance import Signed
from market_api.fingerprint.embedding import Copy, embed
from market_api.fingerprint.keys import fingerprint_key
from market_api.fingerprint.planning import plan

ROWS_PER_PART = 1 << 20
"""The most rows of a part, but for a single row group that has more."""


@dataclass(frozen=True)
class Part:
    """One file and its rows."""

    path: Path
    rows: int


def marked_copy(
    connection: duckdb.DuckDBPyConnection,
    signed: Signed,
    sources: tuple[Path, ...],
    target: Path,
    secret: bytes,
    buyer: str,
) -> Copy:
    """The buyer's copy of a release in one file, with his marks and past the review.

    secret: the market's root secret. Raises JinkuError as `embed` and `reviewed` do.
    """
    from market_api.fingerprint.recheck import reviewed  # see `loading`

    own = plan(signed.document)
    copy = embed(connection, sources, target, own, fingerprint_key(secret, own.component), buyer)
    reviewed(connection, target, signed.document)
    return copy


def cut(whole: Path, folder: Path) -> tuple[Part, ...]:
    """The parts of a file, in its order, in a folder; the file itself is moved or read to its end and removed."""
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # see `loading`

    with pq.ParquetFile(whole) as file:
        rows = file.metadata.num_rows
        if rows > ROWS_PER_PART:
            parts = tuple(_written(file, folder))
            whole.unlink()
            return parts
    only = Part(folder / _name(0), rows)
    whole.rename(only.path)
    return (only,)


def _written(file: Any, folder: Path) -> Iterator[Part]:
    import pyarrow.parquet as pq

    for place, groups in enumerate(_shared_out(file.metadata)):
        path, rows = folder / _name(place), 0
        with pq.ParquetWriter(path, file.schema_arrow, compression="zstd") as writer:
            for group in groups:
                table = file.read_row_group(group)
                writer.write_table(table, row_group_size=table.num_rows)
                rows += table.num_rows
        yield Part(path, rows)


def _shared_out(metadata: Any) -> Iterator[list[int]]:
    """The row groups of each part, as many as fit."""
    own: list[int] = []
    rows = 0
    for group in range(metadata.num_row_groups):
        more = metadata.row_group(group).num_rows
        if own and rows + more > ROWS_PER_PART:
            yield own
            own, rows = [], 0
        own.append(group)
        rows += more
    yield own


def _name(place: int) -> str:
    return f"part-{place:05d}.parquet"
