"""Groups that are large enough: how a query says so, and for which of its columns it then holds.

A group minimum is said by HAVING count(...) >= n, by WHERE on such a count, by QUALIFY count(*) OVER (PARTITION BY
...) >= n, or by an inner join with groups that have it. A condition that could hold otherwise says nothing.
Source: models §7 (M6).
"""

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from review.model.flows import IDENTIFIER, Records, Relation, Value, covered_relation
from review.model.joins import Links, parts_of
from review.model.scopes import Place, Scope

SUBJECTS = frozenset({"person", "enterprise"})
"""Whose pseudonyms stand for someone; that of a visit stands for an event."""


def minimum_said(part: exp.Expr) -> tuple[exp.Expr, int] | None:
    """What a condition holds to be at least n, and n; None where it says no such thing."""
    if isinstance(part, (exp.GTE, exp.GT)):
        counted, number, more = part.this, part.expression, isinstance(part, exp.GT)
    elif isinstance(part, (exp.LTE, exp.LT)):
        counted, number, more = part.expression, part.this, isinstance(part, exp.LT)
    else:
        return None
    if isinstance(number, exp.Literal) and not number.is_string and number.name.isdigit():
        return counted, int(number.name) + more
    return None


def miscounted(node: exp.Expr, scope: Scope, minimum_group: int) -> str | None:
    """Why a count does not count the subjects of a group; None where it does."""
    if not isinstance(node, exp.Count):
        return "it is not a count"
    records = [each for each in scope.records if each.is_personal and each.subjects < minimum_group]
    if isinstance(node.this, exp.Distinct):
        if len(node.this.expressions) != 1 or not isinstance(node.this.expressions[0], exp.Column):
            return "count(distinct ...) of anything but one column does not count subjects"
        value = scope.own(node.this.expressions[0]) or Value()
        wrong = [each for each in records if not _is_counted_distinct(value, each, scope)]
        return (
            f"count(distinct ...) of another column than the subject's pseudonym in {_names(wrong)}" if wrong else None
        )
    wrong = [each for each in records if not _is_counted_by_rows(scope, each)]
    return f"its rows are not known to be one for each subject of {_names(wrong)}" if wrong else None


def _is_counted_distinct(value: Value, records: Records, scope: Scope) -> bool:
    """Whether different values are different subjects of these records, or different records where nobody is known."""
    if not value.flows or any(flow.is_aggregated for flow in value.flows):
        return False
    is_of_them = all(flow.origin[:2] == records.table for flow in value.flows)
    if not records.has_identifiers:
        return is_of_them
    scopes = {flow.scope for flow in value.flows}
    is_pseudonym = all(flow.role == IDENTIFIER and flow.detail == "identity" for flow in value.flows)
    return (
        is_pseudonym and len(scopes) == 1 and scopes <= SUBJECTS & records.scopes and (is_of_them or not scope.is_mixed)
    )


def _is_counted_by_rows(scope: Scope, records: Records) -> bool:
    """Whether no subject has two rows: a pseudonym of it, or the record itself where it is nobody's, is a key."""
    if not records.has_identifiers:
        return frozenset({records.key}) in scope.keys
    return any(
        len(key) == 1 and _is_counted_distinct(_value_at(scope, next(iter(key))), records, scope) for key in scope.keys
    )


def _value_at(scope: Scope, name: str) -> Value:
    alias, _, column = name.partition(".")
    return scope.sources[alias].columns.get(column, Value()) if alias in scope.sources else Value()


def _names(records: list[Records]) -> str:
    return ", ".join(sorted({".".join(each.table) for each in records}))


def cover(scope: Scope, alias: str, subjects: int) -> None:
    """The rows of a source each stand for so many subjects."""
    scope.sources[alias] = covered_relation(scope.sources[alias], subjects, aggregates=True)
    scope.records = frozenset(
        replace(each, subjects=max(each.subjects, subjects)) if each.key.startswith(f"{alias}.") else each
        for each in scope.records
    )


def require_minimum(scope: Scope, place: Place, subjects: int) -> bool:
    """Take it that groups have so many subjects, where a place is their count; whether it is."""
    relation = scope.sources[place[0]]
    if relation.grouping is None or not relation.columns[place[1]].counts_subjects:
        return False
    cover(scope, place[0], subjects)
    grouping = replace(relation.grouping, subjects=max(relation.grouping.subjects, subjects))
    scope.sources[place[0]] = replace(scope.sources[place[0]], grouping=grouping)
    return True


def cover_siblings(scope: Scope, links: Links) -> None:
    """Coarser groups of the same rows, joined to groups with a minimum, have that minimum too."""
    for alias, group in _with_minimum(scope, links):
        grouping = scope.sources[alias].grouping
        for other, relation in list(scope.sources.items()):
            coarser = relation.grouping
            if coarser is None or grouping is None or other == alias or other in links.nullable:
                continue
            if (
                coarser.source is grouping.source
                and coarser.is_whole
                and _is_within(links, other, alias, relation, group)
            ):
                cover(scope, other, grouping.subjects)


def _with_minimum(scope: Scope, links: Links) -> Iterator[tuple[str, Relation]]:
    for alias, relation in list(scope.sources.items()):
        grouping = relation.grouping
        if grouping is not None and grouping.subjects and grouping.is_whole and alias not in links.nullable:
            yield alias, relation


def _is_within(links: Links, coarse: str, fine: str, coarser: Relation, finer: Relation) -> bool:
    """Whether every key of the coarser groups equals the same key of the finer ones."""
    if coarser.grouping is None or finer.grouping is None or not coarser.grouping.keys:
        return False
    fine_of = {source: column for column, source in finer.grouping.keys.items()}
    return all(
        source in fine_of and (fine, fine_of[source]) in links.same((coarse, column))
        for column, source in coarser.grouping.keys.items()
    )


def alike_places(scope: Scope, links: Links) -> tuple[frozenset[Place], int]:
    """Places by which at least so many subjects of a source look the same in every row of the query.

    The source is joined with its own groups on all their keys, and rows are left out by those keys alone, so a group
    stays or goes as a whole.
    """
    if links.cuts is None:
        return frozenset(), 0
    for alias, relation in scope.sources.items():
        if alias in links.nullable:
            continue
        for places, subjects in _candidates(scope, links, alias, relation):
            if links.cuts <= places | _of_single_rows(scope):
                return frozenset(places), subjects
    return frozenset(), 0


def _candidates(scope: Scope, links: Links, alias: str, relation: Relation) -> Iterator[tuple[set[Place], int]]:
    if relation.alike_subjects:
        yield _closed(links, {(alias, column) for column in relation.alike}), relation.alike_subjects
    for other, group in _with_minimum(scope, links):
        grouping = group.grouping
        if grouping is not None and grouping.source is relation and grouping.keys:
            pairs = {(alias, source): (other, column) for column, source in grouping.keys.items()}
            if all(theirs in links.same(mine) for mine, theirs in pairs.items()):
                yield _closed(links, {*pairs, *pairs.values()}), grouping.subjects


def _closed(links: Links, places: set[Place]) -> set[Place]:
    return {same for place in places for same in links.same(place)}


def _of_single_rows(scope: Scope) -> set[Place]:
    return {
        (alias, column)
        for alias, relation in scope.sources.items()
        if relation.is_single and not relation.is_correlated
        for column in relation.columns
    }


def windowed_minimum(qualify: exp.Expr | None, scope: Scope, minimum_group: int) -> tuple[frozenset[Place], int]:
    """Places by which QUALIFY count(*) OVER (PARTITION BY ...) >= n keeps groups of n; it must say nothing else."""
    parts = list(parts_of(qualify))
    said = minimum_said(parts[0]) if len(parts) == 1 else None
    if said is None or not isinstance(said[0], exp.Window):
        return frozenset(), 0
    window = said[0]
    if window.args.get("order") is not None or window.args.get("spec") is not None or window.args.get("alias"):
        return frozenset(), 0
    partition = window.args.get("partition_by") or []
    places = {scope.place(part) for part in partition if isinstance(part, exp.Column)}
    if miscounted(window.this, scope, minimum_group) is not None or len(places) != len(partition) or None in places:
        return frozenset(), 0
    return frozenset(place for place in places if place is not None), said[1]
