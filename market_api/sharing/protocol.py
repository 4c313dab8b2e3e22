"""How the protocol's clients are refused: `{"errorCode", "message"}`, with a status that they know what to do about."""

import logging
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from market_api.problems import Problem
from market_api.web.answers import OTHER_REFUSALS

CODES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "invalid_request": (400, "INVALID_PARAMETER_VALUE"),
        "unauthenticated": (401, "UNAUTHENTICATED"),
        "not_permitted": (403, "PERMISSION_DENIED"),
        "not_entitled": (403, "PERMISSION_DENIED"),
        "not_cleared": (403, "PERMISSION_DENIED"),
        "not_found": (404, "RESOURCE_DOES_NOT_EXIST"),
        "range_not_satisfiable": (416, "INVALID_PARAMETER_VALUE"),
        "rate_limited": (429, "RESOURCE_EXHAUSTED"),
        "unavailable": (503, "TEMPORARILY_UNAVAILABLE"),
        "busy": (503, "TEMPORARILY_UNAVAILABLE"),
        "database_unfit": (500, "INTERNAL_ERROR"),
    }
)
"""Of a problem's code: the status and the error code of the protocol."""

OTHERS = (400, "MALFORMED_REQUEST")

LOG = logging.getLogger("jinku.market")


class SharingRoute(APIRoute):
    """A route whose refusals are those of the protocol."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with its refusals turned."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except Problem as problem:
                return refused(problem)
            except RequestValidationError as error:
                return refused(_invalid(error))
            except HTTPException as error:
                if error.status_code != 400:
                    raise  # the frame's own, such as of a body that is too large
                return refused(OTHER_REFUSALS[400])

        return handled


def refused(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as the protocol tells it."""
    status, code = CODES.get(problem.code, OTHERS)
    added = dict(headers or {})
    if status == 401:
        added["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        added["Retry-After"] = str(problem.further.get("retry_after_seconds", 1))
    return JSONResponse({"errorCode": code, "message": problem.detail}, status, added)


def unsupported(what: str) -> Response:
    """The refusal of what the protocol knows and the market does not offer."""
    return JSONResponse({"errorCode": "UNSUPPORTED_OPERATION", "message": what}, 400)


def _invalid(error: RequestValidationError) -> Problem:
    """The first field that is wrong, without the value that was sent: what a parser says may repeat it."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return Problem("invalid_request", "The body is no JSON.")
    field = str(first["loc"][-1])[:64] if len(first["loc"]) > 1 else "the body"
    reason = "it is not valid" if first["type"] == "value_error" else str(first["msg"])[:200]
    return Problem("invalid_request", f"{field}: {reason}.")
