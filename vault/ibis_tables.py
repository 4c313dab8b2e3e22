"""Tables as Ibis expressions: of an open connection, and stored for as long as they are needed."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.backends.sql import SQLBackend
from ibis.util import gen_name


def ibis_table(connection: duckdb.DuckDBPyConnection, database: str, schema: str, name: str) -> ir.Table:
    """A table of an open connection, of an attached encrypted file too.

    Sets the connection's time zone to UTC, and shows no progress of long queries: what is printed is for people.
    """
    connection.execute("set enable_progress_bar = false")
    return ibis.duckdb.from_connection(connection).table(name, database=(database, schema))


def stored(table: ir.Table) -> AbstractContextManager[ir.Table]:
    """The rows of an expression, stored as `stored_query` does it."""
    backend = table.get_backend()
    return stored_query(backend, backend.compile(table))


@contextmanager
def stored_query(backend: SQLBackend, query: str) -> Iterator[ir.Table]:
    """The rows of a query, computed once and kept by the engine until the end; too many of them on its disk.

    On DuckDB as a temporary table of its connection. `Table.cache` does the same, but Ibis 12.0 drops tables by a
    statement that sqlglot 30 writes without their name; Spark releases what it cached without one.
    """
    if backend.name != "duckdb":
        with backend.sql(query).cache() as kept:
            yield kept
        return
    name = gen_name("measured")
    backend.raw_sql(f'create temporary table "{name}" as {query}')
    try:
        yield backend.table(name, database=("temp", "main"))
    finally:
        backend.raw_sql(f'drop table temp.main."{name}"')
