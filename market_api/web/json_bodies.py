"""Bodies of JSON that two readers would understand differently are refused: those in which a member comes twice, and
those with NaN or Infinity, which are no JSON. Sources: RFC 8259, §4, §6; RFC 7493, §2.3."""

import json
from collections.abc import Iterable
from typing import Any


def is_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request says that its body is JSON."""
    stated = next((value for name, value in headers if name == b"content-type"), b"")
    return stated.partition(b";")[0].strip().lower().endswith((b"/json", b"+json"))


def require_one_reading(body: bytes) -> None:
    """Raises json.JSONDecodeError for a body with a member that comes twice, and with what is no number.

    What is no JSON in another way is left to whoever reads it.
    """
    try:
        json.loads(body, object_pairs_hook=_members, parse_constant=_constant)
    except _AmbiguousError as error:
        raise json.JSONDecodeError(str(error), "", 0) from None
    except (ValueError, RecursionError):
        return


class _AmbiguousError(Exception):
    """A body that can be read in two ways."""


def _members(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise _AmbiguousError("a member comes twice in an object")


def _constant(_: str) -> None:
    raise _AmbiguousError("NaN and Infinity are no JSON")
