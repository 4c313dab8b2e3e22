"""Leaked files as tables: Parquet, CSV or JSON, known by their content, whatever their columns' order and case.

Numbers of a CSV come as the text that they are, and become numbers of the column's own type, so that no digit is lost.
A file of somebody else may hold anything: it is read by the engine alone, and no value of it stands in an error.
"""

from codecs import getincrementaldecoder
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from market_api.fingerprint.engine import parquet_sql, path_literal, text_literal
from vault.errors import JinkuError
from vault.sql_names import quoted_name

PARQUET_MAGIC = b"PAR1"
HEAD_BYTES = 4_096


@dataclass(frozen=True)
class Leak:
    """A leaked file. table: its rows as a table in SQL; columns: those of the release that it has, each by the
    release's name with the file's own."""

    path: Path
    table: str
    columns: Mapping[str, str]

    def select_sql(self, names: Sequence[str]) -> str:
        """Its rows with some columns of the release under the release's names. They must be among its own."""
        told = ", ".join(f"{quoted_name(self.columns[name])} as {quoted_name(name)}" for name in names)
        return f"select {told} from {self.table}"


def open_leak(connection: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str]) -> Leak:
    """A leaked file beside the columns of the release.

    Raises JinkuError `leak_unreadable` where it is no table, and `leak_unrelated` where it has none of the columns.
    """
    try:
        head = _head(path)
        table = _table(connection, path, head)
        found = _names(connection, table)
    except (duckdb.Error, OSError) as error:
        raise unreadable(path, type(error).__name__) from None
    by_folded: dict[str, str] = {}
    for each in found:
        by_folded.setdefault(each.strip().casefold(), each)
    own = {name: by_folded[name.casefold()] for name in columns if name.casefold() in by_folded}
    if not own:
        raise JinkuError(
            "leak_unrelated",
            "the file has no column of the release",
            str(path),
            f"Name another component, or call its columns as the release does: {', '.join(columns)}.",
        )
    return Leak(path, table, own)


def unreadable(path: Path, cause: str) -> JinkuError:
    """The error for a file that is no table."""
    return JinkuError(
        "leak_unreadable",
        f"the file cannot be read as Parquet, CSV or JSON: {cause}",
        str(path),
        "Check the path; bring other formats into CSV with a header, in UTF-8.",
    )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise unreadable(path, "it is empty")
    return head


def _table(connection: duckdb.DuckDBPyConnection, path: Path, head: bytes) -> str:
    if head.startswith(PARQUET_MAGIC):
        return parquet_sql([path])
    if not _is_text(head):
        raise unreadable(path, "it is neither Parquet nor text in UTF-8")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return _json_table(connection, path)
    return f"read_csv({path_literal(path)}, all_varchar = true, header = true, ignore_errors = true)"


def _is_text(head: bytes) -> bool:
    """Whether a file begins as UTF-8; a character that is cut off at the end does no harm."""
    try:
        getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _json_table(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """Records of JSON, one a line or in one array; their values as text."""
    names = _names(connection, f"read_json({path_literal(path)})")
    columns = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in names)
    return f"read_json({path_literal(path)}, columns = {{{columns}}})"


def _names(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(f"describe select * from {table}").fetchall()]
