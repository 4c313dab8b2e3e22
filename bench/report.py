"""The report of the benchmarks: a table in the terminal, a page and a JSON file for comparing."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Figure

SECTIONS = {
    "run": "The first run",
    "definitions": "Loading the definitions",
    "samples": "Sample files",
    "refresh": "Whole run against bare dbt build",
    "load": "Raw load against read_csv",
    "quality": "Quality",
    "density": "Density",
    "valuation": "Valuation",
    "privacy": "Privacy",
    "black_box": "Black box",
    "review": "Security review",
    "market": "The market",
    "scale": "Growth",
}
PACKAGES = ("dagster", "dbt-core", "duckdb", "great-expectations", "ibis-framework")


def machine() -> dict[str, str]:
    """What the figures were measured on; nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return {
        "machine": f"{os.cpu_count()} cores ({model}), {memory / 2**30:.0f} GiB, {platform.system()}",
        "versions": f"Python {platform.python_version()}, {packages}",
    }


def merged(path: Path, figures: Sequence[Figure], today: date) -> dict[str, Any]:
    """The figures beside those of other sections measured earlier, each section with its own circumstances."""
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for section in {figure.section for figure in figures}:
        own = [figure.as_json() for figure in figures if figure.section == section]
        known[section] = {
            "date": today.isoformat(),
            **machine(),
            "load_average": round(os.getloadavg()[0], 1),
            "figures": own,
        }
    return {section: known[section] for section in SECTIONS if section in known}


def write(folder: Path, figures: Sequence[Figure], today: date) -> None:
    """folder/benchmarks.json and folder/benchmarks.md."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = merged(folder / "benchmarks.json", figures, today)
    (folder / "benchmarks.json").write_text(json.dumps(sections, indent=1) + "\n")
    (folder / "benchmarks.md").write_text(_page(sections))


def show(console: Console, figures: Sequence[Figure]) -> None:
    """A table of this run's figures."""
    table = Table("figure", box=None, pad_edge=False, header_style="bold")
    for name in ("measured", "target"):
        table.add_column(name, justify="right")
    for name in ("verdict", "from"):
        table.add_column(name)
    for figure in figures:
        colour = {"met": "green", "missed": "red", "told": "white"}[figure.verdict]
        table.add_row(
            figure.name,
            _amount(figure.value, figure.unit),
            _target(figure.as_json()),
            f"[{colour}]{figure.verdict}[/]",
            figure.details,
        )
    console.print(table)


def _page(sections: dict[str, Any]) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Ratios are between two things measured in turn in one run on one machine; times",
        "alone depend on the machine named beside them.",
    ]
    for section, found in sections.items():
        lines += ["", f"## {SECTIONS[section]}", ""]
        circumstances = "; ".join(str(found[name]) for name in ("date", "machine", "versions"))
        lines += [f"{circumstances}; load average at the end {found['load_average']}.", ""]
        lines += ["| figure | measured | target | verdict | from |", "|---|---|---|---|---|"]
        lines += [
            f"| {figure['name']} | {_amount(figure['value'], figure['unit'])} | {_target(figure)} "
            f"| {figure['verdict']} | {figure['details']} |"
            for figure in found["figures"]
        ]
    return "\n".join(lines) + "\n"


def _amount(value: float, unit: str) -> str:
    return f"{value:.2f}{unit}" if unit == "x" else f"{value:.2f} {unit}"


def _target(figure: dict[str, Any]) -> str:
    return "" if figure["target"] is None else f"at most {_amount(figure['target'], figure['unit'])}"
