"""What cells count, and by what, is the same under other names, and another where they are made otherwise."""

import pytest

from review.model.written_out import lineage_of
from tests.review.model.town import NAME, model

BY_KIND = """
    with visits as (select * from warehouse.resource.visit where cost_yuan > 0),
    kinds as (
        select visits.kind, count(distinct visits.person_id) as patients from visits group by visits.kind
        having count(distinct visits.person_id) >= 11
    )
    select kinds.kind, kinds.patients from kinds"""
NAMED = f"""select distinct visit.person_id as entity, published.kind as cell from warehouse.resource.visit as visit
    inner join components.components.{NAME} as published on visit.kind = published.kind"""
RENAMED = """
    select sorts.sort, sorts.people from (
        select v.kind as sort, count(distinct v.person_id) as people from resource.visit as v group by v.kind
    ) as sorts"""
NAMED_AGAIN = f"""select distinct v.person_id as entity, r.sort as cell from warehouse.resource.visit as v
    inner join components.components.{NAME} as r on v.kind = r.sort"""


def lineage(sql: str, entities: str, grain: str = "kind", counts: str = "patients") -> str:
    return lineage_of(model(sql, grain=(grain,)), entities, (counts,))


KNOWN = lineage(BY_KIND, NAMED)


def parts(text: str) -> tuple[str, str, str]:
    counts, _, others = text.partition(" by ")
    grain, _, entities = others.partition(" as ")
    return counts, grain, entities


def test_other_names_of_columns_tables_and_subqueries_change_nothing() -> None:
    assert lineage(RENAMED, NAMED_AGAIN, "sort", "people") == KNOWN
    assert all(len(each) == 16 for each in parts(KNOWN))


@pytest.mark.parametrize("made", ["upper(v.kind)", "v.district_code", "replace(v.kind, 'a', 'b')"])
def test_a_grain_made_otherwise_is_another(made: str) -> None:
    other = lineage(RENAMED.replace("v.kind as sort", f"{made} as sort"), NAMED_AGAIN, "sort", "people")
    assert parts(other)[1] != parts(KNOWN)[1] and parts(other)[2] != parts(KNOWN)[2]


def test_constants_tell_labels_apart() -> None:
    """Functions alone would not: these two swap labels between the same cells."""
    one, other = (
        lineage(RENAMED.replace("v.kind as sort", f"{made} as sort"), NAMED_AGAIN, "sort", "people")
        for made in ("replace(v.kind, 'a', 'b')", "replace(v.kind, 'b', 'a')")
    )
    assert one != other


@pytest.mark.parametrize(
    "entities",
    [
        NAMED.replace("published.kind as cell", "'x' || published.kind as cell"),
        NAMED.replace("on visit.kind = published.kind", "on visit.kind > published.kind"),
        f"{NAMED} where visit.cost_yuan < 9",
        f"with own as ({NAMED}) select entity, cell from own",
    ],
)
def test_entities_told_otherwise_are_others_though_the_grain_is_the_same(entities: str) -> None:
    other = lineage(BY_KIND, entities)
    assert parts(other)[:2] == parts(KNOWN)[:2] and parts(other)[2] != parts(KNOWN)[2]


@pytest.mark.parametrize(
    "sql",
    [
        "select kind, 1 as patients from resource.visit union all select kind, 2 as patients from resource.visit",
        "select rank() over (order by visit.kind) as kind, 1 as patients from resource.visit as visit",
        "selec",
    ],
)
def test_what_cannot_be_written_out_is_like_nothing_but_itself(sql: str) -> None:
    assert lineage(sql, NAMED) == lineage(sql, NAMED)
    assert parts(lineage(sql, NAMED))[1] != parts(KNOWN)[1]
    assert lineage(sql, NAMED) != lineage(f"{sql} -- another", NAMED)


def test_brackets_are_kept_where_an_expression_is_put_in() -> None:
    whole = (
        "select part.total * 2 as kind, 1 as patients from (select v.a + v.b as total from resource.visit v) as part"
    )
    last = "select v.a + v.b * 2 as kind, 1 as patients from resource.visit v"
    assert parts(lineage(whole, NAMED))[1] != parts(lineage(last, NAMED))[1]
