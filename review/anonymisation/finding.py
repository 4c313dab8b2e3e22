"""Finds the least coarse form of a table that meets a target, and gives it as a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import duckdb
import numpy as np

from review.anonymisation.coded_table import CodedTable, coded_table
from review.anonymisation.losses import LOSSES
from review.anonymisation.model_sql import model_sql, summary
from review.anonymisation.plan import Plan
from review.anonymisation.search import Solution, search
from review.anonymisation.target import TOLERANCE, Target
from vault.errors import JinkuError

LOSS_WORDS: Mapping[str, str] = MappingProxyType(
    {"entropy": "non-uniform entropy", "certainty": "certainty", "discernibility": "discernibility"}
)


@dataclass(frozen=True)
class Anonymised:
    """What was found: the transformation, what it means in words, and the model's text."""

    solution: Solution
    words: tuple[str, ...]
    sql: str


def anonymised(
    connection: duckdb.DuckDBPyConnection, relation: str, plan: Plan, target: Target, loss: str = "entropy"
) -> Anonymised:
    """The transformation of least loss, over the table `relation` of an open connection.

    loss: one of LOSSES. Raises JinkuError `anonymise_section` where the table has several rows a subject,
    `no_generalisation` where nothing meets the target, `lattice_too_large`, `hierarchy_invalid` and `not_built`.
    """
    _refuse_repeated_subjects(connection, relation, plan)
    table = coded_table(connection, relation, plan.quasi_identifiers, plan.sensitive)
    _refuse_hopeless(table, plan, target)
    solution = search(table, target, LOSSES[loss](table))
    words = LOSS_WORDS[loss]
    return Anonymised(solution, summary(plan, solution, target, words), model_sql(plan, solution, target, words))


def _refuse_repeated_subjects(connection: duckdb.DuckDBPyConnection, relation: str, plan: Plan) -> None:
    """A group of k rows hides k persons only where each of them has one row."""
    (repeated,) = connection.execute(
        f'select count(*) - count(distinct "{plan.subject}") from {relation}'
    ).fetchone() or (0,)
    if repeated:
        raise JinkuError(
            "anonymise_section",
            f"{repeated} rows of the table have no subject, or one that has a row already",
            relation,
            "Make one row of each subject first, in a resource model, and name its key as 'subject'.",
        )


def _refuse_hopeless(table: CodedTable, plan: Plan, target: Target) -> None:
    """No grouping has more values than the whole table, nor more evenly spread ones."""
    for column, counts in zip(plan.sensitive, table.sensitive, strict=True):
        distinct = counts.values - (counts.no_value is not None)
        shares = np.bincount(counts.value, weights=counts.rows) / table.rows
        in_effect = 2.0 ** float(-(shares * np.log2(shares)).sum())
        if distinct < target.distinct_l:
            cause = f"'{column.name}' has {distinct} values in all, and each group needs {target.distinct_l}"
        elif in_effect < target.entropy_l - TOLERANCE:
            cause = f"'{column.name}' has {in_effect:.2f} values in effect, and each group needs {target.entropy_l:g}"
        else:
            continue
        raise JinkuError("no_generalisation", cause, plan.component, "Show the column in other bands, or leave it out.")
