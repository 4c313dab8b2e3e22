"""Compile every model for the spark target without a Spark: dbt asks nothing of an engine that is not there.

Run in a process of its own: python compile_for_spark.py PROJECT_DIR TARGET_DIR
"""

import sys
import types

sys.modules.setdefault("pyspark", types.ModuleType("pyspark"))  # dbt-spark asks whether it could be imported

from dbt.adapters.spark.impl import SparkAdapter  # noqa: E402
from dbt.cli.main import dbtRunner  # noqa: E402


def no_table_yet(adapter: object, *names: str) -> None:
    """What a fresh cluster answers when asked for a table."""


SparkAdapter.get_relation = no_table_yet

if __name__ == "__main__":
    project, target = sys.argv[1:]
    places = ("--project-dir", project, "--profiles-dir", project, "--target-path", target, "--log-path", target)
    result = dbtRunner().invoke(
        [
            "compile",
            "--target",
            "spark",
            "--no-introspect",
            "--no-populate-cache",
            "--exclude",
            "test_type:unit",
            *places,
        ]
    )
    sys.exit(0 if result.success else 1)
