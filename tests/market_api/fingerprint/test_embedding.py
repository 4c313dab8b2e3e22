"""Copies: marked where the plan says so, by the keys, and otherwise the release."""

import datetime
import hashlib
import hmac
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market_api.fingerprint.embedding import embed
from market_api.fingerprint.keys import FingerprintKey, fingerprint_key
from market_api.fingerprint.planning import MarkedColumn
from tests.builders import column
from tests.market_api.fingerprint.builders import (
    BUYERS,
    READING,
    SECRET,
    SENSOR,
    TOLERANCE,
    Release,
    connected,
    contract,
    copy_for,
    readings,
    release,
    table_of,
)
from vault.errors import JinkuError

MEASURE = {"logicalType": "number", "role": "measure"}
WHOLE = {"logicalType": "integer", "role": "measure"}


def digest(secret: bytes, message: str) -> bytes:
    return hmac.new(secret, message.encode(), hashlib.sha256).digest()


def buyer_secret(key: FingerprintKey, buyer: str) -> bytes:
    return hmac.new(key.secret, b"buyer\0" + buyer.encode(), hashlib.sha256).digest()


def expected(key: FingerprintKey, buyer: str, message: str, value: Any, place: int, column: MarkedColumn) -> Any:
    """A cell of a copy by the specification alone: models §8 in Python's own HMAC and exact numbers."""
    of_row = digest(hmac.new(key.secret, b"rows", hashlib.sha256).digest(), message)
    if value is None or int.from_bytes(of_row[:4]) % 10:
        return value
    bit = digest(buyer_secret(key, buyer), message)[4 + place] & 1
    step = Fraction(column.lattice.delta) * 2 ** (of_row[4 + place] % column.lattice.levels)
    return 2 * step * math.floor((Fraction(str(value)) - bit * step + step) / (2 * step)) + bit * step


def many_types(folder: Path, rows: int = 3_000) -> Release:
    """A column of each type, marked ones beside others, with nulls in all but the key."""
    random = np.random.default_rng(3)
    day = datetime.date(2020, 1, 1)

    def some(values: Any, kind: pa.DataType) -> pa.Array:
        return pa.array(values, kind, mask=random.random(rows) < 0.1)

    whole = random.integers(0, 200, rows)
    table = pa.table(
        {
            "place": pa.array([f"place {number % 40}" for number in range(rows)]),
            "day": pa.array([day + datetime.timedelta(number // 40) for number in range(rows)]),
            "as_double": some(random.normal(0, 50, rows).round(1), pa.float64()),
            "as_float": some(random.normal(0, 50, rows).round(1).astype("float32"), pa.float32()),
            "as_decimal": some(
                [Decimal(int(each)) / 100 for each in random.integers(-9999, 9999, rows)], pa.decimal128(9, 2)
            ),
            "as_bigint": some(random.integers(-(2**60), 2**60, rows), pa.int64()),
            "as_tinyint": some(random.integers(-128, 128, rows), pa.int8()),
            "as_unsigned": some(random.integers(0, 60_000, rows), pa.uint16()),
            "plain_double": some(random.normal(0, 1e-9, rows), pa.float64()),
            "plain_text": some([f"Größe {number} ' \" 水" for number in whole], pa.string()),
            "plain_truth": some(whole > 100, pa.bool_()),
            "plain_time": some(np.datetime64("2020-01-01", "us") + whole * 1_000_001, pa.timestamp("us")),
            "plain_moment": some(np.datetime64("2020-01-01", "us") + whole * 1_000_001, pa.timestamp("us", "UTC")),
        }
    )
    kinds: dict[str, dict[str, Any]] = {
        "day": {"logicalType": "date", "role": "timestamp"},
        "plain_truth": {"logicalType": "boolean"},
        "plain_time": {"logicalType": "timestamp"},
        "plain_moment": {"logicalType": "timestamp"},
        **dict.fromkeys(("as_double", "as_float", "as_decimal", "plain_double"), MEASURE),
        **dict.fromkeys(("as_bigint", "as_tinyint", "as_unsigned"), WHOLE),
    }
    columns = [column(name, **kinds.get(name, {})) for name in table.column_names]
    tolerance = {name: 8 for name in table.column_names if name.startswith("as_")}
    public = contract(*columns, grain=["place", "day"], fingerprint={"tolerance": tolerance})
    return release(folder / "release", public, table)


def test_every_cell_of_a_copy_is_what_the_specification_says(tmp_path: Path) -> None:
    of = many_types(tmp_path)
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path, "Wang & Söhne").path)
    original = table_of(*of.files)
    places, days = original["place"].to_pylist(), original["day"].to_pylist()
    messages = [f"{len(place)}:{place}10:{day}" for place, day in zip(places, days, strict=True)]
    for place, each in enumerate(of.plan.marked):
        own, was = copy[each.name].to_pylist(), original[each.name].to_pylist()
        changed = 0
        for message, value, mark in zip(messages, was, own, strict=True):
            exact = expected(of.key, "Wang & Söhne", message, value, place, each)
            if each.name == "as_tinyint" and exact is not None and not -128 <= exact <= 127:
                exact = value
            assert mark == (exact if each.lattice.is_exact or exact is None else pytest.approx(float(exact), rel=1e-6))
            changed += mark != value
        assert 180 < changed < 320, each.name


def test_nothing_else_changes_and_types_stay(tmp_path: Path) -> None:
    of = many_types(tmp_path)
    with connected(tmp_path) as connection:
        copy = copy_for(connection, of, tmp_path)
        kinds = [
            connection.execute(f"describe from read_parquet('{path}')").fetchall() for path in (copy.path, of.files[0])
        ]
    assert copy.is_traceable and (copy.rows, copy.rows_omitted) == (3_000, 0)
    assert kinds[0] == kinds[1]
    marked = {each.name for each in of.plan.marked}
    original, own = table_of(*of.files), table_of(copy.path)
    assert own.column_names == original.column_names and len(marked) == 6
    for name in own.column_names:
        if name in marked:
            assert own[name].is_null().equals(original[name].is_null())
            assert not own[name].equals(original[name])
        else:
            assert own[name].combine_chunks().equals(original[name].combine_chunks()), name


def test_no_value_changes_by_more_than_its_tolerance(tmp_path: Path) -> None:
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
    before, after = (each["reading"].drop_null().to_numpy() for each in (table_of(*of.files), copy))
    change = np.abs(after - before)
    assert change.max() <= TOLERANCE * (1 + 1e-9)
    assert 3_600 < np.count_nonzero(change) < 4_100  # 3,867 in models §8
    assert math.sqrt((change**2).mean()) == pytest.approx(0.086, abs=0.005)


def test_marked_values_are_written_as_shortly_as_others(tmp_path: Path) -> None:
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
    assert max(len(str(value).partition(".")[2]) for value in copy["reading"].drop_null().to_pylist()) == 1


def test_two_buyers_have_different_copies_and_each_the_same_again(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=5_000)
    with connected(tmp_path) as connection:
        copies = [table_of(copy_for(connection, of, tmp_path, buyer).path) for buyer in (*BUYERS[:2], BUYERS[0])]
    assert copies[0].equals(copies[2])
    apart = sum(one != other for one, other in zip(*(each["reading"].to_pylist() for each in copies[:2]), strict=True))
    assert 150 < apart < 350


def test_a_mark_does_not_depend_on_where_a_row_stands(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=5_000)
    turned = Release(of.document, of.files[::-1])
    with connected(tmp_path) as connection:
        one, other = (table_of(copy_for(connection, each, tmp_path).path) for each in (of, turned))
    assert one["sensor"].to_pylist() != other["sensor"].to_pylist()
    assert one.sort_by("sensor").equals(other.sort_by("sensor"))


def test_marks_stay_within_the_bounds_that_the_contract_expects(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    table = pa.table({"sensor": np.arange(20_000), "reading": random.uniform(0, 3, 20_000).round(1)})
    bounds = {"column": "reading", "min_value": 0, "max_value": 3}
    expected_of = {"type": "expect_column_values_to_be_between", "arguments": bounds, "reason": "so it is"}
    fingerprint = {"tolerance": {"reading": TOLERANCE}}
    of = release(tmp_path / "r", contract(SENSOR, READING, expectations=[expected_of], fingerprint=fingerprint), table)
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)["reading"].to_numpy()
    assert copy.min() >= 0 and copy.max() <= 3
    assert np.count_nonzero(copy != table["reading"].to_numpy()) > 500


def test_one_row_in_two_hundred_is_omitted_where_that_is_permitted(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", fingerprint={"tolerance": {}, "omitRows": True})
    with connected(tmp_path) as connection:
        copies = [copy_for(connection, of, tmp_path, buyer) for buyer in BUYERS[:2]]
        told = [set(table_of(each.path)["sensor"].to_pylist()) for each in copies]
        kept = table_of(copies[0].path)
    original = table_of(*of.files)
    assert 200 < copies[0].rows_omitted < 300 and copies[0].rows + copies[0].rows_omitted == 50_000
    everything = set(original["sensor"].to_pylist())
    assert len((everything - told[0]) & (everything - told[1])) < 40
    positions = {sensor: place for place, sensor in enumerate(original["sensor"].to_pylist())}
    assert kept.combine_chunks().equals(
        original.take([positions[each] for each in kept["sensor"].to_pylist()]).combine_chunks()
    )


@pytest.mark.parametrize(
    ("rows", "fingerprint"), [(999, {"tolerance": {"reading": TOLERANCE}}), (2_000, {"tolerance": {}}), (2_000, None)]
)
def test_where_nothing_can_be_traced_the_copy_is_the_original_and_says_so(
    tmp_path: Path, rows: int, fingerprint: Any
) -> None:
    of = readings(tmp_path / "release", rows=rows, fingerprint=fingerprint)
    with connected(tmp_path) as connection:
        copy = copy_for(connection, of, tmp_path)
    assert not copy.is_traceable and copy.not_traceable == of.plan.not_traceable and copy.not_traceable
    assert table_of(copy.path).equals(table_of(*of.files)) and copy.rows_omitted == 0


def test_a_virtual_key_that_tells_too_few_rows_apart_leaves_the_copy_the_original(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    place = column("place", logicalType="number", role="attribute", decisionResolution=10)
    table = pa.table({"place": random.uniform(0, 900, 2_000), "reading": random.normal(200, 50, 2_000).round(1)})
    of = release(tmp_path / "r", contract(place, READING, fingerprint={"tolerance": {"reading": TOLERANCE}}), table)
    with connected(tmp_path) as connection:
        copy = copy_for(connection, of, tmp_path)
    assert copy.not_traceable is not None and "tells 90 apart" in copy.not_traceable
    assert table_of(copy.path).equals(table_of(*of.files))


def test_a_copy_is_written_in_bounded_groups_by_less_memory_than_its_rows_take(tmp_path: Path) -> None:
    rows = 300_000  # of 88 bytes each
    random = np.random.default_rng(1)
    table = pa.table(
        {"sensor": np.arange(rows), **{f"reading_{place}": random.normal(0, 50, rows) for place in range(10)}}
    )
    columns = [{**READING, "name": name} for name in table.column_names[1:]]
    public = contract(SENSOR, *columns, fingerprint={"tolerance": {"reading_3": TOLERANCE}})
    of = release(tmp_path / "r", public, table)
    with connected(tmp_path, memory_bytes_max=24 << 20) as connection:
        copy = copy_for(connection, of, tmp_path)
    file = pq.ParquetFile(copy.path)
    assert copy.rows == rows
    assert max(file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)) <= 68_000
    assert file.read(["sensor"])["sensor"].to_numpy().tolist() == list(range(rows))


def test_a_copy_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=2_000)
    of.files[1].write_bytes(b"PAR1 and nothing else")
    with connected(tmp_path) as connection, pytest.raises(JinkuError, match="copy_unwritable"):
        copy_for(connection, of, tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_a_copy_that_cannot_be_written_says_so_without_any_value(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=2_000)
    (tmp_path / "file").write_text("in the way")
    with connected(tmp_path) as connection:
        for target in (tmp_path / "nowhere" / "copy.parquet", tmp_path / "file" / "copy.parquet"):
            with pytest.raises(JinkuError) as caught:
                embed(connection, of.files, target, of.plan, of.key, BUYERS[0])
            assert caught.value.code == "copy_unwritable" and "note" not in str(caught.value)


def test_the_key_of_another_component_and_a_buyer_without_a_name_are_refused(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=2_000)
    with connected(tmp_path) as connection:
        with pytest.raises(ValueError, match="the key is that of water"):
            embed(connection, of.files, tmp_path / "x", of.plan, fingerprint_key(SECRET, "water"), BUYERS[0])
        with pytest.raises(ValueError, match="no name"):
            embed(connection, of.files, tmp_path / "x", of.plan, of.key, "")
    assert not (tmp_path / "x").exists()


def test_no_key_stands_in_what_the_engine_says_of_a_failure(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=2_000)
    keys = [of.key.of_rows, of.key.of_buyer(BUYERS[0])]
    with connected(tmp_path) as connection, pytest.raises(JinkuError) as caught:
        embed(connection, [tmp_path / "none.parquet"], tmp_path / "x", of.plan, of.key, BUYERS[0])
    assert not any(each.inner.hex() in str(caught.value) for each in keys)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_paths_are_taken_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "it's [a] *?"
    of = readings(folder / "release", rows=2_000)
    with connected(tmp_path) as connection:
        copy = copy_for(connection, of, folder)
    assert copy.is_traceable and table_of(copy.path).num_rows == 2_000
