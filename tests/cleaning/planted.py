"""The sample city's planted defects, and where in the base layer each of them ends."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from orchestration.column_lineage import column_lineage
from vault.contract import SourceContract
from vault.ledger import tables_of

PLANTED = "memory.main.planted"
"""One line per defect: source, raw_table, column (as received, empty for a whole row), kind, _batch, _row."""

ORIGIN = "memory.main.origin"
"""Which columns of a raw table each column of a base table is made from: asset, base_column, raw_table, raw_column."""


Origin = tuple[str, str, str, str]
"""A line of ORIGIN."""


def origins_of(models: Mapping[str, str], sources: Mapping[str, SourceContract]) -> list[Origin]:
    """Where the columns of base tables come from, by the lineage of their SQL; what carries provenance is left out."""
    inputs = {
        ("raw", table): (*(column.name for column in columns), "_batch", "_row", "_collected_at")
        for source, contract in sources.items()
        for table, columns in tables_of(source, contract).items()
    }
    return [
        (f"base/{name}", base_column, raw_table, raw_column)
        for name, sql in models.items()
        for base_column, origins in column_lineage(sql, inputs).items()
        for _, raw_table, raw_column in origins
        if not base_column.startswith("_") and not raw_column.startswith("_")
    ]


def lay_out_origins(connection: duckdb.DuckDBPyConnection, origins: Sequence[Origin]) -> None:
    """Fill ORIGIN."""
    connection.execute(
        f"create or replace table {ORIGIN} (asset varchar, base_column varchar, raw_table varchar, raw_column varchar)"
    )
    connection.executemany(f"insert into {ORIGIN} values (?, ?, ?, ?)", origins)


def lay_out_planted(connection: duckdb.DuckDBPyConnection, truth: Path) -> None:
    """Fill PLANTED from the truth files. Rows are counted alike there and in raw as long as no row was quarantined.

    Raises ValueError where rows were quarantined.
    """
    (quarantined,) = connection.execute("select count(*) from raw.vault.quarantine").fetchone() or (0,)
    if quarantined:
        raise ValueError(f"{quarantined} rows were quarantined: rows of the truth and of raw do not match")
    connection.execute(
        f"""
        create or replace table {PLANTED} as
        with entries as (
            select *, parse_filename(filename, true) as source, split_part(file, '/', 1) as landed,
                split_part(split_part(file, '/', 2), '.', 1) as member
            from read_parquet('{truth}/*.parquet', filename = true)
        )
        select entries.source, concat_ws('__', entries.source, nullif(member, '')) as raw_table, entries."column",
            entries.kind, batches.batch as _batch, entries.row as _row
        from entries
        inner join raw.vault.batches as batches on batches.source = entries.source and batches.file_name = landed
        """
    )
