"""Whether a figure is what its contributions make it: else what is judged, or hidden, is another figure.

Counted by the engine, written once in Ibis. Source: models §7 (R).
"""

from collections.abc import Sequence
from typing import Literal

import ibis
import ibis.expr.types as ir

Aggregate = Literal["count", "sum", "mean"]

SHARE_APART = 0.005
"""How far a sum or a mean may lie from its contributions, as a share of it: rounding to three digits does, and what the
rules of dominance ask about is many times larger."""


def cells_apart(
    table: ir.Table, grain: Sequence[str], figure: str, contributions: ir.Table, aggregate: Aggregate
) -> int:
    """How many rows of a table have a figure that does not follow from the contributions to their cell.

    contributions: the columns of the grain, `contributor` and, but for a count, `value`. A count is exactly that of
    different contributors; a sum and a mean of values may be apart by SHARE_APART. Nothing counts and sums to 0.
    """
    made = contributions.group_by(**{f"own_{name}": contributions[name] for name in grain}).agg(
        made=_made(contributions, aggregate)
    )
    joined = table.left_join(made, [table[name].identical_to(made[f"own_{name}"]) for name in grain])
    told, found = joined[figure].cast("float64"), joined.made.cast("float64")
    if aggregate != "mean":
        told, found = told.fill_null(0.0), found.fill_null(0.0)
    allowed = 0.0 if aggregate == "count" else ibis.literal(SHARE_APART) * found.abs()
    is_apart = (told.isnull() != found.isnull()) | ((told - found).abs() > allowed).fill_null(False)
    return int(joined.aggregate(apart=is_apart.sum()).to_pyarrow()["apart"][0].as_py() or 0)


def _made(contributions: ir.Table, aggregate: Aggregate) -> ir.Scalar:
    if aggregate == "count":
        return contributions.contributor.nunique()
    value = contributions["value"].cast("float64")
    return value.sum() if aggregate == "sum" else value.mean()
