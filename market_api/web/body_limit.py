"""How large a request may be, and how long it may take to come: both are refused before the rest is read."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from market_api.problems import Problem
from market_api.web.answers import OTHER_REFUSALS, answer_of
from market_api.web.json_bodies import is_json, require_one_reading

BODY_SECONDS = 30.0
"""In this time a request's body is there whole."""


class BodyLimit:
    """Refuses a body beyond a number of bytes, at once where its length is stated, and one that comes too slowly.

    bytes_max: of the body as it is sent; seconds_max: until it is there whole.
    """

    def __init__(self, app: ASGIApp, bytes_max: int, seconds_max: float = BODY_SECONDS) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._seconds_max = seconds_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _stated_bytes(scope) > self._bytes_max:
            answer = answer_of(self._too_large(), scope["state"]["request_id"], {"Connection": "close"})
            await answer(scope, receive, send)
        else:
            await self._app(scope, self._bounded(receive, is_json(scope["headers"])), send)

    def _too_large(self) -> Problem:
        return Problem("too_large", f"{OTHER_REFUSALS[413].detail.rstrip('.')}: {self._bytes_max} bytes at most.")

    def _bounded(self, receive: Receive, is_read_as_json: bool) -> Receive:
        """Receive a body and count it; what comes after it, such as the client's leaving, may take any time."""
        size_bytes, is_whole, parts = 0, False, list[bytes]()
        until: float | None = None

        async def received() -> Message:
            nonlocal size_bytes, is_whole, until
            if is_whole:
                return await receive()
            until = until or asyncio.get_running_loop().time() + self._seconds_max
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408) from None
            size_bytes += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if size_bytes > self._bytes_max:
                raise HTTPException(413)
            if is_read_as_json:
                parts.append(message.get("body", b""))
                if is_whole:
                    require_one_reading(b"".join(parts))
            return message

        return received


def _stated_bytes(scope: Scope) -> int:
    """The length that the request states; 0 where it states none that is a number."""
    stated = [value for name, value in scope["headers"] if name == b"content-length"]
    return max((int(value) for value in stated if value.isdigit()), default=0)
