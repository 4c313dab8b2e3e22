"""The frame around every request: its id, its log line, its figures, the headers of its answer, and what is answered
where the market itself failed."""

import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from market_api.identifiers import RandomBytes
from market_api.web.answers import failed_answer
from market_api.web.log_lines import LOG
from market_api.web.metrics import RequestFigures
from market_api.web.request_ids import request_id_of
from market_api.web.security_headers import with_security

CLIENT_LEFT = 499
"""Stands in logs and figures for the status of an answer that nobody waited for."""

NO_ROUTE = "none"


class Frame:
    """The outermost of what a request goes through."""

    def __init__(self, app: ASGIApp, figures: RequestFigures, is_https: bool, random_bytes: RandomBytes) -> None:
        self._app = app
        self._figures = figures
        self._is_https = is_https
        self._random_bytes = random_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope["headers"], self._random_bytes)
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = with_security(message.get("headers", ()), scope["path"], self._is_https)
                message = {**message, "headers": [*headers, (b"x-request-id", request_id.encode())]}
            await send(message)

        try:
            await self._app(scope, receive, send_framed)
        except ClientDisconnect:
            status = CLIENT_LEFT
        except Exception as error:
            LOG.error("request failed", extra={"request_id": request_id}, exc_info=error)
            if status:
                raise  # the answer has begun: the server cuts the connection, so that no one takes it for whole
            await failed_answer(request_id)(scope, receive, send_framed)
        finally:
            self._tell(scope, request_id, status or CLIENT_LEFT, time.perf_counter() - began)

    def _tell(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        self._figures.observe(scope["method"], route, status, seconds)
        LOG.info(
            "request",
            extra={
                "request_id": request_id,
                "method": scope["method"],
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1000, 2),
                "participant_id": scope["state"].get("participant_id"),
            },
        )
