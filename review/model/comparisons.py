"""What a comparison tells of the values it compares: it sorts them into two classes, and may single somebody out."""

from dataclasses import replace
from typing import Literal

from review.model.flows import PERSONAL_ROLES, Flow, Flows, Value, decided, merged, state_of
from review.model.functions import of_kind

Comparison = Literal["equal", "unequal", "less", "greater"]
OPPOSITE: dict[Comparison, Comparison] = {
    "equal": "unequal",
    "unequal": "equal",
    "less": "greater",
    "greater": "less",
}

MONOTONE = frozenset(
    {"cast", "try_cast", "timezone", "add", "+", "-", "*", "/", "subtract", "date_diff", "datediff", "date_sub"}
)
"""Functions through which a bound stays a bound, though it may change sides."""

TURNING = MONOTONE - {"cast", "try_cast", "timezone", "add", "+"}

STEPPED = frozenset(
    {
        *("round", "floor", "ceil", "ceiling", "trunc", "//"),
        *("date_trunc", "datetrunc", "time_bucket", "extract", "date_part", "year", "last_day"),
    }
)
"""Functions that give steps of which a bound is one of the value; by others a few may be picked from anywhere."""


def compared(kind: Comparison, left: Value, right: Value, minimum_group: int) -> Value:
    """The result of comparing two values.

    A personal column that is equal to something chosen, or that is held from two sides, is narrow: it singles somebody
    out, unless at least `minimum_group` subjects stand behind it. Two pseudonyms of one subject may be equal: that is
    how tables of one subject are joined, and it tells nothing of who it is.
    """
    if kind == "equal" and _are_pseudonyms_of_one_subject(left, right):
        return Value()
    flows = merged(
        _against(left.flows, kind, _is_chosen(right, left), minimum_group),
        _against(right.flows, _mirrored(kind), _is_chosen(left, right), minimum_group),
    )
    return Value(decided(flows, 2), is_fixed=left.is_fixed and right.is_fixed)


def asserted(value: Value, is_negated: bool, minimum_group: int) -> Value:
    """The result of asking a yes or no of its own, such as a flag, which is what a comparison with "yes" is.

    What a flag was compared with before still holds. Its contrary may be as narrow as a flag is wide.
    """
    fresh = _against(value.flows, "equal", True, minimum_group)
    kept = frozenset(flow for flow in value.flows if flow.detail == "condition" and not is_negated)
    known = set(map(state_of, kept))
    flows = merged(kept, (flow for flow in fresh if state_of(flow) not in known))
    return Value(decided(flows, 2), value.is_fixed)


def is_null(value: Value) -> Value:
    """Whether a value is there; of a pseudonym that tells nothing of who it is.

    What the value was compared with before still holds: it may be null by that.
    """
    return Value(decided(frozenset(flow for flow in value.flows if not _is_pseudonym(flow)), 2), value.is_fixed)


def _is_chosen(other: Value, own: Value) -> bool:
    """Whether a value is compared with one that whoever writes the model may choose.

    A column as the vault delivers it is none, and neither is the same thing computed in another query: so tables are
    joined. Something computed otherwise may be any value at all, even where it names a column: 1931 + 0 * x.
    """
    if own.is_fixed or other.is_delivered:
        return False
    if other.is_fixed:
        return True
    return {(flow.origin, flow.functions) for flow in other.flows} != {(f.origin, f.functions) for f in own.flows}


def _against(flows: Flows, kind: Comparison, is_against_chosen: bool, minimum_group: int) -> Flows:
    if not is_against_chosen:
        return _without_marks(flows)
    classes = frozenset(flow for flow in flows if flow.detail == "condition")  # how they were made, they still are
    return frozenset(_marked(flow, kind, minimum_group) for flow in classes | _without_marks(flows - classes))


def _marked(flow: Flow, kind: Comparison, minimum_group: int) -> Flow:
    if flow.role not in PERSONAL_ROLES or flow.is_aggregated or flow.subjects >= minimum_group:
        return flow
    if kind == "unequal" and not (flow.detail == "condition" and flow.classes == 2):
        return flow  # of two classes, not one is the other
    if kind in ("equal", "unequal") or flow.functions - MONOTONE - STEPPED - of_kind("keeping"):
        return replace(flow, is_narrow=True)
    side = f"{kind} after a turn" if flow.functions & TURNING else kind
    return replace(flow, bounds=flow.bounds | {side})


def _without_marks(flows: Flows) -> Flows:
    """Flows of which nothing is known yet; an aggregate keeps what its records were singled out by."""
    return frozenset(
        flow if flow.is_aggregated else replace(flow, is_narrow=False, bounds=frozenset()) for flow in flows
    )


def _mirrored(kind: Comparison) -> Comparison:
    return OPPOSITE[kind] if kind in ("less", "greater") else kind


def _is_pseudonym(flow: Flow) -> bool:
    return bool(flow.scope) and flow.detail == "identity"


def _are_pseudonyms_of_one_subject(left: Value, right: Value) -> bool:
    both = [*left.flows, *right.flows]
    return bool(
        left.flows and right.flows and all(map(_is_pseudonym, both)) and len({each.scope for each in both}) == 1
    )


def is_narrow(flow: Flow) -> bool:
    """Whether a flow singles somebody out."""
    return flow.is_narrow or len(flow.bounds) > 1
