"""Pulling data into a file, which is there whole or not at all.

Where the connection breaks off it goes on from there, as long as the market has the same version. At the end the bytes
are held against the digest that the market stated (RFC 9530).
"""

import base64
import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from market_api.client.connection import RETRIED_STATUS, UNAUTHENTICATED, Connection
from market_api.client.errors import MarketError

WHOLE, PART, NO_SUCH_RANGE = 200, 206, 416
SERVED = frozenset({WHOLE, PART})
DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]+):")


def pull_into(connection: Connection, address: str, query: Mapping[str, Any], path: Path) -> Path:
    """Pull what lies at an address into a file; gives its path.

    Raises MarketError, `damaged` where what came is not what the market stated; httpx.TransportError where the
    connection breaks again and again; OSError where the file cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    draft = Path(name)
    try:
        _Pull(connection, address, query, draft).run()
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


class _Pull:
    """One pull, however often its connection breaks. draft: an empty file."""

    def __init__(self, connection: Connection, address: str, query: Mapping[str, Any], draft: Path) -> None:
        self._connection = connection
        self._address = address
        self._query = query
        self._draft = draft
        self._etag = ""
        self._sha256 = ""

    def run(self) -> None:
        """Pull until the draft is whole."""
        for attempt in range(1, self._connection.attempts_max + 1):
            try:
                self._go_on()
            except (httpx.TransportError, MarketError) as error:
                if attempt == self._connection.attempts_max or not self._is_passing(error):
                    raise
                self._connection.wait(attempt)
            else:
                break
        if self._sha256 and _sha256_of(self._draft) != self._sha256:
            raise MarketError(
                WHOLE, {"code": "damaged", "detail": "What came is not what the market sent; pull again."}
            )

    def _go_on(self) -> None:
        """Add what is missing, or all of it where the market has another version now."""
        there_bytes = self._draft.stat().st_size
        headers = {"Range": f"bytes={there_bytes}-", "If-Range": self._etag} if there_bytes and self._etag else {}
        with self._connection.stream(self._address, self._query, headers, SERVED) as answer:
            self._etag = answer.headers.get("ETag", "")
            self._sha256 = _stated(answer.headers.get("Repr-Digest", ""))
            with self._draft.open("ab" if answer.status_code == PART else "wb") as file:
                for chunk in answer.iter_raw():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())

    def _is_passing(self, error: Exception) -> bool:
        """Whether another attempt may succeed; prepares it."""
        if not isinstance(error, MarketError):
            return True
        if error.status == UNAUTHENTICATED:
            self._connection.forget_token()
        elif error.status == NO_SUCH_RANGE:
            self._etag = ""
        return error.status in RETRIED_STATUS | {UNAUTHENTICATED, NO_SUCH_RANGE}


def _stated(header: str) -> str:
    """The digest as hex that a header states, empty where it states none."""
    found = DIGEST.search(header)
    return base64.b64decode(found[1]).hex() if found else ""


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
