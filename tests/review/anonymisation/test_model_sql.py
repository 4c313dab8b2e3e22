"""The model that is written meets what was asked for when the engine runs it, and no value of the data stands in it."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import ibis
import jinja2
import pytest
import sqlglot
import yaml

from orchestration.contract_checks import contract_differences
from orchestration.layers import LAYERS
from review.anonymisation.finding import Anonymised, anonymised
from review.anonymisation.target import Target
from review.result.microdata import Microdata, SensitiveColumn, measure_microdata
from tests.builders import column, fresh_vault, jinku_environment, project_copy
from tests.review.anonymisation.people import EDUCATION, RESOURCE, attributes, contract, plan, with_people
from tests.review.model import town
from vault.ibis_tables import ibis_table
from vault.layers import Vault, connect

NAME = "resident_profile"
QUASI = ("born", "sex", "district_code", "education")
SENSITIVE = (SensitiveColumn("diagnosis"), SensitiveColumn("cost_band"))
MARKET = Target(11, 3, 2.0, 0.3, 0.2, 0.05)


def found_in(engine: duckdb.DuckDBPyConnection, tmp_path: Path, target: Target, **changes: Any) -> Anonymised:
    return anonymised(engine, "resource.person", plan(engine, tmp_path, **changes), target)


def some_pseudonym(subject: str, value: str) -> str:
    return f"'{subject}' || {value}"


def rendered(sql: str, pseudonym: Callable[[str, str], str] = some_pseudonym) -> str:
    """The model's text, its macros filled in without dbt."""
    types = SimpleNamespace(type_string=lambda: "varchar")
    template = jinja2.Environment().from_string(sql)
    return template.render(ref=lambda name: f"resource.{name}", pseudonym=pseudonym, dbt=types)


def measured(engine: duckdb.DuckDBPyConnection, sql: str) -> Microdata:
    """The figures that a review makes of the model's rows."""
    engine.execute(f"create or replace table built as {rendered(sql)}")
    return measure_microdata(ibis.duckdb.from_connection(engine).table("built"), QUASI, SENSITIVE)


@pytest.mark.parametrize(
    "target",
    [
        Target(2),
        Target(11, suppression_limit=0.05),
        Target(5, distinct_l=3, suppression_limit=0.1),
        Target(5, entropy_l=3.0, suppression_limit=0.1),
        Target(5, t=0.2, suppression_limit=0.1),
        MARKET,
    ],
    ids=str,
)
def test_the_rows_of_the_model_are_what_was_found_and_meet_the_target(tmp_path: Path, target: Target) -> None:
    with with_people(2000) as engine:
        found = found_in(engine, tmp_path, target)
        figures = measured(engine, found.sql)
    assert figures.sizes.rows == found.solution.rows - found.solution.rows_suppressed
    assert figures.sizes.classes == found.solution.groups
    assert figures.sizes.smallest == found.solution.smallest_group >= target.k
    for each in figures.sensitive:
        assert each.distinct_l >= target.distinct_l
        assert each.entropy_l >= target.entropy_l - 1e-9
        assert each.t <= target.t + 1e-9
        assert float(each.inference_advantage) <= target.inference_advantage_max + 1e-9


def test_a_group_that_becomes_too_small_later_is_left_out_by_the_model_itself(tmp_path: Path) -> None:
    with with_people(2000) as engine:
        found = found_in(engine, tmp_path, MARKET)
        engine.execute("delete from resource.person where hash(person_id) % 10 > 0")
        figures = measured(engine, found.sql)
    assert 0 < figures.sizes.rows < 200 and figures.sizes.smallest >= 11


def test_no_value_is_a_value_of_its_own_and_stays_none_below_the_hidden_level(tmp_path: Path) -> None:
    with with_people(3000) as engine:
        found = found_in(engine, tmp_path, Target(2, suppression_limit=0.3))
        assert found.solution.levels[0] < 3, "the year of birth is shown, coarsely"
        engine.execute(f"create table built as {rendered(found.sql)}")
        without = engine.execute("select count(*) from built where born is null").fetchone()
    assert without is not None and without[0] > 0


def test_columns_stand_in_the_order_of_the_contract(tmp_path: Path) -> None:
    columns = [*reversed(attributes()["columns"]), column("birth_year", role="timestamp", logicalType="integer")]
    with with_people(500) as engine:
        found = found_in(engine, tmp_path, Target(2, suppression_limit=0.5), columns=columns)
        engine.execute(f"create table built as {rendered(found.sql)}")
        described = [row[0] for row in engine.execute("describe built").fetchall()]
    assert described == [each["name"] for each in columns]


def test_no_value_of_the_data_stands_in_the_model_or_in_what_is_told(tmp_path: Path) -> None:
    with with_people(2123) as engine:
        found = found_in(engine, tmp_path, MARKET)
        values = engine.execute(
            "select distinct unnest([person_id, birth_year::varchar, district_code]) as value "
            "from resource.person where birth_year is not null"
        ).fetchall()
    told = "\n".join([found.sql, *found.words])
    assert len(values) > 2000 and not [value for (value,) in values if value in told]


def test_the_model_is_lower_case_and_one_that_spark_reads_too(tmp_path: Path) -> None:
    with with_people(2000) as engine:
        sql = found_in(engine, tmp_path, MARKET).sql
    assert all(line.lstrip(" ") == line.lstrip(" ").lower() for line in sql.split("#}", 1)[1].splitlines())
    plain = rendered(sql).replace("varchar", "string")
    assert sqlglot.parse_one(plain, read="spark") is not None
    assert sqlglot.parse_one(plain, read="duckdb") is not None


PEOPLE_OF_THE_TOWN = [
    column("resident_id", role="identifier"),
    column("born", role="quasi_identifier"),
    column("sex", role="quasi_identifier"),
    column("district_code", role="quasi_identifier"),
    column("illness_kind", role="sensitive"),
]
GENERALISED = {
    "born": {"of": "birth_year", "intervals": [10, 20]},
    "sex": {"hidden": True},
    "district_code": {"prefix": [4]},
    "illness_kind": {"of": "illness", "hierarchy": "illness.csv"},
}


@pytest.mark.parametrize("target", [Target(11), Target(11, 3, suppression_limit=0.05), MARKET], ids=str)
def test_the_review_of_models_lets_the_model_pass(tmp_path: Path, target: Target) -> None:
    (tmp_path / "illness.csv").write_text("J;chest\nI;heart\nM;bones\nE;sugar\nK;belly\n")
    section = {"from": "person", "subject": "person_id", "suppressionLimit": 0.05, "generalise": GENERALISED}
    with with_people(2000) as engine:
        engine.execute("alter table resource.person rename diagnosis to illness")
        sql = found_in(engine, tmp_path, target, columns=PEOPLE_OF_THE_TOWN, anonymise=section).sql
    compiled = rendered(sql.replace(NAME, town.NAME), town.pseudonym)
    roles = {each["name"]: each["role"] for each in PEOPLE_OF_THE_TOWN}
    assert town.refused(compiled, columns=roles, grain=("resident_id",), subject="person") == set()


def test_the_first_lines_say_what_was_found(tmp_path: Path) -> None:
    with with_people(2000) as engine:
        found = found_in(engine, tmp_path, Target(11, suppression_limit=0.05))
    assert found.sql.startswith(f"{{#\n    written by `jinku anonymise {NAME}`;")
    assert any(line.startswith("sex: ") for line in found.words)
    suppressed = found.solution.rows_suppressed
    assert f"{suppressed} of 2000 rows are left out ({suppressed / 2000:.2%}, at most 5.00%)" in found.words
    assert found.words[-1].endswith("the least of 72 ways to generalise")


COMMANDS = """
import os
from rich.console import Console
from orchestration.commands.anonymise import anonymise
from orchestration.declarations import declarations
from vault.errors import JinkuError
from vault.home import home_from, settings_from
from vault.layers import open_vault

def run(name, loss="entropy", write=True):
    try:
        anonymise(Console(soft_wrap=True), name, loss, write)
    except JinkuError as error:
        print(error)

def build():
    from orchestration.dbt import build, manifest
    vault = open_vault(home_from(os.environ), settings_from(os.environ))
    manifest(vault.home, declarations())
    print([result.status for result in build(vault, ["jinku.components.resident_profile"])])
"""


@dataclass(frozen=True)
class Project:
    """A copy of the project with the component's contract, over a home with the table of persons."""

    folder: Path
    vault: Vault

    @property
    def model(self) -> Path:
        return self.folder / "dbt_project" / "models" / "components" / f"{NAME}.sql"

    def run(self, *commands: str) -> str:
        """What commands print, one after the other in a process of its own."""
        environment = jinku_environment(self.vault.home.root, PYTHONPATH=str(self.folder))
        script = "\n".join([COMMANDS, *commands])
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=self.folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("anonymised")
    vault = fresh_vault(root / "home", {})
    with connect(vault, write="warehouse") as engine:
        engine.execute(RESOURCE.format(database="warehouse", rows=3000))
    folder = project_copy(root / "project")
    own = folder / "assets" / "components" / NAME
    own.mkdir()
    (own / "education.csv").write_text(EDUCATION)
    document = {"type": "orchestration.kinds.Component", "attributes": attributes(releaseTier="market")}
    (own / "defs.yaml").write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return Project(folder, vault)


def test_the_written_model_is_built_by_dbt_and_keeps_contract_and_target(project: Project) -> None:
    told = project.run("run('resident_profile')", "build()")
    assert "wrote dbt_project/models/components/resident_profile.sql" in told and "['success']" in told, told
    components = next(layer for layer in LAYERS if layer.name == "components")
    with connect(project.vault, read=("components",)) as engine:
        assert contract_differences(engine, components, NAME, contract()) == []
        figures = measure_microdata(ibis_table(engine, "components", "components", NAME), QUASI, SENSITIVE)
    assert figures.sizes.rows >= 0.95 * 3000 and figures.sizes.smallest >= 11
    assert all(each.distinct_l >= 3 and each.entropy_l >= 2 and each.t <= 0.3 for each in figures.sensitive)


def test_what_it_wrote_is_written_over_but_what_a_person_wrote_is_not(project: Project) -> None:
    by_hand = f"open({str(project.model)!r}, 'w').write('select 1 as one')"
    told = project.run(
        "run('resident_profile')", "run('resident_profile', 'discernibility')", by_hand, "run('resident_profile')"
    )
    assert "of the discernibility that the coarsest form loses" in told and told.count("wrote") == 2
    assert "name_taken: the model was written by a person" in told
    assert project.model.read_text() == "select 1 as one"


def test_without_write_it_is_only_printed(project: Project) -> None:
    project.model.unlink(missing_ok=True)
    printed = project.run("run('resident_profile', 'certainty', write=False)")
    assert printed.startswith("{#") and "having count(distinct person_id) >= 11" in printed
    assert not project.model.exists()


def test_what_cannot_be_anonymised_is_one_clear_line(project: Project) -> None:
    declared = project.folder / "assets" / "components" / NAME / "defs.yaml"
    declared.write_text(declared.read_text().replace("from: person", "from: visitor"))
    names = ("'resident_profil'", "'resident_profile', 'precision'", "'zone_hourly_mobility'", "'resident_profile'")
    told = project.run(*(f"run({name}, write=False)" for name in names)).splitlines()
    assert [line.split(" (")[0] for line in told] == [
        "unknown_name: no component is called 'resident_profil'; did you mean 'resident_profile'?",
        "unknown_kind: 'precision' is no loss",
        "anonymise_section: the contract has no section 'anonymise'",
        "not_built: resource/visitor is not built",
    ]
