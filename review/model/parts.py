"""The parts of a query that the analysis knows; a query with another one is not followed."""

from sqlglot import exp

from review.model.statement import NotFollowed, line_of

SELECT_PARTS = frozenset(
    {
        *("with_", "expressions", "distinct", "from_", "joins", "where", "group", "having", "qualify", "windows"),
        *("order", "limit", "offset", "sample"),
    }
)
UNION_PARTS = frozenset({"with_", "this", "expression", "distinct", "order", "limit", "offset"})
TABLE_PARTS = frozenset({"this", "alias", "db", "catalog", "sample"})
SUBQUERY_PARTS = frozenset({"this", "alias"})

HIDDEN = frozenset("#.")
"""Marks that the analysis uses in its own names of places, so names in a query must not have them."""


def only(node: exp.Expr, allowed: frozenset[str], what: str) -> None:
    """Raises NotFollowed where a part of a query holds something that the analysis does not know."""
    more = {name.strip("_") for name, value in node.args.items() if value and name not in allowed}
    if more:
        raise NotFollowed(f"{what} with {', '.join(sorted(more))}", line_of(node))
