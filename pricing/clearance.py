"""Clearance: no price becomes a deal, and no deal a delivery, unless the security review and the quality gate stand.

Source: models §6, §7.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Clearance:
    """What was found of a component at the moment of closing: S(X) = 1, and no critical expectation failed."""

    safe: bool
    gate_open: bool


def require_clearance(clearance: Clearance) -> None:
    """Raises ValueError that names what is missing. Asked at every agreement, close and delivery, not once.

    Source: models §6.
    """
    if not clearance.safe:
        raise ValueError("the security review of the component does not stand: S(X) = 0")
    if not clearance.gate_open:
        raise ValueError("a critical expectation of the component failed: the quality gate is closed")
