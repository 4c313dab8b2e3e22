"""The queries by which a contract says who contributes what to a figure, judged without running them.

Whether a sum is mostly one enterprise's, and how much noise hides a person, is measured from these queries: so their
`contributor` must be the subject's own pseudonym, and what stands beside it must be of that subject alone. Source:
models §7 (R, dominance; DP, unit of privacy).
"""

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from review.model.flows import IDENTIFIER, Flow, Relation, Value
from review.model.functions import AGGREGATING, kind_of
from review.model.parts import only
from review.model.scopes import Use
from review.model.statement import NotFollowed, name_of
from review.model.telling import at, named, ordered
from review.model.tracing import Trace, traced
from review.model.under_review import ModelUnderReview, NoiseClaim

CONTRIBUTOR, VALUE = "contributor", "value"

PARTS = frozenset({"expressions", "from_", "joins", "where"})
"""Parts of a query of contributions. What groups, orders or limits rows would make one subject's rest on others'."""

BETWEEN_ROWS = AGGREGATING | {"rank", "series"}
"""Kinds of functions whose value is not that of one row."""


def noise_faults(model: ModelUnderReview, noise: NoiseClaim) -> list[str]:
    """Why noise drawn from what the claim names would not hide each subject; nothing where it does."""
    subject = noise.unit_of_privacy
    faults = [
        f"contributions to {name}: {fault}"
        for name, statement in sorted(noise.figures.items())
        for fault in contribution_faults(model, statement, subject, has_value=name not in noise.counts)
    ]
    if not noise.figures:
        faults.append("no column is noisy: its contributions are not declared")
    if model.subject != "aggregate":
        faults.append("its rows are not said to be aggregates")
    return faults + [f"cells: {fault}" for fault in cell_faults(model, noise.cells, frozenset(noise.figures))]


def contribution_faults(model: ModelUnderReview, statement: str, subject: str, *, has_value: bool) -> tuple[str, ...]:
    """What is wrong with the contributions to a figure of a component; nothing where they can be relied on.

    subject: whose pseudonym the contributor is, such as `person`; has_value: whether they are more than counted.
    """
    trace = traced(replace(model, statements={**model.statements, model.table: statement}))
    read = trace.statements[model.table]
    faults = list(read.faults) or ([] if read.tree is None else list(dict.fromkeys(_faults_of_form(read.tree))))
    if faults or trace.relation is None:
        return tuple(faults or [f"it cannot be followed: {trace.failure}"])
    asked = {CONTRIBUTOR, *model.grain, *([VALUE] if has_value else [])}
    return tuple(
        dict.fromkeys(
            [
                *_faults_of_columns(trace.relation, asked),
                *_faults_of_contributor(trace.relation, subject),
                *_faults_of_rows(trace, trace.relation, subject),
            ]
        )
    )


def cell_faults(model: ModelUnderReview, statement: str, figures: frozenset[str]) -> tuple[str, ...]:
    """What is wrong with the query of all cells of a component, which must rest on nobody: there being a cell would
    tell of somebody else. figures: the columns that it leaves to noise."""
    trace = traced(replace(model, statements={**model.statements, model.table: statement}))
    read = trace.statements[model.table]
    faults = [*read.faults, *(changing(read.tree) if read.tree is not None else ())]
    if faults or trace.relation is None:
        return tuple(dict.fromkeys(faults)) or (f"it cannot be followed: {trace.failure}",)
    faults = _faults_of_columns(trace.relation, set(model.columns) - figures)
    personal = {f"it rests on {named(flow)}" for flow in _all_flows(trace, trace.relation) if flow.is_personal}
    personal |= {f"it rests on {'.'.join(each.table)}" for each in trace.relation.records if each.is_personal}
    return (*faults, *sorted(personal), *trace.notes.unordered)


def _faults_of_form(tree: exp.Query) -> Iterator[str]:
    if not isinstance(tree, exp.Select):
        yield "it is not one SELECT"
        return
    try:
        only(tree, PARTS, "a query")
    except NotFollowed as fault:
        yield f"it is {fault}: it must have a row for each contribution, as it is recorded"
    for join in tree.args.get("joins") or []:
        if str(join.args.get("kind") or "").upper() in ("SEMI", "ANTI"):
            yield "it has a join that only asks whether there is a row"
    for node in tree.walk():
        if isinstance(node, exp.Query) and node is not tree:
            yield "it has a query inside it"
        elif isinstance(node, exp.Window) or (isinstance(node, exp.Func) and kind_of(name_of(node)) in BETWEEN_ROWS):
            yield f"it has {name_of(node)}, which rests on several rows"
    yield from changing(tree)


def changing(tree: exp.Query) -> Iterator[str]:
    """Functions that give another value at each run: what they are in would be drawn, and paid for, each time."""
    for node in tree.find_all(exp.Func, exp.TableSample):
        if isinstance(node, exp.TableSample) or kind_of(name_of(node)) in ("volatile", "session"):
            yield f"it has {name_of(node)}, which is another at each run"


def _faults_of_columns(relation: Relation, asked: set[str]) -> list[str]:
    built = set(relation.columns)
    faults = [f"it lacks the column {name}" for name in sorted(asked - built)]
    return faults + [f"it has a column {name} that nothing asks for" for name in sorted(built - asked)]


def _faults_of_contributor(relation: Relation, subject: str) -> list[str]:
    """The contributor is the pseudonym itself: what would split one subject in two, or make one of two, is not."""
    flows = relation.columns.get(CONTRIBUTOR, Value()).flows
    is_own = bool(flows) and all(
        flow.role == IDENTIFIER and flow.scope == subject and flow.detail == "identity" and not flow.is_aggregated
        for flow in flows
    )
    return [] if is_own else [f"its contributor is not the {subject}'s pseudonym as the resource layer has it"]


def _faults_of_rows(trace: Trace, relation: Relation, subject: str) -> Iterator[str]:
    """What makes one subject's contributions rest on another's."""
    for each in sorted(relation.records, key=lambda each: each.table):
        if each.is_personal and each.scopes != {subject}:
            yield f"it reads {'.'.join(each.table)} otherwise than by the {subject}'s pseudonym"
    if relation.is_mixed:
        yield "a row may hold what belongs to several subjects: join their tables by the pseudonym"
    for name, value in relation.columns.items():
        for flow in ordered(value):
            if _is_of_several(flow):
                yield f"its column {name} rests on {named(flow)} of several subjects"
    for use in trace.notes.uses:
        for flow in ordered(use):
            if _is_of_several(flow):
                yield f"{at(use)} rests on {named(flow)} of several subjects"
    yield from trace.notes.unordered


def _is_of_several(flow: Flow) -> bool:
    return flow.is_personal and flow.is_aggregated and not flow.is_own


def _all_flows(trace: Trace, relation: Relation) -> Iterator[Flow]:
    parts: list[Value | Use] = [*relation.columns.values(), *trace.notes.uses]
    for part in parts:
        yield from ordered(part)
    yield from relation.choice
