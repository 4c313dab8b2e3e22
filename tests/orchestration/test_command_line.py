"""What the person at the terminal reads."""

import os
from pathlib import Path

import pytest

from tests.builders import SMALL, copy_of, jinku, project_copy
from vault.errors import JinkuError
from vault.home import settings_from


def test_status_accounts_for_all_rows(city: Path) -> None:
    said = jinku(city, "status").stdout
    assert "0 of no known source" in said and "0 quarantined; rows:" in said


def test_status_names_files_that_belong_to_nobody(city: Path, tmp_path: Path) -> None:
    home = copy_of(city, tmp_path)
    (home / "landing" / "letter.txt").write_text("hello")
    said = jinku(home, "status").stdout
    assert "unclaimed letter.txt" in said and "known sources: air_quality, clinic_visits" in said


def test_status_of_nothing_says_what_to_do(tmp_path: Path) -> None:
    asked = jinku(tmp_path / "none", "status")
    assert asked.returncode == 1 and "no_city" in asked.stderr and "make run" in asked.stderr


def test_sources_lists_every_source_with_its_rows(city: Path) -> None:
    said = jinku(city, "sources").stdout
    assert "taxi_trips" in said and "12,000" in said and "residents" in said


def test_components_lists_components_and_products(city: Path) -> None:
    said = jinku(city, "components").stdout
    assert "zone_hourly_mobility" in said and "clinic_capacity_plan" in said and "not built" not in said


@pytest.mark.parametrize("name", ["subway_timetable", "resident_health_features", "air_exposure_index"])
def test_show_tells_all_of_one_declaration(city: Path, name: str) -> None:
    said = jinku(city, "show", name)
    assert said.returncode == 0 and name in said.stdout and "description" in said.stdout


def test_show_of_an_unknown_name_lists_the_known(city: Path) -> None:
    asked = jinku(city, "show", "taxi_tripz")
    assert asked.returncode == 1 and "unknown_name" in asked.stderr and "taxi_trips" in asked.stderr


def test_land_refuses_a_file_that_no_source_claims(city: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("hello")
    asked = jinku(copy_of(city, tmp_path), "land", str(letter))
    assert asked.returncode == 1 and "unknown_source" in asked.stderr and "hire_bases" in asked.stderr


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("JINKU_THREADS", "many"),
        ("JINKU_THREADS", "0"),
        ("JINKU_SETTLE_SECONDS", "-1"),
        ("JINKU_SETTLE_SECONDS", "nan"),
        ("JINKU_MEMORY_LIMIT", "a lot"),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, given: str
) -> None:
    monkeypatch.setenv(name, given)
    with pytest.raises(JinkuError, match=name) as refused:
        settings_from(os.environ)
    assert refused.value.code == "setting" and given in str(refused.value)


def test_errors_are_one_line_and_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINKU_THREADS", "many")
    asked = jinku(tmp_path / "home", "run", *SMALL)
    assert asked.returncode == 1 and asked.stdout == ""
    assert asked.stderr.startswith("error setting: JINKU_THREADS is 'many'") and asked.stderr.count("\n") == 1


@pytest.mark.faults  # for its length
def test_scaffolds_run_as_they_are(tmp_path: Path) -> None:
    project, home, data = project_copy(tmp_path / "project"), tmp_path / "home", tmp_path / "data"
    for kind, name in (("source", "noise_reports"), ("component", "season_days"), ("product", "season_outlook")):
        assert jinku(home, "new", kind, name, project=project).returncode == 0
        again = jinku(home, "new", kind, name, project=project)
        assert again.returncode == 1 and "name_taken" in again.stderr
    data.mkdir()
    (data / "noise_reports_1.csv").write_text("record_id,recorded_on,amount\na,2024-01-01,1.5\nb,notaday,x\n")
    run = jinku(home, "run", "--data", str(data), project=project)
    assert run.returncode == 0, run.stdout + run.stderr
    assert all(name in run.stdout for name in ("noise_reports", "season_days", "season_outlook"))


@pytest.mark.parametrize(("kind", "name", "code"), [("sauce", "a", "unknown_kind"), ("source", "Bad Name", "bad_name")])
def test_scaffolds_of_nonsense_are_refused(tmp_path: Path, kind: str, name: str, code: str) -> None:
    asked = jinku(tmp_path, "new", kind, name)
    assert asked.returncode == 1 and code in asked.stderr
