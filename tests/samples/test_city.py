"""The sample city repeats itself, looks like the published files, and tells the truth about its defects."""

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import air, enterprises, people, timetable, trips, visits, weather
from samples.chance import stream
from samples.city import CityManifest, build_city
from samples.defects import Kind, Rule, spoil
from samples.sheet import Sheet, plain
from samples.weather import weather as known_weather
from samples.zones import zones as known_zones

SCALE, SEED = 0.05, 11
KINDS = {"missing", "duplicate", "out_of_range", "wrong_code", "bad_format", "broken_reference", "late"}
SOURCES = {
    "taxi_trips",
    "taxi_zones",
    "hire_bases",
    "weather_daily",
    "subway_timetable",
    "air_quality",
    "residents",
    "clinic_visits",
}
AIR_NAMES = [
    "row_number",
    "year",
    "month",
    "day",
    "hour",
    "pm2_5",
    "pm10",
    "so2",
    "no2",
    "co",
    "o3",
    "temperature",
    "pressure",
    "dew_point",
    "rain",
    "wind_direction",
    "wind_speed",
    "station",
    "latitude",
    "longitude",
]
WEATHER_NAMES = [
    "station_id",
    "station_name",
    "observed_on",
    "wind_speed",
    "precipitation",
    "snowfall",
    "snow_depth",
    "temperature_max",
    "temperature_min",
]
ZONE_NAMES = ["zone_id", "zone_name", "borough", "area"]


class Built:
    """A city on disk and what was said about it."""

    def __init__(self, folder: Path, scale: float = SCALE, seed: int = SEED) -> None:
        self.landing, self.truth = folder / "landing", folder / "truth"
        self.manifest: CityManifest = build_city(self.landing, truth=self.truth, scale=scale, seed=seed)
        self.records = cache(self._records)

    def defects(self, source: str) -> list[tuple[str, int, str, str, str]]:
        query = f'select file, "row", "column", kind, clean_value from \'{self.truth / source}.parquet\''
        return duckdb.sql(query).fetchall()

    def _records(self, source: str, name: str) -> list[dict[str, Any]]:
        """Records by the contract's column names; `name` may be archive/member."""
        if source == "subway_timetable":
            archive, member = name.split("/")
            with zipfile.ZipFile(self.landing / source / archive) as opened:
                return list(csv.DictReader(io.StringIO(opened.read(member).decode())))
        raw = (self.landing / source / name).read_bytes()
        content = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode(
            "gb18030" if source == "residents" else "utf-8"
        )
        if name.endswith(".json.gz"):
            return json.loads(content)
        if name.endswith(".ndjson.gz"):
            return [json.loads(line) for line in content.splitlines()]
        names = {"air_quality": AIR_NAMES, "weather_daily": WEATHER_NAMES, "taxi_zones": ZONE_NAMES}.get(source)
        rows = csv.DictReader(io.StringIO(content), fieldnames=names)
        return list(rows)[1:] if names and source != "taxi_zones" else list(rows)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(tmp_path_factory.mktemp("city"))


def text_of(value: Any) -> str:
    return "" if value is None else str(value)


def every_defect(city: Built) -> Iterator[tuple[str, str, int, str, str, str, dict[str, Any]]]:
    for source in sorted(SOURCES):
        for name, row, column, kind, clean in city.defects(source):
            yield source, name, row, column, kind, clean, city.records(source, name)[row - 1]


def test_same_seed_same_bytes(city: Built, tmp_path: Path) -> None:
    again = Built(tmp_path)
    assert again.manifest == city.manifest
    for folder in (city.truth, city.landing):
        other = again.truth if folder is city.truth else again.landing
        files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        assert files == sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
        assert all((folder / file).read_bytes() == (other / file).read_bytes() for file in files)


def test_another_seed_is_another_city(city: Built, tmp_path: Path) -> None:
    other = {file.name: file.sha256 for file in Built(tmp_path, seed=SEED + 1).manifest.files}
    assert all(other[file.name] != file.sha256 for file in city.manifest.files)


def test_scale_multiplies_trips_and_people_only(city: Built, tmp_path: Path) -> None:
    def rows(manifest: CityManifest) -> dict[str, int]:
        return {source: sum(file.rows for file in manifest.files if file.source == source) for source in SOURCES}

    small, large = rows(city.manifest), rows(Built(tmp_path, scale=2 * SCALE).manifest)
    grows = {"taxi_trips", "residents", "clinic_visits"}
    assert {source: large[source] / small[source] for source in SOURCES} == {
        source: 2 if source in grows else 1 for source in SOURCES
    }
    assert small["taxi_trips"] == 12 * 500
    assert small["residents"] == 1000
    assert small["clinic_visits"] == 3000


def test_manifest_matches_the_disk(city: Built) -> None:
    on_disk = {(path.parent.name, path.name) for path in city.landing.rglob("*") if path.is_file()}
    assert {(file.source, file.name) for file in city.manifest.files} == on_disk
    for file in city.manifest.files:
        assert (city.landing / file.source / file.name).stat().st_size == file.size_bytes
        if file.source != "subway_timetable":
            assert len(city.records(file.source, file.name)) == file.rows


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("taxi_trips/yellow_tripdata_sample_2018-07.csv.gz", ",".join(trips.HEADER)),
        ("hire_bases/fhv_bases.csv", "base_number,base_name,dba,dba_category"),
        (
            "weather_daily/central_park_weather.csv",
            '"STATION","NAME","DATE","AWND","PRCP","SNOW","SNWD","TMAX","TMIN"',
        ),
        (
            "air_quality/PRSA_Data_Dongsi_20130301-20170228.csv.gz",
            "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station,lat,long",
        ),
        (
            "residents/residents_2018.csv",
            "id_number,name,sex,birth_date,phone,address,district_code,education,occupation,household_size,registered_on",
        ),
    ],
)
def test_headers_are_the_published_ones(city: Built, path: str, header: str) -> None:
    raw = (city.landing / path).read_bytes()
    content = gzip.decompress(raw) if path.endswith(".gz") else raw
    assert content.split(b"\n", 1)[0].decode() == header


REAL = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.skipif(not REAL.exists(), reason="the real public data is not here")
def test_headers_equal_those_of_the_real_files(city: Built) -> None:
    def first_line(path: Path) -> bytes:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).split(b"\n", 1)[0].rstrip(b"\r")

    for mine, real in (
        (f"taxi_trips/{trips.trip_file(np.datetime64('2018-07'))}", "nyc_taxi"),
        (f"air_quality/{air.air_file('Wanliu')}", "beijing_air"),
        (f"weather_daily/{weather.FILE}", "nyc_weather"),
        (f"hire_bases/{enterprises.FILE}", "nyc_reference"),
    ):
        path = city.landing / mine
        assert first_line(path) == first_line(REAL / real / path.name)
    with (
        zipfile.ZipFile(REAL / "nyc_subway_gtfs" / timetable.FILE) as real_zip,
        zipfile.ZipFile(city.landing / "subway_timetable" / timetable.FILE) as my_zip,
    ):
        for member in my_zip.namelist():
            assert my_zip.read(member).split(b"\n", 1)[0] == real_zip.read(member).split(b"\n", 1)[0].rstrip(b"\r")


def test_json_files_keep_their_keys_and_types(city: Built) -> None:
    month = city.records("taxi_trips", "yellow_tripdata_sample_2019-01.json.gz")
    assert all(tuple(record) == trips.HEADER for record in month)
    assert all(isinstance(record["fare_amount"], float) for record in month)
    visit = city.records("clinic_visits", "clinic_visits_2018-07.ndjson.gz")
    assert all(tuple(record) == visits.KEYS for record in visit)
    assert all(isinstance(record["cost_yuan"], float) for record in visit)


def test_every_kind_of_defect_occurs_and_is_counted(city: Built) -> None:
    rates = json.loads((city.truth / "rates.json").read_text())
    assert set(rates) == SOURCES
    seen = set()
    for source in SOURCES:
        kinds = [kind for *_, kind, _ in city.defects(source)]
        seen |= set(kinds)
        assert {kind: found["count"] for kind, found in rates[source]["defects"].items()} == {
            kind: kinds.count(kind) for kind in set(kinds)
        }
    assert seen == KINDS


def test_truth_agrees_with_the_files(city: Built) -> None:
    for source, name, row, column, kind, clean, record in every_defect(city):
        where = (source, name, row, column, kind)
        if kind == "duplicate":
            assert record == city.records(source, name)[int(clean) - 1], where
            assert int(clean) < row, where
        elif kind == "missing":
            assert text_of(record[column]) in ("", "NA"), where
            assert clean not in ("", "NA"), where
        elif kind == "late":
            assert record[column] == clean, where
            assert clean[:7] < re.findall(r"\d{4}-\d\d", name)[0], where
        else:
            assert text_of(record[column]) not in ("", clean), where


def test_a_row_carries_at_most_one_defect(city: Built) -> None:
    for source in SOURCES:
        places = [(name, row) for name, row, *_ in city.defects(source)]
        assert len(places) == len(set(places))


def test_what_the_truth_leaves_out_is_clean(city: Built) -> None:
    """Air: NA stands only where the truth says so. Trips: the total is the sum of its parts in all clean rows."""
    noted = {(name, row) for name, row, *_ in city.defects("air_quality")}
    name = air.air_file("Tiantan")
    for row, record in enumerate(city.records("air_quality", name), start=1):
        assert (name, row) in noted or "NA" not in record.values()
    noted = {(name, row) for name, row, *_ in city.defects("taxi_trips")}
    parts = [
        "fare_amount",
        "extra",
        "mta_tax",
        "tip_amount",
        "tolls_amount",
        "improvement_surcharge",
        "congestion_surcharge",
    ]
    for file in (file for file in city.manifest.files if file.source == "taxi_trips"):
        for row, record in enumerate(city.records("taxi_trips", file.name), start=1):
            if (file.name, row) not in noted:
                total = sum(float(record[part] or 0) for part in parts)
                assert total == pytest.approx(float(record["total_amount"]), abs=0.001)
                assert record["pickup_datetime"][:7] in file.name
                assert record["dropoff_datetime"] > record["pickup_datetime"]


def check_digit_of(body: str) -> str:
    """The rule written out for one number."""
    weights = [2 ** (17 - place) % 11 for place in range(17)]
    return "10X98765432"[sum(weight * int(digit) for weight, digit in zip(weights, body, strict=True)) % 11]


@given(st.lists(st.integers(10**16, 10**17 - 1), min_size=1, max_size=20))
def test_check_digits_follow_the_rule(bodies: list[int]) -> None:
    assert people.check_digits(np.array(bodies)).tolist() == [check_digit_of(str(body)) for body in bodies]


def test_check_digits_are_right_except_where_spoilt(city: Built) -> None:
    spoilt = {row for _, row, column, *_ in city.defects("residents") if column == "id_number"}
    records = city.records("residents", people.FILE)
    wrong = {
        row
        for row, record in enumerate(records, start=1)
        if check_digit_of(record["id_number"][:17]) != record["id_number"][17]
    }
    assert wrong == spoilt != set()
    copies = {row for _, row, _, kind, _ in city.defects("residents") if kind == "duplicate"}
    numbers = [record["id_number"] for row, record in enumerate(records, start=1) if row not in copies]
    assert len(numbers) == len(set(numbers))


def test_no_person_can_be_real(city: Built) -> None:
    """Identity numbers lie in a division that was never set up, phones in a range that no network has."""
    for record in city.records("residents", people.FILE):
        assert re.fullmatch(r"4499(0[3-9]|1[01])\d{11}[\dX]", record["id_number"])
        assert record["phone"] == "" or re.fullmatch(r"1099\d{7}", record["phone"])
        assert not re.match(r"1[3-9]", record["phone"])
    for file in (file for file in city.manifest.files if file.source == "clinic_visits"):
        for record in city.records("clinic_visits", file.name):
            assert record["id_number"].startswith("4499")


def test_identity_numbers_agree_with_the_person(city: Built) -> None:
    noted = {row for _, row, *_ in city.defects("residents")}
    for row, record in enumerate(city.records("residents", people.FILE), start=1):
        if row not in noted:
            assert record["id_number"][6:14] == record["birth_date"].replace("-", "")
            assert int(record["id_number"][16]) % 2 == (record["sex"] == "M")
            assert record["birth_date"] <= record["registered_on"] <= "2018-06-30"


def test_visits_refer_to_residents_except_where_broken(city: Built) -> None:
    defects = city.defects("residents")
    right = {row: clean for _, row, column, _, clean in defects if column == "id_number"}
    known = {
        right.get(row, record["id_number"])
        for row, record in enumerate(city.records("residents", people.FILE), start=1)
    }
    broken = {(name, row) for name, row, _, kind, _ in city.defects("clinic_visits") if kind == "broken_reference"}
    strangers = set()
    for file in (file for file in city.manifest.files if file.source == "clinic_visits"):
        for row, record in enumerate(city.records("clinic_visits", file.name), start=1):
            assert check_digit_of(record["id_number"][:17]) == record["id_number"][17]
            if record["id_number"] not in known:
                strangers.add((file.name, row))
    assert strangers == broken != set()


def test_timetable_refers_to_itself_and_runs_past_midnight(city: Built) -> None:
    def table(name: str) -> list[dict[str, Any]]:
        return city.records("subway_timetable", f"{timetable.FILE}/{name}.txt")

    assert (len(table("stops")), len(table("routes")), len(table("trips"))) == (60, 8, 600)
    stops = {stop["stop_id"] for stop in table("stops")}
    assert {stop["parent_station"] for stop in table("stops")} - {""} <= stops
    ids = {trip["trip_id"] for trip in table("trips")}
    assert len(ids) == 600
    assert {time["trip_id"] for time in table("stop_times")} == ids
    assert {time["stop_id"] for time in table("stop_times")} - stops == {"X99"}
    assert any(time["arrival_time"] >= "24:00:00" for time in table("stop_times"))


def test_zone_demand_has_a_rhythm_and_fears_snow() -> None:
    sky = known_weather(SEED)
    known = trips.streets(known_zones(SEED), sky)
    month = np.datetime64("2019-01")
    demand = trips.hourly_demand(known, month).sum(axis=1).reshape(-1, 24)
    assert demand[:, 18].mean() > 3 * demand[:, 4].mean()
    weekday = ((np.arange(month.astype("datetime64[D]"), month + 1)).astype("datetime64[D]").astype(int) + 3) % 7
    assert demand[weekday < 5, 9].mean() > 1.3 * demand[weekday == 6, 9].mean()
    calm = trips.Streets(known.zones, known.miles, known.destinations, _with_snow(sky, 0.0))
    buried = trips.Streets(known.zones, known.miles, known.destinations, _with_snow(sky, 6.0))
    assert trips.hourly_demand(buried, month).sum() < 0.7 * trips.hourly_demand(calm, month).sum()


def _with_snow(known: weather.DailyWeather, inches: float) -> weather.DailyWeather:
    lying = np.full(len(known.days), inches)
    return weather.DailyWeather(
        known.days,
        known.wind_mph,
        known.precipitation_inch,
        lying,
        lying,
        known.highest_f,
        known.lowest_f,
    )


def test_winter_air_is_dirtier_and_the_hills_are_cleaner(city: Built) -> None:
    def mean_fine(station: str, months: set[str]) -> float:
        records = city.records("air_quality", air.air_file(station))
        values = [float(one["pm2_5"]) for one in records if one["month"] in months and one["pm2_5"] != "NA"]
        return sum(values) / len(values)

    year = {str(month) for month in range(1, 13)}
    assert mean_fine("Dongsi", {"12", "1", "2"}) > 1.2 * mean_fine("Dongsi", {"6", "7", "8"})
    assert mean_fine("Dongsi", year) > 1.2 * mean_fine("Dingling", year)


@given(rows=st.integers(40, 400), copies=st.integers(0, 5), rate=st.floats(0.01, 0.1), seed=st.integers(0, 99))
def test_spoiling_can_be_undone(rows: int, copies: int, rate: float, seed: int) -> None:
    """Patches put back and copies dropped, the clean sheet remains."""
    sheet = Sheet({"value": plain(np.arange(rows))})
    kind: Kind = "out_of_range"
    rules = (Rule("value", kind, rate, "'-' || clean || '!'"), Rule("value", "missing", rate))
    result = spoil(sheet, rules, stream(seed, "test"), copies=copies)
    assert result.sheet.rows == rows + copies
    values = result.sheet.columns["value"].parts[0]
    truth = result.truth
    repeats = truth.rows[truth.kinds == "duplicate"] - 1
    assert np.array_equal(np.delete(values, repeats), np.arange(rows))
    cells = truth.kinds != "duplicate"
    assert [str(value) for value in values[truth.rows[cells] - 1]] == truth.clean_values[cells].tolist()
    assert sorted(result.patches["value"].rows.tolist()) == (truth.rows[cells] - 1).tolist()
