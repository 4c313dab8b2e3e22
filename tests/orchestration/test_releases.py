"""Nothing leaves but a release: what passes is published and can be verified, what does not leaves its causes."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from orchestration.declarations import declarations
from orchestration.security.standing import last_reviews
from review.records import latest_reviews
from review.sign_off import Decision, admit_reviewer, decide
from tests.builders import NOON, SMALL, copy_of, jinku, opened, project_copy, rows
from vault.black_box.reading import reading
from vault.black_box.recording import recording
from vault.black_box.tables import entries
from vault.home import Home
from vault.registry.database import open_registry
from vault.releases.reading import find_release, releases_in, table_files
from vault.releases.register import latest_refusals, latest_releases

RELEASED = {
    "hire_base_profile",
    "station_air_daily",
    "transit_stop_service",
    "trip_demand_features",
    "weather_mobility_daily",
    "zone_hourly_mobility",
}
PENDING = {"clinic_load_weekly", "district_health_burden"}
REFUSED = {"resident_health_features"}


def test_a_run_releases_what_passed_and_says_why_nothing_else_was(city: Path) -> None:
    assert {each.component for each in releases_in(Home(city).releases)} == RELEASED
    with open_registry(Home(city)).begin() as registry:
        refusals, reviews = latest_refusals(registry), latest_reviews(registry)
    assert set(refusals) == PENDING | REFUSED
    assert all(reviews[name].is_pending for name in PENDING)
    (first, *_) = refusals["resident_health_features"].causes
    assert first.startswith("O2_grade: fail: important data (clinic_visits, residents) gives aggregates only")


def test_the_run_ends_with_a_table_of_s_and_says_where_the_datasheets_are(city: Path) -> None:
    told = (city.parent / "city.done").read_text()
    for name in RELEASED:
        assert f"{name}@1" in told
    assert "O2_grade pending" in told and "datasheets lie in" in told


def test_every_release_is_what_was_signed_reviewed_and_priced(city: Path) -> None:
    verified = jinku(city, "verify")
    assert verified.returncode == 0, verified.stdout
    assert verified.stdout.count("the vault's review and price agree") == len(RELEASED)


def test_a_release_is_read_without_any_key_and_holds_the_reviewed_rows(city: Path) -> None:
    for name in RELEASED:
        (file,) = table_files(find_release(Home(city).releases, name).path)
        outside = duckdb.connect().execute(f"select count(*) from read_parquet('{file}')").fetchall()
        assert outside == rows(opened(city), f"select count(*) from components.components.{name}", "components")


def test_every_step_is_in_the_black_box(city: Path) -> None:
    with reading(Home(city)) as connection:
        kinds = set(connection.execute(sa.select(entries.c.kind)).scalars())
    assert kinds >= {"collection", "run", "check", "review", "grant", "key_use", "release", "refusal"}
    assert jinku(city, "blackbox", "verify").returncode == 0


def test_a_review_stands_until_somebody_decides_something_about_it(city: Path, tmp_path: Path) -> None:
    home = Home(copy_of(city, tmp_path))
    assert set(last_reviews(home, declarations())) == set(declarations().components)
    with recording(opened(home.root), NOON.replace(year=2099)) as record:
        record.log("decision", "clinic_load_weekly", {}, "person:li.wei")
    assert set(declarations().components) - set(last_reviews(home, declarations())) == {"clinic_load_weekly"}


def test_what_two_reviewers_approved_is_released_by_the_next_run(city: Path, tmp_path: Path) -> None:
    home = copy_of(city, tmp_path)
    vault = opened(home)
    with open_registry(vault.home).begin() as registry:
        key = latest_reviews(registry)["clinic_load_weekly"].content.key
    for reviewer in ("person:li.wei", "person:zhao.min"):
        now = datetime.now(UTC)
        decision = Decision(reviewer, "approve", "read it", now)
        with recording(vault, now) as record:
            admit_reviewer(record, reviewer, reviewer.encode(), b"salt", now)
            decide(record, "clinic_load_weekly", key, decision, ("person:chen.yu",))
    finished = jinku(home, "run", *SMALL)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    with open_registry(vault.home).begin() as registry:
        assert set(latest_releases(registry)) == RELEASED | {"clinic_load_weekly"}


def test_a_component_that_passes_an_identifier_through_leaves_a_refusal_and_no_table(
    city: Path, tmp_path: Path
) -> None:
    home, project = copy_of(city, tmp_path), project_copy(tmp_path / "project")
    model = project / "dbt_project" / "models" / "components" / "district_health_burden.sql"
    text = model.read_text()
    smuggled = text.replace("places.place_name as district_name", "burden.patient as district_name").replace(
        "count(distinct visits.person_id) as patients,",
        "count(distinct visits.person_id) as patients,\n        min(visits.person_id) as patient,",
    )
    assert smuggled.count("patient as district_name") == smuggled.count("as patient,") == 1
    model.write_text(smuggled)
    finished = jinku(home, "run", *SMALL, project=project)
    with open_registry(Home(home)).begin() as registry:
        causes = " ".join(latest_refusals(registry)["district_health_burden"].causes)
        assert "district_health_burden" not in latest_releases(registry), finished.stdout
    assert "M5_individual_values" in causes or "M3_lineage" in causes, causes
    assert not list((Home(home).releases).glob("district_health_burden/*/table"))


@pytest.mark.parametrize("name", sorted(PENDING | REFUSED))
def test_no_table_lies_there_of_what_was_not_released(city: Path, name: str) -> None:
    assert not list(Home(city).releases.glob(f"{name}/*/table"))


def test_a_price_is_published_with_its_release_only(city: Path) -> None:
    told = jinku(city, "price").stdout
    assert f"{len(PENDING | REFUSED)} unpublished" in told
    page = (Home(city).reports / "valuation" / "zone_hourly_mobility.html").read_text()
    assert "Unpublished" not in page
