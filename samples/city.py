"""The sample city: every landing file of every source, repeatable from a seed, with the truth about its defects."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from samples import air, enterprises, people, timetable, trips, visits, weather, zones
from samples.defects import SpoiltSheet
from samples.truth import FileTruth, write_truth
from samples.writing import Written, csv_pieces, joined, json_pieces, recoded, write_file, write_zip

FEWEST_ROWS = 50
WORKERS = 2


@dataclass(frozen=True)
class CityFile:
    """A landing file at destination/source/name."""

    source: str
    name: str
    sha256: str
    size_bytes: int
    rows: int


@dataclass(frozen=True)
class CityManifest:
    """All landing files, by source and name."""

    files: tuple[CityFile, ...]


@dataclass(frozen=True)
class _Finished:
    file: CityFile
    truths: tuple[FileTruth, ...]


def build_city(destination: Path, *, truth: Path, scale: float, seed: int) -> CityManifest:
    """Write destination/<source>/<file> for every source, and below `truth` what was spoilt in them.

    scale: multiplies trips, residents and visits; zones, weather, stations and timetable stay as they are.
    """
    known_weather = weather.weather(seed)
    known_zones = zones.zones(seed)
    tasks = [
        *_trip_tasks(destination, trips.streets(known_zones, known_weather), scale, seed),
        *_person_tasks(destination, scale, seed),
        *_air_tasks(destination, seed),
        lambda: _timetable(destination, seed),
        lambda: _csv(destination, "taxi_zones", zones.FILE, zones.zone_sheet(known_zones, seed), None),
        lambda: _csv(destination, "hire_bases", enterprises.FILE, enterprises.base_sheet(seed), enterprises.HEADER),
        lambda: _weather(destination, known_weather, seed),
    ]
    with ThreadPoolExecutor(WORKERS) as pool:
        finished = [future.result() for future in [pool.submit(task) for task in tasks]]
    finished.sort(key=lambda one: (one.file.source, one.file.name))
    by_source: dict[str, list[FileTruth]] = {}
    for one in finished:
        by_source.setdefault(one.file.source, []).extend(one.truths)
    write_truth(truth, by_source)
    return CityManifest(tuple(one.file for one in finished))


def scaled(rows: int, scale: float) -> int:
    """Rows at a scale; never so few that the defects would crowd out the clean rows."""
    return max(FEWEST_ROWS, round(rows * scale))


def _trip_tasks(destination: Path, known: trips.Streets, scale: float, seed: int) -> Iterator[Callable[[], _Finished]]:
    for month in np.arange(trips.FIRST_MONTH, trips.FIRST_MONTH + trips.MONTHS):
        yield partial(_trips, destination, known, month, scaled(trips.ROWS_A_MONTH, scale), seed)


def _trips(destination: Path, known: trips.Streets, month: np.datetime64, rows: int, seed: int) -> _Finished:
    sheet = trips.trip_sheet(known, month, rows, seed)
    name = trips.trip_file(month)
    if month != trips.JSON_MONTH:
        return _csv(destination, "taxi_trips", name, sheet, trips.HEADER)
    target, scratch = _paths(destination, "taxi_trips", name)
    return _one("taxi_trips", name, sheet, write_file(target, json_pieces(sheet, scratch, layout="array"), rows))


def _person_tasks(destination: Path, scale: float, seed: int) -> Iterator[Callable[[], _Finished]]:
    rows = scaled(people.RESIDENTS, scale)
    known = people.residents(people.distinct_residents(rows), seed)
    yield lambda: _residents(destination, known, rows, seed)
    total = max(visits.MONTHS * FEWEST_ROWS, round(visits.VISITS * scale))
    for month, count in visits.visits_by_month(total, seed).items():
        yield partial(_visits, destination, known, month, count, seed)


def _residents(destination: Path, known: people.Residents, rows: int, seed: int) -> _Finished:
    sheet = people.resident_sheet(known, rows, seed)
    target, scratch = _paths(destination, "residents", people.FILE)
    pieces = recoded(csv_pieces(sheet, scratch, people.HEADER), people.ENCODING)
    return _one("residents", people.FILE, sheet, write_file(target, pieces, rows))


def _visits(destination: Path, known: people.Residents, month: np.datetime64, rows: int, seed: int) -> _Finished:
    sheet = visits.visit_sheet(known, month, rows, seed)
    name = visits.visit_file(month)
    target, scratch = _paths(destination, "clinic_visits", name)
    return _one("clinic_visits", name, sheet, write_file(target, json_pieces(sheet, scratch, layout="lines"), rows))


def _air_tasks(destination: Path, seed: int) -> Iterator[Callable[[], _Finished]]:
    known = air.sky(seed)
    for station in air.STATIONS:
        yield partial(_air, destination, known, station, seed)


def _air(destination: Path, known: air.Sky, station: str, seed: int) -> _Finished:
    return _csv(destination, "air_quality", air.air_file(station), air.air_sheet(known, station, seed), air.HEADER)


def _weather(destination: Path, known: weather.DailyWeather, seed: int) -> _Finished:
    sheet = weather.weather_sheet(known, seed)
    target, scratch = _paths(destination, "weather_daily", weather.FILE)
    pieces = csv_pieces(sheet, scratch, weather.HEADER, quote_all=True)
    return _one("weather_daily", weather.FILE, sheet, write_file(target, pieces, sheet.sheet.rows))


def _timetable(destination: Path, seed: int) -> _Finished:
    """The archive; its truth names the member after the archive, as nyc_subway.zip/stops.txt."""
    source = "subway_timetable"
    target, scratch = _paths(destination, source, timetable.FILE)
    sheets = timetable.timetable_sheets(seed)
    members = {
        f"{table}.txt": joined(csv_pieces(sheet, scratch, timetable.HEADERS[table].split(",")))
        for table, sheet in sheets.items()
    }
    truths = tuple((f"{timetable.FILE}/{table}.txt", sheet.truth, sheet.sheet.rows) for table, sheet in sheets.items())
    written = write_zip(target, members, sum(rows for _, _, rows in truths))
    return _Finished(_city_file(source, timetable.FILE, written), truths)


def _csv(destination: Path, source: str, name: str, sheet: SpoiltSheet, header: tuple[str, ...] | None) -> _Finished:
    target, scratch = _paths(destination, source, name)
    return _one(source, name, sheet, write_file(target, csv_pieces(sheet, scratch, header), sheet.sheet.rows))


def _paths(destination: Path, source: str, name: str) -> tuple[Path, Path]:
    """Where a file goes, and where its text lies until it is compressed."""
    folder = destination / source
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name, folder / f".{name}.text"


def _one(source: str, name: str, sheet: SpoiltSheet, written: Written) -> _Finished:
    return _Finished(_city_file(source, name, written), ((name, sheet.truth, written.rows),))


def _city_file(source: str, name: str, written: Written) -> CityFile:
    return CityFile(source, name, written.sha256, written.size_bytes, written.rows)
