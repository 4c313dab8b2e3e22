"""A query followed from its sources to its columns; queries inside it are followed first."""

from collections.abc import Callable, Mapping

from sqlglot import exp

from review.model.expressions import Expressions
from review.model.flows import Relation, Value, merged, passed
from review.model.functions import kind_of
from review.model.parts import HIDDEN, SUBQUERY_PARTS, TABLE_PARTS, UNION_PARTS, only
from review.model.scopes import Notes, Scope
from review.model.selections import Selection
from review.model.statement import NotFollowed, line_of, name_of
from review.model.under_review import Table
from review.model.unions import united


class Follower:
    """Follows the queries of one statement.

    tables: gives the relation of a table, or raises NotFollowed; notes: what is seen on the way; minimum_group: as for
    expressions.
    """

    def __init__(self, tables: Callable[[Table], Relation], notes: Notes, minimum_group: int) -> None:
        self.tables = tables
        self.notes = notes
        self.expressions = Expressions(self, notes, minimum_group)

    def followed(self, query: exp.Expr, parent: Scope | None, ctes: Mapping[str, Relation] | None = None) -> Relation:
        """The relation that a query gives. parent: the query around it, whose rows it may read."""
        known = dict(ctes if ctes is not None else parent.ctes if parent is not None else {})
        if isinstance(query, exp.Subquery):
            only(query, SUBQUERY_PARTS, "a subquery")
            return self.followed(query.this, parent, known)
        for cte in query.args["with_"].expressions if query.args.get("with_") else []:
            relation = self.followed(cte.this, parent, known)
            known[cte.alias.lower()] = _aliased(relation, cte.alias_column_names, cte)
        if isinstance(query, exp.SetOperation):
            return self._union(query, parent, known)
        if isinstance(query, exp.Select):
            return Selection(query, Scope(parent=parent, ctes=known), self.expressions, self.source).relation()
        if isinstance(query, exp.Values):
            return self._values(query, Scope(parent=parent, ctes=known))
        raise NotFollowed(f"a {type(query).__name__.lower()} as a query", line_of(query))

    def source(self, node: exp.Expr, scope: Scope) -> tuple[str, Relation]:
        """What a query selects from: its alias and its relation."""
        if isinstance(node, exp.Table):
            relation = self._table(node, scope)
        elif isinstance(node, (exp.Subquery, exp.Values)):
            relation = self.followed(node, scope, scope.ctes)
        elif isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            relation = self.followed(node.this, scope, scope.ctes)
        elif isinstance(node, (exp.Unnest, exp.Lateral)):
            relation = self._series(node, scope)
        else:
            raise NotFollowed(f"a {type(node).__name__.lower()} to select from", line_of(node))
        alias = node.alias_or_name.lower() or f"source {len(scope.sources) + 1}"
        if alias in scope.sources or HIDDEN & set(alias):
            raise NotFollowed("a second source of one name, or one with a mark in its name", line_of(node))
        return alias, _aliased(relation, node.alias_column_names, node)

    def _table(self, node: exp.Table, scope: Scope) -> Relation:
        only(node, TABLE_PARTS, "a table")
        if isinstance(node.this, exp.Func):
            return self._series(node.this, scope)
        if node.db:
            return self.tables((node.db.lower(), node.name.lower()))
        if node.name.lower() in scope.ctes:
            return scope.ctes[node.name.lower()]
        raise NotFollowed(f"{node.name}, which is no table of the vault", line_of(node))

    def _series(self, node: exp.Expr, scope: Scope) -> Relation:
        """Rows made of arguments, as generate_series and unnest do."""
        call = node.this if isinstance(node, exp.Lateral) else node
        name = "unnest" if isinstance(call, exp.Unnest) else name_of(call)
        if kind_of(name) != "series":
            raise NotFollowed(f"{name} to select from", line_of(node))
        parts = (each for each in call.iter_expressions() if not isinstance(each, (exp.TableAlias, exp.Identifier)))
        values = [self.expressions.value(part, scope) for part in parts]
        flows = passed(merged(*(value.flows for value in values)), "unnest")
        is_fixed = all(value.is_fixed for value in values)
        return Relation({name: Value(flows, is_fixed)}, choice=flows, is_chosen=bool(flows), is_correlated=bool(flows))

    def _values(self, node: exp.Values, scope: Scope) -> Relation:
        rows = [[self.expressions.value(part, scope) for part in row.expressions] for row in node.expressions]
        columns = {
            f"col{index}": Value(merged(*(each.flows for each in column)), all(each.is_fixed for each in column))
            for index, column in enumerate(zip(*rows, strict=True))
        }
        return Relation(columns, is_correlated=scope.is_correlated)

    def _union(self, query: exp.SetOperation, parent: Scope | None, ctes: Mapping[str, Relation]) -> Relation:
        only(query, UNION_PARTS, "a union")
        if query.args.get("limit") is not None or query.args.get("offset") is not None:
            self.notes.unordered.append("LIMIT on a union")
        return united(query, self.followed(query.this, parent, ctes), self.followed(query.expression, parent, ctes))


def _aliased(relation: Relation, aliases: list[str], node: exp.Expr) -> Relation:
    """A relation under the column names that a source gives it; of keys and groups nothing is known by those."""
    if not aliases:
        return relation
    old = list(relation.columns)
    if len(aliases) > len(old):
        raise NotFollowed("more column aliases than columns", line_of(node))
    names = [*(alias.lower() for alias in aliases), *old[len(aliases) :]]
    if len(set(names)) < len(names) or any(HIDDEN & set(name) for name in names):
        raise NotFollowed("a second column of one name, or one with a mark in its name", line_of(node))
    return Relation(
        {new: relation.columns[name] for new, name in zip(names, old, strict=True)},
        relation.records,
        is_single=relation.is_single,
        is_chosen=relation.is_chosen,
        choice=relation.choice,
        is_correlated=relation.is_correlated,
        is_mixed=relation.is_mixed,
    )
