"""One pass of Great Expectations over an opened table, whatever engine holds it: counts out, values dropped."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from expectations.catalogue import CATALOGUE
from expectations.causes import cause_of_error, cause_of_messages, messages_of
from expectations.results import Measure
from vault.contract import Expectation

RESULT_FORMAT: Mapping[str, Any] = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""Counts only: GX is never asked for a list of unexpected values."""


@dataclass(frozen=True)
class Found:
    """What one expectation gave: its measure, the figure of an aggregate as text, its time, its cause if it raised."""

    measure: Measure
    seconds: float
    figure: str | None = None
    cause: str | None = None


def measure_together(
    validator: Any, expectations: Mapping[int, Expectation], columns: Iterable[str]
) -> dict[int, Found]:
    """Run the expectations in one graph, and those that raised once more alone; each outcome stands under its number.

    GX bundles many counts into one statement, so one that raises takes the others of its bundle with it.
    columns: the table's columns, the only quoted names a cause may show. Never raises for an expectation's sake.
    """
    known = tuple(columns)
    found = _measure_once(validator, expectations, known)
    failed = [number for number, each in found.items() if each.measure.success is None]
    if len(expectations) > 1:
        for number in failed:
            found |= _measure_once(validator, {number: expectations[number]}, known)
    return found


def raised(error: BaseException, columns: Iterable[str], seconds: float = 0.0) -> Found:
    """The outcome of an expectation that could not be evaluated."""
    return Found(Measure(success=None), seconds, cause=cause_of_error(error, columns))


def _measure_once(
    validator: Any, expectations: Mapping[int, Expectation], columns: tuple[str, ...]
) -> dict[int, Found]:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    started = time.perf_counter()
    configurations: list[Any] = []
    found: dict[int, Found] = {}
    for number, expectation in expectations.items():
        try:
            configuration = ExpectationConfiguration(
                type=expectation.type, kwargs=dict(expectation.arguments), meta={"number": number}
            )
            configuration.to_domain_obj()  # arguments that GX refuses would otherwise stop the whole graph
            configurations.append(configuration)
        except Exception as error:  # whatever GX raises is told as this expectation's cause
            found[number] = raised(error, columns)
    try:
        validations = validator.graph_validate(
            configurations=configurations,
            runtime_configuration={"catch_exceptions": True, "result_format": dict(RESULT_FORMAT)},
        )
    except Exception as error:
        return {number: found.get(number) or raised(error, columns) for number in expectations}
    seconds = (time.perf_counter() - started) / max(1, len(configurations))
    for validation in validations:
        number = validation.expectation_config.meta["number"]
        found[number] = _found(expectations[number], validation, columns, seconds)
    return found


def _found(expectation: Expectation, validation: Any, columns: tuple[str, ...], seconds: float) -> Found:
    causes = messages_of(validation.exception_info)
    if causes:
        return Found(Measure(success=None), seconds, cause=cause_of_messages(causes, columns))
    result: Mapping[str, Any] = validation.result
    success = bool(validation.success)
    kind = CATALOGUE[expectation.type].kind
    observed = result.get("observed_value")
    figure = float(observed) if isinstance(observed, int | float) and not isinstance(observed, bool) else None
    if expectation.type == "unexpected_rows_expectation":
        return Found(Measure(success, unexpected_count=int(figure or 0)), seconds)
    measure = Measure(
        success=success,
        element_count=_count(result.get("element_count")),
        missing_count=_count(result.get("missing_count")),
        unexpected_count=_count(result.get("unexpected_count")),
        observed=figure,
        vacuous=kind == "aggregate" and _is_empty(observed),
    )
    if kind == "table" and isinstance(observed, list):  # names of columns
        return Found(measure, seconds, ", ".join(map(str, observed)))
    is_plain = kind != "map" and not isinstance(observed, type(None) | dict | list)
    return Found(measure, seconds, str(observed) if is_plain else None)


def _count(value: Any) -> int | None:
    return None if value is None else int(value)


def _is_empty(observed: Any) -> bool:
    """Whether an aggregate had no value to look at."""
    return observed is None or (isinstance(observed, list) and not observed)
