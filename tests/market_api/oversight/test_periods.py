"""Periods and quarters."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.oversight.periods import after, before, bounds_of, period_of, quarter_of
from market_api.problems import Problem
from tests.market_api.builders import NOON
from vault.moments import text_of


@pytest.mark.parametrize("quarter", ["2026", "2026q0", "2026q5", "1999q1", "2026Q4", "2026q4\n", "", "20260q1"])
def test_what_is_no_quarter_is_refused(quarter: str) -> None:
    with pytest.raises(Problem, match="quarter such as"):
        bounds_of(quarter)


@pytest.mark.parametrize(("begins", "ends"), [(NOON, NOON), (NOON, NOON - timedelta(1)), (NOON + timedelta(1), None)])
def test_a_period_ends_after_it_begins(begins: datetime, ends: datetime | None) -> None:
    with pytest.raises(Problem, match="ends before it begins"):
        period_of(begins, ends, NOON)


def test_a_period_is_a_year_up_to_now_where_nothing_is_said() -> None:
    period = period_of(None, None, NOON)
    assert period.begins < text_of(NOON - timedelta(days=364)) and period.begins > text_of(NOON - timedelta(days=366))
    assert period.begins < text_of(NOON) < period.ends


def test_a_period_may_begin_with_time_itself() -> None:
    assert period_of(None, datetime(1, 2, 1, tzinfo=UTC), NOON).begins.startswith("0001-01-01")


@given(st.datetimes(datetime(2000, 1, 1), datetime(2990, 1, 1), timezones=st.just(UTC)))
def test_every_moment_lies_in_its_quarter_and_quarters_follow_each_other(moment: datetime) -> None:
    quarter = quarter_of(text_of(moment))
    bounds = bounds_of(quarter)
    assert bounds.begins <= text_of(moment) < bounds.ends
    assert bounds_of(after(quarter)).begins == bounds.ends and before(after(quarter)) == quarter == after(
        before(quarter)
    )
