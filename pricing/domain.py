"""Checks of a number's domain, shared by the formulas: each refuses with the name of what is wrong and why.

NaN and infinities are in no domain, so they never pass.
"""

import math


def finite(name: str, value: float) -> float:
    """The value where it is a finite number; else ValueError."""
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value}")
    return value


def non_negative(name: str, value: float) -> float:
    """The value where it is finite and 0 or more; else ValueError."""
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be finite and 0 or more, not {value}")
    return value


def positive(name: str, value: float) -> float:
    """The value where it is finite and above 0; else ValueError."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be finite and above 0, not {value}")
    return value


def within_unit(name: str, value: float) -> float:
    """The value where it lies in [0, 1]; else ValueError."""
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise ValueError(f"{name} must lie in [0, 1], not be {value}")
    return value
