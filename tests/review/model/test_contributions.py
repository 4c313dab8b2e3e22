"""Contributions that split a subject, join two, or rest on others are refused: what is measured from them would be
another's."""

from dataclasses import replace
from typing import Any

import pytest

from review.model.contributions import cell_faults, contribution_faults
from review.model.under_review import ModelUnderReview, NoiseClaim, Table
from tests.review.model.town import KEY, STATEMENTS, findings, model, pseudonym, refusal, refused

CELLS = "select borough as district_code from raw.raw.zones"
COUNTED = "select person_id as contributor, district_code from resource.visit"
SUMMED = "select person_id as contributor, district_code, cost_yuan as value from resource.visit"
SQL = """
    select zones.borough as district_code, count(distinct visit.person_id) as patients, sum(visit.cost_yuan) as cost
    from raw.raw.zones as zones left join resource.visit as visit on zones.borough = visit.district_code
    group by zones.borough"""
COLUMNS = {"district_code": "attribute", "patients": "measure", "cost": "measure"}
CLAIM = NoiseClaim(
    mechanism="discrete_laplace",
    epsilon=1.0,
    delta=0.0,
    unit_of_privacy="person",
    cells=CELLS,
    figures={"patients": COUNTED, "cost": SUMMED},
    counts=frozenset({"patients"}),
)


def noisy(**changes: Any) -> dict[str, Any]:
    """A component whose patients and cost by district are claimed to be noisy."""
    return {"columns": COLUMNS, "grain": ("district_code",), "noise": replace(CLAIM, **changes)}


def by_district() -> ModelUnderReview:
    return model(SQL, columns=COLUMNS, grain=("district_code",))


def faults(statement: str, subject: str = "person") -> str:
    has_value = " value" in statement
    return "; ".join(contribution_faults(by_district(), statement, subject, has_value=has_value))


@pytest.mark.parametrize(
    "statement",
    [
        COUNTED,
        SUMMED,
        "select person_id as contributor, district_code, 1 as value from warehouse.resource.visit",
        "select p.person_id as contributor, p.district_code from resource.person as p where p.sex = 'male'",
        """select v.person_id as contributor, p.district_code, v.cost_yuan as value from resource.visit as v
            inner join resource.person as p on v.person_id = p.person_id where v.cost_yuan > 0""",
        """select v.person_id as contributor, z.borough as district_code from resource.visit as v
            inner join raw.raw.zones as z on v.district_code = z.zone""",
    ],
)
def test_a_row_for_each_of_a_subjects_own_records_can_be_relied_on(statement: str) -> None:
    assert faults(statement) == ""


@pytest.mark.parametrize(
    "contributor",
    [
        "visit_id",
        "'everybody'",
        "person_id || 'x'",
        "person_id || visit_id",
        "substr(person_id, 1, 2)",
        "coalesce(person_id, visit_id)",
        "case when cost_yuan > 9 then person_id else visit_id end",
        "cost_yuan",
    ],
)
def test_what_splits_a_subject_or_joins_two_is_no_contributor(contributor: str) -> None:
    told = faults(f"select {contributor} as contributor, district_code from resource.visit")
    assert told == "its contributor is not the person's pseudonym as the resource layer has it"


def test_the_contributor_is_of_the_kind_that_is_asked_for() -> None:
    assert "not the enterprise's pseudonym" in faults(COUNTED, "enterprise")


def test_an_identifier_or_a_pseudonym_of_its_own_making_is_no_contributor() -> None:
    assert "not the person's pseudonym" in faults("select id_number as contributor, district_code from base.residents")
    made = f"select {pseudonym('person', 'visit_id')} as contributor, district_code from resource.visit"
    assert KEY in made and "it has a query inside it" in faults(made)


@pytest.mark.parametrize(
    ("statement", "cause"),
    [
        ("select distinct person_id as contributor, district_code from resource.visit", "distinct"),
        (f"{COUNTED} limit 5", "limit"),
        (f"{COUNTED} order by person_id", "order"),
        (f"{COUNTED} qualify row_number() over (order by cost_yuan) < 9", "qualify"),
        (f"{COUNTED} union all {COUNTED}", "it is not one SELECT"),
        (f"with v as (select * from resource.visit) {COUNTED.replace('resource.visit', 'v')}", "with"),
        (f"{SUMMED.replace('cost_yuan', 'sum(cost_yuan)')} group by all", "it has sum, which rests on several rows"),
        (SUMMED.replace("cost_yuan", "avg(cost_yuan) over ()"), "avg, which rests on several rows"),
        (SUMMED.replace("cost_yuan", "(select max(income) from resource.person)"), "it has a query inside it"),
        (f"{COUNTED} where cost_yuan > (select avg(cost_yuan) from resource.visit)", "it has a query inside it"),
        (f"{COUNTED} where exists (select 1 from resource.person)", "it has a query inside it"),
        (SUMMED.replace("cost_yuan", "random()"), "random, which is another at each run"),
        (f"{COUNTED} using sample 5 rows", "sample"),
        (f"{COUNTED}; {COUNTED}", "it is 2 statements instead of one"),
        ("select person_id as contributor from resource.visit", "it lacks the column district_code"),
        (COUNTED.replace("district_code", "district_code, kind"), "it has a column kind that nothing asks for"),
        (COUNTED.replace("visit", "nowhere"), "which is neither a source nor a model below"),
        ("select content as contributor, 1 as district_code from read_text('/etc/passwd')", "reaches outside"),
        ("select entity as contributor, 1 as district_code from components.sample", "no table that a component may"),
    ],
)
def test_what_is_not_a_row_for_each_record_is_refused(statement: str, cause: str) -> None:
    assert cause in faults(statement)


MIXED = "a row may hold what belongs to several subjects"
OTHERWISE = "otherwise than by the person's pseudonym"


@pytest.mark.parametrize(
    ("joined", "cause"),
    [
        ("inner join resource.person as p on v.district_code = p.district_code", MIXED),
        ("left join resource.person as p on v.district_code = p.district_code", MIXED),
        ("cross join resource.person as p", MIXED),
        ("semi join resource.person as p on v.district_code = p.district_code", "only asks whether there is a row"),
        ("anti join resource.person as p on v.district_code = p.district_code", "only asks whether there is a row"),
        ("inner join resource.place as p on v.place_id = p.place_id", OTHERWISE),
        ("inner join resource.busy as b on v.district_code = b.district_code", OTHERWISE),
    ],
)
def test_other_subjects_decide_over_nobodys_contributions(joined: str, cause: str) -> None:
    """A table of the busy districts says of each visit whether there are others."""
    busy: dict[Table, str] = {
        ("resource", "busy"): "select district_code from resource.visit group by district_code having count(*) >= 11"
    }
    known = replace(by_district(), statements={**STATEMENTS, **busy})
    statement = f"select v.person_id as contributor, v.district_code from resource.visit as v {joined}"
    assert cause in "; ".join(contribution_faults(known, statement, "person", has_value=False))


@pytest.mark.parametrize(
    "statement",
    [
        CELLS,
        "select distinct borough as district_code from raw.raw.zones order by 1",
        "select name as district_code from resource.place where kind = 'zone'",
        "select * from (values ('a'), ('b')) as t (district_code)",
    ],
)
def test_cells_that_rest_on_nobody_can_be_relied_on(statement: str) -> None:
    assert cell_faults(by_district(), statement, frozenset({"patients", "cost"})) == ()


@pytest.mark.parametrize(
    ("statement", "cause"),
    [
        ("select distinct district_code from resource.person", "it rests on raw.residents.district_code"),
        ("select name as district_code from resource.place", "it rests on raw.visits"),
        (f"{CELLS} where zone in (select district_code from resource.person)", "it rests on raw.residents"),
        (f"{CELLS} where exists (select 1 from resource.person where sex = 'male')", "it rests on raw.residents"),
        ("select borough as district_code, 7 as patients from raw.raw.zones", "column patients that nothing asks for"),
        ("select borough from raw.raw.zones", "it lacks the column district_code"),
        (f"{CELLS} where current_date > date '2026-01-01'", "which is another at each run"),
        ("drop table x", "it is a statement of kind DROP, not a SELECT"),
        ("select {", "it does not parse"),
    ],
)
def test_cells_that_tell_of_somebody_are_refused(statement: str, cause: str) -> None:
    assert cause in "; ".join(cell_faults(by_district(), statement, frozenset({"patients", "cost"})))


def test_figures_that_noise_hides_need_no_group_minimum() -> None:
    assert refused(SQL, **noisy()) == set()
    assert "M6" in refused(SQL, columns=COLUMNS, grain=("district_code",))
    found = findings(SQL, **noisy())["M9"]
    assert found.evidence["noisy"] == ["cost", "patients"]


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"figures": {}}, "no column is noisy"),
        ({"figures": {"patients": COUNTED}}, "cells: it lacks the column cost"),
        ({"cells": ""}, "cells: it is 0 statements"),
        ({"cells": "select district_code from resource.visit"}, "cells: it rests on raw.visits"),
        ({"counts": frozenset({"patients", "cost"})}, "contributions to cost: it has a column value"),
        ({"figures": {"patients": COUNTED, "cost": SUMMED.replace("person_id", "visit_id")}}, "contributions to cost"),
        ({"unit_of_privacy": "enterprise"}, "contributions to patients: its contributor is not"),
    ],
)
def test_a_claim_that_would_hide_nobody_is_refused(changes: dict[str, Any], cause: str) -> None:
    assert cause in refusal("M9", SQL, **noisy(**changes))


def test_rows_of_persons_are_not_hidden_by_a_claim() -> None:
    assert "its rows are not said to be aggregates" in refusal("M9", SQL, **noisy(), subject="person")


def test_sensitive_values_are_noisy_only_as_figures() -> None:
    sensitive = SQL.replace("sum(visit.cost_yuan)", "count(visit.diagnosis)")
    assert "M3" not in refused(sensitive, **noisy())
    plain = (
        "select zone as district_code, 1 as patients, (select diagnosis from resource.visit) as cost from raw.raw.zones"
    )
    assert {"M3"} <= refused(plain, **noisy())
