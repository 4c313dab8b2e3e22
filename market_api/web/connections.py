"""Connections: how long a client may take to say what it wants and to take the answer, and how much it may say.

uvicorn waits without end for the head of a request, keeps as much of it as comes, and waits without end for a client
that does not read its answer. Here each has a time, and the head a size.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
HEAD_BYTES_MAX = 32 << 10
ANSWER_SECONDS = 60.0
"""In this time a client that has not read what was sent reads some of it."""


class QuietTransport:
    """A transport to which writing is nothing once the client has gone: uvloop's raises where it left while it was
    waited for, and uvicorn learns of it a moment later."""

    __slots__ = ("_transport",)

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        """Send, where somebody is there."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which ends a connection whose head does not come whole in time, or is too large."""

    _head_timer: asyncio.TimerHandle | None = None
    _answer_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """A client has connected and says nothing yet."""
        quiet: Any = QuietTransport(transport)
        super().connection_made(quiet)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._head_is_there()
        self._answer_is_read()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read as fast as is written; what waits for it is limited."""
        self._answer_is_read()
        self._answer_timer = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client has read."""
        self._answer_is_read()
        super().resume_writing()

    def on_message_begin(self) -> None:
        """The first byte of a request is there."""
        super().on_message_begin()
        self._head_bytes = 0
        self._await_head()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        if self._fits(len(url)):
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        if self._fits(len(name) + len(value)):
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there whole."""
        self._head_is_there()
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there whole."""
        if not self.transport.is_closing():
            super().on_message_complete()

    def _fits(self, more_bytes: int) -> bool:
        self._head_bytes += more_bytes
        if self._head_bytes > HEAD_BYTES_MAX:
            self.transport.close()
        return self._head_bytes <= HEAD_BYTES_MAX

    def _await_head(self) -> None:
        self._head_is_there()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _head_is_there(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _answer_is_read(self) -> None:
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None
