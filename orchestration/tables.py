"""Facts about built tables, read from the engine's catalogue."""

from dataclasses import dataclass

import duckdb

from orchestration.layers import Layer

BLOCK_BYTES = 262_144
"""Size of one DuckDB block."""


@dataclass(frozen=True)
class TableFacts:
    """Rows, bytes on disk, columns as (name, type), how many batches the rows come from (None: not kept), and the
    batch where it is only one."""

    rows: int
    size_bytes: int
    columns: tuple[tuple[str, str], ...]
    batches: int | None
    batch: str | None


def facts_of(connection: duckdb.DuckDBPyConnection, layer: Layer, table: str) -> TableFacts:
    """The facts of one table of a layer."""
    name = f"{layer.database}.{layer.name}.{table}"
    columns = tuple((row[0], row[1]) for row in connection.execute(f"describe {name}").fetchall())
    has_batches = "_batch" in [column for column, _ in columns]
    batches = "count(distinct _batch), min(_batch)" if has_batches else "null, null"
    rows, batch_count, batch = connection.execute(f"select count(*), {batches} from {name}").fetchone() or (0, 0, None)
    size_bytes = bytes_of(connection, name)
    return TableFacts(rows, size_bytes, columns, batch_count, batch if batch_count == 1 else None)


def bytes_of(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """Bytes on disk of a table, given as database.schema.table, in whole blocks."""
    (blocks,) = connection.execute(
        "select count(distinct block_id) from pragma_storage_info(?) where persistent", [name]
    ).fetchone() or (0,)
    return int(blocks) * BLOCK_BYTES


def columns_of(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[str, ...]]:
    """Column names of every attached table by (schema, table)."""
    found: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() where not internal order by column_index"
    ).fetchall():
        found.setdefault((schema, table), []).append(column)
    return {key: tuple(names) for key, names in found.items()}
