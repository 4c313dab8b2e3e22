"""The application: every feature's router, the answers to what goes wrong, and what is watched."""

import logging
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from market_api.features import routers
from market_api.market import Market
from market_api.problems import MEDIA_TYPE, Problem

LOG = logging.getLogger("jinku.market")
CODE_OF_STATUS = {401: "unauthenticated", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def application(market: Market) -> FastAPI:
    """The market as an application, ready to be served."""
    app = FastAPI(
        title="Jinku market",
        version="1",
        description="Price, trade and pull data components (数据元件).",
        openapi_url="/openapi.json",
        swagger_ui_parameters={"persistAuthorization": False},
    )
    app.state.market = market
    for router in _routers():
        app.include_router(router)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _failed)
    return app


def _routers() -> Iterator[APIRouter]:
    yield from routers()


def answer_of(problem: Problem, request: Request) -> Response:
    """A problem as it is answered."""
    headers = {"WWW-Authenticate": "Bearer"} if problem.kind.status == 401 else {}
    if problem.kind.status in (429, 503):
        headers["Retry-After"] = str(problem.further.get("retry_after_seconds", 1))
    document = problem.document(request_id(request))
    return JSONResponse(document, problem.kind.status, headers, media_type=MEDIA_TYPE)


def request_id(request: Request) -> str:
    """The id that the request was given when it came."""
    return str(getattr(request.state, "request_id", "none"))


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer_of(error, request)


def _invalid(request: Request, error: Exception) -> Response:
    """What is wrong with each field, without the value that was sent."""
    assert isinstance(error, RequestValidationError)
    faults = [_fault(each) for each in error.errors()]
    detail = "; ".join(f"{fault['field'] or 'body'}: {fault['reason']}" for fault in faults[:3])
    return answer_of(Problem("invalid_request", detail, faults[0]["field"], faults=faults[:50]), request)


def _fault(error: Any) -> dict[str, str]:
    place = [str(part) for part in error["loc"] if part not in ("body", "query", "path", "header")]
    return {"field": ".".join(place)[:200], "reason": str(error["msg"]).removeprefix("Value error, ")[:300]}


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = CODE_OF_STATUS.get(error.status_code, "invalid_request")
    return answer_of(Problem(code, str(error.detail)), request)


def _failed(request: Request, error: Exception) -> Response:
    """The client is told nothing but the request's id, under which the log has the cause."""
    LOG.error(
        "request failed", extra={"request_id": request_id(request), "error": type(error).__name__}, exc_info=error
    )
    detail = "The market failed and nothing was done; give the operator the id of this request."
    return answer_of(Problem("internal_error", detail), request)
