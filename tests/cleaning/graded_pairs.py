"""The pairs at graded levels of corruption: each cell is the clean one, or with a given chance the spoilt one."""

from collections.abc import Iterable, Mapping

from expectations.engine import TableUnderTest, evaluate
from expectations.scoring import quality_vector
from expectations.vector import PlatformMetrics
from expectations.weights import beta_set
from samples.chance import stream
from tests.cleaning.pairs import CLEAN, RUN, Pair
from tests.cleaning.ranking import Point

LEVELS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
SWAPPED_LEVELS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
SEEDS = (1, 2, 3)
DRAWS = tuple(range(1, 13))

MIXED = TableUnderTest("raw/mixed", "memory", "main", "mixed")
SWAPPED = "memory.main.swapped"
"""The clean table with every cell taken from another row: well formed, and mostly wrong."""


def graded(pair: Pair, levels: Iterable[float] = LEVELS, seeds: Iterable[int] = SEEDS) -> list[Point]:
    """Q and the true share where a wrong cell of the dirty file stands with the same chance in every column.

    At levels 0 and 1 nothing is left to chance, so one seed stands for all.
    """
    seeds = tuple(seeds)
    return [
        _point(pair, pair.table.qualified_name, dict.fromkeys(pair.columns, level), seed)
        for level in levels
        for seed in (seeds if 0 < level < 1 else seeds[:1])
    ]


def graded_by_column(pair: Pair, draws: Iterable[int] = DRAWS) -> list[Point]:
    """The same with a level of its own for each column: kinds of error then no longer rise and fall together."""
    found = []
    for draw in draws:
        drawn = stream(draw, "levels by column").choice(LEVELS, len(pair.columns))
        levels = dict(zip(pair.columns, drawn.tolist(), strict=True))
        found.append(_point(pair, pair.table.qualified_name, levels, draw))
    return found


def graded_by_swapping(
    pair: Pair, levels: Iterable[float] = SWAPPED_LEVELS, seeds: Iterable[int] = SEEDS
) -> list[Point]:
    """The same with cells swapped for those of other rows: wrong, and of the right form."""
    found = []
    for level in levels:
        for seed in seeds:
            swap(pair, level, seed)
            found.append(_judged(pair))
    return found


def lay_out_clean(pair: Pair) -> None:
    """Make MIXED the clean table."""
    _mix(pair, pair.table.qualified_name, dict.fromkeys(pair.columns, 0.0), 0, with_batch=True)


def swap(pair: Pair, level: float, seed: int) -> None:
    """Make MIXED the clean table with a share of its cells taken from another row."""
    others = ", ".join(
        f"coalesce(lead({column}) over shuffled_{number}, first_value({column}) over shuffled_{number}) as {column}"
        for number, column in enumerate(pair.columns)
    )
    windows = ", ".join(
        f"shuffled_{number} as (order by md5('{seed}|{column}|' || _row))" for number, column in enumerate(pair.columns)
    )
    pair.connection.execute(f"create or replace table {SWAPPED} as select {others}, _row from {CLEAN} window {windows}")
    _mix(pair, SWAPPED, dict.fromkeys(pair.columns, level), seed, with_batch=True)


def _point(pair: Pair, spoilt: str, levels: Mapping[str, float], seed: int) -> Point:
    _mix(pair, spoilt, levels, seed)
    return _judged(pair)


def _judged(pair: Pair) -> Point:
    """Q of MIXED, with nothing measured by the platform, and its share of right cells."""
    results = evaluate(pair.connection, MIXED, pair.suite.expectations, RUN)
    vector = quality_vector(results, PlatformMetrics(), beta_set())
    return Point(_right_share(pair), vector.quality)


def _mix(pair: Pair, spoilt: str, levels: Mapping[str, float], seed: int, *, with_batch: bool = False) -> None:
    """A cell's luck hangs on seed, row and column alone: what is wrong at one level stays so at every higher one.

    with_batch: so that failing rows can be named; where Q alone is wanted, naming them would only take time.
    """
    place = f"'{pair.batch.batch}' as _batch, _row" if with_batch else "_row"
    cells = ", ".join(
        f"case when md5_number_lower('{seed}|{column}|' || _row) / 18446744073709551616.0 < {level} "
        f"then spoilt.{column} else clean.{column} end as {column}"
        for column, level in levels.items()
    )
    pair.connection.execute(
        f"create or replace table {MIXED.qualified_name} as select {cells}, {place} "
        f"from {spoilt} as spoilt inner join {CLEAN} as clean using (_row)"
    )


def _right_share(pair: Pair) -> float:
    """Cells equal to the clean file's, of all cells."""
    equal = " + ".join(f"count_if(mixed.{column} is not distinct from clean.{column})" for column in pair.columns)
    (share,) = pair.connection.execute(
        f"select ({equal}) / (count(*) * {len(pair.columns)}) "
        f"from {MIXED.qualified_name} as mixed inner join {CLEAN} as clean using (_row)"
    ).fetchone() or (0.0,)
    return float(share)
