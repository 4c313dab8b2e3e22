"""The words of quality: its dimensions, and how grave it is when an expectation fails.

Sources: GB/T 36344-2018; models §1.1, §1.2.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Dimension = Literal["normativity", "completeness", "accuracy", "consistency", "timeliness", "accessibility"]

DIMENSIONS: tuple[Dimension, ...] = (
    "normativity",
    "completeness",
    "accuracy",
    "consistency",
    "timeliness",
    "accessibility",
)
SEVERITY_WEIGHTS: Mapping[str, float] = MappingProxyType({"critical": 1.0, "warning": 0.6, "info": 0.2})
"""5 : 3 : 1, models §1.2."""
