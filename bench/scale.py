"""From files to products at 1, 10 and 30 million trips: seconds, peak memory, growth."""

import math
import tempfile
from pathlib import Path

from bench.data import city_with_trips
from bench.figures import Figure, gibibytes
from bench.homes import run_city
from bench.measuring import Measured

GROWTH_TARGET = 1.05
MEMORY_TARGET_GIBIBYTES = 4.0
"""The default of JINKU_MEMORY_LIMIT."""


def scale_figures(sizes: tuple[int, ...]) -> list[Figure]:
    """Seconds and memory of each size, and the exponent by which seconds grow with rows from first to last."""
    runs = {rows: _run(rows) for rows in sizes}
    figures = [
        Figure(
            "scale",
            f"peak memory, {rows / 1e6:g} M trips",
            run.peak_memory_bytes / 2**30,
            "GiB",
            MEMORY_TARGET_GIBIBYTES,
            f"{run.wall_seconds:.0f} s from files to products, {gibibytes(run.peak_memory_bytes)}",
        )
        for rows, run in runs.items()
    ]
    first, last = min(runs), max(runs)
    if first < last:
        growth = math.log(runs[last].wall_seconds / runs[first].wall_seconds) / math.log(last / first)
        words = f"seconds grow as rows to the power {growth:.2f} from {first / 1e6:g} to {last / 1e6:g} M trips"
        figures.append(Figure("scale", "growth", growth, "exponent", GROWTH_TARGET, words))
    return figures


def _run(rows: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
        city_with_trips(Path(folder) / "data", rows)
        return run_city(Path(folder) / "home", Path(folder) / "data")
