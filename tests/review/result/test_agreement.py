"""A figure is what its contributions make it, or something else is judged than what is shown."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.result.agreement import Aggregate, cells_apart
from tests.review.result.builders import columns_of, tables

Row = tuple[Any, ...]
CONTRIBUTED: list[Row] = [
    ("north", "a", 3),
    ("north", "a", 4),
    ("north", "b", None),
    ("south", "b", 5),
    (None, "c", 9),
    ("west", None, 2),
]


def apart(
    shown: Sequence[tuple[str | None, float | None]], aggregate: Aggregate, contributed: Sequence[Row] = CONTRIBUTED
) -> int:
    with tables(
        component=columns_of(shown, "district", "figure"),
        contributions=columns_of(contributed, "district", "contributor", "value"),
    ) as found:
        return cells_apart(found["component"], ["district"], "figure", found["contributions"], aggregate)


def test_a_count_is_that_of_different_contributors_and_nobody_is_none() -> None:
    assert apart([("north", 2), ("south", 1), (None, 1), ("west", 0), ("east", 0)], "count") == 0
    assert apart([("north", 3), ("south", 2), (None, 0), ("west", 1), ("east", 1)], "count") == 5


def test_a_sum_is_that_of_all_values_whoever_contributed_them() -> None:
    assert apart([("north", 7.0), ("south", 5.0), (None, 9.0), ("west", 2.0), ("east", None)], "sum") == 0
    assert apart([("north", 7.1), ("south", 0.0), (None, None), ("west", 1.0), ("east", 1.0)], "sum") == 5


def test_a_mean_of_nothing_is_none() -> None:
    assert apart([("north", 3.5), ("east", None)], "mean") == 0
    assert apart([("north", 7.0), ("east", 0.0)], "mean") == 2


@pytest.mark.parametrize(("shown", "cells"), [(1000.0, 0), (1005.0, 0), (995.0, 0), (1005.1, 1), (994.9, 1)])
def test_a_sum_may_be_rounded_by_half_a_percent(shown: float, cells: int) -> None:
    assert apart([("north", shown)], "sum", [("north", "a", 400.0), ("north", "b", 600.0)]) == cells
    assert apart([("north", -shown)], "sum", [("north", "a", -400.0), ("north", "b", -600.0)]) == cells


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("nsw"), st.sampled_from("abcd"), st.integers(-50, 50)), min_size=1))
def test_what_is_computed_from_the_contributions_agrees_with_them(contributed: list[Row]) -> None:
    cells = {cell for cell, _, _ in contributed}
    sums = [(cell, float(sum(value for at, _, value in contributed if at == cell))) for cell in sorted(cells)]
    counts = [(cell, len({who for at, who, _ in contributed if at == cell})) for cell in sorted(cells)]
    assert apart(sums, "sum", contributed) == apart(counts, "count", contributed) == 0
    assert apart([(cell, value + 1.0) for cell, value in sums], "sum", contributed) == len(
        [value for _, value in sums if abs(value) < 200]
    )
