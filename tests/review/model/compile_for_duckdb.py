"""Compile every model for DuckDB without a vault: dbt asks nothing of an engine that is not there.

Run in a process of its own: python compile_for_duckdb.py PROJECT_DIR TARGET_DIR. It compiles twice: into `first` as if
no table were there yet, and into `later` as if an earlier build had left every table, so that incremental models take
only what is new.
"""

import sys

from dbt.adapters.duckdb.impl import DuckDBAdapter
from dbt.cli.main import dbtRunner


def no_table_yet(adapter: DuckDBAdapter, *names: str) -> None:
    """What a fresh vault answers when asked for a table."""


def table_of_an_earlier_build(adapter: DuckDBAdapter, database: str, schema: str, identifier: str) -> object:
    """What a vault answers that was built before."""
    return adapter.Relation.create(database=database, schema=schema, identifier=identifier, type="table")


def compiled(project: str, target: str) -> bool:
    """Whether both compilations were done."""
    places = ["--project-dir", project, "--profiles-dir", project, "--log-path", target]
    parsed = dbtRunner().invoke(["parse", *places, "--target-path", target])
    flags = ["--no-introspect", "--no-populate-cache", "--exclude", "test_type:unit", "test_type:data"]
    for build, answer in (("first", no_table_yet), ("later", table_of_an_earlier_build)):
        DuckDBAdapter.get_relation = answer
        arguments = ["compile", *flags, *places, "--target-path", f"{target}/{build}"]
        if not dbtRunner(manifest=parsed.result).invoke(arguments).success:
            return False
    return True


if __name__ == "__main__":
    sys.exit(0 if compiled(*sys.argv[1:]) else 1)
