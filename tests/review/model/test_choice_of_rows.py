"""M7: what chooses, joins, groups and orders rows is lineage too."""

import pytest

from tests.review.model.town import findings, pseudonym, refusal

PERSONS = "select sex, count(*) as n from resource.person where {} group by sex having count(*) >= 11"


@pytest.mark.parametrize(
    ("sql", "clause"),
    [
        ("select sex from base.residents where id_number = 'a'", "WHERE"),
        ("select sex from base.residents where id_number is not null", "WHERE"),
        ("select sex from base.residents where full_name like 'A%'", "WHERE"),
        ("select sex from base.residents where length(id_number) > 3", "WHERE"),
        ("select r.sex from base.residents as r join base.residents as s on r.id_number = s.id_number", "JOIN"),
        ("select r.sex from base.residents as r join base.residents as s using (id_number)", "JOIN"),
        ("select r.sex from base.residents as r semi join base.residents as s on r.id_number = s.id_number", "JOIN"),
        ("select count(*) as n from base.residents group by id_number", "GROUP BY"),
        ("select sex, count(*) as n from base.residents group by sex having min(id_number) > 'a'", "HAVING"),
        ("select sex from base.residents order by id_number", "ORDER BY"),
        (
            "select sex from base.residents qualify rank() over (partition by id_number order by sex) = 1",
            "PARTITION BY",
        ),
        ("select sex from base.residents qualify row_number() over (order by id_number) = 1", "ORDER BY"),
        ("select distinct on (id_number) sex from base.residents", "DISTINCT ON"),
        ("select count(*) filter (where id_number > 'a') as n from base.residents", "FILTER"),
        ("select d.sex from (select sex from base.residents where id_number = 'a') as d", "WHERE"),
        ("with d as (select sex from base.residents where id_number = 'a') select sex from d", "WHERE"),
        (
            "select level from resource.reading where exists (select 1 from base.residents where id_number = 'a')",
            "WHERE",
        ),
        ("select level from resource.reading, (select 1 as a from base.residents where id_number = 'a') as t", "WHERE"),
    ],
)
def test_an_identifier_chooses_no_rows(sql: str, clause: str) -> None:
    reason = refusal("M7", sql)
    assert clause.lower() in reason.lower() and "raw.residents." in reason and "line 1" in reason


@pytest.mark.parametrize(
    "condition",
    [
        "person_id = 'a'",
        "person_id in ('a', 'b')",
        "person_id like 'a%'",
        "person_id < 'b'",
        f"person_id = {pseudonym('person', chr(39) + '440303199001011234' + chr(39))}",
        f"person_id in (select {pseudonym('person', 'code')} from (values ('440303199001011234')) as v(code))",
    ],
)
def test_a_pseudonym_is_not_looked_for(condition: str) -> None:
    assert "pseudonym of a person" in refusal("M7", PERSONS.format(condition))


@pytest.mark.parametrize(
    "sql",
    [
        PERSONS.format("person_id is not null"),
        PERSONS.format("person_id in (select person_id from resource.visit)"),
        "select p.sex from resource.person as p join resource.visit as v on p.person_id = v.person_id",
        "select p.sex from resource.person as p join resource.visit as v using (person_id)",
        "select count(*) as n from resource.visit group by person_id",
        "select sum(cost_yuan) over (partition by person_id) as c from resource.visit",
    ],
)
def test_a_pseudonym_joins_groups_and_counts(sql: str) -> None:
    assert refusal("M7", sql) == ""


@pytest.mark.parametrize(
    "condition",
    [
        "birth_year = 1931",
        "1931 = birth_year",
        "birth_year in (1931, 1932)",
        "not (birth_year <> 1931)",
        "birth_year is not distinct from 1931",
        "birth_year between 1931 and 1932",
        "birth_year >= 1931 and birth_year < 1933",
        "birth_year < 1933 and -birth_year < -1930",
        "birth_year - 1931 = 0",
        "abs(birth_year - 1931) < 1",
        "birth_year % 1931 < 1",
        "extract(month from birth_date) = 7",
        "cast(birth_date as varchar) like '1931%'",
        "birth_date = date '1931-02-03'",
        "district_code ilike '440303'",
        "district_code similar to '440303'",
        "starts_with(district_code, '440303')",
        "regexp_matches(district_code, '440303')",
        "contains(district_code, '440303')",
        "strpos(district_code, '440303') > 0",
        "list_contains(['440303'], district_code)",
        "nullif(birth_year, 1931) is null",
        "coalesce(birth_year = 1931, false)",
        "coalesce(birth_year <> 1931, false) = false",
        "not coalesce(birth_year <> 1931, false)",
        "case when birth_year = 1931 then true else false end",
        "case birth_year when 1931 then 1 end = 1",
        "if(birth_year = 1931, 1, 0) > 0",
        "birth_year = any (select 1931)",
        "birth_year in (select y from (values (1931)) as v(y))",
        "birth_year = (select max(birth_year) from resource.person)",
        "exists (select 1 from resource.visit as v where v.district_code = '440303')",
        "illness = 'B20'",
        "remark like '%Li%'",
        "(birth_year, sex) = (1931, 'male')",
    ],
)
def test_nobody_is_singled_out_by_a_personal_value(condition: str) -> None:
    reason = refusal("M7", PERSONS.format(condition))
    assert "singles out" in reason or "between two bounds" in reason


@pytest.mark.parametrize(
    "source",
    [
        "(select *, birth_year = 1931 as f from resource.person) as t where f",
        "(select *, birth_year = 1931 as f from resource.person) as t where f = true",
        "(select *, birth_year <> 1931 as f from resource.person) as t where not f",
        "(select *, birth_year <> 1931 as f from resource.person) as t where f is false",
        "(select *, case when birth_year = 1931 then 1 else 0 end as f from resource.person) as t where f > 0",
        "(select *, nullif(birth_year, 1931) as f from resource.person) as t where f is null",
        "(select * from (select * from resource.person where birth_year >= 1931) as a where birth_year < 1932) as t",
        "resource.person join (values (1931)) as v(y) on birth_year = y",
        "resource.person join (select 1931 as y) as v on birth_year = v.y",
        "resource.person join (select 1931 + 0 * level as y from resource.reading) as v on birth_year = v.y",
        "resource.person as p join (select 1931 + 0 * birth_year as y from resource.person) as v on p.birth_year = v.y",
        "resource.person where birth_year in (select 1931 + 0 * level from resource.reading)",
        "resource.person semi join (values (1931)) as v(y) on birth_year = y",
        "resource.person as p left join resource.visit as v on v.person_id = p.person_id and v.district_code = '44'",
    ],
)
def test_a_detour_singles_out_as_well(source: str) -> None:
    reason = refusal("M7", f"select sex, count(*) as n from {source} group by sex having count(*) >= 11")
    assert "singles out" in reason or "between two bounds" in reason


@pytest.mark.parametrize(
    "figure",
    [
        "count(*) filter (where birth_year = 1931)",
        "sum(case when birth_year = 1931 then 1 else 0 end)",
        "sum(case when birth_year >= 1931 and birth_year < 1932 then 1 else 0 end)",
        "count(case when birth_year = 1931 then 1 end)",
        "count(nullif(birth_year, 1931))",
        "count(distinct case when birth_year = 1931 then person_id end)",
        "avg(cast(birth_year = 1931 as integer))",
        "count_if(birth_year = 1931)",
    ],
)
def test_a_figure_does_not_count_those_singled_out(figure: str) -> None:
    sql = f"select sex, {figure} as x from resource.person group by sex having count(*) >= 11"
    assert "singled out" in refusal("M7", sql) or "singles out" in refusal("M7", sql)


@pytest.mark.parametrize(
    "sql",
    [
        PERSONS.format("birth_year >= 1950"),
        PERSONS.format("birth_year is not null"),
        PERSONS.format("sex = 'male'"),
        "select sum(case when sex = 'male' then 1 else 0 end) as m from resource.person having count(*) >= 11",
        "select chapter, count(*) as n from resource.visit where chapter = 'neoplasms' group by 1"
        " having count(distinct person_id) >= 11",
        "select kind, count(*) as n from resource.visit where kind = 'emergency' group by 1"
        " having count(distinct person_id) >= 11",
        "with g as (select district_code, count(distinct person_id) as n from resource.visit group by 1"
        " having count(distinct person_id) >= 11) select n from g where district_code = '440303'",
        "select district_code, count(*) as n from resource.person group by 1"
        " having count(*) >= 11 and count(distinct case when illness like 'A%' then 'a' else 'b' end) >= 2",
    ],
)
def test_what_hides_the_single_one_may_choose(sql: str) -> None:
    assert refusal("M7", sql) == ""


def test_being_in_a_table_of_subjects_must_not_tell_what_is_sensitive() -> None:
    ill = "(select person_id from resource.visit where chapter = 'neoplasms')"
    sql = f"select sex from resource.person as p semi join {ill} as v on v.person_id = p.person_id"
    assert "being in the table would tell it" in refusal("M7", sql, subject="person")


def test_the_evidence_has_all_that_rows_are_chosen_by() -> None:
    sql = "select count(*) as n from resource.person where birth_year > 60"
    found = findings(sql)
    assert found["M3"].evidence["lineage"]["n"] == [
        {"source": "raw.residents.*", "role": "records", "kind": "aggregation", "pseudonym": ""}
    ]
    assert found["M7"].evidence["indirect"] == {"WHERE": ["raw.residents.birth_date"]}
    assert found["M7"].evidence["chosen_by_bound"] == ["raw.residents.birth_date"]
