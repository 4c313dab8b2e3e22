"""A file as it is sent while its delivery is permitted, and not a window further.

Before every window of WINDOW_BYTES or WINDOW_SECONDS it is asked again whether the pull still is permitted. Where it is
not, the connection is cut: the length that was announced shows the client that it has not all, and a resumption is told
the cause.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio
from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from market_api.problems import Problem

WINDOW_BYTES = 8 << 20
WINDOW_SECONDS = 1.0
CHUNK_BYTES = 1 << 20

LOG = logging.getLogger("jinku.market")

Cause = Callable[[], str | None]
"""Asks why a pull is not permitted any more; None where it still is."""


class GuardedFile(Response):
    """Sends the bytes of a file from `first` on, before `stop`, at least one. cause: is asked in a thread."""

    def __init__(
        self, path: Path, first: int, stop: int, status: int, headers: Mapping[str, str], cause: Cause
    ) -> None:
        self.status_code = status
        self.background: BackgroundTask | None = None
        self.body = b""
        self.init_headers({**headers, "content-length": str(stop - first)})
        self._path, self._first, self._stop = path, first, stop
        self._window = _Window(cause)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        descriptor = await anyio.to_thread.run_sync(self._opened)
        try:
            async with anyio.create_task_group() as tasks:

                async def until_the_client_leaves() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    tasks.cancel_scope.cancel()

                tasks.start_soon(until_the_client_leaves)
                await self._send(send, descriptor)
                tasks.cancel_scope.cancel()
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        try:
            return os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            raise Problem("unavailable", "The copy has just been removed; ask for it again.") from None

    async def _send(self, send: Send, descriptor: int) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        at = self._first
        while at < self._stop:
            chunk = await anyio.to_thread.run_sync(self._next, descriptor, at)
            if not chunk:
                return  # unfinished: the server cuts the connection
            at += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": at < self._stop})

    def _next(self, descriptor: int, at: int) -> bytes:
        """The next bytes; none where the pull is cut off."""
        if (cause := self._window.cause_against(at)) is not None:
            LOG.warning("a pull was cut off", extra={"code": cause})
            return b""
        return os.pread(descriptor, min(CHUNK_BYTES, self._stop - at), at)


class _Window:
    """Remembers when it was asked last."""

    def __init__(self, cause: Cause) -> None:
        self._cause = cause
        self._asked_at_byte: int | None = None
        self._asked_at_seconds = 0.0

    def cause_against(self, at: int) -> str | None:
        """Ask again where the window is over. at: the next byte."""
        now = time.monotonic()
        is_over = (
            self._asked_at_byte is None
            or at - self._asked_at_byte >= WINDOW_BYTES
            or now - self._asked_at_seconds >= WINDOW_SECONDS
        )
        if not is_over:
            return None
        self._asked_at_byte, self._asked_at_seconds = at, now
        return self._cause()
