"""The models of the sample city's components, as dbt compiles them: each gets a true answer."""

import fcntl
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.dbt import DBT_PROJECT, write_sources
from orchestration.declarations import declarations
from orchestration.roles import raw_roles
from review.findings import Finding
from review.model.reviewing import CHECKS, review_model
from review.model.under_review import ModelUnderReview, Table
from tests.builders import PROJECT, jinku_environment


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled project; compiled once for all workers."""
    shared = tmp_path_factory.getbasetemp()
    folder = (shared.parent if shared.name.startswith("popen-") else shared) / "compiled"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.with_suffix(".done").exists():
            write_sources(declarations().sources)
            script = Path(__file__).parent / "compile_for_duckdb.py"
            compiled = subprocess.run(
                [sys.executable, str(script), str(DBT_PROJECT), str(folder)],
                cwd=PROJECT,
                env=jinku_environment(folder / "home"),
                capture_output=True,
                text=True,
            )
            assert compiled.returncode == 0, compiled.stdout
            folder.with_suffix(".done").touch()
    return folder


def statements(project: Path, build: str) -> dict[Table, str]:
    found = (project / build / "compiled" / "jinku" / "models").glob("*/*.sql")
    return {(path.parent.name, path.stem): path.read_text() for path in found}


def unique(project: Path) -> dict[Table, frozenset[str]]:
    """Columns that the project's own tests hold to be unique."""
    nodes = json.loads((project / "manifest.json").read_text())["nodes"]
    found: dict[Table, set[str]] = {}
    for node in nodes.values():
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "unique":
            model = nodes[node["attached_node"]]
            found.setdefault((model["schema"], model["name"]), set()).add(node["column_name"])
    return {table: frozenset(columns) for table, columns in found.items()}


def models(project: Path, build: str) -> dict[str, ModelUnderReview]:
    known = declarations()
    return {
        name: ModelUnderReview(
            name=name,
            statements=statements(project, build),
            roles=raw_roles(known.sources),
            unique=unique(project),
            columns={column.name: column.role for column in contract.columns},
            grain=contract.grain,
            subject=contract.subject,
            minimum_group=contract.minimum_group,
            release_tier=contract.release_tier,
        )
        for name, contract in known.components.items()
    }


def refusals(found: tuple[Finding, ...]) -> dict[str, str]:
    return {each.check: each.reason for each in found if each.outcome != "pass"}


@pytest.mark.parametrize("build", ["first", "later"])
def test_every_component_is_judged_by_what_it_does(project: Path, build: str) -> None:
    for name, model in models(project, build).items():
        found = review_model(model)
        assert tuple(each.check for each in found) == CHECKS
        assert refusals(found) == {}, name


def test_a_count_of_residents_without_a_minimum_is_found_where_visits_are_divided_by_it(project: Path) -> None:
    weakened = altered(
        models(project, "first")["district_health_burden"],
        lambda sql: sql.replace("having count(*) >= 11", ""),
    )
    (reason,) = refusals(review_model(weakened)).values()
    assert "visits_per_1000_residents" in reason and "raw.residents" in reason


def test_lineage_goes_down_to_the_columns_of_the_sources(project: Path) -> None:
    found = {each.check: each for each in review_model(models(project, "later")["resident_health_features"])}
    lineage = found["M3_lineage"].evidence["lineage"]
    assert {"source": "raw.residents.birth_date", "role": "quasi_identifier", "kind": "condition", "pseudonym": ""} in (
        lineage["age_band"]
    )
    assert [(each["source"], each["pseudonym"]) for each in lineage["resident_id"]] == [
        ("raw.residents.id_number", "resident_health_features")
    ]
    assert found["M6_group_minimum"].evidence["alike_by"] == ["age_band", "district_code", "education_level", "sex"]


def altered(model: ModelUnderReview, change: Callable[[str], str]) -> ModelUnderReview:
    sql = model.statements[model.table]
    assert change(sql) != sql
    changed = {**model.statements, model.table: change(sql)}
    return ModelUnderReview(**{**vars(model), "statements": changed})


@pytest.mark.parametrize(
    ("component", "old", "new", "check"),
    [
        ("clinic_load_weekly", ">= 11", ">= 10", "M6_group_minimum"),
        ("clinic_load_weekly", "count(distinct visits.person_id) >=", "count(*) >=", "M6_group_minimum"),
        ("clinic_load_weekly", "avg(visits.cost_yuan)", "max(visits.cost_yuan)", "M5_individual_values"),
        ("zone_hourly_mobility", "having count(*) >= 11", "", "M6_group_minimum"),
        ("trip_demand_features", ">= 11", ">= 11 or true", "M6_group_minimum"),
        ("hire_base_profile", "'hire_base_profile|'", "'enterprise|'", "M3_lineage"),
        ("resident_health_features", "'resident_health_features|'", "'other|'", "M3_lineage"),
        ("resident_health_features", "inner join groups", "left join groups", "M6_group_minimum"),
        ("resident_health_features", "and generalised.sex = groups.sex", "", "M6_group_minimum"),
        ("resident_health_features", "generalised.age_band,", "generalised.person_id as age_band,", "M3_lineage"),
    ],
)
def test_a_component_that_is_weakened_is_refused(project: Path, component: str, old: str, new: str, check: str) -> None:
    """The first place only: the last `generalised.age_band,` is the one that is put out."""
    weakened = altered(models(project, "first")[component], lambda sql: new.join(sql.rsplit(old, 1)))
    assert check in refusals(review_model(weakened))
