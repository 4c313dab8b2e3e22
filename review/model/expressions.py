"""The value of an expression: what it comes from, and what was done to it. What is not known here is not followed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from sqlglot import exp

from review.model.aggregates import aggregated, ranked
from review.model.comparisons import OPPOSITE, Comparison, asserted, compared, is_null
from review.model.flows import (
    IDENTIFIER,
    SECRET,
    WRITTEN,
    Flow,
    Flows,
    Relation,
    Value,
    decided,
    merged,
    passed,
    settled,
    together,
)
from review.model.functions import AGGREGATING, kind_of, rests_on_order
from review.model.pseudonym import pseudonym_in
from review.model.scopes import Notes, Scope, Use
from review.model.statement import NotFollowed, line_of, name_of

COMPARISONS: dict[type[exp.Expr], Comparison] = {
    exp.EQ: "equal", exp.NullSafeEQ: "equal", exp.NEQ: "unequal", exp.NullSafeNEQ: "unequal", exp.LT: "less",
    exp.LTE: "less", exp.GT: "greater", exp.GTE: "greater", exp.Like: "equal", exp.ILike: "equal",
    exp.SimilarTo: "equal", exp.RegexpLike: "equal", exp.RegexpFullMatch: "equal", exp.Glob: "equal",
    exp.StartsWith: "equal", exp.EndsWith: "equal", exp.Contains: "equal", exp.ArrayContains: "equal",
}  # fmt: skip
"""Comparisons by what they ask; a pattern may be as narrow as one value."""

PLAIN = (exp.Literal, exp.Null, exp.Boolean, exp.DataType, exp.Var, exp.Identifier, exp.JSONPath)
CALLS = (exp.Func, exp.Binary, exp.Unary, exp.Tuple, exp.Bracket, exp.Interval, exp.AtTimeZone)
FINE_PARTS = frozenset({"epoch", "epoch_ms", "epoch_us", "epoch_ns", "julian"})
"""Parts of a moment that are the moment itself."""


class Queries(Protocol):
    """What follows a subquery."""

    def followed(self, query: exp.Expr, parent: Scope | None) -> Relation: ...


class Expressions:
    """Follows the expressions of one statement.

    queries: follows subqueries; notes: where uses of columns are written down; minimum_group: subjects from which on a
    group hides the single one.
    """

    def __init__(self, queries: Queries, notes: Notes, minimum_group: int) -> None:
        self.queries = queries
        self.notes = notes
        self.minimum_group = minimum_group
        self._handlers: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[exp.Expr, Scope], Value]], ...] = (
            ((exp.Paren, exp.Alias, exp.IgnoreNulls, exp.RespectNulls, exp.PropertyEQ), self._inner),
            ((exp.Column,), self._column),
            ((exp.Subquery,), self._scalar),
            ((exp.Case, exp.If), self._case),
            ((exp.Window,), self._window),
            ((exp.Filter, exp.WithinGroup), self._modified_aggregate),
            ((exp.Not, exp.And, exp.Or, exp.Is, exp.Between, exp.In, exp.Exists, *COMPARISONS), self._asked),
        )

    def value(self, node: exp.Expr, scope: Scope) -> Value:
        """The value of an expression. Raises NotFollowed for one that is not understood."""
        if id(node) not in scope.known:
            scope.known[id(node)] = (node, self._followed(node, scope))
        return scope.known[id(node)][1]

    def _followed(self, node: exp.Expr, scope: Scope) -> Value:
        if isinstance(node, PLAIN):
            return replace(WRITTEN, constant=node.name) if isinstance(node, exp.Literal) and node.is_string else WRITTEN
        for types, handler in self._handlers:
            if isinstance(node, types):
                return handler(node, scope)
        pseudonym = pseudonym_in(node)
        if pseudonym is not None:
            hashed = together(self.value(part, scope) for part in pseudonym.hashed)
            return Value(_keyed(hashed.flows, pseudonym.subject))
        return self._called(node, scope)

    def use(self, clause: str, node: exp.Expr, scope: Scope) -> Value:
        """The value of an expression that chooses, joins, groups or orders rows; it is written down."""
        value = self.value(node, scope)
        self.notes.uses.append(Use(clause, line_of(node), value.flows))
        scope.choice.append(value.flows)
        return value

    def _inner(self, node: exp.Expr, scope: Scope) -> Value:
        return self.value(node.expression if isinstance(node, exp.PropertyEQ) else node.this, scope)

    def _column(self, node: exp.Expr, scope: Scope) -> Value:
        if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
            raise NotFollowed("a * inside an expression", line_of(node))
        value = scope.own(node)
        name = node.name.lower()
        if value is None and not node.table and name in scope.selected and name not in scope.following:
            scope.following.add(name)
            value = self.value(scope.selected[name], scope)
            scope.following.discard(name)
        around = scope
        while value is None:
            around.is_correlated = True
            if around.parent is None:
                raise NotFollowed(f"column {name} of no known table", line_of(node))
            around = around.parent
            value = around.own(node)
        return value

    def _scalar(self, node: exp.Expr, scope: Scope) -> Value:
        relation = self.queries.followed(node, scope)
        if len(relation.columns) != 1:
            raise NotFollowed("a subquery of several columns as a value", line_of(node))
        (value,) = relation.columns.values()
        is_chosen = relation.is_chosen or relation.is_correlated
        choice = decided(relation.choice, 2) if is_chosen else frozenset()
        return Value(settled(merged(value.flows, choice)), is_fixed=not relation.is_correlated)

    def _case(self, node: exp.Expr, scope: Scope) -> Value:
        branches = node.args.get("ifs") or [node]
        operand = self.value(node.this, scope) if isinstance(node, exp.Case) and node.this is not None else None
        conditions = []
        for branch in branches:
            condition = self.value(branch.this, scope)
            if operand is not None:
                condition = compared("equal", operand, condition, self.minimum_group)
            conditions.append(condition)
        results = [self.value(branch.args["true"], scope) for branch in branches]
        default = node.args.get("default") if isinstance(node, exp.Case) else node.args.get("false")
        results += [self.value(default, scope)] if default is not None else [WRITTEN]
        deciding = decided(merged(*(each.flows for each in conditions)), len(results))
        is_fixed = all(each.is_fixed for each in (*conditions, *results))
        chosen = merged(*(each.flows for each in results))
        if any(flow.is_personal for flow in deciding) and not all(each.flows for each in results):
            chosen = picked(chosen)
        return Value(merged(deciding, chosen), is_fixed)

    def _asked(self, node: exp.Expr, scope: Scope, *, negated: bool = False) -> Value:
        """Yes or no, asked of values; `negated`: under a NOT."""
        if isinstance(node, exp.Paren):
            return self._asked(node.this, scope, negated=negated)
        if isinstance(node, exp.Not):
            return self._asked(node.this, scope, negated=not negated)
        if isinstance(node, (exp.And, exp.Or)):
            parts = [self._asked(part, scope, negated=negated) for part in node.flatten()]
            return Value(decided(merged(*(part.flows for part in parts)), 2), all(part.is_fixed for part in parts))
        if isinstance(node, exp.Is):
            value = self.value(node.this, scope)
            if isinstance(node.expression, exp.Null):
                return is_null(value)
            is_true = isinstance(node.expression, exp.Boolean) and bool(node.expression.this)
            return asserted(value, negated or not is_true, self.minimum_group)
        if isinstance(node, exp.Between):
            bounds = together((self.value(node.args["low"], scope), self.value(node.args["high"], scope)))
            return compared("equal", self.value(node.this, scope), bounds, self.minimum_group)
        if isinstance(node, exp.In):
            return self._member(node, scope, negated)
        if isinstance(node, exp.Exists):
            relation = self.queries.followed(node.this, scope)
            return Value(decided(relation.choice, 2), not relation.is_correlated)
        if type(node) in COMPARISONS:
            kind = COMPARISONS[type(node)]
            kind = OPPOSITE[kind] if negated != bool(node.args.get("negate")) else kind
            return self._comparison(kind, node, scope)
        return asserted(self.value(node, scope), negated, self.minimum_group)

    def _comparison(self, kind: Comparison, node: exp.Expr, scope: Scope) -> Value:
        left, right = node.this, node.expression
        if isinstance(right, (exp.Any, exp.All)):
            return self._among(kind, left, right.this, scope)
        return compared(kind, self.value(left, scope), self.value(right, scope), self.minimum_group)

    def _member(self, node: exp.In, scope: Scope, negated: bool) -> Value:
        kind: Comparison = "unequal" if negated else "equal"
        if node.args.get("query") is not None:
            return self._among(kind, node.this, node.args["query"], scope)
        if node.args.get("field") is not None or node.args.get("unnest") is not None:
            raise NotFollowed("IN a column", line_of(node))
        members = together(self.value(each, scope) for each in node.expressions)
        return compared(kind, self.value(node.this, scope), members, self.minimum_group)

    def _among(self, kind: Comparison, left: exp.Expr, query: exp.Expr, scope: Scope) -> Value:
        relation = self.queries.followed(query, scope)
        values = tuple(relation.columns.values())
        members = values[0] if len(values) == 1 else together(values)
        value = compared(kind, self.value(left, scope), members, self.minimum_group)
        return Value(decided(merged(value.flows, relation.choice), 2))

    def _called(self, node: exp.Expr, scope: Scope) -> Value:
        """A function or an operator, by what the list of functions says of it."""
        name = name_of(node)
        kind = kind_of(name)
        if kind is None or not isinstance(node, CALLS):
            raise NotFollowed(f"{name}, which is not on the list of allowed functions", line_of(node))
        if kind in AGGREGATING:
            return self._aggregate(node, scope)
        if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
            raise NotFollowed("a function called by a dot", line_of(node))
        if name == "nullif":
            kept, other = (self.value(part, scope) for part in (node.this, node.expression))
            answer = compared("equal", kept, other, self.minimum_group)
            return Value(merged(passed(kept.flows, name), answer.flows), kept.is_fixed and other.is_fixed)
        parts = [self.value(part, scope) for part in arguments(node)]
        if kind == "predicate":
            return compared("equal", parts[0], together(parts[1:]), self.minimum_group)
        made_of = together(parts)
        is_coarse = kind == "coarsening" and not {part.name.lower() for part in arguments(node)} & FINE_PARTS
        return Value(passed(made_of.flows, name, coarse=is_coarse), made_of.is_fixed)

    def _modified_aggregate(self, node: exp.Expr, scope: Scope) -> Value:
        """An aggregate with FILTER, or with WITHIN GROUP (ORDER BY ...)."""
        if isinstance(node, exp.Filter):
            return self._aggregate(node.this, scope, [self._filter(node, scope)], is_filtered=True)
        return self._aggregate(node.this, scope, [self.value(part.this, scope) for part in node.expression.expressions])

    def _filter(self, node: exp.Filter, scope: Scope) -> Value:
        return Value(decided(self.use("FILTER", node.expression.this, scope).flows, 2))

    def _aggregate(
        self,
        node: exp.Expr,
        scope: Scope,
        more: Sequence[Value] = (),
        *,
        is_filtered: bool = False,
        is_windowed: bool = False,
    ) -> Value:
        """An aggregate; more: what goes into it beside its arguments; is_windowed: a window gives its order."""
        while isinstance(node, (exp.IgnoreNulls, exp.RespectNulls)):
            node = node.this
        name = name_of(node)
        if kind_of(name) not in AGGREGATING:
            raise NotFollowed(f"{name} as an aggregate", line_of(node))
        values = [self.value(part, scope) for part in aggregate_arguments(node)]
        if is_filtered and any(flow.is_personal for each in more for flow in each.flows):
            values = [replace(each, flows=picked(each.flows)) for each in values]
        if rests_on_order(name) and not is_windowed:
            self.notes.unordered.append(_told(f"{name}, which rests on the order of rows", node))
        return aggregated(name, node, [*values, *more], scope.records, self.minimum_group)

    def _window(self, node: exp.Expr, scope: Scope) -> Value:
        partition, order = self._window_of(node, scope)
        inner, more = node.this, []
        while isinstance(inner, (exp.IgnoreNulls, exp.RespectNulls, exp.Filter)):
            if isinstance(inner, exp.Filter):
                more.append(self._filter(inner, scope))
            inner = inner.this
        name = name_of(inner)
        if rests_on_order(name) and not is_total([*partition, *order], scope):
            self.notes.unordered.append(_told(f"{name} without an order that tells every row from the others", node))
        frame = node.args.get("spec")
        order = [*order, *(frame.iter_expressions() if frame is not None else ())]
        around = [self.use("PARTITION BY", part, scope) for part in partition]
        around += [self.use("ORDER BY", part, scope) for part in order]
        if kind_of(name) == "rank":
            return ranked(around)
        return self._aggregate(inner, scope, more, is_filtered=bool(more), is_windowed=True)

    def _window_of(self, node: exp.Expr, scope: Scope) -> tuple[list[exp.Expr], list[exp.Expr]]:
        """What a window is partitioned and ordered by, its own and what it takes from a named one."""
        partition, order = list(node.args.get("partition_by") or []), node.args.get("order")
        if node.args.get("alias") is not None:
            named = scope.windows.get(node.args["alias"].name.lower())
            if named is None or named.args.get("alias") is not None:
                raise NotFollowed("a window of no known name", line_of(node))
            partition += named.args.get("partition_by") or []
            order = order or named.args.get("order")
        return partition, [each.this for each in order.expressions] if order is not None else []


def arguments(node: exp.Expr) -> Iterator[exp.Expr]:
    """What a function or an operator is applied to."""
    for part in node.iter_expressions():
        if isinstance(part, (exp.JSONKeyValue, exp.Slice)):
            yield from part.iter_expressions()
        else:
            yield part


def aggregate_arguments(node: exp.Expr) -> Iterator[exp.Expr]:
    """What an aggregate is applied to, through DISTINCT and ORDER BY; of count(*) nothing."""
    for part in node.iter_expressions():
        if isinstance(part, exp.Distinct):
            yield from part.expressions
        elif isinstance(part, exp.Order):
            yield part.this
            yield from (each.this for each in part.expressions)
        elif not isinstance(part, exp.Star):
            yield part


def is_total(order: list[exp.Expr], scope: Scope) -> bool:
    """Whether columns tell every row of the sources from every other, as far as is known."""
    names = set()
    for part in order:
        place = scope.place(part) if isinstance(part, exp.Column) else None
        if place is not None:
            names.add(".".join(place))
    return any(key <= names for key in scope.keys)


def _keyed(flows: Flows, subject: str) -> Flows:
    """What is hashed under the key: identifiers become the subject's pseudonym, which hides all else that is hashed."""
    identifiers = [flow for flow in flows if flow.role == IDENTIFIER]
    if not identifiers:
        return passed(flows, "sha256")
    secrets = (flow for flow in flows if flow.role == SECRET)
    return merged((Flow(each.origin, each.role, each.is_personal, scope=subject) for each in identifiers), secrets)


def picked(flows: Flows) -> Flows:
    """Values of which a condition takes only some."""
    return frozenset(replace(flow, is_partial=True) for flow in flows)


def _told(what: str, node: exp.Expr) -> str:
    line = line_of(node)
    return f"{what} (line {line})" if line else what
