"""M5: an aggregate that is the value of one record neither leaves nor chooses what does."""

import pytest

from tests.review.model.town import NAME, OWN, pseudonym, refusal

GROUPED = "from resource.person group by district_code having count(*) >= 11"


@pytest.mark.parametrize(
    ("expression", "function"),
    [
        ("min(income)", "min"),
        ("max(income)", "max"),
        ("max(income, 3)", "max"),
        ("first(income)", "first"),
        ("last(income)", "last"),
        ("any_value(income)", "any_value"),
        ("arg_max(birth_year, income)", "arg_max"),
        ("min_by(birth_year, income)", "arg_min"),
        ("list(income)", "list"),
        ("array_agg(income)", "list"),
        ("string_agg(cast(income as varchar), ',')", "string_agg"),
        ("mode(income)", "mode"),
        ("histogram(income)", "histogram"),
        ("bool_or(income > 100)", "bool_or"),
        ("quantile_cont(income, 0.99)", "quantile near an end"),
        ("quantile_disc(income, 0.0)", "quantile near an end"),
        ("quantile_cont(income, [0.5, 1.0])", "quantile near an end"),
        ("percentile_cont(1.0) within group (order by income)", "quantile near an end"),
        ("round(max(income) / 1000)", "max"),
        ("case when max(income) > 100000 then 'rich' else 'poor' end", "max"),
        ("max(income) - min(income)", "max"),
        ("max(income) filter (where sex = 'male')", "max"),
    ],
)
def test_the_value_of_one_record_is_refused(expression: str, function: str) -> None:
    reason = refusal("M5", f"select district_code, {expression} as x {GROUPED}")
    assert function in reason and "raw.residents" in reason


@pytest.mark.parametrize(
    "expression",
    [
        "avg(income)",
        "sum(income)",
        "median(income)",
        "stddev(income)",
        "quantile_cont(income, 0.5)",
        "quantile_cont(income, 0.9)",
        "percentile_cont(0.1) within group (order by income)",
        "count(*)",
    ],
)
def test_a_figure_of_the_whole_group_is_not(expression: str) -> None:
    assert refusal("M5", f"select district_code, {expression} as x {GROUPED}") == ""


def test_a_quantile_leaves_a_record_of_the_smallest_group_on_either_side() -> None:
    sql = f"select district_code, quantile_cont(income, 0.08) as x {GROUPED}"
    assert refusal("M5", sql) and refusal("M5", sql, minimum_group=20) == ""


def test_a_group_is_not_chosen_by_one_record_either() -> None:
    assert "on line 1 chooses rows by max" in refusal(
        "M5", f"select district_code, count(*) as n {GROUPED} and max(birth_year) > 1900"
    )


def test_an_extreme_through_another_query_is_still_one() -> None:
    sql = f"with d as (select district_code, max(income) as m {GROUPED}) select district_code, m + 1 as x from d"
    assert "max" in refusal("M5", sql)


def test_measurements_of_nobody_may_have_extremes() -> None:
    assert (
        refusal("M5", "select place_id, min(level) as low, max(level) as high from resource.reading group by 1") == ""
    )


def test_bands_may_be_cut_by_the_last_year_of_all() -> None:
    cut = "case when r.y - extract(year from v.visited_on) < 1 then 'this' else 'past' end"
    latest = "(select max(extract(year from visited_on)) as y from resource.visit)"
    sql = f"select {pseudonym(NAME, 'v.person_id')} as id, {cut} as x from resource.visit as v cross join {latest} as r"
    assert refusal("M5", sql, subject="person") == ""
    assert refusal("M5", sql.replace(cut, "r.y"), subject="person")


def test_of_a_subject_s_own_records_an_extreme_may_leave_in_bands() -> None:
    own = "(select person_id, max(cost_yuan) as m from resource.visit group by person_id)"
    sql = f"select {OWN} as id, case when o.m > 500 then 'high' end as x from {own} as o"
    assert refusal("M5", sql, subject="person") == ""
    assert refusal("M5", sql.replace("case when o.m > 500 then 'high' end", "o.m"), subject="person")
