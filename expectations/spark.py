"""Runs the same expectations with Great Expectations' Spark engine, on the scale-out target.

Importing this module needs no Spark; calling `evaluate_frame` does.
"""

import importlib.util
import time
from collections.abc import Mapping, Sequence
from typing import Any

from expectations.catalogue import CATALOGUE, columns_named
from expectations.dialect import prepare_great_expectations
from expectations.engine import DATA_SOURCE, TableUnderTest, result_of
from expectations.measuring import Found, measure_together, raised
from expectations.results import ExpectationResult, Measure
from vault.contract import Expectation
from vault.errors import JinkuError


def evaluate_frame(
    frame: Any, table: TableUnderTest, expectations: Sequence[Expectation], run_id: str
) -> tuple[ExpectationResult, ...]:
    """Evaluate every expectation on a Spark DataFrame; results are those of `engine.evaluate`, without row references.

    Raises JinkuError `spark_missing` where pyspark is not installed. An expectation that cannot be evaluated gives a
    result with status 'error' and its cause.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise JinkuError(
            "spark_missing", "Spark is not installed", table.asset, "Install the extra packages of the Spark target."
        )
    started = time.perf_counter()
    found: dict[int, Found] = {}
    column_types: Mapping[str, str] = {}
    table_rows: int | None = None
    try:
        column_types = {str(name): str(type_name).lower() for name, type_name in frame.dtypes}
        table_rows = int(frame.count())
        pending = {number: each for number, each in enumerate(expectations) if not _gone(each, column_types)}
        if pending:
            found = measure_together(_validator(frame, table), pending, column_types)
    except Exception as error:  # Spark may raise anything; the attempt is kept as an error of each expectation
        seconds = time.perf_counter() - started
        found = dict.fromkeys(range(len(expectations)), raised(error, column_types, seconds))
    for number, expectation in enumerate(expectations):
        if number not in found:
            names = ", ".join(repr(name) for name in _gone(expectation, column_types))
            found[number] = Found(Measure(success=None), 0.0, cause=f"the table has no column {names}")
    return tuple(
        result_of(table, expectation, found[number], table_rows, column_types, run_id)
        for number, expectation in enumerate(expectations)
    )


def _gone(expectation: Expectation, column_types: Mapping[str, str]) -> list[str]:
    """The columns an expectation names and the frame has not; a check of the table's shape may name any."""
    if CATALOGUE[expectation.type].kind == "table":
        return []
    return [name for name in columns_named(expectation) if name not in column_types]


def _validator(frame: Any, table: TableUnderTest) -> Any:
    prepare_great_expectations()
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.validator.validator import Validator

    context: Any = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_spark(DATA_SOURCE, persist=False).add_dataframe_asset(table.asset)
    batch = asset.add_batch_definition_whole_dataframe("whole frame").get_batch({"dataframe": frame})
    return Validator(execution_engine=batch.data.execution_engine, batches=[batch], data_context=context)
