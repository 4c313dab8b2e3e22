"""Addresses of files: short-lived, each for one file of one delivery, signed so that none can be made or altered.

A token states the delivery, the beginning of the file's hash, and until when it is good, with their HMAC-SHA256 under
a key of the market. Nothing of it ever becomes a path: where the file lies follows from the delivery, and which it is
from the manifest of the copy. A copy that was made anew with other bytes is not mixed with the one before.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from market_api.problems import Problem

TTL = timedelta(minutes=15)
TOKEN = re.compile(r"((dlv_[0-9a-f]{28})-([0-9a-f]{16})-([0-9]{10,16}))-([A-Za-z0-9_-]{43})")
PURPOSE = b"file of a delivery\0"
FILE_DIGITS = 16


@dataclass(frozen=True)
class FileAddress:
    """Which file of which delivery, and until when. file: the first 16 hex digits of its hash; milliseconds since
    1970."""

    delivery_id: str
    file: str
    expires_ms: int


def token_of(key: bytes, address: FileAddress) -> str:
    """The token of an address, fit for a URL's path."""
    stated = f"{address.delivery_id}-{address.file}-{address.expires_ms}"
    return f"{stated}-{_code(key, stated)}"


def read_token(key: bytes, token: str, at: datetime) -> FileAddress:
    """The address that a token states. Raises Problem `not_found` for one that the market did not make, `not_entitled`
    for one whose time is over."""
    found = TOKEN.fullmatch(token)
    if found is None or not hmac.compare_digest(_code(key, found[1]), found[5]):
        raise Problem("not_found", "The market gave no such address; query the table for the addresses of its files.")
    address = FileAddress(found[2], found[3], int(found[4]))
    if milliseconds(at) >= address.expires_ms:
        raise Problem(
            "not_entitled", "The address has expired; query the table again for new ones.", cause="address_expired"
        )
    return address


def milliseconds(at: datetime) -> int:
    """A moment as the protocol writes it: milliseconds since 1970."""
    return (at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _code(key: bytes, stated: str) -> str:
    digest = hmac.digest(key, PURPOSE + stated.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
