"""Rows of a preview are made up from the datasheet alone: none is real, and no datasheet makes it read or run long."""

import json
import subprocess
import sys
import time
from copy import deepcopy
from inspect import signature
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_api.catalogue.facts import preview_document
from market_api.catalogue.synthetic import ROWS, synthetic_rows
from tests.market_api.catalogue.releases import a_datasheet
from tests.market_api.catalogue.shops import Shop
from vault.releases.reading import table_files

SHEETS = Path(__file__).parent.parent / "exports" / "datasheets"
SECONDS_MAX = 2.0
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def sheet(name: str = "zone_hourly_mobility") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SHEETS / f"{name}.json").read_text())
    return found


def expecting(column: str, kind: str, **arguments: Any) -> dict[str, Any]:
    """A datasheet whose contract expects something of a column, beside nothing else."""
    document = sheet()
    document["contract"]["expectations"] = [{"type": kind, "arguments": {"column": column, **arguments}}]
    return document


def values(document: dict[str, Any], column: str) -> list[Any]:
    return [row[column] for row in synthetic_rows(document)]


# never real


def test_the_generator_is_given_nothing_but_the_datasheet() -> None:
    assert list(signature(synthetic_rows).parameters) == ["document", "rows"]


def test_other_rows_make_no_other_preview(released: Path) -> None:
    document = a_datasheet(released / "releases" / "zone_hours" / "1")
    before = synthetic_rows(document)
    document["hashes"]["data"] = "0" * 64
    document["files"] = []
    document["lineage"] = []
    document["measures"] = {}
    assert synthetic_rows(document) == before


def test_no_row_and_no_text_of_a_preview_is_one_of_the_release(released: Path) -> None:
    folder = released / "releases" / "zone_hours" / "1"
    (path,) = table_files(folder)
    real = duckdb.sql(f"select * from '{path}'").fetchall()
    texts = {value for row in real for value in row if isinstance(value, str)}
    made = synthetic_rows(a_datasheet(folder))
    assert not texts & {value for row in made for value in row.values()}
    assert not {tuple(map(str, row)) for row in real} & {tuple(map(str, row.values())) for row in made}


def test_it_opens_no_file_and_no_connection() -> None:
    script = """
import json, sys
from market_api.catalogue.synthetic import synthetic_rows
document = json.loads(sys.stdin.read())
refused = ("open", "socket", "subprocess", "os.", "import", "ctypes", "exec", "compile")
synthetic_rows(document)
def hook(event, arguments):
    if event.startswith(refused):
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(hook)
rows = synthetic_rows(document)
sys.stdout.write(str(len(rows)))
"""
    document = sheet()
    document["contract"]["columns"][0]["description"] = "file:///etc/passwd"
    document["contract"]["expectations"] = [
        {
            "type": "expect_column_values_to_be_in_set",
            "arguments": {"column": "zone_id", "value_set": ["/etc/passwd", "${HOME}", "{0.__class__}"]},
        }
    ]
    finished = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(document), capture_output=True, text=True, timeout=60
    )
    assert finished.stdout == str(ROWS), finished.stdout + finished.stderr


# what it looks like


@pytest.mark.parametrize("path", sorted(SHEETS.glob("*.json")), ids=lambda path: path.stem)
def test_the_rows_are_in_the_form_of_the_release(path: Path) -> None:
    document = json.loads(path.read_text())
    rows = synthetic_rows(document)
    assert len(rows) == ROWS
    columns = document["contract"]["columns"]
    kinds = {"string": str, "integer": int, "number": float, "boolean": bool, "date": str, "timestamp": str}
    for row in rows:
        assert list(row) == [each["name"] for each in columns]
        for each in columns:
            assert row[each["name"]] is None or type(row[each["name"]]) is kinds[each["logicalType"]]


def test_a_release_always_looks_the_same_and_another_one_different() -> None:
    document = sheet()
    assert synthetic_rows(document) == synthetic_rows(deepcopy(document))
    other = document | {"release": "zone_hourly_mobility@2"}
    assert synthetic_rows(document) != synthetic_rows(other)


def test_the_grain_is_unique() -> None:
    document = sheet()
    keys = [tuple(row[name] for name in document["contract"]["grain"]) for row in synthetic_rows(document)]
    assert len(set(keys)) == ROWS


def test_fewer_rows_are_shown_where_the_grain_has_no_more() -> None:
    document = sheet()
    document["contract"]["grain"] = ["day_type"]
    assert len(synthetic_rows(document)) == 2


def test_declared_ranges_are_kept() -> None:
    document = sheet()
    assert all(3 <= value <= 105 for value in values(document, "speed_kmh"))
    assert all(0 <= value <= 1 for value in values(document, "card_share"))
    assert all(0 <= value <= 23 for value in values(document, "pickup_hour"))
    assert all(value >= 11 for value in values(document, "trips"))


def test_declared_sets_of_values_are_kept() -> None:
    assert set(values(sheet(), "borough")) <= {"Bronx", "Brooklyn", "EWR", "Manhattan", "Queens", "Staten Island"}


def test_nulls_are_about_as_many_as_were_counted() -> None:
    document = sheet()
    document["table"]["columns"][3]["nulls"] = document["table"]["rows"]
    assert values(document, "zone_name") == [None] * ROWS
    assert None not in values(sheet(), "zone_name")


def test_the_resolution_is_kept() -> None:
    document = sheet()
    document["contract"]["columns"][9]["decisionResolution"] = 0.5
    assert all(round(value, 1) == value for value in values(document, "speed_kmh"))


@pytest.mark.parametrize(("lowest", "highest"), [("2024-01-01", "2024-03-31"), ("2024-01-01", None)])
def test_days_lie_within_their_declared_ends(lowest: str, highest: str | None) -> None:
    document = sheet("station_air_daily")
    arguments = {"column": "measured_day", "min_value": lowest, "max_value": highest}
    document["contract"]["expectations"] = [{"type": "expect_column_values_to_be_between", "arguments": arguments}]
    assert all(lowest <= value <= (highest or "2026-11-27") for value in values(document, "measured_day"))


def test_a_preview_says_that_it_is_synthetic(shop: Shop) -> None:
    shop.listed("zone_hours@1")
    document = shop.told("/v1/components/zone_hours/preview")
    assert document["synthetic"] is True
    assert "None of them is real" in document["about"]
    assert len(document["rows"]) == ROWS
    assert {each["name"] for each in document["schema"]["columns"]} == set(document["rows"][0])


# hostile datasheets


@pytest.mark.parametrize(
    "arguments",
    [
        {"min_value": 10**400, "max_value": 10**401},
        {"min_value": float("-inf"), "max_value": float("inf")},
        {"min_value": float("nan")},
        {"min_value": 5, "max_value": -5},
        {"min_value": "9" * 10_000},
        {"min_value": "0000-99-99", "max_value": "x"},
        {"min_value": [1], "max_value": {"a": 1}},
        {"min_value": True},
    ],
)
@pytest.mark.parametrize("column", ["trips", "speed_kmh", "zone_id"])
def test_a_range_that_is_none_is_left_out(column: str, arguments: dict[str, Any]) -> None:
    document = expecting(column, "expect_column_values_to_be_between", **arguments)
    assert len(json.dumps(synthetic_rows(document), allow_nan=False)) < 100_000


@pytest.mark.parametrize(
    "value_set",
    [[], "abc", None, {"a": 1}, [[1], {"b": 2}], ["x" * 10**6], list(range(10**6)), [None] * 10**6, [float("nan")]],
)
def test_a_set_of_values_that_is_none_or_large_does_no_harm(value_set: Any) -> None:
    document = expecting("borough", "expect_column_values_to_be_in_set", value_set=value_set)
    began = time.thread_time()
    assert len(json.dumps(synthetic_rows(document), allow_nan=False)) < 100_000
    assert time.thread_time() - began < SECONDS_MAX


def test_a_great_many_columns_rows_and_values_do_no_harm() -> None:
    document = sheet()
    column = document["contract"]["columns"][5]
    names = [f"column_{number}" for number in range(20_000)]
    document["contract"]["columns"] = [{**column, "name": name} for name in names]
    document["contract"]["grain"] = names
    document["table"]["columns"] = [{"name": name, "type": "int64", "nulls": 0, "distinct": 2**53} for name in names]
    document["table"]["rows"] = 2**53
    began = time.thread_time()
    assert len(synthetic_rows(document)) == ROWS
    assert time.thread_time() - began < SECONDS_MAX


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["min_value", "max_value", "value_set"]), json_values, st.sampled_from(["trips", "zone_id"]))
def test_whatever_a_contract_expects_rows_are_made(name: str, value: Any, column: str) -> None:
    for kind in ("expect_column_values_to_be_between", "expect_column_values_to_be_in_set"):
        rows = synthetic_rows(expecting(column, kind, **{name: value}))
        assert len(json.dumps(rows, allow_nan=False)) < 100_000


@settings(max_examples=50, deadline=None)
@given(json_values)
def test_whatever_a_resolution_is_rows_are_made(value: Any) -> None:
    document = sheet()
    document["contract"]["columns"][9]["decisionResolution"] = value
    document["table"]["columns"][9]["type"] = str(value)
    assert len(synthetic_rows(document)) == ROWS


def test_a_preview_is_made_of_every_real_datasheet() -> None:
    for path in SHEETS.glob("*.json"):
        document = preview_document(json.loads(path.read_text()))
        assert len(document["schema"]["columns"]) == len(document["rows"][0])
