"""Answers of the catalogue: bytes with an ETag, kept as long as the catalogue's revision stands.

What the catalogue tells is the same for everybody who may read it, so an answer that was made once is given again until
something changes. Each process keeps its own; the revision is asked of the database every time.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from fastapi import Request
from fastapi.responses import Response

from market_api.callers import Caller
from market_api.catalogue.front import MARK, Mark
from market_api.catalogue.revisions import revision

KEPT_MAX = 1000
KEPT_BYTES_MAX = 1 << 16
"""Of one answer; larger ones are made each time."""
JSON = "application/json"
TAG_DIGITS = 32


@dataclass(frozen=True)
class Content:
    """What is answered. headers: beside those of every answer."""

    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The ETag: the same for the same bytes."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:TAG_DIGITS]}"'


@dataclass(frozen=True)
class _Kept:
    content: Content
    tag: str


class KeptAnswers:
    """The answers of one revision; the first of the next one empties it."""

    def __init__(self) -> None:
        self._kept: tuple[int, dict[str, _Kept]] = (-1, {})

    def of(self, number: int, key: str, make: Callable[[], Content]) -> tuple[Content, str]:
        """The content and its ETag for a revision, made where it is not kept."""
        held, answers = self._kept
        found = answers.get(key) if held == number else None
        if found is None:
            content = make()
            found = _Kept(content, content.tag)
            if held != number or len(answers) >= KEPT_MAX:
                answers = {}
                self._kept = (number, answers)
            if len(content.body) <= KEPT_BYTES_MAX:
                answers[key] = found
        return found.content, found.tag


def json_content(document: Mapping[str, Any]) -> Content:
    """A document as JSON."""
    return Content(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def kept(caller: Caller, make: Callable[[sa.Connection], Content], also: str = "") -> Response:
    """Answer a request of the catalogue, as before where nothing changed since. also: what the answer depends on beside
    the address and the catalogue, such as the day."""
    request, market = caller.request, caller.market
    key = f"{request.url.path}?{request.url.query} {also}"
    number = revision(market)  # before what it stands for, so that a later change is never missed
    content, tag = _kept_answers(request).of(number, key, lambda: market.read(make))
    if not also:
        request.scope["state"][MARK] = Mark(number, request.state.standing)
    return answered(request, content, tag)


def answered(request: Request, content: Content, tag: str | None = None) -> Response:
    """The answer; nothing but its ETag where the client has these bytes already (304). Source: RFC 9110, §13."""
    tag = tag or content.tag
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization", **content.headers}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(content.body, media_type=content.media_type, headers=headers)


def _kept_answers(request: Request) -> KeptAnswers:
    state = request.app.state
    if not hasattr(state, "catalogue_answers"):
        state.catalogue_answers = KeptAnswers()
    answers: KeptAnswers = state.catalogue_answers
    return answers
