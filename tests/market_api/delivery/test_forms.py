"""Every form holds the same rows, with their types as far as the form has any."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from market_api.delivery.forms import FORMS
from market_api.fingerprint.engine import engine
from tests.market_api.delivery.releases import rows

QUERY = rows(zones=40)


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Two parts, one with characters in its name that the engine takes for a pattern."""
    folder = tmp_path / "with [brackets] and 'quotes'"
    folder.mkdir()
    found = [folder / "part-00000.parquet", folder / "part-00001.parquet"]
    table = duckdb.sql(QUERY).to_arrow_table()
    pq.write_table(table.slice(0, 1_000), found[0])
    pq.write_table(table.slice(1_000), found[1])
    return found


def written(form: str, parts: list[Path], folder: Path) -> Path:
    target = folder / f"data.{FORMS[form].suffix}"
    with engine(folder / "scratch") as connection:
        FORMS[form].write(connection, parts, target)
    return target


def whole(parts: list[Path]) -> pa.Table:
    return pa.concat_tables(pq.read_table(each) for each in parts)


def test_parquet_is_one_file_of_all_parts(parts: list[Path], tmp_path: Path) -> None:
    table = pq.read_table(written("parquet", parts, tmp_path))
    assert table.cast(whole(parts).schema).equals(whole(parts))


def test_parquet_of_one_part_takes_no_more_room(parts: list[Path], tmp_path: Path) -> None:
    assert written("parquet", parts[:1], tmp_path).samefile(parts[0])


def test_arrow_is_a_stream_of_batches(parts: list[Path], tmp_path: Path) -> None:
    with pa.ipc.open_stream(written("arrow", parts, tmp_path)) as stream:
        table = stream.read_all()
    assert table.cast(whole(parts).schema).equals(whole(parts))


def test_csv_has_a_header_and_reads_back(parts: list[Path], tmp_path: Path) -> None:
    path = written("csv", parts, tmp_path)
    assert path.read_text().splitlines()[0] == ",".join(whole(parts).column_names)
    options = pa_csv.ConvertOptions(column_types=whole(parts).schema, strings_can_be_null=True)
    assert pa_csv.read_csv(path, convert_options=options).equals(whole(parts))


def test_ndjson_has_one_object_a_line(parts: list[Path], tmp_path: Path) -> None:
    path = written("ndjson", parts, tmp_path)
    assert len(path.read_text().splitlines()) == whole(parts).num_rows
    back = duckdb.sql(f"select * from read_json('{path}', format = 'newline_delimited')").to_arrow_table()
    assert back.cast(whole(parts).schema).equals(whole(parts))


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_form_is_written_in_bounded_memory(form: str, tmp_path: Path) -> None:
    """The values of these rows are 48 MB, more than the engine may hold."""
    path = tmp_path / "large.parquet"
    columns = ", ".join(f"hash(n * {place + 3}) as c{place}" for place in range(10))
    duckdb.sql(f"copy (select {columns} from range(200000) r (n)) to '{path}' (row_group_size 20000)")
    target = tmp_path / f"large.{FORMS[form].suffix}"
    with engine(tmp_path / "scratch", memory_bytes_max=40 << 20) as connection:
        FORMS[form].write(connection, [path] * 3, target)
    assert target.stat().st_size > 10 << 20
