"""The black box: durable appends against bare commits of the same database, appends in batches, and verification."""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from bench.figures import Figure, gibibytes
from bench.measuring import measured, peak_bytes

ENTRIES = 1_000_000
SINGLE_TARGET_RATIO, BATCH_TARGET_MICROSECONDS, VERIFY_TARGET_SECONDS = 5.0, 100.0, 20.0
"""A fifth of the rate of bare commits, ten thousand entries a second."""

OPENED = """
import json, sqlite3, statistics, sys, time
from datetime import UTC, datetime
from pathlib import Path
from vault.black_box.entries import Event
from vault.black_box.recording import recording
from vault.home import Home, prepare, settings_from
from vault.keys import create_master_key
from vault.layers import open_vault
from vault.registry.database import registry_path
home, now = Home(Path(sys.argv[1])), datetime(2026, 11, 24, tzinfo=UTC)
prepare(home)
create_master_key(home)
vault = open_vault(home, settings_from({}))
def event(number):
    payload = {"outcome": "pass", "rows": number, "share": number / 7}
    return Event("check", f"components/zone_hourly_mobility/{number % 50}", payload, "jinku")
with recording(vault, now) as record:
    record.log_many([event(0)])
"""

SINGLE = (
    OPENED
    + """
rounds, each = 20, 100
bare = sqlite3.connect(registry_path(home), isolation_level=None)
for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on"):
    bare.execute(f"pragma {pragma}")
bare.execute("create table bare (id integer primary key, content text)")
content, bare_seconds, append_seconds = json.dumps(event(1).payload), [], []
for _ in range(rounds):
    started = time.perf_counter()
    for _ in range(each):
        bare.execute("begin immediate")
        bare.execute("insert into bare (content) values (?)", (content,))
        bare.execute("commit")
    between = time.perf_counter()
    for number in range(each):
        with recording(vault, now) as record:
            record.log_many([event(number)])
    bare_seconds.append((between - started) / each)
    append_seconds.append((time.perf_counter() - between) / each)
print(json.dumps({"bare": statistics.median(bare_seconds), "append": statistics.median(append_seconds)}))
"""
)

BATCH = (
    OPENED
    + """
count, together = int(sys.argv[2]), 50_000
started = time.perf_counter()
for first in range(1, count, together):
    with recording(vault, now) as record:
        record.log_many([event(number) for number in range(first, min(first + together, count))])
print(json.dumps(time.perf_counter() - started))
"""
)

VERIFY = """
import json, sys, time
from pathlib import Path
from vault.black_box.verification import verify_home
from vault.home import Home
started = time.perf_counter()
found = verify_home(Home(Path(sys.argv[1])))
assert found.is_whole and found.entries == int(sys.argv[2]), found
print(json.dumps(time.perf_counter() - started))
"""


def black_box_figures(repeats: int) -> list[Figure]:
    """How many bare commits a durable append takes, microseconds of an entry in a batch, seconds to verify a log."""
    singles, batched, verified = [], [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
            single, many = str(Path(folder) / "single"), str(Path(folder) / "many")
            singles.append(json.loads(measured((sys.executable, "-c", SINGLE, single), {}).output))
            batched.append(float(measured((sys.executable, "-c", BATCH, many, str(ENTRIES)), {}).output))
            verified.append(measured((sys.executable, "-c", VERIFY, many, str(ENTRIES)), {}))
    ratio = statistics.median(run["append"] / run["bare"] for run in singles)
    append, bare = (statistics.median(run[name] for run in singles) for name in ("append", "bare"))
    batch_seconds = statistics.median(batched)
    return [
        Figure(
            "black_box",
            "single durable append / bare one-row commit",
            ratio,
            "x",
            SINGLE_TARGET_RATIO,
            f"median of {repeats}; {1 / append:,.0f} appends/s, each with its signed checkpoint in the witness, and "
            f"{1 / bare:,.0f} bare commits/s of the same database, in turn: {1 / ratio:.0%} of their rate",
        ),
        Figure(
            "black_box",
            "entry appended in a batch",
            batch_seconds / ENTRIES * 1e6,
            "µs",
            BATCH_TARGET_MICROSECONDS,
            f"median of {repeats}; {ENTRIES / batch_seconds:,.0f} entries/s, 50,000 in a transaction",
        ),
        Figure(
            "black_box",
            f"verify {ENTRIES:,} entries",
            statistics.median(float(run.output) for run in verified),
            "s",
            VERIFY_TARGET_SECONDS,
            f"median of {repeats}; entries, payloads, tree, checkpoints and witness; {gibibytes(peak_bytes(verified))}",
        ),
    ]
