"""Raw load of CSV.gz against DuckDB's own read_csv into a table."""

import sys
import tempfile
from pathlib import Path

from bench.data import trip_files
from bench.figures import Figure
from bench.homes import environment_of
from bench.measuring import Measured, measured, median_seconds

TARGET_RATIO = 2.0

COLLECT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from orchestration.declarations import declarations
from vault.collection import collect
from vault.home import Home, prepare, settings_from
from vault.keys import create_master_key
from vault.landing import scan
from vault.layers import connect, open_vault
from vault.ledger import prepare_ledger
root, folder = Path(sys.argv[1]), Path(sys.argv[2])
home, known = Home(root), declarations().sources
prepare(home)
create_master_key(home)
vault = open_vault(home, settings_from({}))
with connect(vault, write="raw") as connection:
    prepare_ledger(connection, known, "00" * 32)
(home.landing / "taxi_trips").mkdir()
for file in sorted(folder.iterdir()):
    (home.landing / "taxi_trips" / file.name).hardlink_to(file)
outcomes = list(collect(vault, known["taxi_trips"], scan(home, known), datetime.now(UTC)))
assert not [outcome for outcome in outcomes if outcome.reason], outcomes
"""

READ_CSV = """
import sys, duckdb
file, pattern = sys.argv[1:]
connection = duckdb.connect(file)
connection.execute(f"create table trips as select * from read_csv('{pattern}', all_varchar = true)")
connection.close()
"""


def load_figures(sizes: tuple[int, ...], repeats: int) -> list[Figure]:
    """One ratio for each number of trips. Both sides read the same monthly CSV.gz files as text into one table.

    Ours also keeps and encrypts the received bytes, numbers and counts every row, and encrypts the table.
    """
    return [_figure(rows, repeats) for rows in sizes]


def _figure(rows: int, repeats: int) -> Figure:
    with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
        root = Path(folder)
        trip_files(root / "trips", rows)
        ours, theirs = [], []
        for number in range(repeats):
            ours.append(_collected(root / f"home{number}", root / "trips"))
            theirs.append(_read_csv(root / f"plain{number}.duckdb", root / "trips"))
    details = (
        f"collection {median_seconds(ours):.1f} s, read_csv {median_seconds(theirs):.1f} s, median of {repeats}; ours "
        "keeps the received bytes, numbers and counts every row and encrypts both"
    )
    ratio = median_seconds(ours) / median_seconds(theirs)
    return Figure("load", f"raw load / read_csv, {rows / 1e6:g} M trips", ratio, "x", TARGET_RATIO, details)


def _collected(home: Path, trips: Path) -> Measured:
    return measured((sys.executable, "-c", COLLECT, str(home), str(trips)), environment_of(home))


def _read_csv(file: Path, trips: Path) -> Measured:
    return measured((sys.executable, "-c", READ_CSV, str(file), f"{trips}/*.csv.gz"), {})
