"""Who stands behind the rows is named by pseudonym: by anything else two releases would lie apart at will."""

import pytest

from review.model.entities import entity_faults
from review.model.statement import statement_of
from tests.review.model.town import OWN, model

BY_KIND = "select kind, count(distinct person_id) as patients from resource.visit group by kind having count(*) >= 11"
FEATURES = f"select {OWN} as sample_id, sex from resource.person"
NAMED = """select distinct visit.person_id as entity, shown.kind as cell from warehouse.resource.visit as visit
    inner join components.components.sample as shown on visit.kind = shown.kind"""


def faults(statement: str, kind: str = "person", sql: str = BY_KIND) -> str:
    return "; ".join(entity_faults(model(sql), statement, kind))


def test_the_pseudonym_of_the_resource_layer_or_of_the_component_itself_names_somebody() -> None:
    assert faults(NAMED) == ""
    assert faults("select person_id as entity from resource.person where sex = 'male'") == ""
    assert faults("select sample_id as entity from components.components.sample", "sample", FEATURES) == ""


def test_a_query_is_judged_alike_however_often_it_is_asked_about() -> None:
    own = "select sample_id as entity from components.components.sample"
    assert faults(own, "sample", FEATURES) == faults(own, "sample", FEATURES) == ""
    tree = statement_of(own).tree
    assert tree is not None and tree.sql(dialect="duckdb").lower() == own


@pytest.mark.parametrize(
    "entity",
    [
        "'everybody'",
        "kind",
        "cost_yuan",
        "visit_id",
        "visited_on",
        "row_number() over (order by visit_id)",
        "person_id || visit_id",
        "substr(person_id, 1, 2)",
        "coalesce(person_id, visit_id)",
        "case when cost_yuan > 9 then person_id else visit_id end",
    ],
)
def test_anything_else_names_nobody(entity: str) -> None:
    told = faults(f"select {entity} as entity, kind as cell from resource.visit")
    assert told == "its entity is not the pseudonym of 'person' as the vault has it"


def test_one_of_a_group_does_not_stand_for_all_of_it() -> None:
    assert "not the pseudonym" in faults(
        "select min(person_id) as entity, kind as cell from resource.visit group by kind"
    )


def test_an_identifier_in_the_clear_is_no_pseudonym() -> None:
    assert "not the pseudonym" in faults("select id_number as entity from base.residents")


def test_the_kind_is_a_subject_or_the_component_itself() -> None:
    visits = "select visit_id as entity from resource.visit"
    assert faults(visits, "visit").startswith("'visit' is neither a subject (enterprise, person)")
    assert "not the pseudonym of 'enterprise'" in faults(NAMED, "enterprise")
    assert "not the pseudonym of 'sample'" in faults(NAMED, "sample")


@pytest.mark.parametrize(
    ("statement", "cause"),
    [
        (NAMED.replace("resource.visit as", "resource.nowhere as"), "it cannot be followed"),
        ("select person_id as entity from resource.visit using sample 5 rows", "sample"),
        ("select person_id as entity from resource.visit where random() < 0.5", "random, which is another at each run"),
        ("select person_id as entity from resource.visit limit 5", "limit"),
        ("select person_id as entity from read_csv('/etc/passwd')", "read_csv"),
        ("select person_id from resource.visit; drop table resource.visit", "2 statements"),
        ("selec", ""),
    ],
)
def test_what_cannot_be_followed_or_is_another_at_each_run_is_refused(statement: str, cause: str) -> None:
    told = faults(statement)
    assert told and cause in told.lower()


def test_a_component_that_cannot_be_followed_names_nobody_by_its_own_rows() -> None:
    assert faults("select sample_id as entity from components.components.sample", "sample", "selec").startswith(
        "it cannot"
    )
