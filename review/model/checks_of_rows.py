"""M6 and M7: how many stand behind a row, and what rows are chosen by. Source: models §7 (M)."""

from collections.abc import Iterable, Iterator, Mapping

from review.findings import Finding
from review.model.comparisons import is_narrow
from review.model.flows import EVERYBODY, IDENTIFIER, SECRET, Flow, Relation
from review.model.scopes import Use
from review.model.telling import at, finding, named, ordered, through
from review.model.tracing import Trace
from review.model.under_review import ModelUnderReview

MICRODATA_FLOOR: Mapping[str, int] = {"sandbox": 5, "market": 11, "public": 20}
"""Fewest subjects alike where a row stands for one, by release tier. Source: models §7 (R), k by tier."""

AGGREGATE_FLOOR: Mapping[str, int] = {"sandbox": 5, "market": 11, "public": 11}
"""Fewest persons behind a row of figures, by release tier. Source: models §7 (R), aggregates."""

ORGANISATIONS_FLOOR = 5
"""Fewest organisations behind a row of figures. Source: models §7 (R), aggregates."""

CHOOSING = frozenset({"WHERE", "JOIN", "HAVING", "QUALIFY", "FILTER"})
"""Clauses that leave rows out; the others arrange them."""


def checked_group_minimum(model: ModelUnderReview, trace: Trace, relation: Relation) -> Finding:
    """M6: enough subjects stand behind every row, or enough look the same where a row stands for one.

    Rows of figures: all that a column rests on has the contract's minimum. Rows of subjects: the minimum holds over
    every quasi-identifier, and figures of other subjects have it as well. Where noise is claimed it hides each subject,
    whatever their number: M9 judges the claim, and the review of the result that the noise was drawn.
    """
    if model.noise is not None:
        return finding(
            "M6_group_minimum",
            [],
            "It does not apply: noise is claimed for every figure, which M9 and R10 judge.",
            {"minimum_group": model.minimum_group},
        )
    minimum, floor = model.minimum_group, _floor(model, relation)
    causes = []
    if minimum < floor:
        causes.append(f"the contract asks for {minimum} subjects where tier {model.release_tier} needs {floor}")
    alone = list(_alone(relation, minimum))
    if alone and model.is_microdata:
        alone = list(_unlike(model, relation, minimum))
    causes += alone
    if alone:
        causes += trace.notes.groups
    evidence = {
        "minimum_group": minimum,
        "subjects_behind_each_column": {
            name: min(found)
            for name, value in relation.columns.items()
            if (found := [flow.subjects for flow in value.flows if flow.is_personal]) and min(found) < EVERYBODY
        },
        "alike_by": sorted(relation.alike) if relation.alike_subjects else [],
        "subjects_alike": relation.alike_subjects,
    }
    return finding(
        "M6_group_minimum", causes, f"At least {minimum} subjects stand behind every row, or look the same.", evidence
    )


def _floor(model: ModelUnderReview, relation: Relation) -> int:
    scopes = {scope for each in relation.records for scope in each.scopes}
    if not any(each.is_personal for each in relation.records) and not _has_personal(relation):
        return 0
    if model.is_microdata:
        return MICRODATA_FLOOR.get(model.release_tier, max(MICRODATA_FLOOR.values()))
    if scopes == {"enterprise"}:
        return ORGANISATIONS_FLOOR
    return AGGREGATE_FLOOR.get(model.release_tier, max(AGGREGATE_FLOOR.values()))


def _has_personal(relation: Relation) -> bool:
    return any(flow.is_personal for value in relation.columns.values() for flow in value.flows)


def _alone(relation: Relation, minimum: int) -> Iterator[str]:
    """Columns and rows behind which fewer subjects may stand than the contract asks for."""
    causes = [_too_few(f"column {name}", value.flows, minimum) for name, value in relation.columns.items()]
    found = [cause for cause in causes if cause]
    yield from found
    for each in sorted(relation.records, key=lambda each: each.table) if not found else ():
        if each.is_personal and each.subjects < minimum:
            yield f"the number of rows {_few('.'.join(each.table), each.subjects, minimum)}"


def _too_few(what: str, flows: Iterable[Flow], minimum: int) -> str | None:
    few = [flow for flow in flows if flow.is_personal and flow.subjects < minimum]
    if not few:
        return None
    least = min(few, key=lambda flow: (flow.subjects, flow.origin))
    return f"{what} {_few('.'.join(least.origin[:2]), least.subjects, minimum)}"


def _unlike(model: ModelUnderReview, relation: Relation, minimum: int) -> Iterator[str]:
    """What makes one subject's row stand out from those of others."""
    if relation.alike_subjects < minimum:
        said = relation.alike_subjects
        found = f"the groups have {said} subjects, where {minimum} are asked for" if said else "no group minimum holds"
        yield f"{found}: join the rows to groups of alike subjects HAVING count(*) >= {minimum}"
        return
    if relation.is_mixed:
        yield "a row may hold what belongs to several subjects: join their tables by a pseudonym"
    for name, value in relation.columns.items():
        told = [f for f in value.flows if f.role == "quasi_identifier" and (f.is_own or not f.is_aggregated)]
        is_few = any(flow.subjects < minimum for flow in told)
        if (model.columns.get(name) == "quasi_identifier" or is_few) and name not in relation.alike:
            yield f"the group minimum does not cover the quasi-identifier {name}"
        of_others = [flow for flow in value.flows if flow.is_aggregated and not flow.is_own]
        cause = _too_few(f"column {name}", of_others, minimum)
        if cause:
            yield cause


def _few(table: str, subjects: int, minimum: int) -> str:
    if subjects:
        return f"rests on groups of {table} that ask for {subjects} subjects, where {minimum} are asked for"
    return f"may rest on a single record of {table}: no condition of its own says count(...) >= {minimum}"


def checked_choice(model: ModelUnderReview, trace: Trace, relation: Relation) -> Finding:
    """M7: what chooses, joins, groups and orders rows is lineage too: no identifier, nobody singled out by value."""
    causes, classified = [], set()
    bounds: dict[str, set[str]] = {}
    for use in trace.notes.uses:
        for flow in ordered(use):
            if flow.role == SECRET:
                causes.append(f"{at(use)} reads the key of the pseudonyms")
            elif flow.role == IDENTIFIER and _is_identifying(flow, use.clause):
                causes.append(f"{at(use)} uses {_what(flow)}")
            elif use.clause in CHOOSING and is_narrow(flow):
                if flow.is_classified and flow.role == "sensitive" and model.is_microdata:
                    causes.append(f"{at(use)} chooses subjects by {named(flow)}: being in the table would tell it")
                elif flow.is_classified:
                    classified.add(named(flow))
                else:
                    causes.append(f"{at(use)} singles out rows by {named(flow)} ({flow.role}): use a class of it")
            elif use.clause in CHOOSING and flow.bounds:
                bounds.setdefault(named(flow), set()).update(flow.bounds)
    for name, value in relation.columns.items():
        causes += [
            f"column {name} counts those singled out by {named(flow)} ({flow.role}): use a class of it"
            for flow in ordered(value)
            if flow.is_aggregated and is_narrow(flow) and not flow.is_classified and not flow.is_own
        ]
    causes += [
        f"rows are held between two bounds of {name}" for name, sides in sorted(bounds.items()) if len(sides) > 1
    ]
    evidence = {
        "indirect": _indirect(trace.notes.uses),
        "chosen_by_class": sorted(classified),
        "chosen_by_bound": sorted(bounds),
    }
    return finding("M7_choice_of_rows", causes, "Rows are chosen by no identifier and by nobody's own value.", evidence)


def _is_identifying(flow: Flow, clause: str) -> bool:
    if flow.detail == "count" or flow.is_classified:
        return False
    return not (flow.scope and flow.detail == "identity" and clause in ("GROUP BY", "PARTITION BY"))


def _what(flow: Flow) -> str:
    if flow.scope:
        return f"the pseudonym of a {flow.scope} for more than to join, group or count ({named(flow)})"
    return f"the identifier {named(flow)}{through(flow)}"


def _indirect(uses: Iterable[Use]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for use in uses:
        found.setdefault(use.clause, set()).update(named(flow) for flow in use.flows)
    return {clause: sorted(names) for clause, names in sorted(found.items())}
