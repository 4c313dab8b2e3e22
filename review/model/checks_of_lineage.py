"""M3, M4 and M5: what of the sources reaches the output, and how much it tells. Source: models §7 (M)."""

from collections.abc import Iterator
from typing import Any

from review.findings import Finding
from review.model.flows import CLASSES_MAX, EVERYBODY, IDENTIFIER, PERSONAL_ROLES, SECRET, Flow, Relation, Value
from review.model.functions import EXTREME_QUANTILE, of_kind
from review.model.telling import at, finding, named, ordered, through
from review.model.tracing import Trace
from review.model.under_review import ModelUnderReview

IDENTIFIER_CLASSES_MAX = 16
"""Most classes that all of a component's columns together may tell of one identifier."""


def checked_lineage(model: ModelUnderReview, relation: Relation) -> Finding:
    """M3: no identifier leaves but as this component's own pseudonym or counted; nothing sensitive leaves whole."""
    causes = []
    for name, value in relation.columns.items():
        for flow in ordered(value):
            cause = _leak(flow, model)
            if cause:
                causes.append(f"column {name} {cause}")
    causes += list(_told_in_classes(relation))
    evidence = {"lineage": {name: _lineage(value) for name, value in relation.columns.items()}}
    return finding("M3_lineage", causes, "No identifier leaves, and nothing sensitive leaves ungeneralised.", evidence)


def _leak(flow: Flow, model: ModelUnderReview) -> str | None:
    """Why a flow must not reach the output."""
    source = named(flow)
    if flow.role == SECRET:
        return "comes from the key of the pseudonyms, which never leaves the vault"
    if flow.role == IDENTIFIER and flow.detail != "count":
        if flow.scope == model.name and not flow.is_aggregated:
            return None
        if flow.scope and flow.detail == "condition":
            return f"tells by a condition or an order whose the pseudonym of {source} is"
        if flow.scope:
            return (
                f"passes on the pseudonym of a {flow.scope} of {source}: only a pseudonym of this component may leave"
            )
        if flow.detail == "condition":
            return None if flow.is_classified else f"tells by a condition what the identifier {source} is"
        return f"comes from the identifier {source} ({flow.kind}{through(flow)})"
    if flow.role == "free_text" and flow.detail in ("identity", "transformation"):
        return f"comes from {source}, free text that may name anybody"
    is_of_one = flow.subjects < model.minimum_group and not (model.noise is not None and flow.is_aggregated)
    if flow.role == "sensitive" and is_of_one and not flow.is_coarse and flow.detail in ("identity", "transformation"):
        return f"passes on {source}, which is sensitive, ungeneralised ({flow.kind}{through(flow)})"
    return None


def _told_in_classes(relation: Relation) -> Iterator[str]:
    """Identifiers of which all columns together tell more than a classification would."""
    classes: dict[str, int] = {}
    for value in relation.columns.values():
        for flow in value.flows:
            if flow.role == IDENTIFIER and not flow.scope and flow.detail == "condition" and flow.is_classified:
                classes[named(flow)] = classes.get(named(flow), 1) * (flow.classes or CLASSES_MAX)
    for source, count in sorted(classes.items()):
        if count > IDENTIFIER_CLASSES_MAX:
            yield f"the columns together tell {source} in {count} classes, more than {IDENTIFIER_CLASSES_MAX}"


def checked_reversible(model: ModelUnderReview, relation: Relation) -> Finding:
    """M4: no function that can be undone stands between an identifier or a sensitive column and the output."""
    causes = []
    for name, value in relation.columns.items():
        for flow in ordered(value):
            is_told = flow.detail in ("identity", "transformation") and flow.scope != model.name
            is_guarded = flow.role == IDENTIFIER or flow.subjects < model.minimum_group
            functions = sorted(flow.functions & of_kind("reversible"))
            if flow.role in (IDENTIFIER, "sensitive", "free_text") and is_told and is_guarded and functions:
                causes.append(f"column {name} is {named(flow)} through {', '.join(functions)}, which can be undone")
    return finding(
        "M4_reversible_functions",
        causes,
        "No reversible function of an identifier or a sensitive column reaches the output.",
        {},
    )


def checked_individual(model: ModelUnderReview, trace: Trace, relation: Relation) -> Finding:
    """M5: no aggregate that is the value of one record reaches the output, or chooses what does."""
    causes, seen = [], []
    for name, value in relation.columns.items():
        for flow in ordered(value):
            told = sorted(flow.functions & _individual())
            if not told or not flow.is_personal or not flow.is_aggregated:
                continue
            what = f"column {name} tells one record's {named(flow)} by {', '.join(told)}"
            if flow.detail == "condition" and (flow.is_own or (_is_of_all(flow) and flow.role not in PERSONAL_ROLES)):
                seen.append(f"column {name} is banded by {', '.join(told)} of {named(flow)}")
            else:
                causes.append(f"{what}: use a mean, a median or a count over enough subjects")
    for use in trace.notes.uses:
        for flow in ordered(use):
            told = sorted(flow.functions & _individual())
            if told and flow.is_aggregated and flow.role in PERSONAL_ROLES and not flow.is_own:
                causes.append(f"{at(use)} chooses rows by {', '.join(told)} of {named(flow)}, which is one record's")
    evidence = {"conditions_on_extremes": seen}
    return finding("M5_individual_values", causes, "No value of a single record is told by an aggregate.", evidence)


def _individual() -> frozenset[str]:
    return of_kind("individual") | {EXTREME_QUANTILE}


def _is_of_all(flow: Flow) -> bool:
    return flow.subjects >= EVERYBODY


def _lineage(value: Value) -> list[dict[str, Any]]:
    return [
        {"source": named(flow), "role": flow.role, "kind": flow.kind, "pseudonym": flow.scope}
        for flow in ordered(value)
    ]
