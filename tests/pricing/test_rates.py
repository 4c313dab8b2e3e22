"""From counts to rates: what was measured, what is no evidence, and when the gate stays shut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.rates import (
    Measured,
    accessibility_rate,
    gate_is_open,
    graded_rate,
    query_rate,
    rate,
    row_rate,
    share_rate,
    timeliness_rate,
)
from tests.pricing.markets import NOT_FINITE, unhurried

NOT_NULL = "expect_column_values_to_not_be_null"
REGEX = "expect_column_values_to_match_regex"
MEAN = "expect_column_mean_to_be_between"
NON_NULL_SHARE = "expect_column_proportion_of_non_null_values_to_be_between"
UNIQUE_SHARE = "expect_column_proportion_of_unique_values_to_be_between"
OWN_QUERY = "unexpected_rows_expectation"

counts = st.integers(0, 10**9)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Measured(NOT_NULL, False, element_count=1000, unexpected_count=30), 0.97),
        (Measured(REGEX, True, element_count=1000, missing_count=40, unexpected_count=12), 0.9875),
        (Measured(REGEX, True, element_count=1000, missing_count=1000, unexpected_count=0), None),
        (Measured(REGEX, True, element_count=0), None),
        (Measured(REGEX, True, element_count=7, missing_count=7), None),
        (Measured(REGEX, True, raised=True, element_count=9, unexpected_count=0), 0.0),
        (Measured(MEAN, True, observed_value=12.6), 1.0),
        (Measured(MEAN, False, observed_value=12.6), 0.0),
        (Measured("expect_column_to_exist", True), 1.0),
        (Measured(OWN_QUERY, False, observed_value=25, table_rows=1000), 0.975),
        (Measured(OWN_QUERY, False, unexpected_count=25, table_rows=1000), 0.975),
        (Measured(OWN_QUERY, False, observed_value=2500, table_rows=1000), 0.0),
        (Measured(OWN_QUERY, True, observed_value=0, table_rows=0), None),
        (Measured(NON_NULL_SHARE, False, observed_value=0.8), 0.8),
        (Measured(NON_NULL_SHARE, False, observed_value=0.8, required_minimum=0.9), 0.8),
        (Measured(UNIQUE_SHARE, False, observed_value=0.45, required_minimum=0.9), 0.5),
        (Measured(UNIQUE_SHARE, True, observed_value=0.95, required_minimum=0.9), 1.0),
        (Measured(UNIQUE_SHARE, True, observed_value=0.0, required_minimum=0.0), 1.0),
        (Measured(UNIQUE_SHARE, True, observed_value=0.4), 0.4),
        (Measured(UNIQUE_SHARE, True), None),
        (Measured(UNIQUE_SHARE, False), 0.0),
    ],
)
def test_each_kind_of_result_has_its_rate(result: Measured, expected: float | None) -> None:
    found = rate(result)
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-12))


@unhurried
@given(counts, counts, counts)
def test_a_row_rate_is_the_good_share_of_what_has_a_value(elements: int, missing: int, unexpected: int) -> None:
    evaluated = elements - missing
    if evaluated <= 0:
        assert row_rate(elements, unexpected, missing) is None
    elif unexpected > evaluated:
        with pytest.raises(ValueError, match=f"unexpected_count {unexpected} is above the {evaluated} evaluated"):
            row_rate(elements, unexpected, missing)
    else:
        found = row_rate(elements, unexpected, missing)
        assert found == pytest.approx((evaluated - unexpected) / evaluated, abs=1e-15)
        assert 0 <= found <= 1


@unhurried
@given(counts, counts, counts)
def test_one_more_bad_row_never_raises_a_rate(good: int, bad: int, missing: int) -> None:
    elements = good + bad + missing + 1
    before, after = row_rate(elements, bad, missing), row_rate(elements, bad + 1, missing)
    assert before is not None and after is not None and after <= before
    more, less = query_rate(bad + 1, elements), query_rate(bad, elements)
    assert more is not None and less is not None and more <= less


def test_how_far_an_aggregate_misses_may_be_graded() -> None:
    assert [graded_rate(distance, 4) for distance in (0, 1, 4, 9)] == [1, 0.75, 0, 0]


def test_what_the_platform_measures() -> None:
    assert timeliness_rate(85, 100) == 0.85
    assert timeliness_rate(0, 0) is None
    assert accessibility_rate(99, 100, 8, 10) == pytest.approx(0.792)
    assert accessibility_rate(0, 0, 8, 10) is None
    assert accessibility_rate(99, 100, 0, 0) is None


PASSED = Measured(REGEX, True, element_count=9, unexpected_count=0)
FAILED = Measured(REGEX, False, element_count=9, unexpected_count=2)
RAISED = Measured(REGEX, False, raised=True)
VACUOUS = Measured(REGEX, True, element_count=9, missing_count=9, unexpected_count=0)


@pytest.mark.parametrize(
    ("results", "is_open"),
    [
        ([("critical", PASSED)], True),
        ([("critical", PASSED), ("warning", FAILED), ("info", FAILED)], True),
        ([("critical", PASSED), ("critical", FAILED)], False),
        ([("critical", PASSED), ("info", RAISED)], False),
        ([("critical", PASSED), ("critical", VACUOUS)], True),
        ([("critical", VACUOUS), ("warning", VACUOUS)], False),
        ([("warning", PASSED)], True),
        ([], False),
    ],
)
def test_the_gate_opens_on_evidence_without_a_critical_failure(results: Any, is_open: bool) -> None:
    assert gate_is_open(results) is is_open
    assert gate_is_open(reversed(results)) is is_open


@pytest.mark.parametrize("wrong", [-0.01, *NOT_FINITE])
def test_a_value_outside_its_domain_is_refused(wrong: float) -> None:
    for refused in (
        lambda: Measured(REGEX, True, element_count=wrong),  # type: ignore[arg-type]
        lambda: Measured(REGEX, True, missing_count=wrong),  # type: ignore[arg-type]
        lambda: Measured(OWN_QUERY, True, table_rows=wrong),  # type: ignore[arg-type]
        lambda: Measured(UNIQUE_SHARE, True, required_minimum=wrong),
        lambda: query_rate(wrong, 1),
        lambda: query_rate(1, wrong),  # type: ignore[arg-type]
        lambda: share_rate(wrong),
        lambda: share_rate(0.5, wrong),
        lambda: graded_rate(wrong, 1),
        lambda: graded_rate(1, wrong),
    ):
        with pytest.raises(ValueError, match=r"must be|must lie"):
            refused()


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="counted elements but not which are unexpected"):
        rate(Measured(REGEX, True, element_count=9))
    with pytest.raises(ValueError, match="needs the bad rows it found and table_rows"):
        rate(Measured(OWN_QUERY, True, observed_value=1))
    with pytest.raises(ValueError, match="needs the bad rows it found and table_rows"):
        rate(Measured(OWN_QUERY, True, table_rows=1))
    with pytest.raises(ValueError, match="observed must lie in"):
        rate(Measured(NON_NULL_SHARE, True, observed_value=1.1))
    with pytest.raises(ValueError, match=f"observed_value of {MEAN} must be finite, not nan"):
        Measured(MEAN, True, observed_value=float("nan"))
    with pytest.raises(ValueError, match="counts must be 0 or more"):
        row_rate(1, -1)
    with pytest.raises(ValueError, match="severity must be one of critical, warning, info, not 'fatal'"):
        gate_is_open([("fatal", PASSED)])
    with pytest.raises(ValueError, match="refreshes_in_period must lie between 0 and the 2 asked for, not be 3"):
        timeliness_rate(3, 2)
    with pytest.raises(ValueError, match="metadata_filled must lie between"):
        accessibility_rate(1, 1, -1, 1)
