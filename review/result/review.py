"""The result review R: all of its checks on one component. Source: models §7 (R)."""

from collections.abc import Callable

from review.findings import Finding
from review.result import groups, persons, releases
from review.result.classes import Unmeasurable
from review.result.facts import ResultFacts, found
from review.result.thresholds import Thresholds
from vault.errors import JinkuError

Check = Callable[[ResultFacts, Thresholds], Finding]
BY_ONE: tuple[tuple[str, Check], ...] = (
    (groups.GROUP_MINIMUM, groups.review_group_minimum),
    (groups.DOMINANCE, groups.review_dominance),
    (releases.DIFFERENCING, releases.review_differencing),
    (releases.BUDGET, releases.review_budget),
    (groups.SECONDARY, groups.review_secondary),
    (releases.LINEAR, releases.review_linear),
)
CHECKS = (*persons.CHECKS, *(check for check, _ in BY_ONE))
"""The ids of all checks, in the order of their findings."""


def review_result(facts: ResultFacts, thresholds: Thresholds) -> tuple[Finding, ...]:
    """One finding for each of CHECKS. A check that raises leaves an error, which refuses as a failure does.

    Without any source category nothing is known of whose data it is, and every check is an error.
    """
    if not facts.source_categories:
        reason = "it is not known which sources stand behind the component"
        return tuple(found(check, "error", reason) for check in CHECKS)
    return (
        *_guarded(persons.CHECKS, lambda: persons.review_persons(facts, thresholds)),
        *(
            finding
            for check, review in BY_ONE
            for finding in _guarded((check,), lambda review=review: (review(facts, thresholds),))  # type: ignore[misc]
        ),
    )


def _guarded(checks: tuple[str, ...], review: Callable[[], tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """The findings, or an error for each check. What an engine says may hold a value, so only its kind is told."""
    try:
        return review()
    except JinkuError as error:
        reason = f"{error.code}: {error.what}"
    except Unmeasurable as error:
        reason = str(error)
    except Exception as error:  # whatever it is, it is no pass
        reason = f"the check failed ({type(error).__name__})"
    return tuple(found(check, "error", reason) for check in checks)
