"""M8 and M9: the same rows give the same result, and noise is drawn by a declared mechanism only."""

import pytest

from review.model.under_review import NoiseClaim
from tests.review.model.town import findings, model, refusal


@pytest.mark.parametrize(
    ("sql", "cause"),
    [
        ("select level + random() as x from resource.reading", "random gives another result"),
        ("select uuid() as x from resource.reading", "uuid gives another result"),
        ("select gen_random_uuid() as x from resource.reading", "uuid gives another result"),
        ("select now() as x", "now gives another result"),
        ("select current_date as x", "current_date gives another result"),
        ("select today() as x", "current_date gives another result"),
        ("select current_timestamp as x", "current_timestamp gives another result"),
        ("select localtimestamp as x", "localtimestamp gives another result"),
        ("select nextval('s') as x", "nextval gives another result"),
        ("select level from resource.reading where day < current_date", "current_date gives another result"),
        ("select current_user as x", "current_user rests on the session"),
        ("select current_setting('threads') as x", "current_setting rests on the session"),
        ("select getvariable('x') as x", "getvariable rests on the session"),
        ("select version() as x", "version rests on the session"),
        ("select level from resource.reading using sample 10%", "a sample"),
        ("select level from resource.reading tablesample reservoir(5)", "a sample"),
        ("select level from resource.reading limit 5", "LIMIT without an order"),
        ("select level from resource.reading order by day limit 5", "LIMIT without an order"),
        ("select level from resource.reading order by level offset 5", "LIMIT without an order"),
        ("select level from resource.reading union all select level from resource.reading limit 3", "LIMIT on a union"),
        ("select distinct on (place_id) level from resource.reading", "DISTINCT ON without an order"),
        ("select row_number() over (order by day) as x from resource.reading", "row_number without an order"),
        (
            "select lag(level) over (partition by place_id order by day) as x from resource.reading",
            "lag without an order",
        ),
        ("select first_value(level) over (order by day) as x from resource.reading", "first_value without an order"),
        ("select string_agg(place_id, ',') as x from resource.reading", "string_agg, which rests on the order"),
        ("select any_value(level) as x from resource.reading", "any_value, which rests on the order"),
        ("select arg_max(level, day) as x from resource.reading", "arg_max, which rests on the order"),
    ],
)
def test_what_gives_another_result_is_refused(sql: str, cause: str) -> None:
    assert cause.lower() in refusal("M8", sql).lower()


@pytest.mark.parametrize(
    "sql",
    [
        "select name from resource.place order by place_id limit 5",
        "select row_number() over (order by place_id) as x from resource.place",
        "select place_id, avg(level) as l from resource.reading group by place_id order by place_id limit 3",
        "select rank() over (order by level) as x from resource.reading",
        "select sum(level) over (partition by place_id order by day) as x from resource.reading",
        "select date '2020-01-01' as x",
    ],
)
def test_an_order_that_tells_every_row_apart_is_enough(sql: str) -> None:
    assert refusal("M8", sql) == ""


def test_a_model_below_is_held_to_the_same() -> None:
    below = {("resource", "reading"): "select random() as level from raw.raw.readings"}
    sql = "select level from resource.reading"
    statements = {**model("").statements, **below, ("components", "sample"): sql}
    assert "(resource.reading)" in refusal("M8", sql, statements=statements)


CLAIM = NoiseClaim(mechanism="laplace", epsilon=1.0, delta=0.0, unit_of_privacy="person")


def test_a_declared_mechanism_passes_and_stands_in_the_evidence() -> None:
    claim = NoiseClaim(
        **{
            **vars(CLAIM),
            "cells": "select borough as district_code from raw.raw.zones",
            "figures": {"x": "select person_id as contributor, district_code from resource.person"},
            "counts": frozenset({"x"}),
        }
    )
    columns = {"district_code": "attribute", "x": "measure"}
    found = findings("select 1 as x", noise=claim, columns=columns, grain=("district_code",))["M9"]
    assert found.outcome == "pass" and found.evidence["epsilon"] == 1.0


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"mechanism": "our_own"}, "mechanism"),
        ({"mechanism": ""}, "mechanism"),
        ({"epsilon": 0.0}, "epsilon"),
        ({"epsilon": float("inf")}, "epsilon"),
        ({"epsilon": float("nan")}, "epsilon"),
        ({"delta": 1.0}, "delta"),
        ({"delta": -0.1}, "delta"),
        ({"unit_of_privacy": " "}, "unit of privacy"),
    ],
)
def test_a_claim_without_a_mechanism_is_refused(change: dict[str, object], cause: str) -> None:
    claim = NoiseClaim(**{**vars(CLAIM), **change})  # type: ignore[arg-type]
    assert cause in refusal("M9", "select 1 as x", noise=claim)


def test_noise_of_the_sql_s_own_making_is_none() -> None:
    sql = "select level + random() as x from resource.reading"
    assert "declare a mechanism" in refusal("M9", sql)
    assert "declare a mechanism" in refusal("M9", sql, noise=CLAIM)
