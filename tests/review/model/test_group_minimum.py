"""M6: enough subjects stand behind every row, or look the same; what only seems to say so does not count."""

import pytest

from tests.review.model.town import NAME, findings, model, pseudonym, refusal

BY_DISTRICT = "select district_code, avg(cost_yuan) as c from resource.visit group by district_code "


@pytest.mark.parametrize(
    "having",
    [
        "having count(distinct person_id) >= 11",
        "having count(distinct person_id) > 10",
        "having 11 <= count(distinct person_id)",
        "having (count(distinct person_id) >= 11)",
        "having count(distinct person_id) >= 20",
        "having count(distinct person_id) >= 11 and avg(cost_yuan) > 3",
    ],
)
def test_a_group_minimum_is_recognised(having: str) -> None:
    assert refusal("M6", BY_DISTRICT + having) == ""


@pytest.mark.parametrize(
    ("having", "cause"),
    [
        ("", "no condition of its own"),
        ("having count(distinct person_id) >= 10", "ask for 10 subjects, where 11"),
        ("having count(distinct person_id) > 9", "ask for 10 subjects, where 11"),
        ("having count(distinct person_id) >= 11 or true", "no condition of its own"),
        ("having count(distinct person_id) >= 11 or avg(cost_yuan) > 0", "no condition of its own"),
        ("having not (count(distinct person_id) >= 11)", "no condition of its own"),
        ("having count(distinct person_id) <= 11", "no condition of its own"),
        ("having count(distinct person_id) = 11", "no condition of its own"),
        ("having count(*) >= 11", "not known to be one for each subject of raw.visits"),
        ("having count(distinct visit_id) >= 11", "another column than the subject's pseudonym"),
        ("having count(distinct cost_yuan) >= 11", "another column than the subject's pseudonym"),
        ("having count(distinct upper(person_id)) >= 11", "anything but one column"),
        ("having count(distinct (person_id, kind)) >= 11", "anything but one column"),
        ("having sum(1) >= 11", "no condition of its own"),
        ("having true", "no condition of its own"),
    ],
)
def test_what_says_no_such_thing_is_refused_for_its_cause(having: str, cause: str) -> None:
    assert cause in refusal("M6", BY_DISTRICT + having)


@pytest.mark.parametrize(
    "sql",
    [
        "select district_code, count(distinct person_id) as n from resource.visit group by 1 having n >= 11",
        "select district_code, count(distinct person_id) as n from resource.visit group by all having n >= 11",
        "with g as (select district_code, count(distinct person_id) as n from resource.visit group by 1)"
        " select district_code, n from g where n >= 11",
        "with g as (select district_code, kind, count(*) as n from resource.visit group by all"
        " having count(distinct person_id) >= 11) select district_code, sum(n) as n from g group by 1",
        "select count(*) as n, avg(cost_yuan) as c from resource.visit",
        "select count(*) as n from resource.visit where cost_yuan is not null",
        "select district_code, avg(v.cost_yuan - l.c) as c from resource.visit as v"
        " cross join (select avg(cost_yuan) as c from resource.visit) as l group by 1"
        " having count(distinct person_id) >= 11",
        "select district_code, sum(case when kind = 'x' then 1 else 0 end) as n, avg(coalesce(cost_yuan, 0)) as c"
        " from resource.visit group by 1 having count(distinct person_id) >= 11",
    ],
)
def test_other_ways_to_say_it(sql: str) -> None:
    assert refusal("M6", sql) == ""


@pytest.mark.parametrize(
    "sql",
    [
        "with g as (select district_code, count(*) as n from resource.visit group by 1) select * from g where n >= 11",
        "select district_code, kind from resource.visit",
        "select distinct district_code from resource.visit",
        "select 'a visit' as what from resource.visit",
        "select avg(cost_yuan) over (partition by district_code) as c from resource.visit",
        "select count(*) as n from resource.visit where cost_yuan > 90000",
        "select count(*) as n from (select cost_yuan > 90000 as high from resource.visit) as t where high",
        "select count(*) as n from (select nullif(cost_yuan, 0) as c from resource.visit) as t where c is not null",
        "select count(*) as n from (select * from resource.visit limit 1) as t",
        "select sum(n) as n from (select birth_date, count(*) as n from resource.person group by 1 having n = 1) as t",
        "select sum(n) as n from (select district_code, kind, count(*) as n from resource.visit group by all) as t"
        " group by kind having count(distinct district_code) >= 11",
        "select p.district_code, avg(v.cost_yuan) as c from resource.person as p join resource.visit as v"
        " on p.district_code = v.district_code group by 1 having count(distinct p.person_id) >= 11",
        "with g as (select district_code from resource.visit group by 1 having count(distinct person_id) >= 11)"
        " select v.cost_yuan from resource.visit as v join g on v.district_code = g.district_code",
        "select district_code from (select district_code from resource.visit group by 1"
        " having count(distinct person_id) >= 11) as t union all select district_code from resource.person",
        "select (select count(*) from resource.visit as v where v.kind = p.sex) as n from resource.person as p",
        "select avg(l.c) as c from range(20) as r(i),"
        " (select avg(cost_yuan) as c from resource.visit where cost_yuan > 9) as l having count(*) >= 11",
        "select avg(l.c) as c from range(20) as r(i),"
        " lateral (select avg(cost_yuan) as c from resource.visit where cost_yuan > r.i) as l having count(*) >= 11",
        "select avg(l.c) as c from resource.reading,"
        " (select avg(cost_yuan) as c from resource.visit where cost_yuan > 9) as l group by place_id",
        "select district_code, avg((select avg(cost_yuan) from resource.visit where cost_yuan > 9)) as c"
        " from resource.visit group by 1 having count(distinct person_id) >= 11",
        "select avg(h.cost_yuan) as c from resource.visit as v"
        " left join resource.visit as h on h.visit_id = v.visit_id and h.cost_yuan > 90000",
        "select avg(case when cost_yuan > 90000 then cost_yuan end) as c from resource.visit",
        "select sum(case when cost_yuan > 90000 then cost_yuan else 0 end) as c from resource.visit",
        "select avg(cost_yuan) filter (where cost_yuan > 90000) as c from resource.visit",
        "select avg(c) as c from (select case when kind = 'x' then cost_yuan end as c from resource.visit) as t",
        BY_DISTRICT.replace("avg(cost_yuan)", "avg(cost_yuan) filter (where kind = 'x')")
        + "having count(distinct person_id) >= 11",
    ],
)
def test_what_may_rest_on_a_single_record_is_refused(sql: str) -> None:
    assert "single record" in refusal("M6", sql)


TRIPS = "select place_id, count(*) as n, avg(fare) as f from {} group by place_id having count(*) >= 11"


@pytest.mark.parametrize(
    ("sources", "is_refused"),
    [
        ("resource.trip", False),
        ("(select * from resource.trip where fare > 0) as t", False),
        ("(select t.* from resource.trip as t join resource.place as p on t.place_id = p.place_id"
         " where p.kind = 'zone') as u", False),
        ("(select * from resource.trip union all select * from resource.trip) as t", True),
        ("(select t.* from resource.trip as t cross join (values (1), (2)) as v(x)) as u", True),
        ("(select t.* from resource.trip as t, range(20) as r(i)) as u", True),
        ("(select *, unnest([1, 2, 3]) as i from resource.trip) as t", True),
        ("(select t.* from resource.trip as t join resource.trip as s on t.day = s.day) as u", True),
        ("(select t.* from resource.trip as t left join resource.place as p on t.place_id = p.name) as u", True),
    ],
)  # fmt: skip
def test_records_of_nobody_known_are_counted_once_each(sources: str, is_refused: bool) -> None:
    assert bool(refusal("M6", TRIPS.format(sources))) is is_refused


def test_measurements_of_nobody_need_no_group() -> None:
    sql = "select p.name, max(r.level) as m from resource.reading as r join resource.place as p using (place_id)"
    assert refusal("M6", f"{sql} where p.kind = 'station' group by p.name") == ""
    assert "raw.visits" in refusal("M6", f"{sql} group by p.name")


CLINICS = "(select place_id, avg(cost_yuan) as c from resource.visit group by 1 having count(distinct person_id) >= 11)"


def test_a_property_of_a_large_group_may_be_looked_up() -> None:
    sql = f"select p.name, w.c from {CLINICS} as w join resource.place as p on w.place_id = p.place_id"
    assert refusal("M6", sql) == ""
    assert refusal("M6", sql, unique={}), "a column that nothing holds unique is no key to look up by"
    assert refusal("M6", sql.replace(">= 11", ">= 3"))


def test_a_property_of_somebody_may_not() -> None:
    doctors = (
        "(select person_id, avg(cost_yuan) as c from resource.visit group by 1 having count(distinct person_id) >= 11)"
    )
    sql = f"select p.birth_year from {doctors} as d join resource.person as p on d.person_id = p.person_id"
    assert "single record" in refusal("M6", sql)


FINE = (
    "g as (select district_code, kind, avg(cost_yuan) as c from v group by all having count(distinct person_id) >= 11)"
)
COARSE = "d as (select district_code, count(*) as n from v group by 1)"


@pytest.mark.parametrize(
    ("groups", "joined", "is_refused"),
    [
        (f"{FINE}, {COARSE}", "g join d on g.district_code = d.district_code", False),
        (f"{FINE}, {COARSE}", "d join g on d.district_code = g.district_code", False),
        (f"{FINE}, {COARSE}", "d left join g on d.district_code = g.district_code", True),
        (f"{FINE}, {COARSE}", "g join d on g.kind = d.district_code", True),
        (f"{FINE}, {COARSE}", "g cross join d", True),
        (f"{FINE}, {COARSE.replace('from v', 'from v where cost_yuan > 90000')}",
         "g join d on g.district_code = d.district_code", True),
        (f"{FINE}, {COARSE.replace('from v', 'from resource.visit')}",
         "g join d on g.district_code = d.district_code", True),
    ],
)  # fmt: skip
def test_coarser_groups_of_the_same_rows_have_the_minimum_of_finer_ones(
    groups: str, joined: str, is_refused: bool
) -> None:
    sql = f"with v as (select * from resource.visit), {groups} select d.district_code, d.n from {joined}"
    assert bool(refusal("M6", sql)) is is_refused


PEOPLE = """
    with g as (
        select person_id, sex, district_code, birth_year // 10 as decade, income from resource.person
    ),
    groups as (select sex, district_code, decade from g group by all having count(*) >= 11)
    """
OUT = f"select {pseudonym(NAME, 'g.person_id')} as id, g.sex, g.district_code, g.decade, g.income "
ON = "on g.sex = groups.sex and g.district_code = groups.district_code and g.decade = groups.decade"
COLUMNS = {
    "id": "identifier",
    "sex": "quasi_identifier",
    "district_code": "quasi_identifier",
    "decade": "quasi_identifier",
    "income": "measure",
}


def of_people(sql: str, **changes: object) -> str:
    return refusal("M6", sql, **{"subject": "person", "columns": COLUMNS, "grain": ("id",), **changes})


ALIKE = PEOPLE + OUT + "from g join groups " + ON


@pytest.mark.parametrize(
    "sql",
    [
        ALIKE,
        ALIKE.replace(" = groups", " is not distinct from groups"),
        ALIKE.replace("count(*)", "count(distinct person_id)"),
        ALIKE + " where g.decade > 190",
        f"select * from ({ALIKE}) as t where decade > 190",
        PEOPLE + OUT + "from g join groups using (sex, district_code, decade)",
        PEOPLE.replace("decade from g group by all having count(*) >= 11", "decade, count(*) as n from g group by all")
        + OUT
        + f"from g join groups {ON} where groups.n >= 11",
        PEOPLE + OUT + "from g qualify count(*) over (partition by g.sex, g.district_code, g.decade) >= 11",
        PEOPLE + OUT + f"from g join groups {ON} left join resource.visit as v on v.person_id = g.person_id",
        PEOPLE + OUT + f"from g join groups {ON} cross join (select count(*) as n from resource.person) as all_of",
    ],
)
def test_rows_of_subjects_are_shown_in_groups_that_look_the_same(sql: str) -> None:
    assert of_people(sql) == ""


@pytest.mark.parametrize(
    ("sql", "cause"),
    [
        (PEOPLE + OUT + "from g", "no group minimum holds"),
        (ALIKE.replace(">= 11", ">= 10"), "10 subjects, where 11"),
        (ALIKE.replace(" and g.decade = groups.decade", ""), "no group minimum holds"),
        (ALIKE.replace("from g join", "from g left join"), "no group minimum holds"),
        (ALIKE.replace("from g join", "from g full join"), "no group minimum holds"),
        (ALIKE + " or true", "no group minimum holds"),
        (ALIKE + " where g.income > 100000", "no group minimum holds"),
        (ALIKE + " where exists (select 1 from resource.visit as v where v.person_id = g.person_id)", "no group"),
        (f"select * from ({ALIKE}) as t where income > 100000", "no group minimum holds"),
        (ALIKE + " order by g.income limit 3", "no group minimum holds"),
        (ALIKE.replace("from g group", "from (select * from g where income > 0) as h group"), "no group"),
        (ALIKE.replace("from g group", "from (select * from g union all select * from g) as h group"), "no group"),
        (PEOPLE + OUT + f"from g join groups {ON} join resource.visit as v on v.person_id = g.person_id", "no group"),
        (PEOPLE + OUT + f"from g join groups {ON}, lateral (select 1 as one where g.income > 5) as l", "no group"),
        (PEOPLE + OUT + f"from g join groups {ON} semi join resource.visit as v using (person_id)", "no group"),
        (PEOPLE + OUT + "from g qualify count(*) over (partition by g.sex, g.district_code, g.decade) >= 11"
         " and g.income > 5", "no group minimum"),
        (PEOPLE + OUT + "from g qualify count(*) over (partition by g.sex, g.district_code) >= 11",
         "does not cover the quasi-identifier decade"),
        (ALIKE.replace("g.income from", "p.birth_year as income from") + " left join resource.person as p"
         " on p.person_id = g.person_id", "does not cover the quasi-identifier income"),
        (ALIKE.replace("g.income from", "p.income from") + " left join resource.person as p"
         " on p.district_code = g.district_code", "several subjects"),
        (ALIKE.replace("g.income from", "n.i as income from") + " left join (select birth_year as y, avg(income) as i"
         " from resource.person group by 1) as n on n.y = g.decade", "single record"),
    ],
)  # fmt: skip
def test_a_row_that_may_stand_out_is_refused_for_its_cause(sql: str, cause: str) -> None:
    assert cause in of_people(sql)


def test_what_the_contract_calls_a_quasi_identifier_is_one() -> None:
    assert "quasi-identifier income" in of_people(ALIKE, columns={**COLUMNS, "income": "quasi_identifier"})


def test_figures_of_a_subject_s_own_records_belong_to_it() -> None:
    visits = "(select person_id, count(*) as n from resource.visit group by person_id)"
    own = (
        ALIKE.replace("g.income from", "v.n as income from") + f" left join {visits} as v on v.person_id = g.person_id"
    )
    assert of_people(own) == ""
    neighbours = own.replace(
        visits,
        "(select a.person_id, avg(b.income) as n from resource.person as a join resource.person as b"
        " on a.district_code = b.district_code group by a.person_id)",
    )
    assert "several subjects" in of_people(neighbours)


def test_rows_that_are_not_one_for_each_subject_are_not_counted_as_subjects() -> None:
    sql = f"""
        with g as (select person_id, district_code, cost_yuan from resource.visit),
        groups as (select district_code from g group by 1 having count(*) >= 11)
        select {pseudonym(NAME, "g.person_id")} as id, g.district_code from g
        join groups on g.district_code = groups.district_code"""
    assert "one for each subject" in of_people(sql, columns={})
    assert of_people(sql.replace("count(*)", "count(distinct person_id)"), columns={}) == ""


@pytest.mark.parametrize(
    ("subject", "tier", "minimum_group", "is_refused"),
    [
        ("person", "sandbox", 5, False),
        ("person", "sandbox", 4, True),
        ("person", "market", 10, True),
        ("person", "public", 11, True),
        ("person", "public", 20, False),
        ("person", "unheard_of", 11, True),
        ("aggregate", "public", 11, False),
        ("aggregate", "market", 1, True),
    ],
)
def test_a_contract_may_not_ask_for_less_than_its_tier(
    subject: str, tier: str, minimum_group: int, is_refused: bool
) -> None:
    sql = (
        ALIKE.replace(">= 11", ">= 30")
        if subject == "person"
        else BY_DISTRICT + "having count(distinct person_id) >= 30"
    )
    changes = {"subject": subject, "release_tier": tier, "minimum_group": minimum_group, "columns": COLUMNS}
    assert ("tier" in refusal("M6", sql, **changes)) is is_refused


def test_groups_made_by_the_vault_s_own_models_have_to_be_large_as_well() -> None:
    rare = {("resource", "daily"): "select visited_on, count(*) as n from raw.raw.visits group by visited_on"}
    sql = "select visited_on, n from resource.daily"
    statements = {**model("").statements, **rare, ("components", NAME): sql}
    assert "raw.visits" in refusal("M6", sql, statements=statements)


def test_where_records_are_about_several_subjects_none_of_them_is_counted() -> None:
    both = f"""
        select {pseudonym("person", "id_number")} as patient_id, {pseudonym("person", "visit_number")} as doctor_id,
            cost_yuan from raw.raw.visits"""
    for counted in ("patient_id", "doctor_id"):
        sql = f"""
            select avg(cost_yuan) as c from resource.treatment where cost_yuan > 5
            having count(distinct {counted}) >= 11"""
        statements = {**model("").statements, ("resource", "treatment"): both, ("components", NAME): sql}
        assert "single record" in refusal("M6", sql, statements=statements)


def test_the_evidence_says_how_many_stand_behind_each_column() -> None:
    found = findings(BY_DISTRICT + "having count(distinct person_id) >= 15")["M6"]
    assert found.evidence["subjects_behind_each_column"] == {"district_code": 15, "c": 15}
