"""Conditional and range requests over one file whose content never changes under its ETag. Source: RFC 9110, §13, §14.

One range is served, as 206; several at once, and what is no range of bytes, are ignored, as the standard permits, and
the whole is served. A range that begins after the end is refused with 416.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,19})-([0-9]{0,19})[ \t]*", re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """What of a file is answered. status: 200, 206, 304 or 416; first, stop: bytes from first on, before stop."""

    status: int
    first: int
    stop: int

    @property
    def length_bytes(self) -> int:
        """How many bytes the body has."""
        return self.stop - self.first


def span_of(headers: Mapping[str, str], etag: str, size_bytes: int) -> Span:
    """What a request asks for. headers: by names in lower case; etag: the file's, with its quotes."""
    if _is_known(headers.get("if-none-match"), etag):
        return Span(304, 0, 0)
    asked = headers.get("range")
    if asked is None or headers.get("if-range", etag).strip() != etag:
        return Span(200, 0, size_bytes)
    found = RANGE.fullmatch(asked.strip())
    if found is None or found[1] == found[2] == "":
        return Span(200, 0, size_bytes)
    return _span(found[1], found[2], size_bytes)


def content_range(span: Span, size_bytes: int) -> str:
    """The header Content-Range of an answer 206."""
    return f"bytes {span.first}-{span.stop - 1}/{size_bytes}"


def _span(first: str, last: str, size_bytes: int) -> Span:
    if not first:  # the last so many bytes
        wanted = min(int(last), size_bytes)
        return Span(206, size_bytes - wanted, size_bytes) if wanted else Span(416, 0, 0)
    start = int(first)
    if last and int(last) < start:
        return Span(200, 0, size_bytes)
    if start >= size_bytes:
        return Span(416, 0, 0)
    return Span(206, start, min(int(last) + 1, size_bytes) if last else size_bytes)


def _is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has this version already; weak comparison, as If-None-Match asks."""
    if if_none_match is None:
        return False
    known = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return etag in known or known == ["*"]
