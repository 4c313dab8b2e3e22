"""What a person waits for: the first run, the definitions, the sample files."""

import sys
import tempfile
from pathlib import Path

from bench.figures import Figure, gibibytes
from bench.homes import JINKU, environment_of
from bench.measuring import measured, median_seconds, peak_bytes

RUN_TARGET_SECONDS = 60.0
DEFINITIONS_TARGET_SECONDS = 5.0
SAMPLES_TARGET_SECONDS = 60.0
DEFINITIONS = (
    "import sys; from orchestration.definitions import defs; defs(); sys.exit('great_expectations' in sys.modules)"
)
TRIPS = (
    "import sys; from pathlib import Path; from bench.data import trip_files; "
    "trip_files(Path(sys.argv[1]), int(sys.argv[2]))"
)


def run_figures(repeats: int) -> list[Figure]:
    """`make run` after set-up, on the default sample."""
    with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
        homes = [Path(folder) / str(number) for number in range(repeats)]
        runs = [measured((*JINKU, "run"), environment_of(home)) for home in homes]
    details = f"median of {repeats}; from samples to prices and releases; {gibibytes(peak_bytes(runs))}"
    return [Figure("run", "make run, default sample", median_seconds(runs), "s", RUN_TARGET_SECONDS, details)]


def definitions_figures(repeats: int) -> list[Figure]:
    """A process that loads the definitions, dbt project parsed before, and ends."""
    with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
        environment = environment_of(Path(folder))
        measured((sys.executable, "-c", DEFINITIONS), environment)
        runs = [measured((sys.executable, "-c", DEFINITIONS), environment) for _ in range(repeats)]
    details = f"median of {repeats}, from the start of Python; Great Expectations is not imported"
    return [Figure("definitions", "load", median_seconds(runs), "s", DEFINITIONS_TARGET_SECONDS, details)]


def sample_figures(rows: int) -> list[Figure]:
    """Writing trips with defects and truth as monthly CSV.gz files."""
    with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
        run = measured((sys.executable, "-c", TRIPS, folder, str(rows)), {})
    details = f"{gibibytes(run.peak_memory_bytes)}; the target is for 10 M trips"
    name = f"sample files of {rows / 1e6:g} M trips"
    return [Figure("samples", name, run.wall_seconds, "s", SAMPLES_TARGET_SECONDS, details)]
