"""A city with one noisy component, run for real: it is released with its noise, the same again costs nothing, and where
the budget of the year is spent the run is red and what was there stays."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.builders import SMALL, copy_of, jinku, opened, project_copy, rows
from tests.orchestration.noisy import CELLS, NAME, declare
from vault.disclosure.budgets import Loss, Query, reserve, spent
from vault.disclosure.draws import draw_of
from vault.home import Home
from vault.registry.database import open_registry
from vault.releases.reading import find_release, read_datasheet, table_files
from vault.releases.register import latest_refusals, latest_releases

pytestmark = pytest.mark.faults  # three runs of a whole city
LIMIT = Loss(Decimal(4), Decimal("0.000001"))


@dataclass(frozen=True)
class NoisyCity:
    home: Path
    project: Path

    def run(self) -> tuple[int, str]:
        finished = jinku(self.home, "run", *SMALL, project=self.project)
        return finished.returncode, finished.stdout + finished.stderr

    def table(self) -> list[tuple[Any, ...]]:
        return rows(opened(self.home), f"select * from components.components.{NAME} order by 1", "components")

    def lost(self) -> Decimal:
        with open_registry(Home(self.home)).begin() as registry:
            return spent(registry, "residents", "person", datetime.now(UTC).year)[0]

    def released(self) -> str:
        with open_registry(Home(self.home)).begin() as registry:
            return latest_releases(registry)[NAME].release_id


@pytest.fixture(scope="module")
def noisy_city(city: Path, tmp_path_factory: pytest.TempPathFactory) -> NoisyCity:
    """Run once with the component; the tests of this module go on from there, one after the other."""
    root = tmp_path_factory.mktemp("noisy")
    found = NoisyCity(copy_of(city, root), project_copy(root / "project"))
    declare(found.project)
    status, told = found.run()
    assert status == 0, told
    return found


def test_what_is_released_is_noisy_and_says_so(noisy_city: NoisyCity) -> None:
    assert noisy_city.released() == f"{NAME}@1" and noisy_city.lost() == 1
    folder = find_release(Home(noisy_city.home).releases, f"{NAME}@1").path
    (file,) = table_files(folder)
    outside = duckdb.connect().execute(f"select * from read_parquet('{file}') order by 1").fetchall()
    assert outside == noisy_city.table() and len(outside) == 9
    datasheet = read_datasheet(folder)
    with open_registry(Home(noisy_city.home)).begin() as registry:
        assert draw_of(registry, NAME, datasheet["hashes"]["data"]) is not None
    claim = datasheet["contract"]["differentialPrivacy"]
    assert (claim["epsilon"], claim["unit"], claim["cellsPerUnit"]) == ("1", "person", 1)
    assert claim["figures"]["household_members"] == {
        "aggregate": "sum",
        "bounds": {"low": 0.0, "high": 12.0, "step": 1.0},
    }
    assert "person_id" not in str(datasheet)
    assert "most that it tells of one person" in (folder / "datasheet.html").read_text()
    assert jinku(noisy_city.home, "verify", f"{NAME}@1", project=noisy_city.project).returncode == 0


def test_a_second_run_over_the_same_residents_gives_the_same_bytes_and_spends_nothing(noisy_city: NoisyCity) -> None:
    before = noisy_city.table()
    model = noisy_city.project / "dbt_project" / "models" / "resource" / "person.sql"
    model.write_text(f"{model.read_text()}\n-- built anew, with what it had\n")
    status, told = noisy_city.run()
    assert status == 0 and "nothing to do" not in told, told
    assert noisy_city.table() == before and noisy_city.lost() == 1
    releases = [find_release(Home(noisy_city.home).releases, each) for each in (f"{NAME}@1", noisy_city.released())]
    assert len({read_datasheet(each.path)["hashes"]["data"] for each in releases}) == 1


def test_a_budget_that_is_spent_stops_the_component_with_its_cause(noisy_city: NoisyCity) -> None:
    before, release = noisy_city.table(), noisy_city.released()
    others = Query("others", "other_component", ("residents",), "person", Loss(Decimal(3)))
    with open_registry(Home(noisy_city.home)).begin() as registry:
        reserve(registry, others, LIMIT, datetime.now(UTC))
    declare(noisy_city.project, differentialPrivacy={"cells": CELLS, "epsilon": 0.5})
    status, told = noisy_city.run()
    assert status == 1 and "not all built" in told
    assert "privacy_budget_spent: epsilon 4 of 4" in told and "source residents, unit person" in told
    assert noisy_city.table() == before and noisy_city.lost() == 4 and noisy_city.released() == release
    with open_registry(Home(noisy_city.home)).begin() as registry:
        assert NAME not in latest_refusals(registry), "it was not reviewed, so it was not refused"
