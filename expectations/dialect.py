"""What Great Expectations must be taught before it can work on DuckDB: one connection, patterns, formats."""

import logging
import os
from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any

DIALECT = "duckdb"
_preparing = Lock()


class _DialectName(str):
    """The dialect's name in the shape of a member of GX's enumeration of dialects."""

    __slots__ = ()

    @property
    def value(self) -> str:
        return str(self)


class KnownColumns:
    """Answers what GX asks SQLAlchemy's inspector of one table: its columns and types, as the engine described them.

    SQLAlchemy would ask the catalogue as if it were PostgreSQL's, which takes longer than counting a table's rows.
    Anything else goes on to the real inspector. column_types: of the engine, in small letters.
    """

    def __init__(self, engine: Any, table: str, column_types: Mapping[str, str]) -> None:
        self._engine = engine
        self._table = table
        self._column_types = column_types
        self.dialect = engine.dialect

    def get_columns(self, table_name: str, schema: str | None = None, **more: Any) -> list[dict[str, Any]]:
        """Names and SQLAlchemy types."""
        if str(table_name) != self._table:
            return list(self._real().get_columns(table_name, schema=schema, **more))
        return [{"name": name, "type": _sqlalchemy_type(kind)} for name, kind in self._column_types.items()]

    def get_pk_constraint(self, table_name: str, schema: str | None = None, **more: Any) -> dict[str, Any]:
        """None: the layers' tables have no declared keys; what is a key is expected in a contract."""
        return {"constrained_columns": []}

    def _real(self) -> Any:
        import sqlalchemy as sa

        return sa.inspect(self._engine)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)


def _sqlalchemy_type(kind: str) -> Any:
    """The SQLAlchemy type of an engine's type name; what is not known, a list or a struct, has none."""
    import sqlalchemy as sa

    name = kind.split("(")[0].removesuffix(" with time zone")
    names = {"double": "FLOAT", "real": "FLOAT", "hugeint": "NUMERIC", "ubigint": "BIGINT", "uinteger": "BIGINT",
             "usmallint": "INTEGER", "utinyint": "SMALLINT", "tinyint": "SMALLINT"}  # fmt: skip
    return getattr(sa, names.get(name, name.upper()), sa.types.NullType)()


def prepare_great_expectations() -> None:
    """Import Great Expectations and teach it DuckDB; once per process, without telemetry and without its log lines.

    The import takes seconds; a caller that knows it will be needed may begin it early, in a thread of its own.

    GX's log lines quote statements and values, so they are silenced: what went wrong is told by the results.
    Raises AttributeError where a new version of GX has no longer the names that are changed here.
    """
    with _preparing:
        _prepare()


@cache
def _prepare() -> None:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engine_module

    # Without this DuckDB gets a new connection for each statement and GX loses the table it looks at.
    engine_module._PERSISTED_CONNECTION_DIALECTS = (  # type: ignore[assignment]
        *engine_module._PERSISTED_CONNECTION_DIALECTS,
        _DialectName(DIALECT),
    )
    _teach_patterns()
    _teach_formats()
    _teach_outliers()
    _stop_watching_progress()


def _stop_watching_progress() -> None:
    """GX's progress bars are off, yet each of them would keep a thread that wakes to look at it."""
    from tqdm.auto import tqdm

    tqdm.monitor_interval = 0


def _is_duckdb(dialect: Any) -> bool:
    return getattr(dialect, "name", None) == DIALECT


def _matches(column: Any, pattern: str, dialect: Any) -> Any:
    """The SQL condition 'the value, as text, contains the pattern': Python's `re.search`."""
    import sqlalchemy as sa
    from great_expectations.expectations.metrics.util import get_dialect_regex_expression

    if _is_duckdb(dialect):
        return sa.func.regexp_matches(sa.cast(column, sa.String), sa.literal(pattern))
    condition = get_dialect_regex_expression(column, pattern, dialect)
    if condition is None:
        raise NotImplementedError("regular expressions are not known for this database")
    return condition


def _is_like(column: Any, pattern: str, dialect: Any, escape: str | None) -> Any:
    import sqlalchemy as sa
    from great_expectations.expectations.metrics.util import get_dialect_like_pattern_expression

    if _is_duckdb(dialect):
        return sa.cast(column, sa.String).like(sa.literal(pattern), escape=escape)
    condition = get_dialect_like_pattern_expression(column, dialect, pattern, escape=escape)
    if condition is None:
        raise NotImplementedError("LIKE patterns are not known for this database")
    return condition


def _teach_patterns() -> None:
    """Register GX's pattern metrics anew for SQL, so that their types, counts and `mostly` stay GX's own."""
    import sqlalchemy as sa

    def any_or_all(conditions: list[Any], match_on: str | None) -> Any:
        return sa.and_(*conditions) if match_on == "all" else sa.or_(*conditions)

    def regex(cls: Any, column: Any, regex: str, _dialect: Any, **_: Any) -> Any:
        return _matches(column, regex, _dialect)

    def not_regex(cls: Any, column: Any, regex: str, _dialect: Any, **_: Any) -> Any:
        return sa.not_(_matches(column, regex, _dialect))

    def regex_list(cls: Any, column: Any, regex_list: Any, match_on: Any, _dialect: Any, **_: Any) -> Any:
        return any_or_all([_matches(column, pattern, _dialect) for pattern in regex_list], match_on)

    def not_regex_list(cls: Any, column: Any, regex_list: Any, _dialect: Any, **_: Any) -> Any:
        return sa.not_(sa.or_(*[_matches(column, pattern, _dialect) for pattern in regex_list]))

    def like(cls: Any, column: Any, like_pattern: str, _dialect: Any, escape: Any = None, **_: Any) -> Any:
        return _is_like(column, like_pattern, _dialect, escape)

    def not_like(cls: Any, column: Any, like_pattern: str, _dialect: Any, escape: Any = None, **_: Any) -> Any:
        return sa.not_(_is_like(column, like_pattern, _dialect, escape))

    def like_list(
        cls: Any, column: Any, like_pattern_list: Any, match_on: Any, _dialect: Any, escape: Any = None, **_: Any
    ) -> Any:
        return any_or_all([_is_like(column, each, _dialect, escape) for each in like_pattern_list], match_on)

    def not_like_list(
        cls: Any, column: Any, like_pattern_list: Any, _dialect: Any, escape: Any = None, **_: Any
    ) -> Any:
        return sa.not_(sa.or_(*[_is_like(column, each, _dialect, escape) for each in like_pattern_list]))

    _register("column_values.match_regex", ("regex",), regex)
    _register("column_values.not_match_regex", ("regex",), not_regex)
    _register("column_values.match_regex_list", ("regex_list", "match_on"), regex_list)
    _register("column_values.not_match_regex_list", ("regex_list",), not_regex_list)
    _register("column_values.match_like_pattern", ("like_pattern", "escape"), like)
    _register("column_values.not_match_like_pattern", ("like_pattern", "escape"), not_like)
    _register("column_values.match_like_pattern_list", ("like_pattern_list", "match_on", "escape"), like_list)
    _register("column_values.not_match_like_pattern_list", ("like_pattern_list", "escape"), not_like_list)


def _teach_formats() -> None:
    """Formats that GX checks on pandas frames only: dates by format, JSON texts."""
    import sqlalchemy as sa

    def strftime(cls: Any, column: Any, strftime_format: str, **_: Any) -> Any:
        return sa.func.try_strptime(sa.cast(column, sa.String), sa.literal(strftime_format)).is_not(None)

    def json_text(cls: Any, column: Any, **_: Any) -> Any:
        return sa.func.json_valid(sa.cast(column, sa.String))

    _register("column_values.match_strftime_format", ("strftime_format",), strftime)
    _register("column_values.json_parseable", (), json_text)


def _teach_outliers() -> None:
    """Outliers by quartiles or by standard deviations, with the limits computed in the same statement."""
    import sqlalchemy as sa

    def not_outlier(cls: Any, column: Any, _table: Any, method: str = "iqr", multiplier: float = 1.5, **_: Any) -> Any:
        def figure(expression: Any) -> Any:
            return sa.select(expression).select_from(_table).scalar_subquery()

        if method == "iqr":
            lower, upper = (figure(sa.func.quantile_cont(column, share)) for share in (0.25, 0.75))
            reach = multiplier * (upper - lower)
            inside = sa.and_(column >= lower - reach, column <= upper + reach)
        else:
            mean, spread = figure(sa.func.avg(column)), figure(sa.func.stddev_samp(column))
            distance = sa.func.abs(column - mean)
            inside = sa.or_(distance < multiplier * spread, sa.and_(spread * multiplier == 0, distance == 0))
        return sa.func.coalesce(inside, sa.true())  # a single value has no spread and is no outlier

    _register("column_values.not_outliers", ("method", "multiplier"), not_outlier)


def _register(metric_name: str, value_keys: tuple[str, ...], condition: Any) -> None:
    """Make `condition` GX's condition of a column metric on SQL databases; other engines keep theirs."""
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
        column_condition_partial,
    )
    from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
        ColumnMapMetricProvider,
    )

    # GX registers a metric when its class is made.
    type(
        f"DuckDB_{metric_name}",
        (ColumnMapMetricProvider,),
        {
            "condition_metric_name": metric_name,
            "condition_value_keys": value_keys,
            "_sqlalchemy": column_condition_partial(engine=SqlAlchemyExecutionEngine)(condition),
        },
    )
