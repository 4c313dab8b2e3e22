"""`jinku run` from landed files to products, as a person runs it."""

import gzip
from pathlib import Path

import pytest

from tests.builders import REAL_DATA, SMALL, copy_of, jinku, opened, rows

ROWS_OF_EVERY_TABLE = (
    "select table_name, sum(received), sum(loaded + quarantined) from raw.vault.batch_tables group by 1"
)
LAYER_SIZES = """
    select schema_name || '.' || table_name, estimated_size
    from duckdb_tables()
    where schema_name in ('base', 'resource', 'components', 'products')
"""


def test_the_sample_city_is_built_from_files_to_products(city: Path) -> None:
    said = (city.parent / "city.done").read_text()
    assert "all built" in said
    assert all(layer in said for layer in ("raw", "base", "resource", "components", "products"))
    sizes = dict(rows(opened(city), LAYER_SIZES, "raw", "warehouse", "components"))
    assert len(sizes) == 39
    assert {name for name, size in sizes.items() if size == 0} == set()


def test_every_received_row_is_loaded_or_quarantined(city: Path) -> None:
    accounts = rows(opened(city), ROWS_OF_EVERY_TABLE)
    assert len(accounts) == 13
    assert all(received == kept > 0 for _, received, kept in accounts)


def test_a_second_run_has_nothing_to_do(city: Path, tmp_path: Path) -> None:
    again = jinku(copy_of(city, tmp_path), "run", *SMALL)
    assert again.returncode == 0
    assert "nothing to do" in again.stdout


def test_a_new_file_builds_what_follows_from_it_and_nothing_else(city: Path, tmp_path: Path) -> None:
    home = copy_of(city, tmp_path)
    newer = tmp_path / "fhv_bases_2.csv"
    newer.write_text("base_number,base_name,dba,dba_category\nB99999,NEW BASE LLC,,\n")
    assert jinku(home, "land", str(newer)).returncode == 0
    run = jinku(home, "run", *SMALL)
    assert run.returncode == 0, run.stdout
    built = {line.split()[-5] if "passed" in line else "" for line in run.stdout.splitlines()}
    assert "taxi_trips" not in run.stdout and "air_quality" not in run.stdout
    assert all(name in run.stdout for name in ("hire_bases", "enterprise", "hire_base_profile")), built
    (known,) = rows(
        opened(home), "select count(*) from warehouse.base.hire_bases where base_number = 'B99999'", "warehouse"
    )
    assert known == (1,)


def test_the_same_file_again_is_collected_once(city: Path, tmp_path: Path) -> None:
    home = copy_of(city, tmp_path)
    batches = "select count(*) from raw.vault.batches"
    before = rows(opened(home), batches)
    twice = tmp_path / "fhv_bases_3.csv"
    twice.write_text("base_number,base_name,dba,dba_category\nB1,ONE,,\n")
    for _ in range(2):
        assert jinku(home, "land", str(twice)).returncode == 0
        assert jinku(home, "run", *SMALL).returncode == 0
    assert rows(opened(home), batches) == [(before[0][0] + 1,)]


@pytest.mark.faults  # for its length: three cities are built
def test_later_batches_are_added_as_if_all_had_come_at_once(city: Path, tmp_path: Path) -> None:
    """Incremental tables and full ones tell the same, also where a row comes again in another file."""
    home = copy_of(city, tmp_path)
    (first, *_) = rows(opened(home), "select * exclude (_batch, _row, _collected_at) from raw.raw.taxi_trips limit 1")
    header = "vendor_id,pickup_datetime,dropoff_datetime,passenger_count,trip_distance,rate_code_id,store_and_fwd_flag,"
    header += "pickup_location_id,dropoff_location_id,payment_type,fare_amount,extra,mta_tax,tip_amount,tolls_amount,"
    header += "improvement_surcharge,total_amount,congestion_surcharge"
    known = ",".join("" if value is None else value for value in first)
    new = "2,2019-06-30 10:00:00,2019-06-30 10:10:00,1,2.0,1,N,7,8,1,9.0,0,0.5,0,0,0.3,9.8,"
    late = tmp_path / "yellow_tripdata_late.csv.gz"
    late.write_bytes(gzip.compress(f"{header}\n{known}\n{new}\n{new}\n".encode()))
    assert jinku(home, "land", str(late)).returncode == 0
    assert jinku(home, "run", *SMALL).returncode == 0
    compared = """
        select count(*), sum(_copies), count(distinct trip_id), sum(fare_usd)::decimal(18, 2)
        from warehouse.base.taxi_trips
    """
    added = rows(opened(home), compared, "warehouse")
    (home / "vault" / "warehouse.duckdb").unlink()
    (home / "dagster").rename(home / "dagster_before")
    whole = jinku(home, "run", *SMALL)
    assert whole.returncode == 0, whole.stdout
    assert rows(opened(home), compared, "warehouse") == added
    assert rows(opened(home), "select count(*) = sum(1) from warehouse.resource.trip", "warehouse") == [(True,)]


BAD_BATCHES = {
    "fhv_bases_wrong.csv": (b"base_number,company,dba,dba_category\nB1,ONE,,\n", "wrong_columns"),
    "fhv_bases_empty.csv": (b"", "empty_file"),
    "fhv_bases_binary.csv": (bytes(range(256)) * 9, "not_text"),
    "yellow_tripdata_torn.csv.gz": (gzip.compress(b"vendor_id\n1\n" * 999)[:-20], "torn_gzip"),
    "residents_utf8.csv": ("id_number,name\n1,金库\n".encode() + b"\xff\xff\n", "wrong_encoding"),
}


@pytest.mark.faults  # for its length
def test_bad_batches_are_named_and_the_others_go_on(city: Path, tmp_path: Path) -> None:
    home = copy_of(city, tmp_path)
    good = '"STATION","NAME","DATE","AWND","PRCP","SNOW","SNWD","TMAX","TMIN"\n"S9","New","2020-02-29",1,1,1,1,1,1\n'
    for name, content in {**BAD_BATCHES, "central_park_weather_new.csv": (good.encode(), "")}.items():
        (tmp_path / name).write_bytes(content[0])
        assert jinku(home, "land", str(tmp_path / name)).returncode == 0
    run = jinku(home, "run", *SMALL)
    status = jinku(home, "status").stdout
    assert run.returncode == 1
    for name, (_, reason) in BAD_BATCHES.items():
        for said in (run.stdout, status):
            assert any(name in line and reason in line for line in said.splitlines()), f"{name}: {reason}\n{said}"
    assert "base_name" in run.stdout and "company" in run.stdout, "the difference of columns is shown"
    known = "select count(*) from warehouse.base.weather_daily where station_id = 'S9'"
    assert rows(opened(home), known, "warehouse") == [(1,)]
    assert len(list((home / "vault" / "received").glob("*/*"))) == _received(city) + len(BAD_BATCHES) + 1


def _received(home: Path) -> int:
    return len(list((home / "vault" / "received").glob("*/*")))


@pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason=f"the public originals are not at {REAL_DATA.name}; nothing real was read"
)
@pytest.mark.faults  # for its length
def test_the_same_contracts_take_the_real_files(tmp_path: Path) -> None:
    run = jinku(tmp_path / "home", "run", "--data", str(REAL_DATA))
    assert run.returncode == 0, run.stdout
    vault = opened(tmp_path / "home")
    accounts = {name: received for name, received, _ in rows(vault, ROWS_OF_EVERY_TABLE)}
    assert accounts["taxi_trips"] == 370_000  # 36 months, and one of them again as JSON
    assert accounts["air_quality"] == 420_768
    kept = "select count(*), sum(_copies) from warehouse.base."
    assert rows(vault, kept + "taxi_trips", "warehouse") == [(360_000, 370_000)]
    assert rows(vault, kept + "air_quality", "warehouse") == [(420_768, 420_768)]
    assert rows(vault, "select count(*) from warehouse.resource.trip", "warehouse") == [(360_000,)]
