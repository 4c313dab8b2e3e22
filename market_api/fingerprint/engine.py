"""The engine that copies and leaks are read with: DuckDB in memory, within given bounds, which fetches nothing."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb


@contextmanager
def engine(scratch: Path, memory_bytes_max: int = 1 << 30, threads: int = 2) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of one's own. scratch: a folder for what does not fit into the memory, made where there is none."""
    scratch.mkdir(parents=True, exist_ok=True)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": f"{memory_bytes_max}B",
        "temp_directory": str(scratch),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=settings) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        yield connection


def parquet_sql(files: Sequence[Path]) -> str:
    """Parquet files as one table, their rows in order."""
    return f"read_parquet([{', '.join(path_literal(each) for each in files)}], hive_partitioning = false)"


def path_literal(path: Path) -> str:
    """A path that is read as it stands, and not as a pattern."""
    return text_literal(re.sub(r"([\[*?])", r"[\1]", str(path)))


def text_literal(text: str) -> str:
    """Text within a query."""
    return "'" + text.replace("'", "''") + "'"
