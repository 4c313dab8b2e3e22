"""From a received file to tables the engine can read: format by name and content, zip and Excel unpacked."""

import codecs
import csv
import gzip
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import python_calamine

from vault.contract import Column, Reader, SourceContract
from vault.errors import BatchRefused
from vault.inspection import PIECE_BYTES, Inspector

Format = Literal["csv", "json", "parquet", "excel", "zip"]
ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xls": "excel",
    ".ods": "excel",
    ".zip": "zip",
}


@dataclass(frozen=True)
class ReadableTable:
    """One table of a batch, ready for the engine.

    records: counted without the engine, header excluded; None where the format itself counts (Parquet, JSON array).
    """

    name: str
    columns: tuple[Column, ...]
    path: Path
    format: Literal["csv", "json_lines", "json_array", "parquet"]
    is_gzip: bool
    header: bool
    records: int | None


def format_of(reader: Reader, file_name: str) -> Format:
    """The file's format: as the contract says, by the name's ending otherwise. Raises BatchRefused."""
    if reader.format != "auto":
        return reader.format
    ending = PurePosixPath(file_name.lower().removesuffix(".gz")).suffix
    if ending not in ENDINGS:
        raise BatchRefused("unknown_format", f"no reader for the ending '{ending}'; set reader.format in the contract")
    return ENDINGS[ending]


def inspector_for(reader: Reader, file_name: str) -> Inspector | None:
    """The inspector for text formats; None for formats that check themselves. Raises BatchRefused."""
    kind = format_of(reader, file_name)
    if kind == "csv":
        return Inspector(encoding=reader.encoding, quote=reader.quote)
    return Inspector(encoding=reader.encoding, quote=None) if kind == "json" else None


def readable_tables(
    source: str, contract: SourceContract, path: Path, inspector: Inspector | None, work: Path
) -> tuple[ReadableTable, ...]:
    """The tables in a received file. Files made on the way lie in `work`. Raises BatchRefused."""
    kind = format_of(contract.reader, path.name)
    if kind == "zip":
        return _zip_tables(source, contract, path, work)
    if kind == "parquet":
        return (ReadableTable(source, contract.columns, path, "parquet", False, True, None),)
    if kind == "excel":
        return (_excel_table(source, contract, path, work),)
    assert inspector is not None
    records = inspector.finish()
    text, is_gzip = _plain_text(path, contract.reader.encoding, inspector, work / "text.utf8")
    if kind == "json":
        return (_json_table(source, contract, text, is_gzip, records),)
    return (_csv_table(source, contract.columns, contract.reader.header, text, is_gzip, records),)


def _csv_table(
    name: str, columns: tuple[Column, ...], header: bool, path: Path, is_gzip: bool, records: int
) -> ReadableTable:
    rows = records - 1 if header else records
    if rows <= 0:
        raise BatchRefused("empty_file", "the file holds no records")
    return ReadableTable(name, columns, path, "csv", is_gzip, header, rows)


def _json_table(name: str, contract: SourceContract, path: Path, is_gzip: bool, records: int) -> ReadableTable:
    opener = gzip.open if is_gzip else open
    with opener(path, "rb") as file:
        first = file.read(4096).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if first == b"[":
        return ReadableTable(name, contract.columns, path, "json_array", is_gzip, False, None)
    return ReadableTable(name, contract.columns, path, "json_lines", is_gzip, False, records)


def _plain_text(path: Path, encoding: str, inspector: Inspector, target: Path) -> tuple[Path, bool]:
    """The file itself where the engine can read it, else a copy in UTF-8 with one kind of newline; whether gzip."""
    if encoding == "utf-8" and not inspector.newlines_are_mixed:
        return path, inspector.is_gzip
    opener = gzip.open if inspector.is_gzip else open
    decoder = codecs.getincrementaldecoder(encoding)()
    with opener(path, "rb") as source, target.open("wb") as copy:
        while chunk := source.read(PIECE_BYTES):
            copy.write(decoder.decode(chunk).replace("\r", "").encode())
        copy.write(decoder.decode(b"", True).encode())
    return target, False


def _zip_tables(source: str, contract: SourceContract, path: Path, work: Path) -> tuple[ReadableTable, ...]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {PurePosixPath(name).name: name for name in archive.namelist()}
            missing = [table.file for table in contract.tables if table.file not in members]
            if missing:
                raise BatchRefused("missing_member", f"the archive lacks {', '.join(missing)}")
            tables = []
            for table in contract.tables:
                inspector = Inspector(encoding=contract.reader.encoding, quote=contract.reader.quote)
                text = _extracted(archive, members[table.file], inspector, work / f"{table.name}.csv")
                records = inspector.finish()
                text, _ = _plain_text(text, contract.reader.encoding, inspector, work / f"{table.name}.utf8")
                name = f"{source}__{table.name}"
                tables.append(_csv_table(name, table.columns, contract.reader.header, text, False, records))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BatchRefused("bad_archive", f"the archive cannot be read: {type(error).__name__}") from None
    return tuple(tables)


def _extracted(archive: zipfile.ZipFile, member: str, inspector: Inspector, target: Path) -> Path:
    with archive.open(member) as source, target.open("wb") as copy:
        while chunk := source.read(PIECE_BYTES):
            inspector.feed(chunk)
            copy.write(chunk)
    return target


def _excel_table(source: str, contract: SourceContract, path: Path, work: Path) -> ReadableTable:
    """The sheet as CSV text: Excel has no form of its own that the engine reads without a download."""
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(str(path))
        sheet = contract.reader.sheet or workbook.sheet_names[0]
        rows = workbook.get_sheet_by_name(sheet).to_python()
    except Exception as error:  # the reader raises types of its own for every kind of damage
        raise BatchRefused("bad_workbook", f"the workbook cannot be read: {type(error).__name__}") from None
    target = work / "sheet.csv"
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=contract.reader.delimiter, quotechar=contract.reader.quote)
        writer.writerows(_as_shown(row) for row in rows)
    return _csv_table(source, contract.columns, contract.reader.header, target, False, len(rows))


def _as_shown(row: Sequence[object]) -> list[str]:
    """Cells as text; a whole number that Excel holds as 3.0 is shown as 3."""
    return [str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell) for cell in row]


def clear(work: Path) -> None:
    """Remove a batch's working files."""
    shutil.rmtree(work, ignore_errors=True)
