"""Density: the entropy of a record by its dependence tree, against hand-written SQL and against numpy on a frame."""

import json
import statistics
import sys
import tempfile

from bench.figures import Figure, gibibytes
from bench.measuring import Measured, measured, peak_bytes

ROWS = 10_000_000
RATIO_TARGET = 1.2

TABLE = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
connection.execute(f'''
    create table trips as
    with drawn as (
        select i, hash(i) % 1000 as a,
            hash(i + 10000000000) % 100000 / 1e5 as b, hash(i + 20000000000) % 100000 / 1e5 as c,
            sqrt(-2 * ln(1 - hash(i + 30000000000) % 1000000007 / 1000000007.0))
                * cos(6.283185307179586 * (hash(i + 40000000000) % 1000000009) / 1000000009.0) as g
        from range({sys.argv[2]}) numbers(i)
    )
    select
        ['Manhattan', 'Brooklyn', 'Queens', 'Bronx', 'Staten Island', 'EWR'][1 + (b * b * 5.99)::int % 6] as borough,
        'taxi_zone:' || (1 + (b * b * 5.99)::int % 6 * 40 + a % 40) as zone_id,
        ['card', 'cash', 'no_charge', 'other'][1 + (c * c * 3.99)::int % 4] as payment,
        ['workday', 'weekend'][1 + (a % 7 > 4)::int] as day_type,
        ['clear', 'rain', 'snow', 'fog'][1 + i % 365 % 4] as weather,
        ['spring', 'summer', 'autumn', 'winter'][1 + (i % 365 // 92)] as season,
        (a % 7)::int as iso_weekday, (6 + c * 14 + a % 5)::int % 24 as pickup_hour, (2010 + a % 12)::int as pickup_year,
        case when hash(i + 1) % 20 = 0 then null else (a % 6)::int end as passengers, 1 + (b * c * 300)::int as route,
        b < 0.1 as airport, c < 0.3 as shared, date '2018-01-01' + (i % 365)::int as pickup_day,
        exp(g * 0.7 + 0.8) as distance_km, 3 + exp(g * 0.7 + 0.8) * 2.1 + b as fare_usd,
        exp(g * 0.7 + 0.8) * 2.5 + c * 4 as duration_minutes,
        case when hash(i + 2) % 10 = 0 then null else 20 + g * 7 end as speed_kmh,
        case when c < 0.5 then b * 2 else 0.0 end as tip_usd, 10 + 12 * sin(i % 365 / 58.0) + g as temperature_c
    from drawn
''')
"""

COLUMNS = """
CODED = ("iso_weekday", "pickup_hour", "pickup_year", "passengers", "route")
NUMBERS = ("distance_km", "fare_usd", "duration_minutes", "speed_kmh", "tip_usd", "temperature_c")
VALUES = ("borough", "zone_id", "payment", "day_type", "weather", "season", *CODED, "airport", "shared", "pickup_day")
NAMES = (*VALUES, *NUMBERS)
LIMITS = {"memory_limit": "3GB", "threads": 2}
"""

OURS = (
    COLUMNS
    + """
import json, sys, time, duckdb
from vault.contract import Column
from vault.ibis_tables import ibis_table
from vault.measures import measure
def column(name):
    kind = {"airport": "boolean", "shared": "boolean", "pickup_day": "date"} | dict.fromkeys(CODED, "integer")
    number = {"logicalType": "number", "role": "measure"}
    value = {"logicalType": kind.get(name, "string"), "role": "timestamp" if name == "pickup_day" else "attribute"}
    return Column.model_validate({"name": name, "description": "-", **(number if name in NUMBERS else value)})
with duckdb.connect(config=LIMITS) as connection:
    connection.execute(f"attach '{sys.argv[1]}' as city (read_only)")
    started = time.monotonic()
    found = measure(ibis_table(connection, "city", "main", "trips"), [column(name) for name in NAMES], seed="bench")
    seconds = time.monotonic() - started
print(json.dumps([seconds, found.entropy.bits]))
"""
)

BY_HAND = (
    COLUMNS
    + """
import json, sys, time, duckdb
from itertools import combinations
with duckdb.connect(config=LIMITS) as connection:
    connection.execute(f"attach '{sys.argv[1]}' as city (read_only)")
    levels = {
        name: connection.execute(f"select quantile_cont({name}, [0.25, 0.5, 0.75]) from city.trips").fetchone()[0]
        for name in NUMBERS
    }
    bins = ", ".join(
        f"greatest(least(floor(({name} - {middle!r}) / {(high - low) / 8!r}), 31), -32)::tinyint as {name}"
        for name, (low, middle, high) in levels.items()
    )
    groups = [f"select count(*)::double as n from binned group by {name}" for name in NAMES]
    groups += [f"select count(*)::double as n from binned group by {a}, {b}" for a, b in combinations(NAMES, 2)]
    entropy = "select log2(sum(n)) - sum(n * log2(n)) / sum(n)"
    entropies = " union all ".join(f"{entropy} from ({group})" for group in groups)
    started = time.monotonic()
    found = connection.execute(
        f"with binned as materialized (select {', '.join(VALUES)}, {bins} from city.trips) {entropies}"
    ).fetchall()
    seconds = time.monotonic() - started
print(json.dumps([seconds, len(found)]))
"""
)

ON_A_FRAME = (
    COLUMNS
    + """
import json, sys, time, duckdb
from itertools import combinations
import numpy as np
from pricing.density import ColumnEntropy, PairEntropy, chow_liu
from pricing.discretisation import Quantiles, default_binning
from pricing.entropy import plug_in
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    frame = connection.sql("select * from trips").to_arrow_table()
started = time.monotonic()
def codes_of(name):
    filled = np.array(frame[name].is_valid())
    if name in NUMBERS:
        values = frame[name].to_numpy()[filled]
        levels = map(float, np.quantile(values, [0.001, 0.25, 0.5, 0.75, 0.999]))
        numbers = default_binning(Quantiles(*levels, distinct_values=65)).bins(values).astype(np.int64) + 33
    else:
        numbers = frame[name].combine_chunks().dictionary_encode().indices.drop_null().to_numpy().astype(np.int64) + 1
    codes = np.zeros(len(filled), dtype=np.int64)
    codes[filled] = numbers
    return codes
codes = {name: codes_of(name) for name in NAMES}
rows, most = frame.num_rows, {name: int(each.max()) + 1 for name, each in codes.items()}
columns = []
for name in NAMES:
    counts = np.bincount(codes[name])[1:]
    columns.append(ColumnEntropy(name, plug_in(counts), 1 - int(counts.sum()) / rows))
pairs = []
for a, b in combinations(NAMES, 2):
    table = np.bincount(codes[a] * most[b] + codes[b], minlength=most[a] * most[b]).reshape(most[a], most[b])[1:, 1:]
    parts = plug_in(table.sum(axis=1)), plug_in(table.sum(axis=0)), plug_in(table.ravel())
    pairs.append(PairEntropy(a, b, *parts, 1 - int(table.sum()) / rows))
print(json.dumps([time.monotonic() - started, chow_liu(columns, pairs).bits]))
"""
)


def density_figures(repeats: int, rows: int = ROWS) -> list[Figure]:
    """All figures of density; each side in a process of its own, timed from the opened table on."""
    with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
        file = f"{folder}/trips.duckdb"
        measured((sys.executable, "-c", TABLE, file, str(rows)), {})
        ours, by_hand = [], []
        for _ in range(repeats):
            ours.append(measured((sys.executable, "-c", OURS, file), {}))
            by_hand.append(measured((sys.executable, "-c", BY_HAND, file), {}))
        frame = measured((sys.executable, "-c", ON_A_FRAME, file), {})
    bits, frame_bits = _told(ours[0])[1], _told(frame)[1]
    assert abs(bits - frame_bits) < 1e-6, f"other bits than numpy: {bits}, {frame_bits}"
    seconds, hand_seconds = (statistics.median(_told(run)[0] for run in runs) for runs in (ours, by_hand))
    peak, frame_seconds = peak_bytes(ours), _told(frame)[0]
    hand_words = (
        f"{seconds:.1f} s against {hand_seconds:.1f} s, median of {repeats}, on 2 threads; "
        f"the query only groups, by bins that it was told; {gibibytes(peak_bytes(by_hand))}"
    )
    frame_words = (
        f"{frame_seconds:.1f} s and {gibibytes(frame.peak_memory_bytes)} with bincounts on a frame that is loaded "
        f"already; {seconds:.1f} s and {gibibytes(peak)} in the database; the bits are the same"
    )
    name = f"entropy of 20 columns, {rows / 1e6:g} M rows"
    return [
        Figure("density", f"{name} / 210 GROUP BYs", seconds / hand_seconds, "x", RATIO_TARGET, hand_words),
        Figure("density", f"{name}, peak memory", peak / 2**30, "GiB", None, "Python and Ibis included"),
        Figure("density", f"{name} / numpy", seconds / frame_seconds, "x", None, frame_words),
    ]


def _told(run: Measured) -> tuple[float, float]:
    """The seconds and the result that a process printed."""
    seconds, result = json.loads(run.output.strip().splitlines()[-1])
    return seconds, result
