"""Column lineage of a compiled model: which input columns each output column is made from."""

from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

Columns = Mapping[tuple[str, str], tuple[str, ...]]
"""Columns of the input tables by (schema, table)."""


def column_lineage(compiled_sql: str, inputs: Columns) -> dict[str, tuple[tuple[str, str, str], ...]]:
    """For each output column the (schema, table, column) it is computed from, through every CTE.

    Empty where the statement cannot be analysed: lineage is shown where known and never invented.
    """
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for (schema_name, table), columns in inputs.items():
        schema.setdefault(schema_name, {})[table] = dict.fromkeys(columns, "varchar")
    try:
        statement = sqlglot.parse_one(compiled_sql, dialect="duckdb")
        for table_node in statement.find_all(exp.Table):
            table_node.set("catalog", None)
        qualified = qualify(statement, dialect="duckdb", schema=schema, validate_qualify_columns=False)
        scope = build_scope(qualified)
    except SqlglotError:
        return {}
    if scope is None:
        return {}
    names = [select.alias_or_name for select in scope.expression.selects]
    memory: dict[tuple[int, str], frozenset[tuple[str, str, str]]] = {}
    return {name: tuple(sorted(_origins(scope, name, memory))) for name in names}


def _origins(
    scope: Scope, output: str, memory: dict[tuple[int, str], frozenset[tuple[str, str, str]]]
) -> frozenset[tuple[str, str, str]]:
    key = (id(scope), output)
    if key in memory:
        return memory[key]
    memory[key] = frozenset()  # a recursive CTE ends here
    found: set[tuple[str, str, str]] = set()
    if scope.set_operation_scopes:
        position = [select.alias_or_name for select in scope.expression.selects].index(output)
        for branch in scope.set_operation_scopes:
            found |= _origins(branch, branch.expression.selects[position].alias_or_name, memory)
    else:
        for select in scope.expression.selects:
            if select.alias_or_name == output:
                for column in select.find_all(exp.Column):
                    found |= _from_column(scope, column, memory)
    memory[key] = frozenset(found)
    return memory[key]


def _from_column(
    scope: Scope, column: exp.Column, memory: dict[tuple[int, str], frozenset[tuple[str, str, str]]]
) -> frozenset[tuple[str, str, str]]:
    source = scope.sources.get(column.table)
    if isinstance(source, exp.Table):
        return frozenset({(source.db, source.name, column.name)})
    if isinstance(source, Scope) and column.name in [each.alias_or_name for each in source.expression.selects]:
        return _origins(source, column.name, memory)
    return frozenset()
