"""The verdict on a table in words: is its gate closed, and by what; and what costs most of Q."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from expectations.history import Evaluation, TrendPoint
from expectations.pages_format import percent, plural, scores_apart
from expectations.pages_rules import Rule, column_name, rule_of
from expectations.results import SHARE_OF_ROWS, ExpectationResult
from expectations.vector import Gain

SEVERITY_ORDER = ("critical", "warning", "info")


@dataclass(frozen=True)
class Cause:
    """Why a gate is closed: the rules that share one cause, and the cause in words."""

    rules: tuple[Rule, ...]
    what: str
    is_error: bool


def is_closed(evaluation: Evaluation) -> bool:
    """Whether the gate is closed; without any result there is no evidence, and no evidence closes it."""
    return evaluation.gate_closed or not evaluation.results


def points_up_to(evaluation: Evaluation, trend: Iterable[TrendPoint]) -> tuple[TrendPoint, ...]:
    """The trend up to an evaluation, whose own mark agrees with the verdict: without results it is closed too."""
    number, closed = evaluation.evaluation_id, is_closed(evaluation)
    return tuple(
        replace(point, gate_closed=closed) if point.evaluation_id == number else point
        for point in trend
        if point.evaluation_id <= number
    )


def previous_quality(points: Sequence[TrendPoint]) -> float | None:
    """Q of the last run before the last that has one."""
    return next((point.quality for point in reversed(points[:-1]) if point.quality is not None), None)


def causes_of(results: Iterable[ExpectationResult], rules: Mapping[str, Rule]) -> tuple[Cause, ...]:
    """What closes the gate: what could not be evaluated, by its cause, then each critical failure."""
    errors: dict[str, list[Rule]] = {}
    failures = []
    for result in results:
        if result.status == "error":
            errors.setdefault(result.cause or "the cause was not recorded", []).append(rule_of(result, rules))
        elif result.closes_gate:
            failures.append(Cause((rule_of(result, rules),), failure_in_words(result), False))
    return (*(Cause(tuple(found), cause, True) for cause, found in errors.items()), *failures)


def evaluated_count(result: ExpectationResult) -> int | None:
    """How many items had a value to look at, None for a figure of the whole table."""
    if result.element_count is not None:
        return result.element_count - (result.missing_count or 0)
    return result.table_rows if result.type == SHARE_OF_ROWS else None


def failure_in_words(result: ExpectationResult) -> str:
    """How much of the data breaks the rule."""
    evaluated = evaluated_count(result)
    if result.unexpected_count is not None and evaluated:
        share = percent(min(1.0, result.unexpected_count / evaluated))
        return f"{result.unexpected_count:,} of {plural(evaluated, 'row')} break it ({share})"
    return "does not hold" if result.observed is None else f"does not hold: it is {result.observed}"


def gain_in_words(gain: Gain, name: Markup) -> Markup | None:
    """'Fixing x raises Q from 0.81 to 0.90'; None where it would not show."""
    apart = scores_apart(gain.quality, gain.quality_if_right)
    if apart is None:
        return None
    return Markup("Fixing {} raises Q from {} to <strong>{}</strong>").format(name, *apart)


def column_gain_in_words(gain: Gain) -> Markup | None:
    """The sentence for a column."""
    return gain_in_words(gain, column_name(gain.name))


def closed_since(points: Sequence[TrendPoint]) -> tuple[int, TrendPoint] | None:
    """How many runs in a row up to the last were closed, and the first of them; None where the last was open."""
    run = 0
    for point in reversed(points):
        if not point.gate_closed:
            break
        run += 1
    return (run, points[-run]) if run else None
