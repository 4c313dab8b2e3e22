"""ETags: a document's version, by which a client says which one it has seen. Source: RFC 9110, §13."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from market_api.problems import Problem

DIGITS = 32


def etag_of(document: Mapping[str, Any]) -> str:
    """The version of a document: the same for the same values, in whatever order they stand."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"'


def require_match(request: Request, document: Mapping[str, Any]) -> None:
    """Hold a change against the version that the client has seen, named by If-Match; without that it has not asked.

    Called within the transaction that changes, on the document as it stands there. Raises Problem
    `precondition_failed`.
    """
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    if etag_of(document) not in [each.strip() for each in wanted.split(",")]:
        raise Problem(
            "precondition_failed", "It has changed since you read it; read it again, then decide again.", "If-Match"
        )


def tagged(request: Request, document: Mapping[str, Any]) -> Response:
    """A document with its ETag; nothing but that where the client has this version already (304)."""
    tag = etag_of(document)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return JSONResponse(document, headers=headers)
