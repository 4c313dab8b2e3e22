"""The output columns of one SELECT: its * and numbers put in words, and what each output is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sqlglot import exp

from review.model.expressions import Expressions
from review.model.flows import Value
from review.model.functions import AGGREGATING, kind_of
from review.model.groups import miscounted
from review.model.joins import places_in
from review.model.parts import HIDDEN, only
from review.model.scopes import Place, Scope
from review.model.statement import NotFollowed, line_of, name_of

Output = tuple[str, exp.Expr]
"""An output column's name and its expression."""


@dataclass(frozen=True)
class Outputs:
    """The outputs of a SELECT whose sources are known."""

    select: exp.Select
    scope: Scope
    expressions: Expressions

    @cached_property
    def expanded(self) -> tuple[Output, ...]:
        """The outputs in order, every * put in words."""
        outputs: list[Output] = []
        for index, each in enumerate(self.select.expressions):
            if isinstance(each, exp.Star) or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star)):
                outputs += self._starred(each)
            elif each.find(exp.Columns) or isinstance(each, exp.Aliases):
                raise NotFollowed("COLUMNS(...)", line_of(each))
            elif isinstance(each, exp.Alias):
                outputs.append((each.alias.lower(), each.this))
            else:
                outputs.append((each.output_name.lower() or f"column {index + 1}", each))
        return tuple(outputs)

    def _starred(self, node: exp.Expr) -> Iterator[Output]:
        star = node if isinstance(node, exp.Star) else node.this
        if {name for name, value in star.args.items() if value} - {"except_"}:
            raise NotFollowed("a * that renames or replaces", line_of(node))
        left_out = {each.name.lower() for each in star.args.get("except_") or []}
        only_of = node.table.lower() if isinstance(node, exp.Column) else None
        if only_of is not None and only_of not in self.scope.sources:
            raise NotFollowed(f"{only_of}.* of no known source", line_of(node))
        seen: set[str] = set()
        for alias, relation in self.scope.sources.items():
            for name in relation.columns if only_of in (None, alias) else ():
                is_shared = name in self.scope.usings and name in seen
                seen.add(name)
                if name not in left_out and not is_shared:
                    yield name, exp.column(name, table=alias)

    def values(self) -> dict[str, Value]:
        """The output columns. Raises NotFollowed where two have one name."""
        values: dict[str, Value] = {}
        for name, node in self.expanded:
            if name in values or HIDDEN & set(name):
                raise NotFollowed("a second column of one name, or one with a mark in its name", line_of(node))
            value = self.expressions.value(node, self.scope)
            if isinstance(node, exp.Count):
                counts = miscounted(node, self.scope, self.expressions.minimum_group) is None
                value = replace(value, counts_subjects=counts)
            values[name] = value
        return values

    def places(self) -> dict[str, Place]:
        """Of the outputs that are a column of a source, where it stands."""
        found = {}
        for name, node in self.expanded:
            place = self.scope.place(node) if isinstance(node, exp.Column) else None
            if place is not None:
                found[name] = place
        return found

    def alike(self, places: frozenset[Place]) -> frozenset[str]:
        """The outputs that are made of these places only, so that they are the same where these are."""
        found = set()
        for name, node in self.expanded:
            named = places_in(node, self.scope)
            if named and named <= places and not node.find(exp.Window):
                found.add(name)
        return frozenset(found)

    def group_keys(self) -> list[exp.Expr]:
        """The expressions to group by, with output numbers, output names and ALL put in words."""
        group = self.select.args.get("group")
        if group is None:
            return []
        only(group, frozenset({"expressions", "all"}), "a GROUP BY")
        outputs = self.expanded
        if group.args.get("all"):
            return [node for _, node in outputs if not has_aggregate(node)]
        keys: list[exp.Expr] = []
        for each in group.expressions:
            if isinstance(each, (exp.Cube, exp.Rollup, exp.GroupingSets)):
                raise NotFollowed("grouping by several sets of columns", line_of(each))
            if isinstance(each, exp.Literal) and each.name.isdigit() and 1 <= int(each.name) <= len(outputs):
                keys.append(outputs[int(each.name) - 1][1])
            else:
                keys.append(self.meant(each))
        return keys

    def meant(self, node: exp.Expr) -> exp.Expr:
        """An expression, or the output that it names; a name that stands for a column as well is one too many."""
        if not isinstance(node, exp.Column) or node.table or node.name.lower() not in self.scope.selected:
            return node
        output = self.scope.selected[node.name.lower()]
        own = self.scope.place(node)
        if own is None or (isinstance(output, exp.Column) and self.scope.place(output) == own):
            return output
        raise NotFollowed(f"{node.name}, which is a column and another output", line_of(node))

    def key_columns(self, keys: Sequence[exp.Expr]) -> list[str]:
        """The output columns that are a key each; fewer than keys where some are not put out."""
        found: dict[str, str] = {}
        for name, node in self.expanded:
            found.setdefault(self.text(node), name)
        return [found[text] for text in dict.fromkeys(map(self.text, keys)) if text in found]

    def text(self, node: exp.Expr) -> str:
        """A spelling that is the same for the same column."""
        place = self.scope.place(node) if isinstance(node, exp.Column) else None
        return ".".join(place) if place is not None else node.sql(dialect="duckdb").lower()

    def ordered_by(self) -> list[exp.Expr]:
        """The expressions of ORDER BY; an output's name goes before a column's."""
        order = self.select.args.get("order")
        named: Mapping[str, exp.Expr] = dict(self.expanded) if order is not None else {}
        return [
            named.get(each.this.name.lower(), each.this)
            if isinstance(each.this, exp.Column) and not each.this.table
            else each.this
            for each in (order.expressions if order is not None else ())
        ]

    def makes_rows(self) -> bool:
        """Whether an output gives several rows for one, as unnest does."""
        return any(each.find(exp.Explode) for each in self.select.expressions)

    def has_aggregate(self) -> bool:
        """Whether the SELECT aggregates without a GROUP BY."""
        return self.select.args.get("having") is not None or any(map(has_aggregate, self.select.expressions))


def has_aggregate(node: exp.Expr) -> bool:
    """Whether an expression aggregates the rows of its query, apart from windows and subqueries."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, exp.Query):
            continue
        if isinstance(each, exp.Window):
            inner = each.this
            while isinstance(inner, (exp.IgnoreNulls, exp.RespectNulls, exp.Filter)):
                inner = inner.this
            waiting += [part for part in each.iter_expressions() if part is not each.this]
            waiting += list(inner.iter_expressions())
        elif isinstance(each, exp.Func) and kind_of(name_of(each)) in AGGREGATING:
            return True
        else:
            waiting += list(each.iter_expressions())
    return False
