"""Q and the true share of right cells in cities whose defects come at graded rates."""

from collections.abc import Iterable, Mapping
from functools import partial

import duckdb
import numpy as np

from expectations.engine import evaluate
from expectations.scoring import quality_vector
from expectations.vector import PlatformMetrics
from expectations.weights import beta_set
from samples.chance import stream
from tests.cleaning.city import RUN
from tests.cleaning.planted import ORIGIN, PLANTED
from tests.cleaning.ranking import Point
from tests.cleaning.spoilt_city import CityMaker, Multiple, base_table
from vault.contract import TableContract

TIMES = (0.0, 0.5, 1.0, 2.0, 4.0)
DRAWS = tuple(range(1, 13))


def together(
    maker: CityMaker, suites: Mapping[str, TableContract], times: Iterable[float] = TIMES
) -> dict[str, list[Point]]:
    """Q and the true share of every base table, by asset, with all rates multiplied alike."""
    return _points(maker, suites, ((f"times {each:g}", partial(float, each)) for each in times))


def apart(
    maker: CityMaker, suites: Mapping[str, TableContract], draws: Iterable[int] = DRAWS
) -> dict[str, list[Point]]:
    """The same with a multiple of its own for each rate: kinds of defect then do not rise and fall together."""
    return _points(maker, suites, ((f"draw {draw}", partial(_drawn, stream(draw, "multiples"))) for draw in draws))


def _drawn(chance: np.random.Generator) -> float:
    return float(chance.choice(TIMES))


def _points(
    maker: CityMaker, suites: Mapping[str, TableContract], cities: Iterable[tuple[str, Multiple]]
) -> dict[str, list[Point]]:
    points: dict[str, list[Point]] = {asset: [] for asset in suites}
    for name, multiple in cities:
        with maker.part(name, multiple) as connection:
            for asset, contract in suites.items():
                points[asset].append(point_of(connection, asset, contract))
    return points


def point_of(connection: duckdb.DuckDBPyConnection, asset: str, contract: TableContract) -> Point:
    """Q of a table, with nothing measured by the platform, and its share of right cells."""
    results = evaluate(connection, base_table(asset.removeprefix("base/")), contract.expectations, RUN)
    vector = quality_vector(results, PlatformMetrics(), beta_set())
    return Point(_right_share(connection, asset), vector.quality)


def _right_share(connection: duckdb.DuckDBPyConnection, asset: str) -> float:
    """Cells as they should be, of all cells received. A copy and a late row say nothing wrong."""
    row = connection.execute(
        f"""
        with home as (select distinct raw_table from {ORIGIN} where asset = $asset),
        wrong as (
            select count(*) as cells
            from {PLANTED}
            inner join home using (raw_table)
            where kind not in ('duplicate', 'late')
        ),
        received as (
            select sum(received) as rows from raw.vault.batch_tables inner join home on table_name = raw_table
        ),
        width as (
            select count(*) as columns
            from duckdb_columns()
            inner join home on table_name = raw_table
            where database_name = 'raw' and not starts_with(column_name, '_')
        )
        select 1 - wrong.cells / (received.rows * width.columns) from wrong, received, width
        """,
        {"asset": asset},
    ).fetchone()
    assert row is not None
    return float(row[0])
