"""Sheets written as files: the same sheet gives the same bytes, whenever and wherever it is written."""

import codecs
import gzip
import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import duckdb
import numpy as np

from samples.defects import SpoiltSheet

PIECE_BYTES = 1 << 20
ZIP_DATE = (2018, 7, 1, 0, 0, 0)


@dataclass(frozen=True)
class Written:
    """A file as it lies on disk."""

    sha256: str
    size_bytes: int
    rows: int


def csv_pieces(
    spoilt: SpoiltSheet, scratch: Path, header: Sequence[str] | None, *, quote_all: bool = False
) -> Iterator[bytes]:
    """The bytes of a CSV file in UTF-8. `scratch` is a path of its own for the text on its way."""
    if header is not None:
        yield (",".join(f'"{name}"' if quote_all else name for name in header) + "\n").encode()
    quoting = ", force_quote *" if quote_all else ""
    cells = ", ".join(f'{text} as "{name}"' for name, text in _final_texts(spoilt).items())
    _export(spoilt, f"select {cells} from sheet", f"format csv, header false{quoting}", scratch)
    yield from _pieces(scratch)


def json_pieces(spoilt: SpoiltSheet, scratch: Path, *, layout: Literal["array", "lines"]) -> Iterator[bytes]:
    """The bytes of a JSON file: one array of objects, or one object a line."""
    members = []
    for name, text in _final_texts(spoilt).items():
        value = f"'\"' || {text} || '\"'" if spoilt.sheet.columns[name].quoted else text
        members.append(f"'\"{name}\":' || coalesce({value}, 'null')")
    record = "'{' || " + " || ',' || ".join(members) + " || '}'"
    if layout == "array":
        record = f"case when row_at = 0 then '[' else ',' end || {record}"
    # no value holds a control character: the engine then has nothing to quote, and the text passes as it is
    _export(spoilt, f"select {record} from sheet", "format csv, header false, quote '', delimiter E'\\x01'", scratch)
    yield from _pieces(scratch)
    if layout == "array":
        yield b"]\n"


def recoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-8 bytes in another encoding."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for piece in pieces:
        yield decoder.decode(piece).encode(encoding)


def write_file(target: Path, pieces: Iterator[bytes], rows: int) -> Written:
    """Write the pieces, compressed where the name ends in .gz (without a time stamp, which would differ)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        file: BinaryIO = stack.enter_context(target.open("wb"))
        sink: BinaryIO | gzip.GzipFile = file
        if target.suffix == ".gz":
            sink = stack.enter_context(gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0))
        for piece in pieces:
            sink.write(piece)
    return describe(target, rows)


def write_zip(target: Path, members: Mapping[str, bytes], rows: int) -> Written:
    """Write an archive whose members all carry the same date."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return describe(target, rows)


def describe(path: Path, rows: int) -> Written:
    """Size and digest of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Written(digest, path.stat().st_size, rows)


def joined(pieces: Iterator[bytes]) -> bytes:
    """All pieces at once, for members of an archive."""
    whole = io.BytesIO()
    for piece in pieces:
        whole.write(piece)
    return whole.getvalue()


def _final_texts(spoilt: SpoiltSheet) -> dict[str, str]:
    """The SQL expression of every cell's text: as spelt, or the patch where the row has one."""
    final = {}
    for number, (name, spelling) in enumerate(spoilt.sheet.spellings().items()):
        patched = f"list_extract(getvariable('p{number}'), p{number})"
        is_patched = name in spoilt.patches and len(spoilt.patches[name].rows)
        final[name] = f"case when p{number} = 0 then {spelling} else {patched} end" if is_patched else spelling
    return final


def _export(spoilt: SpoiltSheet, query: str, options: str, scratch: Path) -> None:
    """Run the query over the arrays of the sheet; one thread, because several would mix the order of rows."""
    arrays = spoilt.sheet.arrays() | {"row_at": np.arange(spoilt.sheet.rows)}
    with duckdb.connect() as engine:
        engine.execute("set threads = 1")
        for number, name in enumerate(spoilt.sheet.columns):
            patch = spoilt.patches.get(name)
            if patch is not None and len(patch.rows):
                numbers = np.zeros(spoilt.sheet.rows, dtype=np.int32)
                numbers[patch.rows] = np.arange(1, len(patch.rows) + 1)
                arrays[f"p{number}"] = numbers
                engine.execute(f"set variable p{number} = ?::varchar[]", [patch.texts])
        engine.register("sheet", arrays)
        engine.execute(f"copy ({query}) to '{scratch}' ({options})")


def _pieces(scratch: Path) -> Iterator[bytes]:
    """The scratch file's bytes; the file is gone afterwards."""
    with scratch.open("rb") as file:
        scratch.unlink()
        while piece := file.read(PIECE_BYTES):
            yield piece
