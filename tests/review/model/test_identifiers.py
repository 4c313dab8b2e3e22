"""M3 and M4: an identifier leaves in no disguise; a sensitive value leaves only when it is made coarser."""

import pytest

from tests.review.model.town import KEY, NAME, OWN, findings, model, pseudonym, refusal

ID = "raw.residents.id_number"


@pytest.mark.parametrize(
    "sql",
    [
        "select id_number as x from base.residents",
        'select "ID_NUMBER" as x from base.residents',
        "select /* ; */ id_number /* -- */ as x from base.residents",
        "select coalesce(id_number, '') as x from base.residents",
        "select id_number as x from raw.raw.residents",
        "select ware as x from resource.smuggled",
        "with a as (select id_number as b from base.residents), c as (select b as d from a) select d as x from c",
        "with a(b) as (select id_number from base.residents) select b as x from a",
        "select x from (select id_number as x from base.residents) as t",
        "select t.x from (select id_number from base.residents) as t(x)",
        "select sex as x from base.residents union all select id_number from base.residents",
        "select sex as x from base.residents except select id_number from base.residents",
        "select l.x from base.residents as r, lateral (select r.id_number as x) as l",
        "select l.x from base.residents as r, (select r.id_number as x) as l",
        "select (select max(s.id_number) from base.residents as s where s.sex = r.sex) as x from base.residents as r",
        "select u.x from base.residents as r, unnest([r.id_number]) as u(x)",
        "select unnest([id_number]) as x from base.residents",
        "select first_value(id_number) over (order by birth_date) as x from base.residents",
        "select lag(id_number) over (order by birth_date) as x from base.residents",
        "select max(id_number) over (partition by sex) as x from base.residents",
        "select max(id_number) over w as x from base.residents window w as (partition by sex)",
        "select row_number() over (order by id_number) as x from base.residents",
        "select [id_number] as x from base.residents",
        "select {'a': id_number} as x from base.residents",
        "select s.a as x from (select {'a': id_number} as s from base.residents) as t",
        "select row(id_number, sex) as x from base.residents",
        "select residents as x from base.residents",
        "select to_json({'a': id_number}) as x from base.residents",
        "select json_object('a', id_number)->>'$.a' as x from base.residents",
        "select case when sex = 'male' then id_number end as x from base.residents",
        "select case when id_number like '4403%' then 'here' else 'there' end as x from base.residents",
        "select case id_number when 'a' then 1 when 'b' then 2 end as x from base.residents",
        "select id_number > '5' as x from base.residents",
        "select if(id_number is null, 0, 1) as x from base.residents",
        "select sex as x from base.residents where id_number = (select min(id_number) from base.residents)",
        "select min(id_number) as x from base.residents",
        "select sum(cast(id_number as bigint)) as x from base.residents",
        "select string_agg(id_number, ',') as x from base.residents",
        "select list(id_number) as x from base.residents",
        "select exists(select 1 from base.residents where id_number = r.full_name) as x from base.residents as r",
        "select id_number in (select id_number from base.residents) as x from base.residents",
        "with t as (select id_number as y from base.residents) select y as z, z || '' as x from t",
    ],
)
def test_an_identifier_leaves_in_no_disguise(sql: str) -> None:
    found = findings(sql)
    told = found["M3"].reason + found["M7"].reason
    assert "fail" in (found["M3"].outcome, found["M7"].outcome) and (ID in told or "raw.residents._row" in told)


def test_a_name_in_full_leaves_neither() -> None:
    assert "raw.residents.name" in refusal("M3", "select min(full_name) as x from base.residents group by sex")


@pytest.mark.parametrize(
    ("expression", "function"),
    [
        ("to_base64(encode(id_number))", "to_base64"),
        ("reverse(id_number)", "reverse"),
        ("hex(id_number)", "hex"),
        ("md5(id_number)", "md5"),
        ("sha256(id_number)", "sha256"),
        ("sha256('salt' || id_number)", "sha256"),
        ("hash(id_number)", "hash"),
        ("cast(id_number as bigint) * 3 + 7", "*, +, cast"),
        ("-cast(id_number as bigint)", "-"),
        ("xor(cast(id_number as bigint), 5)", "xor"),
        ("cast(id_number as bigint) << 2", "<<"),
        ("substr(id_number, 1, 17)", "substring"),
        ("left(id_number, 17)", "left"),
        ("translate(id_number, '0123', 'abcd')", "translate"),
        ("replace(id_number, '0', 'o')", "replace"),
        ("regexp_replace(id_number, '1', '2')", "regexp_replace"),
        ("ascii(id_number)", "ascii"),
        ("concat(id_number, 'x')", "concat"),
        ("id_number || 'x'", "||"),
        ("printf('%s', id_number)", "printf"),
        ("url_encode(id_number)", "url_encode"),
        ("string_split(id_number, '1')[1]", "string_split"),
        ("lpad(id_number, 20, '0')", "lpad"),
    ],
)
def test_a_function_that_can_be_undone_is_named(expression: str, function: str) -> None:
    sql = f"select {expression} as x from base.residents"
    assert ID in refusal("M3", sql)
    reason = refusal("M4", sql)
    assert ID in reason and all(name in reason for name in function.split(", "))


def test_a_pseudonym_of_this_component_may_leave() -> None:
    sql = f"select {OWN} as id from resource.person"
    assert refusal("M3", sql) == refusal("M4", sql) == ""
    (lineage,) = findings(sql)["M3"].evidence["lineage"]["id"]
    assert lineage == {"source": ID, "role": "identifier", "kind": "identity", "pseudonym": NAME}


@pytest.mark.parametrize(
    ("expression", "cause"),
    [
        ("person_id", "pseudonym of a person"),
        ("reverse(person_id)", "pseudonym of a person"),
        (pseudonym("other", "person_id"), "pseudonym of a other"),
        (pseudonym("person", "person_id"), "pseudonym of a person"),
        (f"sha256(sha256({KEY} || '{NAME}|' || person_id))", "pseudonym of a person"),
        (f"sha256('a' || sha256({KEY} || '{NAME}|' || person_id))", "pseudonym of a person"),
        (OWN.replace("max(key)", "min(key)"), "the key of the pseudonyms"),
        (OWN.replace("max(key)", "max(name)"), "pseudonym of a person"),
        (OWN.replace("sha256", "md5"), "pseudonym of a person"),
        (OWN.replace(f"{NAME}|", NAME), "pseudonym of a person"),
        (f"{OWN} || {KEY}", "the key of the pseudonyms"),
        (KEY, "the key of the pseudonyms"),
    ],
)
def test_what_only_looks_like_the_pseudonym_may_not(expression: str, cause: str) -> None:
    assert cause in refusal("M3", f"select {expression} as x from resource.person")


def test_a_pseudonym_hides_no_other_column_than_an_identifier() -> None:
    (lineage,) = findings(f"select {pseudonym(NAME, 'sex')} as x from resource.person")["M3"].evidence["lineage"]["x"]
    assert lineage["role"] == "quasi_identifier" and lineage["pseudonym"] == ""


def test_the_place_of_a_record_tells_whose_it_is() -> None:
    assert "raw.residents._row" in refusal("M3", "select _row as x from resource.person")


@pytest.mark.parametrize("counted", ["count(distinct person_id)", "count(person_id)", "count(*)"])
def test_subjects_may_be_counted(counted: str) -> None:
    sql = (
        f"select district_code, {counted} as n from resource.visit group by all having count(distinct person_id) >= 11"
    )
    assert refusal("M3", sql) == refusal("M6", sql) == refusal("M7", sql) == ""


def classes_of_names(count: int) -> str:
    branches = " ".join(f"when full_name like '{index}%' then '{index}'" for index in range(count - 1))
    return f"select case {branches} else 'other' end as kind from base.residents"


@pytest.mark.parametrize(("count", "is_refused"), [(3, False), (16, False), (17, True), (80, True)])
def test_the_vault_may_tell_an_identifier_in_few_classes_only(count: int, is_refused: bool) -> None:
    statements = {**model("").statements, ("resource", "named"): classes_of_names(count)}
    statements["components", NAME] = "select kind from resource.named"
    assert bool(refusal("M3", "", statements=statements)) is is_refused


def test_several_columns_together_may_not_tell_more() -> None:
    statements = {**model("").statements, ("resource", "named"): classes_of_names(8)}
    statements["components", NAME] = "select kind as a, upper(kind) as b from resource.named"
    assert "64 classes" in refusal("M3", "", statements=statements)


@pytest.mark.parametrize(
    ("expression", "check"),
    [
        ("illness", "M3"),
        ("trim(illness)", "M3"),
        ("substr(illness, 1, 3)", "M4"),
        ("to_base64(encode(illness))", "M4"),
        ("illness || district_code", "M4"),
        ("remark", "M3"),
        ("lower(remark)", "M3"),
    ],
)
def test_a_sensitive_value_does_not_leave_as_it_is(expression: str, check: str) -> None:
    assert refusal(check, f"select {OWN} as id, {expression} as x from resource.person", subject="person")


@pytest.mark.parametrize(
    "expression",
    ["case when illness like 'A%' then 'infectious' else 'other' end", "illness is not null", "length(illness)"],
)
def test_a_sensitive_value_may_leave_when_it_is_made_coarser(expression: str) -> None:
    sql = f"select {OWN} as id, {expression} as x from resource.person"
    assert refusal("M3", sql, subject="person") == refusal("M4", sql, subject="person") == ""


def test_a_sensitive_value_may_name_a_group_that_is_large_enough() -> None:
    sql = (
        "select diagnosis, count(*) as n from resource.visit group by diagnosis having count(distinct person_id) >= 11"
    )
    assert refusal("M3", sql) == ""
    assert "raw.visits.diagnosis" in refusal("M3", sql.replace(">= 11", ">= 1"))
