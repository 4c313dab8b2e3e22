"""Lineage of a compiled model: which columns of its inputs each output column, and its choice of rows, is made from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope, find_all_in_scope

Columns = Mapping[tuple[str, str], tuple[str, ...]]
"""Columns of the input tables by (schema, table)."""

Origin = tuple[str, str, str]
"""(schema, table, column); of a column that could not be followed to a table, ("", "", its name)."""

CONDITIONS = ("where", "group", "having", "qualify", "order", "distinct", "joins", "laterals", "windows")
"""Parts of a query that decide which rows there are, and which belong together."""


@dataclass(frozen=True)
class ModelLineage:
    """What a model's table is made from.

    columns: for each output column the columns it is computed from; conditions: those that rows are chosen, joined,
    grouped and ordered by, on which every output column rests.
    """

    columns: Mapping[str, tuple[Origin, ...]]
    conditions: tuple[Origin, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every column that the model names was followed to a table."""
        return all(schema for origins in (*self.columns.values(), self.conditions) for schema, _, _ in origins)


def model_lineage(compiled_sql: str, inputs: Columns) -> ModelLineage | None:
    """The lineage of a compiled model through every CTE and subquery that it uses.

    None where the statement cannot be analysed: lineage is shown where known and never invented.
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
        return None
    if scope is None:
        return None
    walk = _Walk(inputs)
    names = [select.alias_or_name for select in scope.expression.selects]
    columns_of = {name: tuple(sorted(walk.output(scope, name))) for name in names}
    return ModelLineage(columns_of, tuple(sorted(walk.conditions(scope))))


def column_lineage(compiled_sql: str, inputs: Columns) -> dict[str, tuple[Origin, ...]]:
    """For each output column the columns it is computed from. Empty where the statement cannot be analysed."""
    lineage = model_lineage(compiled_sql, inputs)
    return dict(lineage.columns) if lineage is not None else {}


def columns_read(compiled_sql: str, inputs: Columns) -> tuple[Origin, ...]:
    """Every column that the model's table rests on: those it is computed from, and those under WHERE, JOIN, HAVING,
    GROUP BY, QUALIFY, ORDER BY, DISTINCT and windows. Empty where the statement cannot be analysed.

    A column that only an unused part of the statement names is not read.
    """
    lineage = model_lineage(compiled_sql, inputs)
    if lineage is None:
        return ()
    return tuple(sorted({*lineage.conditions, *(each for origins in lineage.columns.values() for each in origins)}))


@dataclass
class _Walk:
    """From scope to scope down to the tables; what was found of an output or of a scope is remembered."""

    inputs: Columns
    outputs: dict[tuple[int, str], frozenset[Origin]] = field(default_factory=dict)
    conditions_of: dict[int, frozenset[Origin]] = field(default_factory=dict)

    def output(self, scope: Scope, name: str) -> frozenset[Origin]:
        """What an output column of a query is computed from."""
        key = (id(scope), name)
        if key not in self.outputs:
            self.outputs[key] = frozenset()  # a recursive CTE ends here
            found: set[Origin] = set()
            selects = scope.expression.selects
            if scope.set_operation_scopes:
                position = [select.alias_or_name for select in selects].index(name)
                for branch in scope.set_operation_scopes:
                    found |= self.output(branch, branch.expression.selects[position].alias_or_name)
            else:
                for select in selects:
                    if select.alias_or_name == name:
                        found |= self.below(scope, select)
            self.outputs[key] = frozenset(found)
        return self.outputs[key]

    def conditions(self, scope: Scope) -> frozenset[Origin]:
        """What decides which rows a query gives, in itself and in the queries it reads."""
        if id(scope) not in self.conditions_of:
            self.conditions_of[id(scope)] = frozenset()
            query = scope.expression
            found: set[Origin] = set()
            for branch in scope.set_operation_scopes:
                found |= self.conditions(branch)
            if query.args.get("distinct"):  # equal rows count once: all columns decide, also in a union
                for select in query.selects:
                    found |= self.output(scope, select.alias_or_name)
            for node in _nodes(query):
                found |= self.below(scope, node)
            for name, _ in () if scope.set_operation_scopes else scope.references:
                source = scope.sources.get(name)
                if isinstance(source, Scope):
                    found |= self.conditions(source)
                    found |= {_unknown("lateral")} if isinstance(source.expression, exp.Lateral) else set()
            self.conditions_of[id(scope)] = frozenset(found)
        return self.conditions_of[id(scope)]

    def below(self, scope: Scope, node: exp.Expr) -> set[Origin]:
        """What the columns below a node are made from, and all that subqueries below it read."""
        found: set[Origin] = set()
        for column in find_all_in_scope(node, (exp.Column, exp.Columns, exp.Star)):
            if isinstance(column, exp.Column) and not column.is_star:
                found |= self.column(scope, column)
            elif not isinstance(column.parent, exp.Count):
                found.add(_unknown("*"))  # of a table whose columns are not known
        for subquery in scope.subquery_scopes:
            if _is_below(subquery.expression, node):
                found |= self.conditions(subquery)
                if not isinstance(subquery.expression.parent, exp.Exists):
                    for select in subquery.expression.selects:
                        found |= self.output(subquery, select.alias_or_name)
        return found

    def column(self, scope: Scope, column: exp.Column) -> frozenset[Origin]:
        """What a column is made from: that of a table, or an output of the query that it names."""
        owner: Scope | None = scope
        while owner is not None and column.table not in {name for name, _ in owner.references}:
            owner = owner.parent  # a subquery may name columns of the query around it
        source = owner.sources.get(column.table) if owner is not None else None
        if owner is None or source is None:
            return frozenset({_unknown(column.name)})
        if isinstance(source, exp.Table):
            return frozenset(self.of_table(owner, source, column.name))
        if isinstance(source.expression, (exp.Unnest, exp.Values)):
            return frozenset(self.below(owner, source.expression))
        if column.name in [each.alias_or_name for each in source.expression.selects]:
            return self.output(source, column.name)
        return frozenset({_unknown(column.name)})

    def of_table(self, scope: Scope, table: exp.Table, column: str) -> set[Origin]:
        """A column of a table, or of a series, which is made from what its bounds are made from."""
        if isinstance(table.this, exp.GenerateSeries):
            return self.below(scope, table.this)
        is_known = column in self.inputs.get((table.db, table.name), (column,))
        return {(table.db, table.name, column) if table.db and is_known else _unknown(column)}


def _unknown(name: str) -> Origin:
    return ("", "", name)


def _nodes(query: exp.Expr) -> Iterator[exp.Expr]:
    for part in CONDITIONS:
        value = query.args.get(part)
        if isinstance(value, exp.Expr):
            yield value
        elif isinstance(value, list):
            yield from value


def _is_below(node: exp.Expr | None, ancestor: exp.Expr) -> bool:
    while node is not None and node is not ancestor:
        node = node.parent
    return node is ancestor
