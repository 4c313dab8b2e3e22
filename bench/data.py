"""The files that the benchmarks read: the sample city, and as many taxi trips beside it as wanted."""

from pathlib import Path

import numpy as np

from samples import trips, weather, zones
from samples.city import build_city
from samples.writing import csv_pieces, write_file

SEED = 20180601


def city_files(folder: Path, scale: float) -> None:
    """Every landing file of the sample city below folder/<source>/."""
    build_city(folder, truth=folder.parent / f"{folder.name}_truth", scale=scale, seed=SEED)


def trip_files(folder: Path, rows: int) -> list[Path]:
    """`rows` taxi trips as monthly CSV.gz files."""
    folder.mkdir(parents=True, exist_ok=True)
    known = trips.streets(zones.zones(SEED), weather.weather(SEED))
    files = []
    for number in range(trips.MONTHS):
        month = np.datetime64(trips.FIRST_MONTH) + number
        share = rows // trips.MONTHS + (1 if number < rows % trips.MONTHS else 0)
        target = folder / f"yellow_tripdata_bench_{month}.csv.gz"
        sheet = trips.trip_sheet(known, month, share, SEED)
        write_file(target, csv_pieces(sheet, folder / f".{target.name}.text", trips.HEADER), share)
        files.append(target)
    return files


def city_with_trips(folder: Path, rows: int) -> None:
    """The default sample city, its trips replaced by `rows` others."""
    city_files(folder, 1.0)
    for file in (folder / "taxi_trips").iterdir():
        file.unlink()
    trip_files(folder / "taxi_trips", rows)
