"""`python -m tests.cleaning.measure`: how well suites find errors, written into docs/quality.md."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from orchestration.declarations import declarations, refuse_faulty
from tests.builders import PROJECT, REAL_DATA
from tests.cleaning.figures import CityFigures, PairFigures, city_figures, pair_figures
from tests.cleaning.pairs import is_there
from tests.cleaning.report import city_section, order_section, pairs_section, swapped_section, with_section
from tests.cleaning.suites import PAIRS

PAGE = PROJECT / "docs" / "quality.md"


def main(
    page: Annotated[Path, typer.Option(help="the page whose sections are written anew")] = PAGE,
) -> None:
    """Measure and write; the sections of data that is not on this machine keep what they say."""
    console, known = Console(), declarations()
    refuse_faulty(known)
    today = datetime.now(UTC).date()
    if all(is_there(name) for name in PAIRS):
        with console.status("dirty and clean pairs"):
            pairs = [pair_figures(name) for name in PAIRS]
        _write(page, _pair_sections(pairs, today))
    else:
        console.print(f"{REAL_DATA} holds no dirty/clean pairs: their sections stay as they are")
    with console.status("the sample city"):
        city = city_figures(known)
    _write(page, _city_sections(city, today))
    console.print(f"written: {page}")


def _pair_sections(pairs: list[PairFigures], today: date) -> dict[str, str]:
    correlations = [each for pair in pairs for each in pair.correlations]
    return {
        "pairs": pairs_section(pairs, today),
        "swapped cells": swapped_section(pairs),
        "order of pairs": order_section(correlations),
    }


def _city_sections(city: CityFigures, today: date) -> dict[str, str]:
    return {"city": city_section(city, today), "order of the city": order_section(city.correlations)}


def _write(page: Path, sections: dict[str, str]) -> None:
    text = page.read_text("utf-8")
    for name, section in sections.items():
        text = with_section(text, name, section)
    page.write_text(text, "utf-8")


if __name__ == "__main__":
    typer.run(main)
