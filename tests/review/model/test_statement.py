"""M1 and M2: one SELECT that both parsers read alike, with functions of the list, and columns that are all named."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.model.reviewing import CHECKS, review_model
from review.model.under_review import ModelUnderReview
from tests.review.model.town import findings, model, refusal

READINGS = "select place_id, level from resource.reading"


@pytest.mark.parametrize(
    ("sql", "cause"),
    [
        ("select place_id from", "does not parse"),
        ("", "0 statements"),
        (f"{READINGS}; {READINGS}", "2 statements"),
        (f"{READINGS}; drop table resource.reading", "2 statements"),
        ("create table t as select 1 as a", "kind CREATE"),
        ("copy resource.reading to 'out.csv'", "kind COPY"),
        ("attach 'other.db' as other", "kind ATTACH"),
        ("install httpfs", "kind LOAD"),
        ("set memory_limit = '1GB'", "kind SET"),
        ("insert into resource.reading select 1, 2, 3", "kind INSERT"),
        ("with gone as (delete from resource.reading returning *) select * from gone", "does not parse"),
        ("describe resource.reading", "not one SELECT"),
        ("values (1)", "not one SELECT"),
        ("select a from read_csv('/etc/passwd') as t(a)", "read_csv, which reaches outside"),
        ("select a from read_parquet('https://somewhere/x.parquet') as t(a)", "read_parquet, which reaches outside"),
        ("select a from read_text('/etc/passwd') as t(a)", "read_text, which reaches outside"),
        ("select a from glob('/**') as t(a)", "glob, which reaches outside"),
        ("select getenv('HOME') as a", "getenv, which reaches outside"),
        ("select a from query('select 1 as a')", "query, which reaches outside"),
        ("select a from sniff_csv('x.csv') as t(a)", "sniff_csv, which reaches outside"),
        ("select a from duckdb_secrets() as t(a)", "duckdb_secrets, which reaches outside"),
        ("select a from '/etc/passwd.csv' as t(a)", "a file or an address by name"),
        ('select a from "https://somewhere/x.parquet" as t(a)', "a file or an address by name"),
        ("select main.my_own(level) as a from resource.reading", "my_own, which is not on the list"),
        ("select no_such_thing(level) as a from resource.reading", "no_such_thing, which is not on the list"),
        ("select list_transform([level], x -> x + 1) as a from resource.reading", "a lambda"),
        ("select #1 as a from resource.reading", "a positional reference"),
        ("select $1 as a", "a parameter"),
        ("select level -- \r , place_id\nfrom resource.reading", "control characters"),
        ("select level\x00 from resource.reading", "control characters"),
        (f"select {'(' * 400}1{')' * 400} as a", "deep"),
        ("select " + "not " * 900 + "true as a", "deep"),
        ("select " + "not " * 5000 + "true as a", "does not parse"),
        ("select 1" + " + 1" * 20_000 + " as a", "parse"),
        ("select '" + "x" * 1_100_000 + "' as a", "longer"),
    ],
)
def test_only_one_plain_select_is_read(sql: str, cause: str) -> None:
    assert cause in refusal("M1", sql)


def test_a_model_below_is_held_to_the_same_functions() -> None:
    below = {("resource", "reading"): "select a as level from read_csv('/etc/passwd') as t(a)"}
    reason = refusal("M1", "select level from resource.reading", statements={**model("").statements, **below} | {
        ("components", "sample"): "select level from resource.reading"
    })  # fmt: skip
    assert "read_csv" in reason and "resource.reading" in reason


@pytest.mark.parametrize(
    "sql",
    [
        READINGS,
        f"{READINGS};",
        f"-- a note; not a statement\n{READINGS} /* and /* another */ ; */",
        'SELECT "PLACE_ID", Level FROM Resource."READING"',
        "from resource.reading select place_id, level",
        "with r as materialized (select * from resource.reading) select place_id, level from r",
    ],
)
def test_a_plain_select_passes_however_it_is_written(sql: str) -> None:
    found = findings(sql, columns={"place_id": "attribute", "level": "measure"}, grain=("place_id",))
    assert {check for check, each in found.items() if each.outcome != "pass"} == set()


def test_a_comment_does_not_change_what_a_function_is() -> None:
    hidden = "select min(income) /* sqlglot.anonymous */ as least from resource.person"
    assert "min" in refusal("M5", hidden)


@pytest.mark.parametrize(
    ("sql", "cause"),
    [
        ("select * from resource.reading", "takes a *"),
        ("select r.* from resource.reading as r", "takes a *"),
        ("select place_id, level from resource.reading union all select * from resource.reading", "takes a *"),
        ("select columns('l.*') from resource.reading", "takes a *"),
        ("select level from resource.gone", "resource.gone, which is neither"),
        ("select level from reading", "reading, which is no table"),
        ("select a from components.other", "components.other"),
        ("select gone from resource.reading", "column gone of no known table"),
        ("select level as a, place_id as a from resource.reading", "a second column of one name"),
        ("select level from resource.reading natural join resource.place", "natural join"),
        ("select level from resource.reading at (version => 1)", "a table with when"),
        ("select t.gone from (select level from resource.reading) as t", "column gone of no known table"),
        ("with recursive r as (select 1 as a union all select a + 1 from r) select a from r", "no table of the vault"),
        ("select place_id.upper() as a from resource.reading", "by a dot"),
        ("select count(*) as n from resource.reading group by rollup (place_id)", "several sets"),
        ("select * exclude (level) from resource.reading", "takes a *"),
    ],
)
def test_every_column_is_named_and_followed(sql: str, cause: str) -> None:
    assert cause in refusal("M2", sql)


def test_what_is_not_followed_is_not_passed() -> None:
    found = findings("select level from resource.gone")
    assert {check for check, each in found.items() if each.outcome == "pass"} == {"M1", "M9"}
    assert "Not examined" in found["M3"].reason and "resource.gone" in found["M3"].reason


def test_the_output_has_the_columns_of_the_contract() -> None:
    columns = {"place_id": "attribute", "more": "measure"}
    reason = refusal("M2", READINGS, columns=columns, grain=("place_id", "day"))
    assert "level is not in the contract" in reason
    assert "contract's column more is not made" in reason and "grain's column day is not made" in reason


def test_no_value_of_the_sql_stands_in_a_finding() -> None:
    secret = "440303199001011234"
    for sql in (
        f"select sex, count(*) as n from base.residents where id_number = '{secret}' group by sex",
        f"select case when id_number = '{secret}' then '{secret}' end as x from base.residents",
        f"select no_such('{secret}') as x",
        f"select '{secret}' from",
        f"select a from read_csv('{secret}') as t(a)",
    ):
        assert secret not in str(findings(sql))


def test_of_a_text_that_is_not_read_nothing_passes() -> None:
    assert {each.outcome for each in findings("select from where").values()} == {"fail"}


@pytest.mark.parametrize(
    "sql",
    [
        "with k as (select level as x from resource.reading), \u212a as (select id_number as x from base.residents)"
        " select x from k",
        "with k as (select id_number as x from base.residents), \u212a as (select level as x from resource.reading)"
        " select x from k",
    ],
)
def test_names_that_two_readers_compare_differently_are_refused(sql: str) -> None:
    assert "a letter beyond ASCII" in refusal("M1", sql)
    assert refusal("M1", 'select level as "\u4f4d" from resource.reading') == ""


def nested(depth: int) -> str:
    inner = "true"
    for level in range(depth):
        inner = f"exists (select 1 from resource.person as p{level} where p{level}.income > 1 and {inner})"
    return f"select sex as x from resource.person where {inner}"


@pytest.mark.parametrize(
    "sql",
    [
        "select level as a0" + "".join(f", a{i} + a{i} as a{i + 1}" for i in range(60)) + " from resource.reading",
        "with c0 as (select 'a' as k, level from resource.reading)"
        + "".join(f", c{i + 1} as (select * from c{i} union all select * from c{i})" for i in range(60))
        + " select level from c60 where k = 'a'",
        nested(60),
        "select (" * 40 + "select 1 as x" + ") as x order by x" * 40,
    ],
)
def test_no_short_text_takes_long(sql: str) -> None:
    """What doubles at each step would not end in a lifetime."""
    assert tuple(each.check for each in review_model(model(sql))) == CHECKS


@settings(deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="select from(*),'\"-;/.\n", max_size=60))
def test_no_text_stops_the_review(text: str) -> None:
    found = review_model(model(text))
    assert tuple(each.check for each in found) == CHECKS
    assert any(each.outcome != "pass" for each in found)


def test_a_review_that_fails_itself_is_an_error_and_refuses() -> None:
    broken = ModelUnderReview(**{**vars(model(READINGS)), "statements": None})
    assert {each.outcome for each in review_model(broken)} == {"error"}
