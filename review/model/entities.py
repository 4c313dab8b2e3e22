"""The query by which a contract says who stands behind a component's rows, judged without running it.

Releases are subtracted from each other by what it names. A query that named days, or everybody, or each row would make
any two releases look far enough apart, so its `entity` must be the subject's pseudonym and nothing else. Source:
models §7 (R, differencing).
"""

from dataclasses import replace

from sqlglot import exp

from review.model.contributions import changing
from review.model.flows import IDENTIFIER, Value
from review.model.groups import SUBJECTS
from review.model.statement import statement_of
from review.model.tracing import traced
from review.model.under_review import ModelUnderReview

ENTITY = "entity"
OWN_ROWS = "reviewed"
"""The schema that the component's own rows are followed in, as no model may read a component."""


def entity_faults(model: ModelUnderReview, statement: str, kind: str) -> tuple[str, ...]:
    """What is wrong with the query of a component's entities; nothing where it can be relied on.

    statement: one that may read the component's own rows; kind: whose pseudonym `entity` is, such as `person`, or the
    component itself for one of its own.
    """
    read = statement_of(statement)
    if read.tree is None or read.faults:
        return tuple(read.faults) or ("it cannot be read",)
    tree = read.tree.copy()  # the one that was read is kept for whoever reads the same text again
    for table in tree.find_all(exp.Table):
        if (table.db, table.name) == model.table:
            table.set("catalog", None)
            table.set("db", exp.to_identifier(OWN_ROWS))
    own = {(OWN_ROWS, model.name): model.statements.get(model.table, "")}
    asked = {**model.statements, **own, model.table: tree.sql("duckdb")}
    trace = traced(replace(model, statements=asked))
    if trace.relation is None:
        return (f"it cannot be followed: {trace.failure}",)
    faults = list(dict.fromkeys([*changing(tree), *trace.notes.unordered]))
    if kind not in (*SUBJECTS, model.name):
        faults.append(f"'{kind}' is neither a subject ({', '.join(sorted(SUBJECTS))}) nor the component itself")
    elif not _is_pseudonym(trace.relation.columns.get(ENTITY, Value()), kind):
        faults.append(f"its {ENTITY} is not the pseudonym of '{kind}' as the vault has it")
    return tuple(faults)


def _is_pseudonym(value: Value, kind: str) -> bool:
    return bool(value.flows) and all(
        flow.role == IDENTIFIER and flow.scope == kind and flow.detail == "identity" and not flow.is_aggregated
        for flow in value.flows
    )
