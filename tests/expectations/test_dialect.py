"""What is changed inside Great Expectations. When one of these fails, the installed version has changed."""

import importlib
import os

from expectations.dialect import DIALECT, prepare_great_expectations


def test_duckdb_is_among_the_dialects_that_keep_one_connection() -> None:
    """A private name of GX: without it nearly every expectation fails on DuckDB with 'list index out of range'."""
    module = importlib.import_module("great_expectations.execution_engine.sqlalchemy_execution_engine")
    assert isinstance(module._PERSISTED_CONNECTION_DIALECTS, tuple), "GX no longer keeps its dialects in a tuple"
    prepare_great_expectations()
    prepare_great_expectations()  # once is enough, twice does no harm
    names = [str(getattr(each, "value", each)) for each in module._PERSISTED_CONNECTION_DIALECTS]
    assert names.count(DIALECT) == 1


def test_great_expectations_still_needs_to_be_taught() -> None:
    """When GX learns DuckDB itself, the line can go: this fails then."""
    from great_expectations.execution_engine.sqlalchemy_dialect import GXSqlDialect

    assert DIALECT not in {member.value for member in GXSqlDialect}


def test_the_patterns_of_duckdb_replace_those_of_the_installed_version() -> None:
    prepare_great_expectations()
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.expectations.registry import _registered_metrics

    for name in ("match_regex", "not_match_regex", "match_regex_list", "not_match_regex_list", "match_like_pattern"):
        metric = _registered_metrics[f"column_values.{name}.condition"]
        provider, _ = metric["providers"][SqlAlchemyExecutionEngine.__name__]
        assert provider.__name__ == f"DuckDB_column_values.{name}"


def test_telemetry_is_off() -> None:
    prepare_great_expectations()
    import great_expectations as gx

    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    assert context.config.analytics_enabled is False
