"""The whole run against bare `dbt build` of the same models on the same data."""

import tempfile
from pathlib import Path

from bench.data import city_files, city_with_trips
from bench.figures import Figure
from bench.homes import bare_dbt, run_city, run_parts, with_raw_alone
from bench.measuring import median_seconds

TARGET_RATIO = 1.5
BUILT_TABLES = 39


def refresh_figures(sizes: tuple[int, ...], repeats: int) -> list[Figure]:
    """One ratio for the default sample and one for each number of trips.

    Both sides start a new process on a copy of the same home, in turn: the run with its Dagster records, checks,
    metadata and lineage, but without judging the tables, which has a figure of its own; and dbt's own command. The run
    reads the project as it was parsed before; dbt parses it anew, as the copy lies at another place.
    """
    return [_figure(rows, repeats) for rows in (0, *sizes)]


def _figure(rows: int, repeats: int) -> Figure:
    with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
        root = Path(folder)
        data = root / "data"
        city_with_trips(data, rows) if rows else city_files(data, 1.0)
        home = root / "home"
        run_city(home, data)
        ours, theirs = [], []
        for number in range(repeats):
            ours.append(run_parts(with_raw_alone(home, root / f"ours{number}")))
            theirs.append(bare_dbt(with_raw_alone(home, root / f"bare{number}")))
    name = (
        f"whole run / bare dbt build, {rows / 1e6:g} M trips" if rows else "whole run / bare dbt build, default sample"
    )
    details = (
        f"the run {median_seconds(ours):.1f} s, dbt build {median_seconds(theirs):.1f} s, median of {repeats}; both "
        f"build {BUILT_TABLES} tables and run the same data tests; dbt parses the project, the run reads what it parsed"
    )
    return Figure("refresh", name, median_seconds(ours) / median_seconds(theirs), "x", TARGET_RATIO, details)
