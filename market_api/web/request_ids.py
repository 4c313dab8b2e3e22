"""Request ids: every answer and every log line of a request bears the same one, the client's own where it gave one."""

import re
from collections.abc import Iterable

from market_api.identifiers import RandomBytes

HEADER = b"x-request-id"
WELL_FORMED = re.compile(rb"[A-Za-z0-9_.:-]{8,64}")
RANDOM_BYTES = 12


def request_id_of(headers: Iterable[tuple[bytes, bytes]], random_bytes: RandomBytes) -> str:
    """The id that the client gave, else a new one; one that could be anything but an id in a log is not taken."""
    given = [value for name, value in headers if name == HEADER]
    if len(given) == 1 and WELL_FORMED.fullmatch(given[0]):
        return given[0].decode("ascii")
    return f"req_{random_bytes(RANDOM_BYTES).hex()}"
