"""β as the regulator sets it: for one component or field, within the bounds, over its term, the last record first."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.guide import GuideParameters
from pricing.overrides import BetaOverride, in_force, override_of, require_bounds

EPOCHS = ("2027q1", "2027q2", "2027q3", "2027q4")


def record(name: str = "bov_1", beta: Fraction | None = Fraction(11, 10), **given: Any) -> BetaOverride:
    told = {
        "reason": "As decided.",
        "first_epoch": "2027q1",
        "last_epoch": "2027q2",
        "component": "zone_hours",
        **given,
    }
    return BetaOverride(name, beta, **told)


@pytest.mark.parametrize("beta", [Fraction(4, 5), Fraction(1), Fraction(6, 5), None])
def test_a_beta_within_the_bounds_is_taken(beta: Fraction | None) -> None:
    assert record(beta=beta).beta == beta


@pytest.mark.parametrize("beta", [Fraction(799_999, 10**6), Fraction(1_200_001, 10**6), Fraction(0), Fraction(-1)])
def test_a_beta_outside_the_bounds_is_refused_by_its_record(beta: Fraction) -> None:
    with pytest.raises(ValueError, match="record bov_1: β of the regulator must be"):
        record(beta=beta)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"component": None}, "one component or for one application field"),
        ({"domain": "governance"}, "one component or for one application field"),
        ({"last_epoch": "2026q4"}, "ends before it begins"),
        ({"reason": " "}, "and a reason"),
    ],
)
def test_a_record_that_cannot_be_is_refused(changes: dict[str, Any], cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        record(**changes)
    with pytest.raises(ValueError, match="id of its signed record"):
        record("")


def test_the_bounds_of_a_narrower_market_hold_too() -> None:
    narrow = GuideParameters(most_beta=Fraction(21, 20))
    require_bounds(record(beta=Fraction(21, 20)), narrow)
    with pytest.raises(ValueError, match="21/20 or less"):
        require_bounds(record(), narrow)


def test_it_holds_within_its_term_and_not_outside() -> None:
    held = [bool(in_force([record()], epoch)) for epoch in ("2026q4", *EPOCHS)]
    assert held == [False, True, True, False, False]


def test_the_last_record_counts_and_one_may_take_back() -> None:
    records = [record("bov_1"), record("bov_2", Fraction(9, 10)), record("bov_3", None, first_epoch="2027q2")]
    assert [each.record_id for each in in_force(records, "2027q1")] == ["bov_2"]
    assert in_force(records, "2027q2") == ()


def test_a_component_goes_before_its_field_and_others_are_not_touched() -> None:
    of_field = record("bov_2", Fraction(9, 10), component=None, domain="governance")
    held = in_force([record("bov_1"), of_field], "2027q1")
    names = [
        ("zone_hours", "governance"),
        ("other", "governance"),
        ("zone_hours", "innovation"),
        ("other", "innovation"),
    ]
    found = [override_of(held, *name) for name in names]
    assert [each and each.record_id for each in found] == ["bov_1", "bov_2", "bov_1", None]


TARGETS = st.sampled_from([("zone_hours", None), ("other", None), (None, "governance")])
RECORDS = st.lists(
    st.builds(
        lambda number, beta, target, terms: BetaOverride(
            f"bov_{number}", beta, "As decided.", min(terms), max(terms), target[0], target[1]
        ),
        st.integers(0, 99),
        st.none() | st.fractions(Fraction(4, 5), Fraction(6, 5)),
        TARGETS,
        st.tuples(st.sampled_from(EPOCHS), st.sampled_from(EPOCHS)),
    ),
    max_size=12,
)


@given(RECORDS, st.sampled_from(EPOCHS))
def test_each_target_has_at_most_one_and_a_later_record_always_wins(records: list[BetaOverride], epoch: str) -> None:
    held = in_force(records, epoch)
    assert len({each.target for each in held}) == len(held)
    for each in held:
        later = records[len(records) - records[::-1].index(each) :]
        assert each.beta is not None and not any(
            other.holds_in(epoch) and other.target == each.target for other in later
        )
