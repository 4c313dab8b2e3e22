"""Collection: whatever a provider sends, every byte is kept and every row is accounted for."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import NOON, collect_all, column, drop, fresh_vault, rows, source_contract
from vault.collection import collect
from vault.contract import SourceContract
from vault.errors import JinkuError
from vault.landing import scan
from vault.layers import Vault
from vault.ledger import CollectedBatch, unaccounted_rows
from vault.received import restore

GOOD = b"meter,day,litres\nm1,2026-01-01,5\nm2,2026-01-01,7\n"
VALUES = "select meter, day, litres from raw.raw.readings order by _row"


def collect_one(tmp_path: Path, name: str, content: bytes, **changes: object) -> tuple[Vault, CollectedBatch]:
    sources = {"readings": source_contract(**changes)}
    vault = fresh_vault(tmp_path, sources)
    drop(vault, name, content)
    (outcome,) = collect_all(vault, sources)
    assert outcome.received == outcome.loaded + outcome.quarantined
    assert unaccounted_rows_of(vault, sources) == 0
    kept = tmp_path / "restored"
    restore(vault.home, vault.received_key, outcome.sha256, kept)
    assert kept.read_bytes() == content
    return vault, outcome


def unaccounted_rows_of(vault: Vault, sources: dict[str, SourceContract]) -> int:
    from vault.layers import connect
    from vault.ledger import tables_of

    with connect(vault, read=("raw",)) as connection:
        return sum(
            unaccounted_rows(connection, table)
            for name, contract in sources.items()
            for table in tables_of(name, contract)
        )


def workbook(*lines: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"meter": ["m1", "m2"], "day": ["2026-01-01"] * 2, "litres": [5, 7]}), buffer)
    return buffer.getvalue()


OBJECTS = [{"meter": "m1", "day": "2026-01-01", "litres": 5}, {"meter": "m2", "day": "2026-01-01", "litres": 7}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("readings.csv", GOOD),
        ("readings.csv.gz", gzip.compress(GOOD, mtime=0)),
        ("readings.csv", GOOD.replace(b"\n", b"\r\n")),
        ("readings.csv", b"\xef\xbb\xbf" + GOOD),
        ("readings.csv", GOOD.replace(b"\n", b"\r\n", 2)),
        ("readings.csv", b"litres,meter,day\n5,m1,2026-01-01\n7,m2,2026-01-01"),
        ("readings.csv", b'"meter","day","litres"\n"m1","2026-01-01","5"\n\n"m2","2026-01-01","7"\n'),
        ("readings.json", json.dumps(OBJECTS).encode()),
        ("readings.json.gz", gzip.compress(json.dumps(OBJECTS).encode(), mtime=0)),
        ("readings.ndjson", "\n".join(json.dumps(each) for each in OBJECTS).encode()),
        ("readings.parquet", parquet()),
        ("readings.xlsx", workbook(["meter", "day", "litres"], ["m1", "2026-01-01", 5], ["m2", "2026-01-01", 7])),
    ],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str, content: bytes) -> None:
    vault, outcome = collect_one(tmp_path, name, content)
    assert outcome.status == "loaded"
    assert rows(vault, VALUES) == [("m1", "2026-01-01", "5"), ("m2", "2026-01-01", "7")]


@pytest.mark.parametrize(("delimiter", "quote"), [(";", '"'), ("\t", '"'), ("|", "'")])
def test_dialects_are_read_as_declared(tmp_path: Path, delimiter: str, quote: str) -> None:
    line = delimiter.join(f"{quote}{value}{quote}" for value in ("m1", "a" + delimiter + "b", "5"))
    content = delimiter.join(("meter", "day", "litres")) + "\n" + line + "\n"
    vault, _ = collect_one(tmp_path, "readings.csv", content.encode(), reader={"delimiter": delimiter, "quote": quote})
    assert rows(vault, VALUES) == [("m1", f"a{delimiter}b", "5")]


def test_gb18030_is_read_as_declared(tmp_path: Path) -> None:
    content = "meter,day,litres\n福田,元旦,5\n".encode("gb18030")
    vault, _ = collect_one(tmp_path, "readings.csv", content, reader={"encoding": "gb18030"})
    assert rows(vault, VALUES) == [("福田", "元旦", "5")]


def test_a_newline_inside_quotes_is_one_record(tmp_path: Path) -> None:
    vault, outcome = collect_one(tmp_path, "readings.csv", b'meter,day,litres\n"m\n1",d,5\nm2,d,7\n')
    assert (outcome.received, outcome.quarantined) == (2, 0)
    assert rows(vault, VALUES)[0] == ("m\n1", "d", "5")


def test_misfit_rows_are_quarantined_with_their_line(tmp_path: Path) -> None:
    vault, outcome = collect_one(tmp_path, "readings.csv", GOOD + b"m3,2026-01-01\nm4,d,1,2\nm5,d,9\n")
    assert (outcome.received, outcome.loaded, outcome.quarantined) == (5, 3, 2)
    assert rows(vault, "select line, reason, original from raw.vault.quarantine order by line") == [
        (4, "missing_columns", "m3,2026-01-01"),
        (5, "too_many_columns", "m4,d,1,2"),
    ]


def test_a_broken_quote_spoils_its_own_line_only(tmp_path: Path) -> None:
    vault, outcome = collect_one(tmp_path, "readings.csv", GOOD + b'"m3,d,1\n' + b"m4,d,4\n" * 50)
    assert (outcome.received, outcome.loaded, outcome.quarantined) == (53, 52, 1)
    assert rows(vault, "select line, reason from raw.vault.quarantine") == [(4, "unpaired_quote")]


def test_a_broken_json_line_is_quarantined(tmp_path: Path) -> None:
    content = json.dumps(OBJECTS[0]).encode() + b'\n{"meter": "m2", "da\n[1]\n'
    _, outcome = collect_one(tmp_path, "readings.ndjson", content)
    assert (outcome.received, outcome.loaded, outcome.quarantined) == (3, 1, 2)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("readings.csv", b"", "empty_file"),
        ("readings.csv", b"meter,day,litres\n", "empty_file"),
        ("readings.csv.gz", gzip.compress(GOOD * 500, mtime=0)[:40], "torn_gzip"),
        ("readings.csv.gz", gzip.compress(GOOD, mtime=0)[:-6] + b"abcdef", "torn_gzip"),
        ("readings.csv", GOOD + "福田,d,1\n".encode("gb18030"), "wrong_encoding"),
        ("readings.csv", b"\x7fELF\x00\x01\x02" * 99, "not_text"),
        ("readings.csv", GOOD.replace(b"litres", b"liters"), "wrong_columns: missing: litres; unknown: liters"),
        ("readings.csv", GOOD.replace(b"litres", b"day"), "wrong_columns: missing: litres; twice: day"),
        ("readings.json", b'[{"meter": "m1", "day": "d", "lit', "bad_format"),
        ("readings.json", b'[{"meter": "m1", "day": "d", "liters": 1}]', "wrong_columns"),
        ("readings.parquet", b"PAR1 not really", "bad_format"),
        ("readings.xlsx", b"PK not really", "bad_workbook"),
        ("readings.pdf", b"%PDF-1.7", "unknown_format"),
    ],
)
def test_a_bad_file_is_quarantined_whole_with_its_cause(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    vault, outcome = collect_one(tmp_path, name, content)
    assert outcome.status == "quarantined"
    assert (outcome.reason or "").startswith(reason)
    assert rows(vault, "select count(*) from raw.raw.readings") == [(0,)]


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.txt", content)
    return buffer.getvalue()


TABLES = [
    {"name": "stops", "file": "stops.txt", "columns": [column("stop_id"), column("stop_name")]},
    {"name": "routes", "file": "routes.txt", "columns": [column("route_id")]},
]


def test_a_zip_gives_its_tables(tmp_path: Path) -> None:
    content = archive(stops=b"stop_id,stop_name\ns1,North\ns2,South\n", routes=b"route_id\nr1\n", extra=b"x")
    vault, outcome = collect_one(tmp_path, "readings.zip", content, columns=None, tables=TABLES)
    assert outcome.loaded == 3
    assert rows(vault, "select stop_name from raw.raw.readings__stops order by _row") == [("North",), ("South",)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive(stops=b"stop_id,stop_name\ns1,North\n"), "missing_member: the archive lacks routes.txt"),
        (archive(stops=b"stop_id,stop_name\ns1,North\n", routes=b"way\nr1\n"), "wrong_columns"),
        (archive(stops=b"x" * 999, routes=b"route_id\nr1\n")[:150], "bad_archive"),
    ],
)
def test_a_bad_zip_loads_no_table_at_all(tmp_path: Path, content: bytes, reason: str) -> None:
    vault, outcome = collect_one(tmp_path, "readings.zip", content, columns=None, tables=TABLES)
    assert (outcome.reason or "").startswith(reason)
    assert rows(vault, "select count(*) from raw.raw.readings__stops") == [(0,)]


def test_the_same_file_twice_is_a_no_op_and_a_changed_one_is_a_new_batch(tmp_path: Path) -> None:
    sources = {"readings": source_contract()}
    vault = fresh_vault(tmp_path, sources)
    drop(vault, "readings.csv", GOOD)
    assert len(collect_all(vault, sources)) == 1
    landed = drop(vault, "readings.csv", GOOD)
    assert collect_all(vault, sources) == []
    assert not landed.exists()
    drop(vault, "readings.csv", GOOD + b"m3,d,1\n")
    (second,) = collect_all(vault, sources)
    assert second.loaded == 3
    assert rows(vault, "select count(distinct _batch), count(*) from raw.raw.readings") == [(2, 5)]


def test_files_are_loaded_side_by_side_and_told_in_their_order(tmp_path: Path) -> None:
    sources = {"readings": source_contract()}
    vault = fresh_vault(tmp_path, sources)
    for number in range(9):
        drop(vault, f"readings_{number}.csv", GOOD + f"m{number},d,1\n".encode() * number)
    drop(vault, "readings_bad.csv", b"\x00\x01")
    outcomes = collect_all(vault, sources)
    assert [outcome.batch.split("@")[0] for outcome in outcomes] == [
        *(f"readings_{number}.csv" for number in range(9)),
        "readings_bad.csv",
    ]
    assert [outcome.loaded for outcome in outcomes] == [*(2 + number for number in range(9)), 0]
    assert all(account.balances for outcome in outcomes for account in outcome.accounts)
    assert rows(vault, "select count(*), count(distinct _batch || _row) from raw.raw.readings") == [(54, 54)]


def test_one_file_landed_at_two_places_is_one_batch(tmp_path: Path) -> None:
    sources = {"readings": source_contract()}
    vault = fresh_vault(tmp_path, sources)
    drop(vault, "readings.csv", GOOD)
    drop(vault, "readings.csv", GOOD, source="readings/again")
    assert len(collect_all(vault, sources)) == 1
    assert rows(vault, "select count(*) from raw.raw.readings") == [(2,)]
    assert not [path for path in vault.home.landing.rglob("*") if path.is_file()]


def test_where_one_file_fails_those_begun_beside_it_are_told_and_the_rest_stay(tmp_path: Path) -> None:
    sources = {"readings": source_contract()}
    vault = fresh_vault(tmp_path, sources)
    for number in range(5):
        drop(vault, f"readings_{number}.csv", GOOD)
    found = scan(vault.home, sources)
    found[1].path.unlink()
    told: list[CollectedBatch] = []
    with pytest.raises(JinkuError):
        told.extend(collect(vault, sources["readings"], found, NOON))
    assert [path.name for path in sorted((vault.home.landing / "readings").iterdir())] == [
        "readings_3.csv",
        "readings_4.csv",
    ]
    assert len(collect_all(vault, sources)) == 2


def test_nothing_of_the_data_lies_in_the_clear(tmp_path: Path) -> None:
    secret = b"PLANTED-7734"
    collect_one(tmp_path, "readings.csv", GOOD + secret + b",d,1\n")
    (tmp_path / "restored").unlink()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()]
