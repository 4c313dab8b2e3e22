"""Unions of queries, and what is left of one when a condition asks for one of its constants."""

from collections.abc import Iterable

from sqlglot import exp

from review.model.flows import NONE, WRITTEN, Relation, Value, flows_of, merged
from review.model.statement import NotFollowed, line_of

BRANCHES_MAX = 64
"""Branches of a union that are remembered; to forget them can only make a verdict stricter."""


def united(query: exp.SetOperation, left: Relation, right: Relation) -> Relation:
    """Two queries, one after the other, or one without the other."""
    if len(left.columns) != len(right.columns):
        raise NotFollowed("a union of unequal columns", line_of(query))
    columns = {
        name: Value(merged(one.flows, other.flows), one.is_fixed and other.is_fixed)
        for (name, one), other in zip(left.columns.items(), right.columns.values(), strict=True)
    }
    is_union = isinstance(query, exp.Union)
    parts = [branch for side in (left, right) for branch in side.branches or (side,)]
    branches = (
        tuple(
            Relation(dict(zip(left.columns, branch.columns.values(), strict=True)), branch.records) for branch in parts
        )
        if is_union and query.args.get("limit") is None and len(parts) <= BRANCHES_MAX
        else ()
    )
    return Relation(
        columns,
        left.records | right.records,
        is_chosen=left.is_chosen or right.is_chosen or not is_union,
        branches=branches,
        choice=merged(left.choice, right.choice, NONE if is_union else flows_of(right)),
        is_correlated=left.is_correlated or right.is_correlated,
        is_mixed=left.is_mixed or right.is_mixed,
    )


def pruned(relation: Relation, alias: str, conditions: Iterable[exp.Expr]) -> Relation:
    """A union without the branches whose constant is not the one that a condition asks for."""
    for part in conditions:
        if not (isinstance(part, exp.EQ) and isinstance(part.this, exp.Column)) or not relation.branches:
            continue
        name, wanted = part.this.name.lower(), part.expression
        is_of_it = part.this.table.lower() in ("", alias) and name in relation.columns
        if is_of_it and isinstance(wanted, exp.Literal) and wanted.is_string:
            left = [each for each in relation.branches if each.columns[name].constant in (None, wanted.name)]
            relation = _of_branches(left, relation)
    return relation


def _of_branches(branches: list[Relation], source: Relation) -> Relation:
    """What is left of a union, as one relation. What is held unique in all of it is unique in a part."""
    columns = {
        name: Value(
            merged(*(each.columns[name].flows for each in branches)),
            all(each.columns[name].is_fixed for each in branches),
            branches[0].columns[name].constant if len(branches) == 1 else None,
            is_delivered=all(each.columns[name].is_delivered for each in branches),
        )
        for name in source.columns
    }
    return Relation(
        columns if branches else dict.fromkeys(source.columns, WRITTEN),
        frozenset(record for each in branches for record in each.records),
        source.keys,
        source.lookup,
        is_chosen=source.is_chosen,
        branches=tuple(branches),
        choice=source.choice,
        is_correlated=source.is_correlated,
        is_mixed=source.is_mixed,
    )
