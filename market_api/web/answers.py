"""What goes wrong, as it is answered: always a problem's details, never a value that was sent.

A failure of the market itself is told to the client by the request's id alone, under which the log has its place.
"""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from market_api.problems import MEDIA_TYPE, Problem

FAULTS_MAX = 50
FAULTS_IN_DETAIL_MAX = 3
NAME_OF_FIELD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
UNNAMED = "(a member that is not known)"
PLACES = ("body", "query", "path", "header")

OTHER_REFUSALS: Mapping[int, Problem] = {
    400: Problem("invalid_request", "The body cannot be read; send what the address takes (see /openapi.json)."),
    404: Problem("not_found", "The market has no such address; those it has are in /openapi.json."),
    405: Problem("method_not_allowed", "The address does not take this method; the header Allow names those it takes."),
    408: Problem("too_slow", "The request did not come whole in time; send it again."),
    413: Problem("too_large", "The body is larger than the market takes."),
}
"""What the frame refuses, by its status."""


def install_answers(app: FastAPI) -> None:
    """Have an application answer every refusal as a problem. What no one foresaw is answered by `frame`."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)


def answer_of(problem: Problem, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as it is answered."""
    added = dict(headers or {})
    if problem.kind.status == 401:
        added["WWW-Authenticate"] = "Bearer"
    if problem.kind.status in (429, 503):
        added["Retry-After"] = str(problem.further.get("retry_after_seconds", 1))
    return JSONResponse(problem.document(request_id), problem.kind.status, added, media_type=MEDIA_TYPE)


def failed_answer(request_id: str) -> Response:
    """What a client is told where the market failed."""
    detail = (
        "The market failed; tell the operator the id of this request. To learn whether it was done, send it again with"
        " the same Idempotency-Key."
    )
    return answer_of(Problem("internal_error", detail), request_id)


def id_of(request: Request) -> str:
    """The id that a request was given when it came."""
    return str(getattr(request.state, "request_id", "none"))


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer_of(error, id_of(request))


def _invalid(request: Request, error: Exception) -> Response:
    """What is wrong with each field."""
    assert isinstance(error, RequestValidationError)
    faults = [_fault(each) for each in error.errors()]
    told = [f"{fault['field'] or 'body'}: {fault['reason']}" for fault in faults[:FAULTS_IN_DETAIL_MAX]]
    problem = Problem("invalid_request", "; ".join(told), faults[0]["field"], faults=faults[:FAULTS_MAX])
    return answer_of(problem, id_of(request))


def _fault(error: Any) -> dict[str, str]:
    """A field and what is wrong with it. A member's name is the client's own text, so only one that looks like a name
    is repeated; where the body is no JSON at all, the place is the number of a character."""
    place = [str(part) for part in error["loc"] if part not in PLACES]
    named = [part if NAME_OF_FIELD.fullmatch(part) else UNNAMED for part in place]
    reason = error["ctx"]["error"] if error["type"] == "json_invalid" else error["msg"]
    return {"field": ".".join(named)[:200], "reason": str(reason).removeprefix("Value error, ")[:300]}


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = OTHER_REFUSALS.get(error.status_code, OTHER_REFUSALS[400])
    return answer_of(problem, id_of(request), error.headers)
