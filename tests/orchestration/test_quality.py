"""Bad data stops at the gate, a steward sees why, and no value of a person leaves through it."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from expectations.history import latest, latest_of_all, open_history, trend
from expectations.suites import suite_of_component
from orchestration.declarations import declarations
from tests.builders import SMALL, copy_of, jinku, jinku_environment, opened, project_copy, rows
from vault.contract import PERSONAL_ROLES, SourceContract, TableContract

MARK = "Zq7-MARKED"
WEATHER = Path("assets") / "base" / "weather_daily" / "defs.yaml"
IMPOSSIBLE = {
    "type": "expect_column_values_to_be_in_set",
    "arguments": {"column": "station_id", "value_set": ["nowhere"]},
    "severity": "critical",
    "reason": "No station is called so",
}
NOT_EVALUABLE = {
    "type": "unexpected_rows_expectation",
    "arguments": {"unexpected_rows_query": "select * from {batch} where no_such_function(station_id)"},
    "severity": "info",
    "dimension": "accuracy",
    "reason": "A rule that the engine cannot evaluate",
}


def with_expectations(project: Path, *more: dict[str, object]) -> Path:
    """The project, with more expected of the weather table than before."""
    path = project / WEATHER
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["attributes"]["expectations"] += more
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return project


def said_of(run: subprocess.CompletedProcess[str], kind: str) -> list[str]:
    return [line for line in run.stdout.splitlines() if line.startswith(kind)]


def test_a_failed_critical_expectation_stops_the_layer_above(city: Path, tmp_path: Path) -> None:
    home, project = copy_of(city, tmp_path), project_copy(tmp_path / "project")
    changed = with_expectations(project, IMPOSSIBLE)
    run = jinku(home, "run", *SMALL, project=changed)
    assert run.returncode == 1, run.stdout
    (line,) = said_of(run, "failed base/weather_daily")
    assert "station_id_be_in_set__2" in line and "status failed" in line
    assert said_of(run, "base  ") and not said_of(run, "resource  "), "the layer above was not built"
    assert "Not executing" not in run.stdout and "DagsterAssetCheckFailedError" not in run.stdout
    assert jinku(home, "quality", "--gate").returncode == 1
    assert jinku(home, "quality", "trip", "--gate").returncode == 0
    told = jinku(home, "quality", "weather_daily", project=changed).stdout
    assert "gate closed" in told and "station_id is one of" in told

    mended = jinku(home, "run", *SMALL)
    assert mended.returncode == 0, mended.stdout
    assert jinku(home, "quality", "--gate").returncode == 0
    points = trend(open_history(home / "quality"), "base/weather_daily")
    assert [point.gate_closed for point in points] == [False, True, False], "every attempt is on record"


def test_what_cannot_be_evaluated_closes_the_gate_and_is_told_apart(city: Path, tmp_path: Path) -> None:
    home, project = copy_of(city, tmp_path), project_copy(tmp_path / "project")
    run = jinku(home, "run", *SMALL, project=with_expectations(project, NOT_EVALUABLE))
    assert run.returncode == 1, run.stdout
    first, second = said_of(run, "failed base/weather_daily")
    assert "status error" in first and "no_such_function" in first
    assert "all_evaluated" in second and "rows_a_rule_that_the_engine_cannot_evaluate" in second
    evaluation = latest(open_history(home / "quality"), "base/weather_daily")
    assert evaluation is not None and evaluation.gate_closed
    assert sum(result.status == "error" for result in evaluation.results) == 1
    assert sum(result.status == "passed" for result in evaluation.results) >= 5, "the others went on"


def test_the_same_expectations_are_not_asked_again_and_changed_ones_are(city: Path, tmp_path: Path) -> None:
    home, project = copy_of(city, tmp_path), project_copy(tmp_path / "project")
    assert "nothing to do" in jinku(home, "run", *SMALL, project=project).stdout
    path = project / WEATHER
    path.write_text(
        path.read_text().replace(
            "column: temperature_max_c, min_value: -40", "column: temperature_max_c, min_value: -41"
        ),
        encoding="utf-8",
    )
    assert path.read_text() != (Path.cwd() / WEATHER).read_text()
    run = jinku(home, "run", *SMALL, project=project)
    assert run.returncode == 0 and "weather_daily" in run.stdout, run.stdout


def test_a_page_that_cannot_be_written_is_told_and_stops_nothing(city: Path, tmp_path: Path) -> None:
    home = copy_of(city, tmp_path)
    shutil.rmtree(home / "reports" / "quality")
    (home / "reports" / "quality").write_text("in the way")
    file = tmp_path / "central_park_weather_new.csv"
    file.write_text(
        '"STATION","NAME","DATE","AWND","PRCP","SNOW","SNWD","TMAX","TMIN"\n"S9","New","2020-02-29",1,1,1,1,9,1\n'
    )
    assert jinku(home, "land", str(file)).returncode == 0
    before = len(trend(open_history(home / "quality"), "base/weather_daily"))
    run = jinku(home, "run", *SMALL)
    assert run.returncode == 0, run.stdout
    assert any("report_unwritable" in line for line in said_of(run, "warning")), run.stdout
    assert len(trend(open_history(home / "quality"), "base/weather_daily")) == before + 1


def test_every_judged_table_has_pages_that_its_checks_link_to(city: Path) -> None:
    evaluations = latest_of_all(open_history(city / "quality"))
    assert {asset.split("/")[0] for asset in evaluations} == {"base", "resource", "components"}
    for asset, evaluation in evaluations.items():
        assert evaluation.results and evaluation.vector is not None, asset
        assert (city / "reports" / "quality" / f"{asset}.html").is_file(), asset
        site = city / "reports" / "gx" / "uncommitted" / "data_docs" / "local_site"
        assert list((site / "validations" / asset).glob(f"{evaluation.run_id}/*/*.html")), asset
    overview = (city / "reports" / "quality" / "index.html").read_text(encoding="utf-8")
    assert all(asset in overview for asset in evaluations)


def test_a_proposed_suite_is_one_that_a_contract_takes(city: Path) -> None:
    proposed = jinku(city, "profile", "base/taxi_zones")
    assert proposed.returncode == 0, proposed.stderr
    assert proposed.stdout.count("PROPOSED") > 5
    contract = {"description": "Zones.", "owner": "team:mobility", **yaml.safe_load(proposed.stdout)}
    assert len(TableContract.model_validate(contract).expectations) > 5
    assert jinku(city, "profile", "nothing").returncode == 1


def test_a_component_s_grain_is_expected_whether_declared_or_not() -> None:
    for name, contract in declarations().components.items():
        critical = [each for each in suite_of_component(contract) if each.severity == "critical"]
        uniques = [each for each in critical if "unique" in each.type]
        named = [each.arguments.get("column_list") or [each.arguments["column"]] for each in uniques]
        assert list(contract.grain) in [list(each) for each in named], name


def _marked_file(name: str, contract: SourceContract, folder: Path) -> None:
    """A file in which every personal column holds marked values only, beside values that type."""
    lines = [",".join(column.header for column in contract.columns)]
    for row in range(60):
        cells = [
            f"{MARK}-{column.name}-{row}" if column.role in PERSONAL_ROLES else _ordinary(column.logical_type, row)
            for column in contract.columns
        ]
        lines.append(",".join(cells))
    pattern = contract.files[0].replace("*", "marked")
    text = "\n".join(lines) + "\n"
    (folder / (pattern if "." in pattern else f"{pattern}.csv")).write_bytes(text.encode(contract.reader.encoding))


def _ordinary(logical_type: str, row: int) -> str:
    return {"date": "2024-03-01", "timestamp": "2024-03-01 10:00:00", "string": f"text{row}"}.get(
        logical_type, str(row)
    )


@pytest.mark.faults  # for its length
def test_no_marked_value_of_a_person_is_found_outside_the_vault(tmp_path: Path) -> None:
    folder, home = tmp_path / "files", tmp_path / "home"
    folder.mkdir()
    marked = ("residents", "clinic_visits", "hire_bases", "taxi_trips")
    for name in marked:
        _marked_file(name, declarations().sources[name], folder)
    run = jinku(home, "run", "--data", str(folder))
    shown = run.stdout + run.stderr
    for command in (("quality", "residents"), ("quality", "visit"), ("profile", "residents"), ("status",)):
        found = jinku(home, *command)
        shown += found.stdout + found.stderr

    held = rows(
        opened(home), f"select count(*) from warehouse.base.residents where full_name like '{MARK}%'", "warehouse"
    )
    assert held == [(60,)], "the marked values are in the vault, so the search means something"
    evaluation = latest(open_history(home / "quality"), "base/residents")
    assert evaluation is not None and any(result.status == "failed" for result in evaluation.results)
    assert MARK not in shown
    searched = [path for path in home.rglob("*") if path.is_file() and path.relative_to(home).parts[0] != "landing"]
    assert len(searched) > 40
    leaks = [str(path.relative_to(home)) for path in searched if MARK.encode() in path.read_bytes()]
    assert leaks == []


def test_reports_are_served_where_the_links_lead(city: Path) -> None:
    environment = jinku_environment(city, JINKU_REPORTS_URL="https://reports.city.example/")
    from vault.home import home_from, report_link, settings_from

    home = home_from(environment)
    page = home.reports / "quality" / "base" / "trips.html"
    link = report_link(home, settings_from(environment), page)
    assert link == "https://reports.city.example/quality/base/trips.html"
