"""S(X) = f(O, M, R): what passes, and everything that does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.findings import Finding, Outcome, security

OUTCOMES: tuple[Outcome, ...] = ("pass", "fail", "pending", "error")
CHECKS = ("O1", "M1", "R1", "R2")


def finding(check: str, outcome: Outcome = "pass") -> Finding:
    return Finding(check, "origin", outcome, "because")


def test_all_blocking_checks_passed_is_one() -> None:
    assert security([finding("O1"), finding("M1")], frozenset({"O1", "M1"})) == 1


def test_an_empty_policy_refuses() -> None:
    assert security([finding("O1")], frozenset()) == 0


def test_a_check_that_left_no_finding_refuses() -> None:
    assert security([finding("O1")], frozenset({"O1", "M1"})) == 0


@pytest.mark.parametrize("outcome", ["fail", "pending", "error"])
def test_whatever_did_not_pass_refuses(outcome: Outcome) -> None:
    assert security([finding("O1"), finding("M1", outcome)], frozenset({"O1", "M1"})) == 0


def test_what_does_not_block_refuses_nothing() -> None:
    assert security([finding("O1"), finding("O9", "fail")], frozenset({"O1"})) == 1


def test_a_check_cannot_stand_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        security([finding("O1", "fail"), finding("O1")], frozenset({"O1"}))


@given(
    st.dictionaries(st.sampled_from(CHECKS), st.sampled_from(OUTCOMES)),
    st.frozensets(st.sampled_from(CHECKS), min_size=1),
    st.sampled_from(CHECKS),
)
def test_another_blocking_check_never_turns_0_into_1(
    found: dict[str, Outcome], blocking: frozenset[str], more: str
) -> None:
    findings = [finding(check, outcome) for check, outcome in found.items()]
    assert security(findings, blocking | {more}) <= security(findings, blocking)
