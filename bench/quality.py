"""Quality: expectations against hand-written SQL and a pandas frame, what it adds to a run, and a long history."""

import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import sqlalchemy as sa

from bench.figures import Figure, gibibytes
from bench.homes import run_parts
from bench.measuring import measured, peak_bytes
from expectations import history
from expectations.pages import write_overview_of
from expectations.weights import beta_set
from pricing.quality import DIMENSIONS

ROWS = 10_000_000
RATIO_TARGET, MEMORY_TARGET_GIBIBYTES = 3.0, 2.0
OVERHEAD_TARGET_SECONDS, OVERVIEW_TARGET_SECONDS = 15.0, 2.0
ASSETS, RUNS = 35, 1000

TABLE = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
connection.execute(f'''
    create schema base;
    create table base.trips as
    select md5(i::varchar) as trip_id, case when i % 97 = 0 then null else i % 6 end as passengers,
        (hash(i) % 4000) / 100 - 0.1 as distance_km, 3 + (hash(i + 1) % 9000) / 100 as fare_usd,
        ['card', 'cash', 'no_charge', 'other'][1 + (hash(i + 2) % 40 // 13)::int] as payment,
        timestamp '2018-01-01' + interval (i % 31536000) second as picked_up_at,
        timestamp '2018-01-01' + interval (i % 31536000 + 60 * (hash(i) % 60)) second as dropped_off_at,
        (1 + hash(i + 3) % 265)::int as zone_id
    from range({sys.argv[2]}) numbers(i)
''')
"""

EXPECTATIONS = """
from vault.contract import Expectation
def expect(type_name, **arguments):
    return Expectation.model_validate({"type": type_name, "arguments": arguments, "reason": "a figure"})
SUITE = (
    expect("expect_column_values_to_not_be_null", column="trip_id"),
    expect("expect_column_values_to_not_be_null", column="passengers"),
    expect("expect_column_values_to_be_between", column="passengers", min_value=1, max_value=6),
    expect("expect_column_values_to_be_between", column="distance_km", min_value=0, max_value=100),
    expect("expect_column_values_to_be_between", column="fare_usd", min_value=2.5, max_value=500),
    expect("expect_column_values_to_be_in_set", column="payment", value_set=["card", "cash", "no_charge"]),
    expect("expect_column_value_lengths_to_equal", column="trip_id", value=32),
    expect("expect_column_values_to_match_regex", column="trip_id", regex="^[0-9a-f]{32}$"),
    expect("expect_column_values_to_be_between", column="zone_id", min_value=1, max_value=263),
    expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="dropped_off_at", column_B="picked_up_at"),
    expect("expect_column_mean_to_be_between", column="fare_usd", min_value=1, max_value=100),
    expect("expect_table_row_count_to_be_between", min_value=1),
)
"""

OURS = (
    EXPECTATIONS
    + """
import json, sys, time, duckdb
from expectations.dialect import prepare_great_expectations
from expectations.engine import TableUnderTest, evaluate
prepare_great_expectations()
with duckdb.connect(config={"memory_limit": "1500MB"}) as connection:
    connection.execute(f"attach '{sys.argv[1]}' as warehouse (read_only)")
    started = time.monotonic()
    results = evaluate(connection, TableUnderTest("base/trips", "warehouse", "base", "trips"), SUITE, "bench")
    seconds = time.monotonic() - started
assert not [each for each in results if each.status == "error"], results
print(json.dumps([seconds, [each.unexpected_count for each in results][:10]]))
"""
)

BY_HAND = """
import json, sys, time, duckdb
with duckdb.connect(config={"memory_limit": "1500MB"}) as connection:
    connection.execute(f"attach '{sys.argv[1]}' as warehouse (read_only)")
    started = time.monotonic()
    found = connection.execute('''
        select
            count(*) filter (trip_id is null),
            count(*) filter (passengers is null),
            count(*) filter (not passengers between 1 and 6),
            count(*) filter (not distance_km between 0 and 100),
            count(*) filter (not fare_usd between 2.5 and 500),
            count(*) filter (payment not in ('card', 'cash', 'no_charge')),
            count(*) filter (length(trip_id) <> 32),
            count(*) filter (not regexp_matches(trip_id, '^[0-9a-f]{32}$')),
            count(*) filter (not zone_id between 1 and 263),
            count(*) filter (not dropped_off_at > picked_up_at),
            avg(fare_usd),
            count(*)
        from warehouse.base.trips
    ''').fetchone()
    seconds = time.monotonic() - started
print(json.dumps([seconds, list(found)[:10]]))
"""

ON_A_FRAME = (
    EXPECTATIONS
    + """
import json, sys, time, duckdb
from expectations.dialect import prepare_great_expectations
prepare_great_expectations()
import great_expectations as gx
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.validator.validator import Validator
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    frame = connection.execute("select * from base.trips").df()
context = gx.get_context(mode="ephemeral")
asset = context.data_sources.add_pandas("frames").add_dataframe_asset("trips")
batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
validator = Validator(execution_engine=batch.data.execution_engine, batches=[batch], data_context=context)
started = time.monotonic()
results = validator.graph_validate(
    configurations=[ExpectationConfiguration(type=each.type, kwargs=dict(each.arguments)) for each in SUITE],
    runtime_configuration={"catch_exceptions": True, "result_format": {"result_format": "BASIC"}},
)
print(json.dumps([time.monotonic() - started, []]))
"""
)


def quality_figures(repeats: int, rows: int = ROWS) -> list[Figure]:
    """All figures of quality."""
    return [*_against_sql(repeats, rows), _overhead(repeats), _overview(repeats)]


def _against_sql(repeats: int, rows: int) -> list[Figure]:
    """Twelve expectations, timed from the opened table on; the import of Great Expectations is in the overhead."""
    with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
        file = f"{folder}/trips.duckdb"
        measured((sys.executable, "-c", TABLE, file, str(rows)), {})
        ours, theirs, memory = [], [], []
        for _ in range(repeats):
            ours_run = measured((sys.executable, "-c", OURS, file), {})
            hand_run = measured((sys.executable, "-c", BY_HAND, file), {})
            (seconds, counts), (hand_seconds, hand_counts) = _told(ours_run.output), _told(hand_run.output)
            assert counts == hand_counts, f"other counts than by hand: {counts}, {hand_counts}"
            ours.append(seconds)
            theirs.append(hand_seconds)
            memory.append(ours_run)
        frame_run = measured((sys.executable, "-c", ON_A_FRAME, file), {})
    (frame_seconds, _), seconds = _told(frame_run.output), statistics.median(ours)
    words = f"{seconds:.2f} s against {statistics.median(theirs):.2f} s, median of {repeats}; the counts are the same"
    frame_words = (
        f"{frame_seconds:.1f} s and {gibibytes(frame_run.peak_memory_bytes)} on a pandas frame that is loaded already; "
        f"{seconds:.2f} s and {gibibytes(peak_bytes(memory))} in the database"
    )
    name = f"12 expectations, {rows / 1e6:g} M rows"
    peak = peak_bytes(memory) / 2**30
    return [
        Figure("quality", f"{name} / one SQL pass", seconds / statistics.median(theirs), "x", RATIO_TARGET, words),
        Figure("quality", f"{name}, peak memory", peak, "GiB", MEMORY_TARGET_GIBIBYTES, "Python and GX included"),
        Figure("quality", f"{name} / GX on a pandas frame", seconds / frame_seconds, "x", None, frame_words),
    ]


def _told(output: str) -> tuple[float, list[int]]:
    seconds, counts = json.loads(output.strip().splitlines()[-1])
    return seconds, counts


def _overhead(repeats: int) -> Figure:
    """What judging every table adds to a first run: the import of Great Expectations, results, history and pages."""
    seconds = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
            whole = run_parts(Path(folder) / "whole", "samples", "quality", "valuation").wall_seconds
            bare = run_parts(Path(folder) / "bare", "samples", "valuation").wall_seconds
            seconds.append(whole - bare)
    words = f"a first run with 36 tables judged less the same run without, releases apart, median of {repeats}"
    overhead = statistics.median(seconds)
    return Figure("quality", "added to make run, default sample", overhead, "s", OVERHEAD_TARGET_SECONDS, words)


def _overview(repeats: int) -> Figure:
    """The overview of a long history."""
    with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
        engine = history.open_history(Path(folder))
        fill(engine, ASSETS, RUNS)
        seconds = []
        for _ in range(repeats):
            started = time.monotonic()
            write_overview_of(engine, Path(folder), SimpleNamespace(weights=beta_set()), datetime.now(UTC))
            seconds.append(time.monotonic() - started)
    words = f"median of {repeats}; {ASSETS} tables judged in each of {RUNS:,} runs, read from the history and written"
    took = statistics.median(seconds)
    return Figure("quality", f"overview of {RUNS:,} runs", took, "s", OVERVIEW_TARGET_SECONDS, words)


def fill(engine: sa.Engine, assets: int, runs: int) -> None:
    """A long history at once: recording it run by run would take minutes."""
    first = datetime(2026, 1, 1, tzinfo=UTC)
    layers = ("base", "resource", "components")
    heads = [
        {
            "evaluation_id": number + 1,
            "run_id": f"run-{number // assets}",
            "asset": f"{layers[number % assets % 3]}/table{number % assets}",
            "evaluated_at": (first + timedelta(hours=number // assets)).isoformat(timespec="microseconds"),
            "table_rows": 10_000,
            "gate_closed": number % 97 == 0,
        }
        for number in range(assets * runs)
    ]
    counted = {"refreshes_in_time": 8, "refreshes_due": 9, "reads_succeeded": 30, "reads_attempted": 30}
    scores = dict.fromkeys(DIMENSIONS, 0.9) | counted | {"metadata_filled": 9, "metadata_required": 9}
    vectors = [
        {
            "evaluation_id": head["evaluation_id"],
            "mode": "vector",
            "beta_set": beta_set().name,
            "quality": 0.81,
            **scores,
        }
        for head in heads
    ]
    with engine.begin() as connection:
        connection.execute(sa.insert(history.evaluations), heads)
        connection.execute(sa.insert(history.vectors), vectors)
