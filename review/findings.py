"""What one check of the security review S(X) = f(O, M, R) found. Values are frozen and plain; no personal value stands
in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["pass", "fail", "pending", "error"]
Part = Literal["origin", "model", "result"]


@dataclass(frozen=True)
class Finding:
    """One check's outcome.

    check: its stable id, such as `O1_legal_basis`; outcome: `pending` waits for a person, `error` is a failure of the
    checker, and both refuse; reason: the true cause in one sentence and, where it does not pass, what to do; evidence:
    plain JSON values that the outcome rests on, counts and names only.
    """

    check: str
    part: Part
    outcome: Outcome
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


def security(findings: Sequence[Finding], blocking: frozenset[str]) -> int:
    """S(X): 1 where every blocking check is there and passed, 0 otherwise; an empty policy is 0.

    findings: at most one for each check; blocking: ids of the checks that the policy asks for. Tightening a threshold
    or adding a check never turns 0 into 1. Source: models §7.
    """
    outcome = {each.check: each.outcome for each in findings}
    if len(outcome) != len(findings):
        raise ValueError("a check stands twice among the findings")
    return int(bool(blocking) and all(outcome.get(check) == "pass" for check in blocking))
