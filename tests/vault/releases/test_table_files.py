"""What is written as a release is read back bit by bit, in the order of its grain, whatever stands in it."""

import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from vault.releases.table_files import columns_told, read_table, write_table
from vault.snapshot import snapshot_hash

ROW = st.tuples(
    st.integers(-(2**63), 2**63 - 1) | st.none(),
    st.text(st.characters(exclude_categories=["Cs"])) | st.none(),
    st.floats() | st.none(),
    st.floats(width=32) | st.none(),
    st.decimals(-(10**15), 10**15, places=2) | st.none(),
    st.booleans() | st.none(),
    st.dates() | st.none(),
    st.datetimes() | st.none(),
)
LEAST, MOST = (-(2**63), "", -0.0, -0.0, Decimal("-1e15"), False, date.min, datetime.min), (
    2**63 - 1, "\x00\U0010ffff", float("inf"), float("nan"), Decimal("1e15"), True, date.max, datetime.max
)  # fmt: skip


PHASES = (Phase.explicit, Phase.generate)
"""A case takes too long to be made smaller by trying."""


@settings(max_examples=10, deadline=None, phases=PHASES)
@given(rows=st.lists(ROW, min_size=1, max_size=12))
@example(rows=[LEAST, (0, "0", 0.0, 0.0, Decimal(0), None, None, None), MOST])
def test_every_value_comes_back_as_it_was(rows: list[tuple[Any, ...]]) -> None:
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(
        "create table kept (number bigint, word varchar, amount double, small float, exact decimal(18, 2), "
        "is_so boolean, day date, moment timestamp)"
    )
    connection.executemany(f"insert into kept values ({', '.join('?' * 8)})", rows)
    table = ibis.duckdb.from_connection(connection).table("kept")
    with tempfile.TemporaryDirectory() as folder:
        write_table(table, ("number", "word"), Path(folder), "kept")
        written = read_table(table.get_backend(), Path(folder))
        assert written.schema() == table.schema() and snapshot_hash(written) == snapshot_hash(table)
        numbers = [number for (number,) in connection.execute(ibis.to_sql(written.select("number"))).fetchall()]
        assert numbers == sorted(numbers, key=lambda number: (number is not None, number))
        counted = columns_told(written)[0]
        assert counted["nulls"] == numbers.count(None)
        assert counted["distinct"] == len({number for number in numbers if number is not None})
