"""What is known of a value, and of the rows it stands in, while a model is followed: where it comes from, what was done
to it, and how many subjects stand behind it.

The domain is a lattice: bringing two values together keeps of everything the more revealing one, so that a step which
is not understood in detail can only make a verdict stricter. Kinds of lineage are those of OpenLineage's column lineage
facet: identity, transformation and aggregation are direct, a condition is indirect.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

from review.model.under_review import Table

Origin = tuple[str, str, str]
"""(schema, table, column) of a source table; the column "*" stands for the table's records."""

Detail = Literal["identity", "transformation", "condition", "count"]
"""How much of a value is told: all of it as it is, what functions left of it, one of a few classes, how many."""

MOST_REVEALING: tuple[Detail, ...] = ("identity", "transformation", "condition", "count")

EVERYBODY = 1_000_000_000
"""Subjects behind an aggregate of a whole table, which nothing but the table itself chose."""

CLASSES_MAX = 64
"""Most classes that a condition may sort a value into and still be called a classification."""

IDENTIFIER, SECRET, RECORDS = "identifier", "secret", "records"
PERSONAL_ROLES = frozenset({IDENTIFIER, "quasi_identifier", "sensitive", "free_text", SECRET})


@dataclass(frozen=True)
class Flow:
    """How one source column reaches a value.

    role: of the column, as its contract says; scope: the subject whose keyed pseudonym it has become, "" where the
    value is bare; functions: those on the way since; classes: into how many a condition sorts it, 0 where that is not
    bounded; is_classified: sorted so by the vault's own models; is_coarse: many values share a result.
    subjects: how many stand behind it at least; is_own: an aggregate over one subject's records; is_partial: only those
    values that a condition picked; is_settled: it stands beside rows that are counted by other records, so that no
    group of them gives it more subjects.
    is_narrow: singled out by a comparison with chosen values; bounds: the sides on which it was compared.
    """

    origin: Origin
    role: str
    is_personal: bool
    scope: str = ""
    detail: Detail = "identity"
    functions: frozenset[str] = frozenset()
    classes: int = 0
    is_classified: bool = False
    is_coarse: bool = False
    is_aggregated: bool = False
    is_own: bool = False
    subjects: int = 0
    is_partial: bool = False
    is_settled: bool = False
    is_narrow: bool = False
    bounds: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """The kind of lineage, in OpenLineage's words."""
        return "aggregation" if self.is_aggregated else self.detail


Flows = frozenset[Flow]
NONE: Flows = frozenset()


def merged(*parts: Iterable[Flow]) -> Flows:
    """All flows together; of one source column in one state, the more revealing of everything."""
    found: dict[tuple[Origin, str, bool, bool], Flow] = {}
    for part in parts:
        for flow in part:
            key = state_of(flow)
            found[key] = _joined(found[key], flow) if key in found and found[key] != flow else flow
    return frozenset(found.values())


def state_of(flow: Flow) -> tuple[Origin, str, bool, bool]:
    """What tells flows apart that are not brought together."""
    return (flow.origin, flow.scope, flow.is_aggregated, flow.is_settled)


def _joined(one: Flow, other: Flow) -> Flow:
    bounded = one.classes and other.classes and one.classes * other.classes <= CLASSES_MAX
    return replace(
        one,
        is_personal=one.is_personal or other.is_personal,
        detail=min(one.detail, other.detail, key=MOST_REVEALING.index),
        functions=one.functions | other.functions,
        classes=one.classes * other.classes if bounded else 0,
        is_classified=one.is_classified and other.is_classified,
        is_coarse=one.is_coarse and other.is_coarse,
        is_own=one.is_own and other.is_own,
        subjects=min(one.subjects, other.subjects),
        is_partial=one.is_partial or other.is_partial,
        is_narrow=one.is_narrow or other.is_narrow,
        bounds=one.bounds | other.bounds,
    )


def passed(flows: Flows, function: str, *, coarse: bool = False) -> Flows:
    """Flows through a function of which the value is made."""
    return frozenset(
        replace(
            flow,
            detail="transformation" if flow.detail == "identity" else flow.detail,
            functions=flow.functions | {function},
            is_coarse=flow.is_coarse or coarse,
        )
        for flow in flows
    )


def decided(flows: Flows, classes: int) -> Flows:
    """Flows that only decide between `classes` outcomes."""
    return frozenset(
        replace(flow, detail=max(flow.detail, "condition", key=MOST_REVEALING.index), classes=classes, is_coarse=True)
        for flow in flows
    )


def covered(flows: Flows, subjects: int) -> Flows:
    """Flows of which at least so many subjects are known to stand behind each row."""
    return frozenset(
        flow if flow.is_settled else replace(flow, subjects=max(flow.subjects, subjects)) for flow in flows
    )


def settled(flows: Flows, tables: frozenset[Table] = frozenset()) -> Flows:
    """Flows that stand beside rows counted by other records; those of `tables` are counted."""
    return frozenset(flow if flow.origin[:2] in tables else replace(flow, is_settled=True) for flow in flows)


@dataclass(frozen=True)
class Value:
    """A column or an expression.

    is_fixed: the same in every row, as what a model writes itself is; constant: the text that it always is;
    counts_subjects: it is the number of subjects of its group; is_delivered: it stands in a table as the vault made it.
    """

    flows: Flows = NONE
    is_fixed: bool = False
    constant: str | None = None
    counts_subjects: bool = False
    is_delivered: bool = False


WRITTEN = Value(is_fixed=True)


def together(values: Iterable[Value]) -> Value:
    """A value made of several, before what is done to them."""
    several = tuple(values)
    flows = reduce(merged, (each.flows for each in several), NONE)
    return Value(flows, is_fixed=all(each.is_fixed for each in several))


@dataclass(frozen=True)
class Records:
    """A source table whose records decide how many rows there are.

    scopes: the subject whose pseudonym its rows carry, none where they carry several; has_identifiers: whether they
    are anyone's at all; key: what tells one record from another, if it is among the keys; subjects: how many stand
    behind each row at least.
    """

    table: Table
    is_personal: bool
    has_identifiers: bool
    scopes: frozenset[str]
    key: str
    subjects: int = 0


@dataclass(frozen=True)
class Grouping:
    """That rows are groups of another relation: by which of its columns, and with how many subjects at least.

    keys: columns of the source by the columns they became; is_whole: nothing was left out before grouping.
    """

    source: "Relation"
    keys: Mapping[str, str]
    subjects: int
    is_whole: bool


@dataclass(frozen=True, eq=False)
class Relation:
    """A table, a common table expression or a subquery. Two are the same only if they are one object.

    keys: sets of columns, or of hidden keys of records, that no two rows share; lookup: columns that the vault's tests
    hold to be unique; is_single: at most one row; is_chosen: rows were left out by what they hold; branches: parts of a
    UNION ALL; alike: columns by which at least `alike_subjects` subjects always look the same; choice: what decides
    which rows there are; is_correlated: its rows rest on a row of the query around it; is_mixed: a row may hold what
    belongs to several subjects.
    """

    columns: Mapping[str, Value]
    records: frozenset[Records] = frozenset()
    keys: frozenset[frozenset[str]] = frozenset()
    lookup: frozenset[str] = frozenset()
    is_single: bool = False
    is_chosen: bool = False
    branches: tuple["Relation", ...] = ()
    grouping: Grouping | None = None
    alike: frozenset[str] = frozenset()
    alike_subjects: int = 0
    choice: Flows = NONE
    is_correlated: bool = False
    is_mixed: bool = False


def flows_of(relation: Relation) -> Flows:
    """Everything that a relation's columns come from."""
    return reduce(merged, (value.flows for value in relation.columns.values()), NONE)


def covered_records(records: Iterable[Records], subjects: int) -> frozenset[Records]:
    """Records of which so many subjects stand behind each row."""
    return frozenset(replace(each, subjects=max(each.subjects, subjects)) for each in records)


def covered_relation(relation: Relation, subjects: int, *, aggregates: bool) -> Relation:
    """A relation whose rows each stand for so many subjects; `aggregates`: also what was aggregated in it."""
    columns = {
        name: replace(
            value,
            flows=merged(
                covered(frozenset(f for f in value.flows if aggregates or not f.is_aggregated), subjects),
                (f for f in value.flows if not aggregates and f.is_aggregated),
            ),
        )
        for name, value in relation.columns.items()
    }
    return replace(relation, columns=columns, records=covered_records(relation.records, subjects))
