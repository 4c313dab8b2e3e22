"""What a model's table is made from: columns it shows, and columns that only choose, join or group its rows."""

import pytest

from orchestration.column_lineage import column_lineage, columns_read, model_lineage
from orchestration.roles import public, roles_of_columns
from orchestration.use import lineage_of_model, seconds_by_table
from vault.metering import TableLineage

INPUTS = {("base", "t"): ("a", "b", "c", "_batch"), ("base", "u"): ("a", "x", "y")}


def read(sql: str) -> str:
    """The columns a statement reads, as 't.a u.x'."""
    return " ".join(f"{table}.{column}" for _, table, column in columns_read(sql, INPUTS))


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select a from base.t", "t.a"),
        ("select count(*) as n from base.t where b > 60", "t.b"),
        ("select count(*) as n from base.t", ""),
        ("select count(*) as n from base.t group by c having sum(b) > 1", "t.b t.c"),
        ("select t.a from base.t join base.u on t.b = u.x", "t.a t.b u.x"),
        ("select t.a from base.t join base.u using (a)", "t.a u.a"),
        ("select a from base.t anti join base.u on t.b = u.x", "t.a t.b u.x"),
        ("select a from base.t where b in (select x from base.u where y = 1)", "t.a t.b u.x u.y"),
        ("select a from base.t where exists (select * from base.u where u.a = t.c)", "t.a t.c u.a"),
        ("select (select max(y) from base.u where u.a = t.c) as m from base.t", "t.c u.a u.y"),
        ("select a, row_number() over (partition by b order by c) as n from base.t", "t.a t.b t.c"),
        ("select a from base.t qualify row_number() over (partition by b order by c) = 1", "t.a t.b t.c"),
        ("select a, rank() over w as n from base.t window w as (partition by b)", "t.a t.b"),
        ("select a from (select distinct a, b from base.t) as d", "t.a t.b"),
        ("select a from base.t union select x from base.u", "t.a u.x"),
        ("with k as (select * from base.t where b = 1) select a from k", "t.a t.b"),
        ("with unused as (select * from base.u where x > 1) select a from base.t", "t.a"),
        ("with r as (select *, rank() over (order by c) as n from base.t) select a from r where n = 1", "t.a t.c"),
        ("select t.a, e.x from base.t as t, unnest(t.b) as e(x)", "t.a t.b"),
        ("select i from range(1, 10) as r(i)", ""),
        ("select a from base.t where _batch > (select max(_batch) from base.t)", "t._batch t.a"),
    ],
)
def test_columns_are_read_wherever_they_stand(sql: str, columns: str) -> None:
    assert read(sql) == columns
    lineage = model_lineage(sql, INPUTS)
    assert lineage is not None and lineage.is_complete


@pytest.mark.parametrize(
    "sql",
    [
        "select nothing_of_it from base.t",
        "select * from base.gone",
        "select columns('a|b') from base.t",
        "select * from read_csv('file.csv')",
        "select a from base.t, lateral (select x from base.u where u.a = t.a) as l",
        "with recursive r as (select a from base.t union all select r.a from r) select a from r",
    ],
)
def test_what_cannot_be_followed_is_not_taken_for_nothing(sql: str) -> None:
    lineage = model_lineage(sql, INPUTS)
    assert lineage is not None and not lineage.is_complete
    assert not lineage_of_model(["a"], lineage, ["base/t"]).is_resolved


def test_a_statement_that_cannot_be_analysed_has_no_lineage() -> None:
    for sql in ("select from from", "copy base.t to 'file'"):
        assert model_lineage(sql, INPUTS) is None and column_lineage(sql, INPUTS) == {}
        assert lineage_of_model(["a"], None, ["base/t"]) == TableLineage({"a": None}, (), ("base/t",))


def test_a_value_from_a_subquery_is_as_personal_as_what_it_was_taken_from() -> None:
    lineage = column_lineage("select a, (select max(y) from base.u) as m from base.t", INPUTS)
    roles = {("base", "t"): {"a": "measure"}, ("base", "u"): {"y": "identifier"}}
    assert public(roles_of_columns(["a", "m"], lineage, roles)) == {"a"}


def test_for_the_meter_provenance_is_no_field_and_the_pseudonym_key_no_table() -> None:
    sql = "select a, sha256((select max(key) from vault.k) || b) as p, _batch from base.t where _batch > 'x'"
    lineage = model_lineage(sql, {**INPUTS, ("vault", "k"): ("key",)})
    made_from = lineage_of_model(["a", "p", "_batch"], lineage, ["base/t"])
    assert made_from == TableLineage({"a": ("base/t.a",), "p": ("base/t.b",)}, (), ("base/t",))


def test_a_built_column_that_the_statement_does_not_name_is_not_resolved() -> None:
    lineage = model_lineage("select a from base.t", INPUTS)
    assert lineage_of_model(["a", "more"], lineage, ["base/t"]).columns == {"a": ("base/t.a",), "more": None}


def test_seconds_of_a_collection_without_records_are_split_evenly() -> None:
    assert seconds_by_table(3.0, ["stops", "trips", "routes"], []) == {"stops": 1.0, "trips": 1.0, "routes": 1.0}
