"""The description of the interface (OpenAPI 3.1), with what holds for every address and is written nowhere else.

Whoever needs a token and for which scope, the header Idempotency-Key of whatever changes something, and how refusals
are told: by a problem's details (RFC 9457), below /delta-sharing as that protocol does, and by the token endpoint as
OAuth 2.0 does.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from market_api.idempotency import KEY
from market_api.permissions import ACTS, SCOPES
from market_api.problems import KINDS, MEDIA_TYPE

SHARING = "/delta-sharing/"
TOKENS = "/oauth/token"
PULLS = "data.pull"
READING = frozenset({"GET", "HEAD"})
PROBLEM, SHARING_ERROR, TOKEN_ERROR = "Problem", "SharingError", "TokenError"

SCHEMAS: Mapping[str, Any] = {
    PROBLEM: {
        "type": "object",
        "description": "What is wrong, and what to do (RFC 9457); a code may bring further members",
        "required": ["type", "title", "status", "code", "detail", "instance"],
        "properties": {
            "type": {"type": "string", "pattern": "^urn:jinku:problem:"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": sorted(KINDS)},
            "detail": {"type": "string"},
            "instance": {"type": "string", "pattern": "^urn:jinku:request:"},
            "field": {"type": "string"},
        },
    },
    SHARING_ERROR: {
        "type": "object",
        "required": ["errorCode", "message"],
        "properties": {"errorCode": {"type": "string"}, "message": {"type": "string"}},
    },
    TOKEN_ERROR: {
        "type": "object",
        "description": "RFC 6749, §5.2",
        "required": ["error", "error_description"],
        "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
    },
}
SECURITY: Mapping[str, Any] = {
    "token": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": TOKENS, "scopes": dict(SCOPES)}}},
    "pull_token": {"type": "http", "scheme": "bearer", "description": "Of a Delta Sharing profile; it pulls alone"},
}
KEY_PARAMETER: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "New for every request; the same one again is answered as the first time, and done once",
    "schema": {"type": "string", "pattern": f"^{KEY.pattern}$", "examples": ["order-2026-11-27-0001"]},
}


def describe(app: FastAPI) -> None:
    """Have an application tell all of this in its description."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(plain(), app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _completed(document: dict[str, Any], app: FastAPI) -> dict[str, Any]:
    known = document.setdefault("components", {})
    schemas = {**known.get("schemas", {}), **SCHEMAS}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"] = {
        **known,
        "schemas": schemas,
        "securitySchemes": dict(SECURITY),
        "responses": {name: _response(name) for name in (PROBLEM, SHARING_ERROR, TOKEN_ERROR)},
        "parameters": {"IdempotencyKey": dict(KEY_PARAMETER)},
    }
    for route, operation in _operations(document, app):
        _complete(route, operation)
    return document


def _operations(document: Mapping[str, Any], app: FastAPI) -> Iterator[tuple[APIRoute, dict[str, Any]]]:
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in methods_of(route):
                yield route, document["paths"][route.path_format][method.lower()]


def _complete(route: APIRoute, operation: dict[str, Any]) -> None:
    responses = {status: told for status, told in operation["responses"].items() if status != "422"}
    operation["responses"] = {**responses, "default": {"$ref": f"#/components/responses/{_refusal_of(route.path)}"}}
    if (act := act_of(route)) is not None:
        pulled: list[Mapping[str, Any]] = [{"pull_token": []}] if act == PULLS else []
        operation["security"] = [{"token": [ACTS[act].scope]}, *pulled]
    if changes(route):
        key = {"$ref": "#/components/parameters/IdempotencyKey"}
        operation["parameters"] = [*operation.get("parameters", []), key]


def act_of(route: APIRoute) -> str | None:
    """The act that an address names; None where it is open."""
    named = [getattr(dependency.call, "act", None) for dependency in route.dependant.dependencies]
    return next((act for act in named if act in ACTS), None)


def changes(route: APIRoute) -> bool:
    """Whether an address changes something, so that it takes an Idempotency-Key."""
    is_reading = bool(methods_of(route) & READING) or route.path.startswith(SHARING)
    return not is_reading and route.path != TOKENS


def methods_of(route: APIRoute) -> frozenset[str]:
    """The methods that an address takes."""
    return frozenset(route.methods or ())


def _refusal_of(path: str) -> str:
    if path.startswith(SHARING):
        return SHARING_ERROR
    return TOKEN_ERROR if path == TOKENS else PROBLEM


def _response(name: str) -> dict[str, Any]:
    """A refusal; the frame's own, such as of a body that is too large, are problems everywhere."""
    own = {} if name == PROBLEM else {"application/json": _schema(name)}
    return {"description": "A refusal", "content": {**own, MEDIA_TYPE: _schema(PROBLEM)}}


def _schema(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}
