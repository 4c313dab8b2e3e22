"""Pages: every list is given in parts, in the order of its identifiers, with a token for the next part."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from market_api.problems import Problem

PAGE_SIZE = 50
PAGE_SIZE_MAX = 500
NUMBER_MAX = 2**31 - 1
"""Of an entry in a list of numbers: what every database keeps as an integer."""


def page_token(last: str) -> str:
    """The token of the page after an identifier."""
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def read_token(token: str) -> str:
    """The identifier after which the page begins; empty for the first. Raises Problem `invalid_request`."""
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, ValueError):
        text = "\0"
    if not text.isprintable():
        raise Problem("invalid_request", "It is no token that this list gave.", "pageToken")
    return text


def read_number(token: str) -> int:
    """The number after which the page begins, of a list in the order of numbers; -1 for the first. Raises Problem
    `invalid_request`."""
    text = read_token(token)
    digits_max = len(str(NUMBER_MAX))
    is_number = text.isascii() and text.isdecimal() and len(text) <= digits_max and int(text) <= NUMBER_MAX
    if text and not is_number:
        raise Problem("invalid_request", "It is no token that this list gave.", "pageToken")
    return int(text) if text else -1


def page(
    rows: Sequence[Any], size: int, key: Callable[[Any], str], document: Callable[[Any], Mapping[str, Any]]
) -> dict[str, Any]:
    """One page as it is answered. rows: one more than `size` where there are more; key: what the next begins after."""
    shown = rows[:size]
    found: dict[str, Any] = {"items": [document(row) for row in shown]}
    if len(rows) > size:
        found["nextPageToken"] = page_token(key(shown[-1]))
    return found
