"""Large copies are cut into parts of bounded rows, in order."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market_api.delivery import parts
from market_api.delivery.parts import cut


def a_file(folder: Path, rows: int, group_rows: int) -> Path:
    path = folder / "whole.parquet"
    table = pa.table({"number": pa.array(range(rows)), "text": [f"row {number}" for number in range(rows)]})
    pq.write_table(table, path, row_group_size=group_rows)
    return path


@pytest.mark.parametrize(
    ("rows", "group_rows", "expected"),
    [
        (100, 10, [100]),
        (101, 10, [100, 1]),
        (250, 30, [90, 90, 70]),
        (250, 100, [100, 100, 50]),
        (300, 200, [200, 100]),
    ],
)
def test_a_part_has_no_more_rows_than_are_allowed_unless_one_group_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, group_rows: int, expected: list[int]
) -> None:
    monkeypatch.setattr(parts, "ROWS_PER_PART", 100)
    whole = a_file(tmp_path, rows, group_rows)
    before = pq.read_table(whole)
    found = cut(whole, tmp_path)
    assert [each.rows for each in found] == expected
    assert [each.path.name for each in found] == [f"part-{place:05d}.parquet" for place in range(len(expected))]
    assert pa.concat_tables(pq.read_table(each.path) for each in found).equals(before)
    assert not whole.exists()


def test_what_fits_into_one_part_is_not_written_again(tmp_path: Path) -> None:
    whole = a_file(tmp_path, 1_000, 100)
    inode = whole.stat().st_ino
    (only,) = cut(whole, tmp_path)
    assert only.path.stat().st_ino == inode
