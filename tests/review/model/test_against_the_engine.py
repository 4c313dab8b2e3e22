"""What the review lets pass, run by the engine: the verdicts hold for what really comes out."""

from collections import Counter
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from review.model.reviewing import review_model
from tests.review.model.town import ROLES, STATEMENTS, model

PERSONS = 10
"""One fewer than the group minimum, so that no row about persons may come out."""

TYPES = {"income": "integer", "cost_yuan": "integer", "fare": "integer", "seconds": "integer", "level": "integer"}


def town(names: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
    """The town's tables with ten residents who are called by these names, their visits and trips."""
    connection = duckdb.connect(":memory:")
    for database, schemas in (("raw", ("raw", "vault")), ("warehouse", ("base", "resource"))):
        connection.execute(f"attach ':memory:' as {database}")
        for schema in schemas:
            connection.execute(f"create schema if not exists {database}.{schema}")
    for (schema, table), roles in ROLES.items():
        columns = ", ".join(f"{name} {TYPES.get(name, 'varchar')}" for name in roles)
        connection.execute(f"create table raw.{schema}.{table} ({columns})")
    connection.execute("create table raw.vault.pseudonym_key as select 'secret' as key, 'person' as name")
    for index, name in enumerate(names):
        sex, district, kind = "MF"[index % 2], f"d{index % 2}", ("seen", "urgent")[index % 2]
        resident = (
            name,
            f"name of {name}",
            sex,
            f"19{50 + index}-01-01",
            district,
            index,
            "A1",
            "",
            "batch",
            str(index),
        )
        connection.execute(f"insert into raw.raw.residents values ({', '.join('?' * 10)})", resident)
        for visit in range(3):
            row = (f"visit {visit} of {name}", name, "c1", district, "C5", kind, index + visit, "2020-01-01")
            connection.execute(f"insert into raw.raw.visits values ({', '.join('?' * 8)})", row)
        connection.execute("insert into raw.raw.trips values (?, '2020-01-01', ?, 60)", (district, index))
    connection.execute("insert into raw.raw.zones values ('d0', 'north'), ('d1', 'south')")
    connection.execute("insert into raw.raw.readings values ('s1', '2020-01-01', 5)")
    for (schema, table), sql in STATEMENTS.items():
        connection.execute("use warehouse")
        connection.execute(f"create table warehouse.{schema}.{table} as {sql}")
    return connection


@pytest.fixture(scope="module")
def two_towns() -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]:
    """Towns that differ in nothing but what their residents are called."""
    some = tuple(f"44030319900101{index:04d}" for index in range(PERSONS))
    others = tuple(f"{9 - index}xq{index}" for index in range(PERSONS))
    return town(some), town(others)


def passes(sql: str, *checks: str, **changes: Any) -> bool:
    found = {each.check[:2]: each.outcome for each in review_model(model(sql, **changes))}
    return all(found[check] == "pass" for check in checks)


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> Counter[tuple[str, ...]] | None:
    """The rows that come out, in no order; none where the engine refuses the statement."""
    try:
        return Counter(tuple(map(str, row)) for row in connection.execute(sql).fetchall())
    except duckdb.Error:
        return None


COLUMNS = st.sampled_from(["id_number", "full_name", "sex", "district_code", "cast(income as varchar)", "'a'"])
AROUND = st.sampled_from(
    [
        "upper({})", "{} || 'x'", "reverse({})", "md5({})", "coalesce({}, 'none')", "substr({}, 1, 2)",
        "case when {} > 'm' then 'late' else 'early' end", "case {} when 'male' then 'a' else 'b' end",
        "cast({} is null as varchar)", "cast(length({}) as varchar)", "[{}][1]", "nullif({}, 'male')",
        "cast({} like '4%' as varchar)", "greatest({}, 'b')", "(select max({}) from base.residents)",
    ]
)  # fmt: skip
EXPRESSIONS = st.recursive(COLUMNS, lambda inner: st.builds(str.format, AROUND, inner), max_leaves=3)
FIGURES = st.builds(
    str.format,
    st.sampled_from(
        ["count(*)", "count(distinct {})", "count({})", "min({})", "sum(length({}))", "string_agg({}, ',')"]
    ),
    EXPRESSIONS,
)
CONDITIONS = st.builds(
    str.format, st.sampled_from(["{} > 'm'", "{} is not null", "{} like '4%'", "length({}) > 4", "true"]), EXPRESSIONS
)
SHAPES = st.sampled_from(
    [
        "select {0} as x from base.residents where {2}",
        "select distinct {0} as x from base.residents where {2}",
        "select {1} as x from base.residents where {2}",
        "select {1} as x from base.residents where {2} group by {0}",
        "select {0} as x from base.residents group by {0} having {1} is not null",
        "with a as (select {0} as y from base.residents where {2}) select y || 'z' as x from a",
        "select x from (select {0} as x, {0} as z from base.residents) as t where z > 'm'",
        "select {0} as x from base.residents union all select {0} from base.residents where {2}",
        "select cast(rank() over (order by {0}) as varchar) as x from base.residents where {2}",
        "select cast(count(*) over (partition by {0}) as varchar) as x from base.residents",
        "select l.x from base.residents, lateral (select {0} as x) as l where {2}",
        "select {0} as x from base.residents order by {0} limit 3",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(SHAPES, EXPRESSIONS, FIGURES, CONDITIONS)
def test_what_residents_are_called_changes_nothing_that_comes_out(
    two_towns: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
    shape: str,
    expression: str,
    figure: str,
    condition: str,
) -> None:
    sql = shape.format(expression, figure, condition)
    if passes(sql, "M1", "M3", "M7", "M8"):
        one, other = (rows(each, sql) for each in two_towns)
        assert one == other


SOURCES = st.sampled_from(
    [
        "resource.visit as t",
        "resource.person as t",
        "resource.trip as t",
        "(select * from resource.trip union all select * from resource.trip) as t",
        "(select v.* from resource.visit as v cross join range(20) as r(i)) as t",
        "(select v.* from resource.visit as v join resource.person as p using (person_id)) as t",
        "(select p.*, v.cost_yuan from resource.person as p left join resource.visit as v using (person_id)) as t",
        "(select p.* from resource.person as p join resource.person as q on p.sex = q.sex) as t",
        "(select t.*, p.name from resource.trip as t join resource.place as p on t.place_id = p.place_id) as t",
        "(select person_id, district_code, count(*) as n from resource.visit group by all) as t",
        "(select *, unnest([1, 2, 3]) as i from resource.visit) as t",
        "resource.visit as t cross join (values (1), (2)) as u(one)",
        "range(30) as r(i), (select * from resource.person) as t",
    ]
)
KEYS = st.sampled_from(["t.district_code", "t.sex", "t.place_id", "t.person_id", "t.kind", "t.name", "1 + 1"])
COUNTS = st.sampled_from(
    [
        "count(*)", "count(distinct t.person_id)", "count(distinct person_id)", "count(t.person_id)",
        "count(distinct t.visit_id)", "count(distinct t.cost_yuan)", "sum(1)", "count(distinct t.place_id)",
    ]
)  # fmt: skip
LIMITS = st.sampled_from(
    [
        "{} >= 11", "{} > 10", "11 <= {}", "{} >= 10", "{} >= 11 or true", "not ({} < 11)", "{} >= 11 and count(*) > 0",
        "{} >= 2", "{} <= 11", "({} >= 11)", "{} >= 11 is not null", "n >= 11",
    ]
)  # fmt: skip
WHOLE = st.sampled_from(
    [
        "select {0} as k, {1} as n from {2} group by {0} having {3}",
        "select * from (select {0} as k, {1} as n from {2} group by {0}) as g where n >= 11",
        "select k, sum(n) as m from (select {0} as k, {1} as n from {2} group by {0} having {3}) as g group by k",
        "with g as (select {0} as k from {2} group by {0} having {3}) select t.* from {2} join g on {0} = g.k",
        "select {0} as k, {1} over (partition by {0}) as n from {2}",
        "select {0} as k from {2} qualify {1} over (partition by {0}) >= 11",
    ]
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(WHOLE, KEYS, COUNTS, SOURCES, LIMITS)
def test_of_ten_persons_no_group_of_eleven_comes_out(
    two_towns: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
    shape: str,
    key: str,
    count: str,
    source: str,
    limit: str,
) -> None:
    sql = shape.format(key, count, source, limit.format(count))
    if passes(sql, "M1", "M6"):
        assert not rows(two_towns[0], sql)


ALIKE = (
    "with t as (select * from resource.person), groups as (select {0} as k, {1} as l from {2} group by all having {3})"
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["t.sex", "t.district_code", "t.birth_year // 10"]),
    st.sampled_from(["t", "(select * from t where income > 3) as t", "resource.person as t", "resource.visit as t"]),
    st.sampled_from(["count(*) >= 11", "count(distinct t.person_id) >= 11", "count(*) >= 2", "count(*) >= 11 or true"]),
    st.sampled_from(["join", "left join", "anti join", "semi join"]),
    st.sampled_from(["{0} = groups.k and {1} = groups.l", "{0} = groups.k", "{0} = groups.k or true"]),
    st.sampled_from(["", "where t.income > 3", "where t.sex = 'male'", "limit 3"]),
)
def test_of_ten_persons_no_row_of_eleven_alike_comes_out(
    two_towns: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
    key: str,
    source: str,
    limit: str,
    join: str,
    on: str,
    where: str,
) -> None:
    keys = ("t.sex", key)
    groups = ALIKE.format(*keys, source, limit)
    sql = f"{groups} select t.sex as x, {key} as y from t {join} groups on {on.format(*keys)} {where}"
    if passes(sql, "M1", "M6", subject="person"):
        assert not rows(two_towns[0], sql)
