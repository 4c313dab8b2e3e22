"""Load one readable table into raw: every value as received, every misfit in quarantine with its line.

All statements run inside the caller's transaction, so that a batch is there whole or not at all.
"""

import csv
import gzip
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from vault.contract import Column, Reader
from vault.errors import BatchRefused
from vault.formats import ReadableTable
from vault.sql_names import quoted_name

UNIT_SEPARATOR = "\x1f"
"""Stands in no text file as data: reads a whole line as one value."""


@dataclass(frozen=True)
class Batch:
    """One file or one pull: its name (file name @ hash), its source and when it was collected (UTC)."""

    name: str
    source: str
    collected_at: datetime


@dataclass(frozen=True)
class Account:
    """Rows of one table of a batch; always received = loaded + quarantined + withdrawn."""

    table: str
    received: int
    loaded: int
    quarantined: int
    withdrawn: int = 0

    @property
    def balances(self) -> bool:
        """Whether every received row is accounted for."""
        return self.received == self.loaded + self.quarantined + self.withdrawn


def load_table(
    connection: duckdb.DuckDBPyConnection,
    table: ReadableTable,
    reader: Reader,
    batch: Batch,
    work: Path,
    *,
    line_by_line: bool = False,
) -> Account:
    """Insert the table's rows into raw.raw and its misfits into raw.vault.quarantine.

    line_by_line: a record may not span lines, so that one broken quote spoils one line and not the rest.
    Raises BatchRefused where the table as a whole does not fit the contract or rows are unaccounted for.
    """
    try:
        if table.format == "csv":
            account = _load_csv(connection, table, reader, batch, work if line_by_line else None)
        elif table.format == "json_lines":
            account = _load_json_lines(connection, table, batch)
        elif table.format == "json_array":
            account = _load_json_array(connection, table, batch)
        else:
            account = _load_parquet(connection, table, batch)
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as error:
        if "space" in str(error):
            raise
        raise BatchRefused("bad_format", f"the file is not readable as {table.format}") from None
    if account.received == 0:
        raise BatchRefused("empty_file", "the file holds no records")
    if not account.balances:
        raise BatchRefused(
            "unaccounted_rows",
            f"{account.received} received, {account.loaded} loaded, {account.quarantined} quarantined",
        )
    return account


def _load_csv(
    connection: duckdb.DuckDBPyConnection, table: ReadableTable, reader: Reader, batch: Batch, mend_in: Path | None
) -> Account:
    broken, received = 0, table.records or 0
    columns = _columns_in_file_order(table, reader)
    if mend_in is not None:
        table, received, broken = _quarantine_broken_quotes(connection, table, reader, batch, mend_in)
    for leftover in ("reject_errors", "reject_scans"):
        connection.execute(f"drop table if exists {leftover}")
    rows = _read_csv(table, reader.delimiter, reader.quote, columns, table.header, "store_rejects = true")
    loaded = _insert(connection, table, batch, f"select {_names(table.columns)} from {rows}")
    rejected = _count(
        connection,
        """
        insert into raw.vault.quarantine
        select ?, ?, line, lower(replace(min(error_type::varchar), ' ', '_')), min(csv_line)
        from reject_errors
        group by line, line_byte_position
        """,
        [batch.name, table.name],
    )
    swallowed = "select count(*) from raw.vault.quarantine where batch = ? and contains(original, chr(10))"
    if mend_in is None and _count(connection, swallowed, [batch.name]):
        raise BatchRefused("unaccounted_rows", "a broken quote swallowed the lines after it")
    return Account(table.name, received, loaded, broken + rejected)


def _read_csv(
    table: ReadableTable, delimiter: str, quote: str, columns: list[str], header: bool, more: str = ""
) -> str:
    spec = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in columns)
    options = [
        _text(str(table.path)),
        f"columns = {{{spec}}}",
        "auto_detect = false",
        f"header = {str(header).lower()}",
        f"delim = {_text(delimiter)}",
        f"quote = {_text(quote)}",
        f"escape = {_text(quote)}",
        f"compression = {_compression(table)}",
        *([more] if more else []),
    ]
    return f"read_csv({', '.join(options)})"


def _compression(table: ReadableTable) -> str:
    return "'gzip'" if table.is_gzip else "'none'"


def _json_compression(table: ReadableTable) -> str:
    return "'gzip'" if table.is_gzip else "'uncompressed'"


def _lines(table: ReadableTable) -> str:
    return _read_csv(table, UNIT_SEPARATOR, "", ["line"], False)


def _columns_in_file_order(table: ReadableTable, reader: Reader) -> list[str]:
    """Our column names in the order of the file's header. Raises BatchRefused `wrong_columns` with the difference."""
    names = {column.header: column.name for column in table.columns}
    if not table.header:
        return list(names.values())
    opener = gzip.open if table.is_gzip else open
    with opener(table.path, "rt", encoding="utf-8-sig", newline="") as file:
        first_record = next(csv.reader(file, delimiter=reader.delimiter, quotechar=reader.quote), [])
    headers = [name.strip() for name in first_record]
    _refuse_other_columns(list(names), headers)
    return [names[header] for header in headers]


def _refuse_other_columns(expected: list[str], received: list[str]) -> None:
    missing = [name for name in expected if name not in received]
    unknown = [name for name in received if name not in expected]
    twice = sorted({name for name in received if received.count(name) > 1})
    parts = [("missing", missing), ("unknown", unknown), ("twice", twice)]
    if any(names for _, names in parts):
        difference = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
        raise BatchRefused("wrong_columns", difference)


def _quarantine_broken_quotes(
    connection: duckdb.DuckDBPyConnection, table: ReadableTable, reader: Reader, batch: Batch, work: Path
) -> tuple[ReadableTable, int, int]:
    """The table with each line of unpaired quotes blanked and quarantined; records received; lines quarantined."""
    connection.execute(
        f"create or replace temp table lines as select line, row_number() over () as number from {_lines(table)}"
    )
    quote = _text(reader.quote)
    odd = f"(length(line) - length(replace(line, {quote}, ''))) % 2 = 1"
    broken = _count(
        connection,
        f"insert into raw.vault.quarantine select ?, ?, number, 'unpaired_quote', line from lines where {odd}",
        [batch.name, table.name],
    )
    records = _count(connection, "select count(*) from lines where trim(coalesce(line, ''), chr(13)) <> ''", [])
    mended = work / f"{table.name}.mended"
    connection.execute(
        f"copy (select case when {odd} then '' else line end from lines order by number) to {_text(str(mended))} "
        f"(format csv, header false, quote '', escape '', delimiter {_text(UNIT_SEPARATOR)})"
    )
    return replace(table, path=mended, is_gzip=False), records - table.header, broken


def _load_json_lines(connection: duckdb.DuckDBPyConnection, table: ReadableTable, batch: Batch) -> Account:
    connection.execute(
        f"create or replace temp table lines as select line, row_number() over () as number, "
        f"case when json_valid(line) and json_type(line) = 'OBJECT' then line::json end as object "
        f"from {_lines(table)} where trim(coalesce(line, ''), chr(13)) <> ''"
    )
    rejected = _count(
        connection,
        "insert into raw.vault.quarantine "
        "select ?, ?, number, 'not_a_json_object', line from lines where object is null",
        [batch.name, table.name],
    )
    _refuse_other_keys(connection, table, "lines where object is not null")
    loaded = _insert(connection, table, batch, _from_objects(table.columns, "lines where object is not null"))
    return Account(table.name, table.records or 0, loaded, rejected)


def _load_json_array(connection: duckdb.DuckDBPyConnection, table: ReadableTable, batch: Batch) -> Account:
    connection.execute(
        f"create or replace temp table objects as select json as object "
        f"from read_json_objects({_text(str(table.path))}, format = 'array', compression = {_json_compression(table)})"
    )
    received = _count(connection, "select count(*) from objects", [])
    _refuse_other_keys(connection, table, "objects")
    loaded = _insert(connection, table, batch, _from_objects(table.columns, "objects"))
    return Account(table.name, received, loaded, received - loaded)


def _refuse_other_keys(connection: duckdb.DuckDBPyConnection, table: ReadableTable, objects: str) -> None:
    keys = connection.execute(f"select distinct unnest(json_keys(object)) from {objects}").fetchall()
    _refuse_other_columns([column.header for column in table.columns], sorted(key for (key,) in keys))


def _from_objects(columns: tuple[Column, ...], objects: str) -> str:
    values = ", ".join(f"object ->> {_text('$.' + quoted_name(column.header))} as {column.name}" for column in columns)
    return f"select {values} from {objects}"


def _load_parquet(connection: duckdb.DuckDBPyConnection, table: ReadableTable, batch: Batch) -> Account:
    rows = f"read_parquet({_text(str(table.path))})"
    headers = [name for name, *_ in connection.execute(f"describe select * from {rows}").fetchall()]
    _refuse_other_columns([column.header for column in table.columns], headers)
    received = _count(connection, f"select count(*) from {rows}", [])
    values = ", ".join(f"{quoted_name(column.header)}::varchar as {column.name}" for column in table.columns)
    loaded = _insert(connection, table, batch, f"select {values} from {rows}")
    return Account(table.name, received, loaded, received - loaded)


def _insert(connection: duckdb.DuckDBPyConnection, table: ReadableTable, batch: Batch, rows: str) -> int:
    return _count(
        connection,
        f"insert into raw.raw.{table.name} by name "
        f"select *, ? as _batch, row_number() over () as _row, ?::timestamp as _collected_at from ({rows})",
        [batch.name, batch.collected_at.replace(tzinfo=None)],
    )


def _count(connection: duckdb.DuckDBPyConnection, statement: str, parameters: list[object]) -> int:
    """The one number a counting query or an insert gives back."""
    row = connection.execute(statement, parameters).fetchone()
    assert row is not None
    return int(row[0])


def _names(columns: tuple[Column, ...]) -> str:
    return ", ".join(column.name for column in columns)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
