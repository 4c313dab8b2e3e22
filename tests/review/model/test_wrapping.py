"""Laws: to wrap a model into more queries and names makes nothing of it better, and nothing worse."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.review.model.town import OWN, refused

Wrapper = Callable[[str, str], str]

REFUSED = {
    "M3": "select id_number as x from base.residents",
    "M4": "select to_base64(encode(id_number)) as x from base.residents",
    "M5": "select min(income) as x from resource.person group by sex having count(*) >= 11",
    "M6": "select avg(income) as x from resource.person group by sex having count(*) >= 10",
    "M7": "select count(*) as x from resource.person where birth_year = 1931 group by sex having count(*) >= 11",
    "M8": "select level + random() as x from resource.reading",
}
PASSED = (
    "select avg(income) as x from resource.person group by sex having count(*) >= 11",
    "select count(distinct person_id) as x from resource.visit group by chapter having count(distinct person_id) >= 11",
    "select max(level) as x from resource.reading",
)

RENAMING: tuple[Wrapper, ...] = (
    lambda sql, name: f"with {name} as ({sql}) select x from {name}",
    lambda sql, name: f'with {name} as ({sql}) select "X" as x from {name}',
    lambda sql, name: f"with {name}(y) as ({sql}) select y as x from {name}",
    lambda sql, name: f"with {name} as (select * from ({sql}) as inner_one) select {name}.x from {name}",
    lambda sql, name: f"select {name}.x from ({sql}) as {name}",
    lambda sql, name: f"select y as x from ({sql}) as {name}(y)",
    lambda sql, name: f"select x from (select x as y, x from ({sql}) as inner_one) as {name} /* {name} */",
    lambda sql, name: f"with {name} as ({sql}) select x from {name} union all select x from {name}",
    lambda sql, name: f"select l.x from (select 1 as one) as {name}, lateral ({sql}) as l",
)
COMPUTING: tuple[Wrapper, ...] = (
    lambda sql, name: f"select coalesce(x, x) as x from ({sql}) as {name}",
    lambda sql, name: f"select case when true then x end as x from ({sql}) as {name}",
    lambda sql, name: f"select [x][1] as x from ({sql}) as {name}",
    lambda sql, name: f"select s.f as x from (select {{'f': x}} as s from ({sql}) as {name}) as t",
)
NAMES = st.text(alphabet="abcdefgh_", min_size=3, max_size=8).filter(lambda name: name not in ("cast", "chad", "head"))


def wrapped(sql: str, wrappers: list[tuple[Wrapper, str]]) -> str:
    for wrapper, name in wrappers:
        sql = wrapper(sql, f"w_{name}")
    return sql


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(REFUSED)), st.lists(st.tuples(st.sampled_from(RENAMING + COMPUTING), NAMES), max_size=4))
def test_a_refused_model_stays_refused_by_the_same_check(check: str, wrappers: list[tuple[Wrapper, str]]) -> None:
    assert check in refused(wrapped(REFUSED[check], wrappers))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(PASSED), st.lists(st.tuples(st.sampled_from(RENAMING[:-1]), NAMES), max_size=4))
def test_a_passed_model_stays_passed(sql: str, wrappers: list[tuple[Wrapper, str]]) -> None:
    assert refused(wrapped(sql, wrappers), columns={"x": "measure"}) == set()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_a_larger_minimum_never_turns_a_refusal_into_a_pass(asked: int, said: int) -> None:
    sql = f"select avg(income) as x from resource.person group by sex having count(*) >= {said}"
    outcomes = ["M6" in refused(sql, minimum_group=minimum, release_tier="sandbox") for minimum in (asked, asked + 1)]
    assert outcomes[0] <= outcomes[1] or asked < 5
    assert outcomes[1] or said >= asked + 1


def test_the_pseudonym_stays_its_own_through_any_query() -> None:
    sql = f"select {OWN} as x from resource.person"
    for wrapper in RENAMING:
        assert "M3" not in refused(wrapper(sql, "w_a"))
