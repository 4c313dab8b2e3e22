"""The hash of a table's content: the same rows give the same hash in any order, another value anywhere gives another.

Written in Ibis, so that the engine reads the rows and only digests leave it. The texts of values are the engine's own:
two engines may write one number differently, so a hash is compared with those of the same engine.
"""

import hashlib

import ibis
from ibis import _

PREFIX_LENGTH = 2
"""Rows are put in order within 256 parts, so that no part of a table of millions of rows outgrows the memory."""

NULL = "\\N"
SEPARATOR = "\x1f"


def snapshot_hash(table: ibis.Table) -> str:
    """SHA-256 over the column names and types and over every row's digest, in the order of the digests."""
    names = list(table.columns)
    texts = [_plain(table[name]).cast("string") for name in names]
    cells = [text.replace("\\", "\\\\").replace(SEPARATOR, "\\s").fill_null(NULL) for text in texts]
    row = cells[0]
    for cell in cells[1:]:
        row = row + SEPARATOR + cell
    rows = table.select(digest=row.hexdigest("sha256"))
    parts = (
        rows.group_by(part=_.digest.substr(0, PREFIX_LENGTH))
        .agg(digests=_.digest.group_concat("", order_by=_.digest))
        .select("part", digest=_.digests.hexdigest("sha256"))
        .order_by("part")
    )
    shape = SEPARATOR.join(f"{name} {kind}" for name, kind in table.schema().items())
    whole = [shape, *parts.to_pyarrow().column("digest").to_pylist()]
    return hashlib.sha256("\n".join(whole).encode()).hexdigest()


def _plain(column: ibis.Value) -> ibis.Value:
    """Zero has one sign: -0.0 equals 0.0, and files of other formats do not tell them apart."""
    return column + 0.0 if column.type().is_floating() else column
