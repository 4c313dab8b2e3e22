"""How findings of the model review tell their causes.

Reasons and evidence hold names of columns, tables and functions and numbers of lines, never a value that stands in the
SQL: it could be somebody's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from review.findings import Finding
from review.model.flows import Flow, Value
from review.model.scopes import Use

CAUSES_SHOWN = 4
"""Causes that a reason names; the evidence has them all."""


def finding(check: str, causes: Sequence[str], passing: str, evidence: Mapping[str, Any]) -> Finding:
    """What a check found: it passes where there is no cause against it."""
    distinct = list(dict.fromkeys(causes))
    if not distinct:
        return Finding(check, "model", "pass", passing, evidence)
    more = f"; and {len(distinct) - CAUSES_SHOWN} more" if len(distinct) > CAUSES_SHOWN else ""
    reason = "; ".join(distinct[:CAUSES_SHOWN]) + more
    return Finding(check, "model", "fail", f"{reason[0].upper()}{reason[1:]}.", {**evidence, "causes": distinct})


def not_examined(check: str, cause: str) -> Finding:
    """A check that a model gives no answer to, which refuses."""
    return Finding(check, "model", "fail", f"Not examined, because the model could not be followed: {cause}.", {})


def ordered(of: Value | Use) -> list[Flow]:
    """Flows in an order that is the same each time."""
    return sorted(of.flows, key=lambda flow: (flow.origin, flow.scope, flow.is_aggregated))


def named(flow: Flow) -> str:
    """The source column that a flow comes from."""
    return ".".join(flow.origin)


def through(flow: Flow) -> str:
    """The functions on a flow's way, as an addition to a sentence."""
    return f", through {', '.join(sorted(flow.functions))}" if flow.functions else ""


def at(use: Use) -> str:
    """Where columns are used."""
    return f"{use.clause} on line {use.line}" if use.line else use.clause
