"""`python -m bench`: speed and memory as ratios, written to docs/benchmarks.md and docs/benchmarks.json."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.black_box import black_box_figures
from bench.density import density_figures
from bench.figures import Figure
from bench.load import load_figures
from bench.market_http import http_figures
from bench.market_pull import pull_figures
from bench.market_settlement import settlement_figures
from bench.measuring import PROJECT
from bench.privacy import privacy_figures
from bench.quality import quality_figures
from bench.refresh import refresh_figures
from bench.report import SECTIONS, show, write
from bench.review import review_figures
from bench.scale import scale_figures
from bench.start import definitions_figures, run_figures, sample_figures
from bench.valuation import valuation_figures

MILLION = 1_000_000


def main(
    only: Annotated[str, typer.Option(help=f"sections, joined by commas: {', '.join(SECTIONS)}")] = ",".join(SECTIONS),
    sizes: Annotated[str, typer.Option(help="millions of trips, joined by commas")] = "1,10,30",
    repeats: Annotated[int, typer.Option(help="runs of each side")] = 3,
    output: Annotated[Path, typer.Option(help="folder of the report")] = PROJECT / "docs",
) -> None:
    """Measure, show, and write the report; sections left out keep what was measured before."""
    console = Console()
    rows = tuple(round(float(size) * MILLION) for size in sizes.split(","))
    measures: dict[str, Callable[[], list[Figure]]] = {
        "run": lambda: run_figures(repeats),
        "definitions": lambda: definitions_figures(repeats),
        "samples": lambda: sample_figures(sorted(rows)[len(rows) // 2]),
        "refresh": lambda: refresh_figures(rows[:2], repeats),
        "load": lambda: load_figures(rows[:2], repeats),
        "quality": lambda: quality_figures(repeats),
        "density": lambda: density_figures(repeats),
        "valuation": lambda: valuation_figures(repeats),
        "privacy": lambda: privacy_figures(repeats),
        "black_box": lambda: black_box_figures(repeats),
        "review": lambda: review_figures(repeats),
        "market": lambda: [*settlement_figures(repeats), *http_figures(repeats), *pull_figures(repeats)],
        "scale": lambda: scale_figures(rows),
    }
    for section in only.split(","):
        if section not in measures:
            raise typer.BadParameter(f"'{section}' is none of {', '.join(measures)}")
    for section in only.split(","):
        with console.status(SECTIONS[section]):
            figures = measures[section]()
        show(console, figures)
        write(output, figures, datetime.now(UTC).date())


if __name__ == "__main__":
    typer.run(main)
