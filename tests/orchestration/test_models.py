"""The SQL models: their unit tests, what they keep from the layers above, and that Spark could run them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlglot

from orchestration.dbt import DBT_PROJECT, manifest
from orchestration.declarations import declarations
from tests.builders import PROJECT, copy_of, jinku_environment, opened
from vault.home import Home
from vault.layers import connect, dbt_environment, install_cryptography

FUNCTIONS_OF_SPARK = {
    *("abs", "assert_true", "avg", "cast", "ceil", "coalesce", "concat", "concat_ws", "count", "date", "date_add"),
    *("date_trunc", "extract", "floor", "from_utc_timestamp", "lower", "lpad", "max", "md5", "median", "min", "nvl2"),
    *("percentile_cont", "power", "regexp_extract", "round", "row_number", "sha2", "split", "substr", "sum"),
    *("to_timestamp", "to_unix_timestamp", "to_utc_timestamp", "translate", "trim", "try_cast", "upper"),
}
"""Each is in the list of built-in functions of Spark SQL 4.0 (spark.apache.org/docs/latest/api/sql)."""
WORDS_BEFORE_A_PARENTHESIS = {"and", "as", "by", "group", "in", "on", "or", "over", "when", "not", "from", "join"}


def test_every_unit_test_of_the_models_passes(city: Path, tmp_path: Path) -> None:
    home = copy_of(city, tmp_path)
    install_cryptography()
    places = ("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT))
    output = ("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs"))
    tested = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "test", "--select", "test_type:unit", *places, *output],
        cwd=PROJECT,
        env={**jinku_environment(home), **dbt_environment(opened(home))},
        capture_output=True,
        text=True,
    )
    counted = re.search(r"PASS=(\d+) WARN=0 ERROR=0 SKIP=0", tested.stdout)
    assert counted is not None and int(counted[1]) >= 21, tested.stdout


@pytest.fixture(scope="module")
def compiled_for_spark(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every model's SQL for Spark by its name."""
    folder = tmp_path_factory.mktemp("spark")
    manifest(Home(folder / "home"), declarations())
    compiled = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "compile_for_spark.py"), str(DBT_PROJECT), str(folder / "target")],
        cwd=PROJECT,
        env=jinku_environment(folder / "home"),
        capture_output=True,
        text=True,
    )
    assert compiled.returncode == 0, compiled.stdout
    found = (folder / "target" / "compiled" / "jinku" / "models").glob("*/*.sql")
    return {path.stem: path.read_text() for path in found}


def test_every_model_compiles_and_parses_for_spark(compiled_for_spark: dict[str, str]) -> None:
    written = {path.stem for path in (DBT_PROJECT / "models").glob("*/*.sql")}
    assert set(compiled_for_spark) == written
    for name, sql in compiled_for_spark.items():
        assert sqlglot.parse_one(sql, read="spark") is not None, name


def test_every_function_is_one_that_spark_has(compiled_for_spark: dict[str, str]) -> None:
    for name, sql in compiled_for_spark.items():
        bare = re.sub(r"--[^\n]*", "", re.sub(r"'[^']*'", "''", sql)).lower()
        called = set(re.findall(r"\b([a-z_][a-z_0-9]*)\s*\(", bare)) - WORDS_BEFORE_A_PARENTHESIS
        common_tables = set(re.findall(r"\b([a-z_][a-z_0-9]*)\s+as\s*\(", bare))
        assert called - common_tables <= FUNCTIONS_OF_SPARK, name


def test_identifiers_of_persons_end_at_base(city: Path) -> None:
    """No value of an identifying column of a person's source is found in any column of any layer above base."""
    with connect(opened(city), read=("raw", "warehouse", "components")) as connection:
        identifying = " union ".join(
            f"select trim({column.name}) as value from raw.raw.{source}"
            for source, contract in declarations().sources.items()
            if contract.category == "personal"
            for column in contract.columns
            if column.role == "identifier"
        )
        connection.execute(
            f"create temp table identifying as select value from ({identifying}) where length(value) > 1"
        )
        counted = connection.execute("select count(*) from identifying").fetchone()
        assert counted is not None and counted[0] > 5000
        columns = connection.execute("""
            select database_name || '.' || schema_name || '.' || table_name, column_name
            from duckdb_columns()
            where schema_name in ('resource', 'components', 'products') and data_type = 'VARCHAR'
        """).fetchall()
        assert len(columns) > 50
        for table, column in columns:
            found = connection.execute(
                f'select count(*) from {table} semi join identifying on "{column}" = value'
            ).fetchone()
            assert found == (0,), f"{table}.{column}"
