"""The value of an aggregate: what it is made of, and whether it is the value of a single record."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlglot import exp

from review.model.comparisons import is_narrow
from review.model.flows import RECORDS, Flow, Flows, Records, Value, decided, merged
from review.model.functions import EXTREME_QUANTILE, kind_of

COUNTS = frozenset({"count", "count_star", "count_if", "countif", "regr_count"})


def aggregated(
    name: str, node: exp.Expr, values: Sequence[Value], records: Iterable[Records], minimum_group: int
) -> Value:
    """An aggregate of values over the records of a query.

    A count of records comes from the records themselves. Source: OpenLineage (AGGREGATION).
    """
    flows = merged(*(value.flows for value in values))
    if name in COUNTS:
        is_distinct = isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct)
        is_of_kinds = is_distinct and all(flow.detail == "condition" for flow in flows)
        return Value(_counted(merged(flows, of_records(records)), is_of_kinds))
    names = {name} | (
        {EXTREME_QUANTILE} if kind_of(name) == "quantile" and not _is_inside(node, minimum_group) else set()
    )
    return Value(
        frozenset(
            replace(
                flow,
                detail="transformation" if flow.detail == "identity" else flow.detail,
                functions=flow.functions | names,
                is_aggregated=True,
                is_own=False,
                is_narrow=is_narrow(flow),
                bounds=frozenset(),
            )
            for flow in flows
        )
    )


def ranked(values: Sequence[Value]) -> Value:
    """A place in an order: it tells of what is ordered, in as many classes as there are rows."""
    return Value(decided(merged(*(value.flows for value in values)), 0))


def of_records(records: Iterable[Records]) -> Flows:
    """That a value comes from how many records there are."""
    return frozenset(
        Flow((*each.table, "*"), RECORDS, each.is_personal, detail="count", subjects=each.subjects, is_aggregated=True)
        for each in records
    )


def _counted(flows: Flows, is_of_kinds: bool) -> Flows:
    """How many there are; `is_of_kinds`: how many different values, which singles nobody out."""
    return frozenset(
        replace(
            flow,
            detail="count",
            is_partial=False,
            functions=frozenset({"count"}),
            is_coarse=True,
            is_aggregated=True,
            is_own=False,
            is_narrow=is_narrow(flow) and not is_of_kinds,
            bounds=frozenset(),
        )
        for flow in flows
    )


def _is_inside(node: exp.Expr, minimum_group: int) -> bool:
    """Whether a quantile leaves at least one record of the smallest group on either side: 1/n <= q <= 1 - 1/n."""
    for part in (node.this, *node.args.values()):
        if isinstance(part, exp.Literal) and not part.is_string:
            quantile = float(part.name)
            return quantile * minimum_group >= 1 and (1 - quantile) * minimum_group >= 1
    return False
