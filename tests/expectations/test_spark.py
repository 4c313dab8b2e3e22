"""The same suite on Spark. Where Spark is not installed this says so instead of passing silently."""

import importlib.util

import pytest

from expectations.spark import evaluate_frame
from tests.expectations.tables import RUN, expect, table
from vault.errors import JinkuError

HAS_SPARK = importlib.util.find_spec("pyspark") is not None
SUITE = (
    expect("expect_table_row_count_to_equal", value=4),
    expect("expect_column_values_to_not_be_null", column="id"),
    expect("expect_column_values_to_match_regex", column="word", regex="^a"),
    expect("expect_column_values_to_be_between", column="gone", min_value=1),
)


@pytest.mark.skipif(HAS_SPARK, reason="pyspark is installed")
def test_without_spark_the_refusal_says_so() -> None:
    with pytest.raises(JinkuError, match="spark_missing"):
        evaluate_frame(None, table(), SUITE, RUN)


@pytest.mark.skipif(not HAS_SPARK, reason="NOT RUN: pyspark is not installed, so quality on Spark stays unproven here")
def test_results_are_those_of_the_embedded_engine() -> None:
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    frame = session.createDataFrame([(1, "a"), (2, "b"), (None, "a"), (4, None)], "id int, word string")
    rows, null, regex, gone = evaluate_frame(frame, table(), SUITE, RUN)
    assert rows.status == "passed"
    assert (null.status, null.unexpected_count) == ("failed", 1)
    assert (regex.status, regex.missing_count, regex.unexpected_count) == ("failed", 1, 1)
    assert (gone.status, gone.cause) == ("error", "the table has no column 'gone'")
