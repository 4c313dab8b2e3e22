"""Names of what the market keeps: a kind, a time and randomness, so that they sort by age and cannot be guessed."""

import re
from collections.abc import Callable
from datetime import datetime

RANDOM_BYTES = 8
IDENTIFIER = re.compile(r"[a-z]{2,4}_[0-9a-f]{12}[0-9a-f]{16}")

RandomBytes = Callable[[int], bytes]


def new_identifier(kind: str, at: datetime, random_bytes: RandomBytes) -> str:
    """A new name such as 'ord_01934f…': kind, 12 hex digits of milliseconds since 1970, 16 hex digits at random."""
    return f"{kind}_{int(at.timestamp() * 1000):012x}{random_bytes(RANDOM_BYTES).hex()}"
