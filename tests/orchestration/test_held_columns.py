"""What a component of persons leaves out is looked up in the vault, and refused where its columns give it away."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from orchestration.city import City
from orchestration.dbt_assets import Models, parsed_models
from orchestration.declarations import declarations
from orchestration.security.compiled import compiled_statements
from orchestration.security.held_columns import HeldQueries, held_queries, people_statement
from orchestration.security.reviewing import review_component
from review.findings import Finding
from review.model.under_review import Table
from tests.builders import NOON, copy_of, opened, rows
from vault.home import Home
from vault.layers import connect

NAME = "resident_health_features"
CODE, CHAPTER = "base.clinic_visits.diagnosis_code", "resource.visit.diagnosis_chapter"
CLASS = "shown.age_band || shown.sex || shown.district_code || shown.education_level"


@pytest.fixture
def home(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = copy_of(city, tmp_path)
    monkeypatch.setenv("JINKU_HOME", str(home))
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    return home


def models_of(home: Path) -> Models:
    return parsed_models(Home(home), declarations())


def queries(home: Path, change: Callable[[str], str] = str) -> HeldQueries:
    """The queries for the component, its own statement changed."""
    models = models_of(home)
    with dg.DagsterInstance.get() as storage:
        statements: dict[Table, str] = compiled_statements(Home(home), storage, models, NAME)
    own = statements["components", NAME]
    return held_queries(models, NAME, {**statements, ("components", NAME): change(own)})


def judged(home: Path) -> Finding:
    with dg.DagsterInstance.get() as storage:
        review = review_component(storage, opened(home), models_of(home), NAME, City().policy(), {}, "run", NOON).review
    (found,) = [each for each in review.findings if each.check == "R6_inference"]
    return found


def change(home: Path, layer: str, statement: str) -> None:
    read = tuple({"raw", "warehouse", "components"} - {layer})
    with connect(opened(home), write=layer, read=read) as connection:
        connection.execute(statement)


def diagnose(home: Path, diagnosis: str) -> None:
    """Give everybody the diagnosis that an expression makes of the class in which the component shows them."""
    people = queries(home).people
    change(
        home,
        "warehouse",
        f"""
        update warehouse.base.clinic_visits as visit set diagnosis_code = {diagnosis}
        from ({people}) as people
        inner join components.components.{NAME} as shown on people.key = shown.resident_id
        inner join warehouse.resource.visit as held on people.subject = held.person_id
        where (held._batch, held._row) = (visit._batch, visit._row)
        """,
    )


def test_the_sample_gives_no_diagnosis_away_and_every_row_is_linked(home: Path) -> None:
    found = judged(home)
    assert found.outcome == "pass" and found.evidence["linked_by"] == "resident_id"
    assert set(found.evidence["left_out"]) == {CODE, CHAPTER}
    for told in found.evidence["left_out"].values():
        assert told["values"] > 5 and told["rows_without"] < 200
    visits = "select distinct diagnosis_code from warehouse.base.clinic_visits where diagnosis_code is not null"
    assert not any(code in repr(found) for (code,) in rows(opened(home), visits, "warehouse"))


def test_a_diagnosis_that_age_and_district_give_away_is_refused_by_the_name_of_its_column(home: Path) -> None:
    diagnose(home, f"'X' || substr(md5({CLASS}), 1, 2)")
    found = judged(home)
    assert found.outcome == "fail" and found.evidence["left_out"][CODE]["advantage"] > 0.9
    assert CODE in found.reason and CHAPTER not in found.reason, (
        "the component and its rows are as they were when they passed"
    )


def test_a_diagnosis_that_is_the_same_for_everybody_is_given_away_by_no_class(home: Path) -> None:
    diagnose(home, "'J06'")
    assert judged(home).outcome == "pass"


def test_records_that_no_row_finds_are_no_evidence(home: Path) -> None:
    change(home, "warehouse", "update warehouse.base.clinic_visits set id_number = 'cut ' || id_number")
    found = judged(home)
    assert found.outcome == "fail" and f"no row finds its person in {CODE}, though" in found.reason


def test_a_row_whose_person_the_vault_does_not_know_is_no_evidence(home: Path) -> None:
    one = f"(select min(resident_id) from components.components.{NAME})"
    change(
        home,
        "components",
        f"update components.components.{NAME} set resident_id = sha256('nobody') where resident_id = {one}",
    )
    found = judged(home)
    assert found.outcome == "fail" and "of 1 row the vault does not know whose resident_id it is" in found.reason


def test_a_table_that_is_gone_is_no_evidence_and_the_cause_holds_no_value(home: Path) -> None:
    change(home, "warehouse", "alter table warehouse.base.clinic_visits rename column diagnosis_code to another")
    found = judged(home)
    assert found.outcome == "fail"
    assert f"{CODE} cannot be linked with the rows, though they are made from it: its query failed" in found.reason


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("as resident_id", "|| '' as resident_id", "no column of the component is its own pseudonym"),
        (f"'{NAME}|'", "'another|'", "no column of the component is its own pseudonym"),
        ("generalised.age_band,", "no_such_table.age_band,", "the model could not be followed"),
    ],
)
def test_a_component_without_a_link_says_why(home: Path, old: str, new: str, cause: str) -> None:
    found = queries(home, lambda sql: new.join(sql.rsplit(old, 1)))
    assert found.columns and all(cause in each.cause and not each.statement for each in found.columns)


def test_a_component_that_reads_no_visits_is_asked_about_none(home: Path) -> None:
    """The own pseudonym over the register of residents alone, which holds nothing sensitive."""
    assert queries(home, lambda sql: f"select {pseudonym_in(sql)} as resident_id, sex from resource.person") == (
        HeldQueries()
    )


def pseudonym_in(sql: str) -> str:
    (line,) = [line for line in sql.splitlines() if "as resident_id" in line]
    return line.strip().removesuffix(" as resident_id,").replace("generalised.", "")


def test_cells_and_enterprises_are_not_asked_about(home: Path) -> None:
    models = models_of(home)
    for name in ("clinic_load_weekly", "hire_base_profile"):
        assert held_queries(models, name, {}) == HeldQueries()


def test_the_people_are_those_of_the_table_that_the_own_pseudonym_is_made_from(home: Path) -> None:
    assert people_statement(NAME, ()) == ""
    (known,) = rows(opened(home), f"select count(*) from ({queries(home).people})", "raw", "warehouse")
    assert known == rows(opened(home), "select count(*) from warehouse.resource.person", "warehouse")[0]
