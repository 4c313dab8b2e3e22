"""Runs expectations in DuckDB with Great Expectations, on a table where it lies.

Values of the data never leave this module: only counts, figures of columns known to be public, and the places
of failing rows do.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from expectations.catalogue import CATALOGUE, columns_named, default_dimension
from expectations.causes import cause_of_error
from expectations.dialect import KnownColumns, prepare_great_expectations
from expectations.measuring import Found, measure_together, raised
from expectations.results import (
    SHARE_OF_ROWS,
    ExpectationResult,
    Measure,
    RowReference,
    expectation_id,
    rate_of,
    status_of,
)
from vault.contract import PERSONAL_ROLES, Column, Dimension, Expectation
from vault.sql_names import quoted_name

ROW_REFERENCE_COUNT = 20
"""Most failing rows that one result points at."""

TYPE_CHECKS = frozenset(
    {"expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list", "expect_column_type_to_be"}
)
DUPLICATES = frozenset({"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"})
"""Types whose condition in GX brings its own copy of the table, which cannot be asked for other columns."""

BATCH_COLUMN, ROW_COLUMN = "_batch", "_row"
DATA_SOURCE = "vault"
"""Name of the data source in GX; what `comparison_data_source_name` of a query expectation must say."""

RANGE_OF_VALUES = "expect_column_values_to_be_between"
FLOATING_TYPES = frozenset({"double", "float", "real"})


@dataclass(frozen=True)
class TableUnderTest:
    """A table to validate: its asset 'layer/name', where it lies, and which columns may show a figure.

    public_columns: columns whose aggregates (a mean, a largest value) may be told; none unless said so.
    batch_hash: the batch the rows come from, None where they come from several.
    """

    asset: str
    database: str
    schema: str
    name: str
    public_columns: frozenset[str] = frozenset()
    batch_hash: str | None = None

    @property
    def qualified_name(self) -> str:
        """The table's full name in SQL."""
        return ".".join(quoted_name(part) for part in (self.database, self.schema, self.name))


def public_columns(columns: Iterable[Column]) -> frozenset[str]:
    """Names of the columns whose role is not personal."""
    return frozenset(column.name for column in columns if column.role not in PERSONAL_ROLES)


def evaluate(
    connection: duckdb.DuckDBPyConnection, table: TableUnderTest, expectations: Sequence[Expectation], run_id: str
) -> tuple[ExpectationResult, ...]:
    """Evaluate every expectation on one table of an open connection; results stand in the order given.

    An expectation that cannot be evaluated gives a result with status 'error' and its cause; the others go on.
    Nothing about the data or the engine makes this raise.
    """
    started = time.perf_counter()
    try:
        column_types = _column_types(connection, table)
        table_rows = _count_rows(connection, table)
    except duckdb.Error as error:
        cause = f"the table cannot be read: {cause_of_error(error, ())}"
        unread = Found(Measure(success=None), time.perf_counter() - started, cause=cause)
        return tuple(result_of(table, each, unread, None, {}, run_id) for each in expectations)
    found: dict[int, Found] = {}
    pending: dict[int, Expectation] = {}
    for number, expectation in enumerate(expectations):
        fault = _fault(expectation, column_types)
        if fault:
            found[number] = Found(Measure(success=None), 0.0, cause=fault)
        else:
            pending[number] = _with_every_bound(expectation, column_types)
    references: dict[int, tuple[RowReference, ...]] = {}
    if pending:
        session_found, references = _run(connection, table, pending, column_types)
        found |= session_found
    return tuple(
        result_of(table, expectation, found[number], table_rows, column_types, run_id, references.get(number, ()))
        for number, expectation in enumerate(expectations)
    )


def has_failing_rows(expectation: Expectation) -> bool:
    """Whether an expectation fails row by row; all others judge a column or the table as one."""
    known = CATALOGUE.get(expectation.type)
    if known is None or known.refused or expectation.type in TYPE_CHECKS:
        return False
    return known.kind == "map" or expectation.type == SHARE_OF_ROWS


def failing_rows(
    connection: duckdb.DuckDBPyConnection, table: TableUnderTest, expectations: Sequence[Expectation]
) -> tuple[duckdb.DuckDBPyRelation, ...]:
    """Every failing row of each expectation by `_batch` and `_row`, as relations that may stay in the database.

    Results name the first few; this is for judging a suite against a truth. `mostly` plays no part.
    Raises ValueError where one of them cannot be asked of this table or does not fail row by row.
    """
    column_types = _column_types(connection, table)
    for expectation in expectations:
        fault = _fault(expectation, column_types)
        if fault or not has_failing_rows(expectation):
            raise ValueError(fault or f"'{expectation.type}' does not fail row by row")
    if not {BATCH_COLUMN, ROW_COLUMN} <= set(column_types):
        raise ValueError(f"{table.asset} does not say which batch and row its rows come from")
    with _Session(connection, table, column_types) as session:
        statements = [session.failing_statement(_with_every_bound(each, column_types)) for each in expectations]
    cursor = _cursor(connection, table)
    return tuple(cursor.sql(statement, params=parameters) for statement, parameters in statements)


def result_of(
    table: TableUnderTest,
    expectation: Expectation,
    found: Found,
    table_rows: int | None,
    column_types: Mapping[str, str],
    run_id: str,
    row_references: tuple[RowReference, ...] = (),
) -> ExpectationResult:
    """The result that belongs to what was found; the figure of a column that is not public is dropped here."""
    try:
        rate = rate_of(expectation.type, found.measure, table_rows, expectation.arguments)
    except ValueError:
        cause = "the counts contradict each other: the table changed while it was read"
        found = Found(Measure(success=None), found.seconds, cause=cause)
        rate, row_references = 0.0, ()
    measure = found.measure
    named = columns_named(expectation)
    return ExpectationResult(
        run_id=run_id,
        asset=table.asset,
        batch_hash=table.batch_hash,
        expectation_id=expectation_id(expectation),
        type=expectation.type,
        columns=_spoken_of(expectation),
        dimension=_dimension(expectation, column_types),
        severity=expectation.severity,
        weight=expectation.weight,
        element_count=measure.element_count,
        missing_count=measure.missing_count,
        unexpected_count=measure.unexpected_count,
        table_rows=table_rows,
        rate=rate,
        status=status_of(measure, rate),
        seconds=found.seconds,
        cause=found.cause,
        row_references=row_references,
        observed=found.figure if _speaks_of_shape(expectation) or set(named) <= table.public_columns else None,
    )


def _dimension(expectation: Expectation, column_types: Mapping[str, str]) -> Dimension:
    # An expectation without any dimension is refused at load; the fallback only serves direct callers.
    return default_dimension(expectation, column_types) or "consistency"


def _spoken_of(expectation: Expectation) -> tuple[str, ...]:
    """The columns a result belongs to; a list of all the columns of a table speaks of the table."""
    named = columns_named(expectation)
    known = CATALOGUE.get(expectation.type)
    return () if known and known.kind == "table" and len(named) > 1 else named


def _speaks_of_shape(expectation: Expectation) -> bool:
    """Whether it is about the table's rows, columns and types, which are no values of the data."""
    known = CATALOGUE.get(expectation.type)
    return known is not None and known.kind == "table"


def _fault(expectation: Expectation, column_types: Mapping[str, str]) -> str | None:
    """Why an expectation cannot be asked of this table at all, None where it can."""
    known = CATALOGUE.get(expectation.type)
    if known is None:
        return f"unknown type '{expectation.type}'"
    if known.refused:
        return f"'{expectation.type}' cannot be evaluated in the database: {known.refused}"
    gone = [name for name in columns_named(expectation) if name not in column_types]
    if gone and (known.kind != "table" or expectation.type in TYPE_CHECKS):
        return f"the table has no column {', '.join(repr(name) for name in gone)}"
    return None


def _with_every_bound(expectation: Expectation, column_types: Mapping[str, str]) -> Expectation:
    """DuckDB holds NaN greater than every number, so a range without an upper bound would let it pass."""
    column_type = column_types.get(str(expectation.arguments.get("column")))
    if expectation.type != RANGE_OF_VALUES or column_type not in FLOATING_TYPES:
        return expectation
    if expectation.arguments.get("max_value") is not None:
        return expectation
    arguments = {**expectation.arguments, "max_value": float("inf")}
    return expectation.model_copy(update={"arguments": arguments})


def _run(
    connection: duckdb.DuckDBPyConnection,
    table: TableUnderTest,
    expectations: Mapping[int, Expectation],
    column_types: Mapping[str, str],
) -> tuple[dict[int, Found], dict[int, tuple[RowReference, ...]]]:
    """What each expectation found, and the failing rows of those that have any."""
    started = time.perf_counter()
    try:
        session = _Session(connection, table, column_types)
    except Exception as error:  # GX may raise anything; the attempt is kept as an error of each expectation
        return dict.fromkeys(expectations, raised(error, column_types, time.perf_counter() - started)), {}
    references: dict[int, tuple[RowReference, ...]] = {}
    with session:
        found = session.measure(expectations)
        if {BATCH_COLUMN, ROW_COLUMN} <= set(column_types):
            for number, each in found.items():
                if each.measure.unexpected_count:
                    with suppress(Exception):  # pointing at rows is a service; the counts stand without it
                        references[number] = session.row_references(expectations[number])
    return found, references


class _Session:
    """One table opened in Great Expectations over cursors of a connection that is already open."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: TableUnderTest, column_types: Mapping[str, str]
    ) -> None:
        prepare_great_expectations()
        import great_expectations as gx
        from great_expectations.core.batch_definition import BatchDefinition
        from great_expectations.data_context.types.base import ProgressBarsConfig
        from great_expectations.datasource.fluent.sql_datasource import SQLDatasource, TableAsset
        from great_expectations.validator.validator import Validator

        self._table = table
        self._column_types = column_types
        self._cursors: list[duckdb.DuckDBPyConnection] = []
        context: Any = gx.get_context(mode="ephemeral")
        context.enable_analytics(False)
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        whole = BatchDefinition(name="whole table")
        source = SQLDatasource(  # whole at once: GX writes its settings anew for every part that is added
            name=DATA_SOURCE,
            connection_string="duckdb:///:memory:",
            kwargs={"creator": self._creator(connection)},
            assets=[TableAsset(name=table.asset, table_name=table.name, batch_definitions=[whole])],
        )
        source = context.data_sources.add_or_update_sql(datasource=source)
        batch = source.get_asset(table.asset).get_batch_definition(whole.name).get_batch()
        self._engine: Any = batch.data.execution_engine
        self._engine._inspector = KnownColumns(self._engine.engine, table.name, column_types)
        self._validator = Validator(execution_engine=self._engine, batches=[batch], data_context=context)

    def __enter__(self) -> "_Session":
        return self

    def __exit__(self, *_: object) -> None:
        for cursor in self._cursors:
            with suppress(duckdb.Error):
                cursor.close()

    def _creator(self, connection: duckdb.DuckDBPyConnection) -> Callable[[], Any]:
        """What SQLAlchemy calls for a connection: a cursor of ours, looking at the table's schema."""
        from duckdb_engine import ConnectionWrapper

        class Reading(ConnectionWrapper):
            """Every statement stands alone: a failed one must not spoil the next."""

            def begin(self) -> None: ...

            def commit(self) -> None: ...

            def rollback(self) -> None: ...

        def create() -> Any:
            cursor = _cursor(connection, self._table)
            self._cursors.append(cursor)
            return Reading(cursor)

        return create

    def measure(self, expectations: Mapping[int, Expectation]) -> dict[int, Found]:
        """What GX finds, with DuckDB's own type names and a look at columns that gave no figure."""
        found = measure_together(self._validator, expectations, self._column_types)
        for number, each in found.items():
            expectation = expectations[number]
            if each.measure.success is None:
                continue
            if expectation.type in TYPE_CHECKS:
                found[number] = self._type_check(expectation, each)
            elif each.measure.vacuous and self._has_values(expectation):
                found[number] = replace(each, measure=replace(each.measure, vacuous=False))
        return found

    def _type_check(self, expectation: Expectation, found: Found) -> Found:
        """GX compares names of SQLAlchemy types; the engine's own names, with or without parameters, count as well."""
        declared = self._column_types[str(expectation.arguments["column"])].upper()
        expected = expectation.arguments.get("type_list") or [expectation.arguments.get("type_")]
        names = {str(name).upper() for name in expected}
        holds = bool(found.measure.success) or declared in names or declared.split("(")[0] in names
        return replace(found, measure=Measure(holds), figure=declared)

    def _has_values(self, expectation: Expectation) -> bool:
        """Whether the column holds any value: GX reports an empty figure for other reasons too."""
        column = quoted_name(str(expectation.arguments["column"]))
        statement = f"select count({column}) from {self._table.qualified_name}"
        return bool((self._cursors[0].execute(statement).fetchone() or (0,))[0])

    def row_references(self, expectation: Expectation) -> tuple[RowReference, ...]:
        """The first failing rows by batch and row. Raises what the engine raises, where a type has no such rows."""
        statement = self._failing(expectation).order_by(BATCH_COLUMN, ROW_COLUMN).limit(ROW_REFERENCE_COUNT)
        found = self._engine.execute_query(statement).fetchall()
        return tuple(RowReference(str(each[0]), int(each[1])) for each in found if None not in each)

    def failing_statement(self, expectation: Expectation) -> tuple[str, list[Any]]:
        """SQL for the batch and row of every failing row, where the table's schema is in use, and its parameters.

        Parameters stay apart: written into the text, the dialect would double the backslashes of a pattern.
        """
        compiled = self._failing(expectation).compile(
            dialect=self._engine.engine.dialect, compile_kwargs={"render_postcompile": True}
        )
        return str(compiled), [compiled.params[name] for name in compiled.positiontup or ()]

    def _failing(self, expectation: Expectation) -> Any:
        import sqlalchemy as sa

        place: list[sa.ColumnClause[Any]] = [sa.column(BATCH_COLUMN), sa.column(ROW_COLUMN)]
        if CATALOGUE[expectation.type].kind == "query":
            query = str(expectation.arguments["unexpected_rows_query"]).strip().rstrip(";")
            own = query.replace("{batch}", quoted_name(self._table.name))
            return sa.select(*place).select_from(sa.text(f"(\n{own}\n) as failing"))
        condition, source = self._condition_and_source(expectation)
        if expectation.type in DUPLICATES:
            keys: list[sa.ColumnClause[Any]] = [sa.column(name) for name in columns_named(expectation)]
            twice = sa.select(*keys).select_from(source).group_by(*keys).having(sa.func.count() > 1)
            condition = sa.tuple_(*keys).in_(twice)
        return sa.select(*place).select_from(source).where(condition)

    def _condition_and_source(self, expectation: Expectation) -> tuple[Any, Any]:
        """GX's own condition for a failing row, and the rows it is asked of."""
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
        from great_expectations.validator.metric_configuration import MetricConfiguration

        domain: Any = ExpectationConfiguration(
            type=expectation.type, kwargs={**expectation.arguments, "batch_id": self._validator.active_batch_id}
        ).to_domain_obj()
        needed = domain.get_validation_dependencies(execution_engine=self._engine, runtime_configuration={})
        count = needed.metric_configurations[f"{domain.map_metric}.unexpected_count"]
        condition, compute, accessor = self._validator.get_metric(
            MetricConfiguration(
                metric_name=f"{domain.map_metric}.condition",
                metric_domain_kwargs=count.metric_domain_kwargs,
                metric_value_kwargs=count.metric_value_kwargs,
            )
        )
        source = self._engine.get_domain_records(domain_kwargs={**compute, **accessor})
        return condition, source.subquery() if hasattr(source, "subquery") else source


def _cursor(connection: duckdb.DuckDBPyConnection, table: TableUnderTest) -> duckdb.DuckDBPyConnection:
    """A cursor of an open connection that looks at the table's schema."""
    cursor = connection.cursor()
    cursor.execute(f"use {quoted_name(table.database)}.{quoted_name(table.schema)}")
    cursor.execute("set timezone = 'UTC'")
    return cursor


def _column_types(connection: duckdb.DuckDBPyConnection, table: TableUnderTest) -> dict[str, str]:
    """Columns of the table with their types in the engine, in small letters."""
    described = connection.execute(f"describe {table.qualified_name}").fetchall()
    return {str(row[0]): str(row[1]).lower() for row in described}


def _count_rows(connection: duckdb.DuckDBPyConnection, table: TableUnderTest) -> int:
    (rows,) = connection.execute(f"select count(*) from {table.qualified_name}").fetchone() or (0,)
    return int(rows)
