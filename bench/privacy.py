"""Privacy: k, l, t and the three risks of a table of persons, against pycanon on a frame of the same rows."""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.figures import Figure, gibibytes
from bench.measuring import Measured, measured, peak_bytes

ROWS, MANY_ROWS = 1_000_000, 10_000_000
SECONDS_TARGET, MANY_SECONDS_TARGET, MANY_GIBIBYTES_TARGET = 1.0, 10.0, 4.0
RATIO_TARGET = 0.01
"""Ours / pycanon: at least a hundred times as fast."""
PYCANON = "pycanon==1.3.6"

TABLE = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
connection.execute(f'''
    create table people as
    with drawn as (
        select
            (hash(i) % 1000003)::bigint as a, (hash(i + 10000000000) % 1000003)::bigint as b,
            (hash(i + 20000000000) % 1000003)::bigint as c, (hash(i + 30000000000) % 1000003)::bigint as d,
            (hash(i + 40000000000) % 1000003)::bigint as e
        from range({sys.argv[2]}) numbers(i)
    )
    select
        ['0-17', '18-34', '35-49', '50-64', '65+'][1 + a % 5] as age_band, ['male', 'female'][1 + b % 2] as sex,
        '4403' || (3 + c % 9) as district_code,
        ['none', 'primary', 'secondary', 'college', 'bachelor'][1 + d % 5] as education,
        'occupation ' || (e % 8) as occupation, (1 + a // 5 % 5)::int as household_size,
        chr((65 + b // 2 % 100 * (b // 2 % 100) // 1000)::int) as diagnosis_chapter
    from drawn
''')
"""

COLUMNS = """
QUASI = ["age_band", "sex", "district_code", "education", "occupation", "household_size"]
SENSITIVE = "diagnosis_chapter"
"""

OURS = (
    COLUMNS
    + """
import json, sys, time, duckdb
from review.result.classes import risks
from review.result.microdata import SensitiveColumn, measure_microdata
from vault.ibis_tables import ibis_table
with duckdb.connect(config={"memory_limit": "3GB", "threads": 2}) as connection:
    connection.execute(f"attach '{sys.argv[1]}' as city (read_only)")
    table, seconds = ibis_table(connection, "city", "main", "people"), []
    for each in (table.limit(10), table):
        started = time.perf_counter()
        found = measure_microdata(each, QUASI, [SensitiveColumn(SENSITIVE)], recursive_l=3)
        three = risks(found.sizes, None)
        seconds.append(time.perf_counter() - started)
(of_column,) = found.sensitive
l = [of_column.distinct_l, int(of_column.entropy_l + 1e-9)]
print(json.dumps([*seconds, found.sizes.smallest, *l, of_column.t, found.sizes.classes]))
"""
)

BY_PYCANON = (
    COLUMNS
    + """
import json, sys, time, duckdb
sys.path.insert(0, sys.argv[2])
from pycanon.anonymity import entropy_l_diversity, k_anonymity, l_diversity, t_closeness
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    frame = connection.sql("select * from people").df()
started = time.perf_counter()
found = [k_anonymity(frame, QUASI)]
found += [measure(frame, QUASI, [SENSITIVE]) for measure in (l_diversity, entropy_l_diversity, t_closeness)]
print(json.dumps([time.perf_counter() - started, *map(float, found)]))
"""
)


def privacy_figures(repeats: int) -> list[Figure]:
    """Seconds for a million and for ten million rows, each run in a process of its own, and the ratio to pycanon."""
    with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
        file, large = f"{folder}/people.duckdb", f"{folder}/many.duckdb"
        measured((sys.executable, "-c", TABLE, file, str(ROWS)), {})
        measured((sys.executable, "-c", TABLE, large, str(MANY_ROWS)), {})
        ours = [measured((sys.executable, "-c", OURS, file), {}) for _ in range(repeats)]
        many = [measured((sys.executable, "-c", OURS, large), {}) for _ in range(repeats)]
        theirs = _by_pycanon(file, Path(folder))
    imported, seconds = (statistics.median(_told(run)[place] for run in ours) for place in (0, 1))
    many_seconds, peak = statistics.median(_told(run)[1] for run in many), peak_bytes(many)
    words = f"{ROWS / 1e6:g} M rows, 6 quasi-identifiers, {_told(ours[0])[6]:,} classes, on 2 threads"
    name = "k, l, t and the three risks"
    figures = [
        Figure(
            "privacy",
            f"{name}, {ROWS / 1e6:g} M rows",
            seconds,
            "s",
            SECONDS_TARGET,
            f"median of {repeats}; {words}; ten rows before them {imported:.2f} s, imports included",
        ),
        Figure(
            "privacy",
            f"{name}, {MANY_ROWS / 1e6:g} M rows",
            many_seconds,
            "s",
            MANY_SECONDS_TARGET,
            f"median of {repeats}; {gibibytes(peak)}, Python included",
        ),
        Figure(
            "privacy", f"memory for {MANY_ROWS / 1e6:g} M rows", peak / 2**30, "GiB", MANY_GIBIBYTES_TARGET, "the most"
        ),
    ]
    if theirs is None:
        told = f"not measured: {PYCANON} could not be installed"
        return [*figures, Figure("privacy", "against pycanon", 0.0, "x", None, told)]
    their_seconds, *values = _told(theirs)
    k_and_l, t = _told(ours[0])[2:5], _told(ours[0])[5]
    assert values[:3] == k_and_l and abs(values[3] - t) < 1e-9, "other values than pycanon"
    told = (
        f"{their_seconds:.0f} s by pycanon for k, distinct and entropy l, and t on a frame that is loaded already, "
        f"{their_seconds / seconds:.0f} times ours; the values are the same"
    )
    return [*figures, Figure("privacy", "against pycanon", seconds / their_seconds, "x", RATIO_TARGET, told)]


def _by_pycanon(file: str, folder: Path) -> Measured | None:
    """The same by pycanon, which is installed for this alone; None where it cannot be."""
    target = str(folder / "pycanon")
    command = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, PYCANON)
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        return None
    return measured((sys.executable, "-c", BY_PYCANON, file, target), {})


def _told(run: Measured) -> list[float]:
    """What a process printed."""
    found: list[float] = json.loads(run.output.strip().splitlines()[-1])
    return found
