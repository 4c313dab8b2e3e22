"""What the sample city's components cost, from what a real run used."""

import shutil
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from orchestration.costs import cost_of_components, period_before
from orchestration.declarations import declarations
from pricing.cost import ACTIVITIES
from tests.builders import PROJECT, SMALL, copy_of, jinku
from vault.append_only import for_writing
from vault.costing import REASONS, CostReport
from vault.home import Home
from vault.metering import FILE_NAME, PROVENANCE_COLUMNS, Metered, metadata, metered
from vault.tariffs import BOOTSTRAP_TARIFFS

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TABLES_BELOW_RAW = len(list((PROJECT / "dbt_project" / "models").glob("*/*.sql")))
RAW_TABLES = 13


@pytest.fixture
def home(city: Path, tmp_path: Path) -> Path:
    """A home that holds nothing but the city's meter: no more is read."""
    shutil.copytree(city / "metering", tmp_path / "home" / "metering")
    return tmp_path / "home"


@pytest.fixture
def use(home: Path) -> Metered:
    return metered(home / "metering", LONG_AGO, datetime.now(UTC))


@pytest.fixture
def report(home: Path) -> CostReport:
    now = datetime.now(UTC)
    return cost_of_components(Home(home), declarations(), BOOTSTRAP_TARIFFS, LONG_AGO, now)


def test_every_table_is_metered(use: Metered) -> None:
    assert len(use.lineage) == RAW_TABLES + TABLES_BELOW_RAW
    assert {each.asset for each in use.compute} == set(use.lineage) == {each.asset for each in use.storage}
    assert all(each.size_bytes > 0 for each in use.storage)
    assert 0 < sum(each.seconds for each in use.compute) < 1000


def test_the_lineage_of_every_model_is_resolved(use: Metered) -> None:
    assert [asset for asset, lineage in use.lineage.items() if not lineage.is_resolved] == []


def test_what_chooses_rows_is_metered_as_read_and_provenance_is_not(use: Metered) -> None:
    rides = use.lineage["components/zone_hourly_mobility"]
    chosen_by = {"resource/trip.is_plausible", "resource/place_taxi_zone.place_id", "resource/calendar.day_type"}
    assert chosen_by <= {*rides.conditions}
    assert use.lineage["resource/calendar"].tables == ()
    columns = {column for lineage in use.lineage.values() for column in lineage.columns}
    read = {field.rsplit(".", 1)[-1] for lineage in use.lineage.values() for field in lineage.conditions}
    assert not PROVENANCE_COLUMNS & (columns | read)


def test_every_fen_of_the_city_is_somewhere(report: CostReport) -> None:
    for pool in report.pools:
        unallocated = sum(report.unallocated_fen(pool.activity, reason) for reason in REASONS)
        assert report.allocated_fen(pool.activity) + unallocated == pool.spent_fen > 0, pool.activity
        assert report.unallocated_fen(pool.activity, "unresolved") == 0
    acquired = sum(contract.cost.acquisition_fen for contract in declarations().sources.values())
    assert [pool.spent_fen for pool in report.pools if pool.activity == "acquisition"] == [acquired]


def test_a_component_s_cost_is_its_fields_and_its_model(report: CostReport) -> None:
    assert set(report.components) == set(declarations().components)
    for name, statement in report.components.items():
        cost = declarations().components[name].cost
        model_fen = Fraction(cost.development_fen * 3, cost.useful_life_months) + cost.run_cost_fen
        lines_fen = sum(fen for line in statement.lines for fen in line.by_activity.values())
        assert statement.cost_price_fen == lines_fen + model_fen
        assert statement.unresolved == () and statement.lines, name


def test_the_enterprise_register_is_paid_for_by_the_component_that_is_made_of_it(report: CostReport) -> None:
    bought = declarations().sources["hire_bases"].cost.acquisition_fen
    assert report.components["hire_base_profile"].fen_of("acquisition") == bought
    read = {line.field.split(".")[0] for line in report.components["weather_mobility_daily"].lines}
    assert {"raw/weather_daily", "raw/taxi_trips"} <= read
    assert not {"raw/hire_bases", "raw/residents", "raw/clinic_visits"} & read


def test_cost_tells_all_pools_and_components(home: Path) -> None:
    said = jinku(home, "cost")
    assert said.returncode == 0, said.stderr
    assert all(word in said.stdout for word in (*ACTIVITIES, "idle", "read by nobody", "unresolved", "C_xm", "P'"))
    assert all(name in said.stdout for name in declarations().components)
    assert "raw/clinic_visits.insured" in said.stdout, "the dearest field that nobody reads"


def test_cost_tells_where_each_fen_came_from(home: Path, report: CostReport) -> None:
    said = jinku(home, "cost", "hire_base_profile")
    assert said.returncode == 0, said.stderr
    rows = {line.split()[0]: line.split()[1:] for line in said.stdout.splitlines() if line.startswith("raw/")}
    read = [line.field for line in report.components["hire_base_profile"].lines if line.field.startswith("raw/")]
    assert set(rows) == set(read)
    first, *_ = rows.values()
    assert [cell[0] for cell in first] == ["¥"] * 5
    assert "¥666.67 of its development and ¥5.00 of run cost" in said.stdout
    total_fen = sum(round(float(cells[-1].replace("¥", "").replace(",", "")) * 100) for cells in rows.values())
    assert total_fen <= report.components["hire_base_profile"].fields_cost_fen <= total_fen + 10, "own use is small"


def test_cost_of_an_unknown_name_tells_the_nearest(home: Path) -> None:
    asked = jinku(home, "cost", "hire_base_profil")
    assert asked.returncode == 1 and "unknown_name" in asked.stderr
    assert "did you mean 'hire_base_profile'?" in asked.stderr
    assert jinku(home, "cost", "components/hire_base_profile").returncode == 0


def test_cost_before_the_first_run_tells_what_to_do(tmp_path: Path) -> None:
    asked = jinku(tmp_path / "none", "cost")
    assert asked.returncode == 1 and "nothing_metered" in asked.stderr and "make run" in asked.stderr
    assert asked.stderr.count("\n") == 1 and not (tmp_path / "none" / "metering").exists()


def test_cost_is_told_while_a_run_writes_the_meter(home: Path) -> None:
    with for_writing(home / "metering" / FILE_NAME, metadata).begin() as connection:
        connection.exec_driver_sql("insert into lineages (asset, sha256, content) values ('base/b', '', '')")
        assert jinku(home, "cost").returncode == 0


def test_a_run_that_cannot_be_metered_says_so(city: Path, tmp_path: Path) -> None:
    home = copy_of(city, tmp_path)
    (home / "metering" / FILE_NAME).write_bytes(b"no database" * 500)
    file = tmp_path / "central_park_weather_new.csv"
    file.write_text(
        '"STATION","NAME","DATE","AWND","PRCP","SNOW","SNWD","TMAX","TMIN"\n"S9","New","2020-02-29",1,1,1,1,9,1\n'
    )
    assert jinku(home, "land", str(file)).returncode == 0
    run = jinku(home, "run", *SMALL)
    assert run.returncode == 1 and "meter_unusable" in run.stdout, run.stdout
    (home / "metering" / FILE_NAME).unlink()
    assert jinku(home, "run", *SMALL).returncode == 0, "what was collected goes on to be built"
    found = metered(home / "metering", LONG_AGO, datetime.now(UTC))
    assert "base/weather_daily" in {each.asset for each in found.compute}


@pytest.mark.parametrize(
    ("end", "start"), [("2026-11-24 07:00", "2026-08-24 07:00"), ("2026-05-31 00:00", "2026-02-28 00:00")]
)
def test_a_price_rests_on_the_whole_period_before(end: str, start: str) -> None:
    before = period_before(datetime.fromisoformat(f"{end}Z"), BOOTSTRAP_TARIFFS)
    assert before == datetime.fromisoformat(f"{start}Z")
