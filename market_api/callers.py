"""Whoever calls: a participant with a token, what it may do, and how its requests are answered.

Every router names the act of each of its endpoints:

    @router.post("/v1/orders", status_code=201)
    def place_order(body: OrderRequest, caller: Annotated[Caller, allowed("order.place")]) -> Response:
        return caller.act(body, lambda transaction: (201, placed(transaction, caller, body)))
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from market_api.idempotency import checked_key, once, request_hash
from market_api.market import Market, Transaction
from market_api.permissions import refusal
from market_api.problems import Problem

Do = Callable[[Transaction], tuple[int, Mapping[str, Any]]]


@dataclass(frozen=True)
class Caller:
    """A participant that was authenticated for one request. scopes: those of its token."""

    participant_id: str
    role: str
    scopes: frozenset[str]
    credential_id: str
    market: Market
    request: Request

    def act(self, body: BaseModel | None, do: Do) -> Response:
        """Change something, once for each Idempotency-Key, and answer it. `do` gives the status and the document.

        Raises Problem `key_missing`, `key_reused`, and what `do` raises.
        """
        return self.act_showing({}, body, do)

    def act_showing(self, secrets: Mapping[str, Any], body: BaseModel | None, do: Do) -> Response:
        """As `act`, with members in the answer that are shown once and kept nowhere: a replay does not have them."""
        told = {} if body is None else body.model_dump(mode="json")
        return answered_once(self.market, self.request, self.participant_id, told, secrets, do)

    def require(self, act: str) -> None:
        """Raises Problem `not_permitted` where the caller may not do this."""
        if (cause := refusal(act, self.role, self.scopes)) is not None:
            raise Problem("not_permitted", cause, act=act)


def answered_once(
    market: Market,
    request: Request,
    actor: str,
    told: Mapping[str, Any],
    secrets: Mapping[str, Any],
    do: Do,
) -> Response:
    """Do what a request asks for in one transaction, once for each Idempotency-Key of the actor's, and answer it.

    told: what the body says, of which a hash is kept; secrets: members of the first answer alone.
    """
    key = checked_key(request.headers.getlist("Idempotency-Key"))
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    hashed = request_hash(request.method, target, told)
    answer = market.act(actor, lambda transaction: once(transaction, actor, key, hashed, lambda: do(transaction)))
    if answer.is_replay:
        return JSONResponse(answer.document, answer.status, {"Idempotency-Replayed": "true"})
    return JSONResponse({**answer.document, **secrets}, answer.status)


def allowed(act: str) -> Any:
    """The dependency that gives the caller where it may do this act. Raises Problem `unauthenticated` and
    `not_permitted`."""

    async def caller_for(request: Request) -> Caller:
        from market_api.identity.authentication import authenticated_soon

        caller = await authenticated_soon(request)
        caller.require(act)
        return caller

    caller_for.act = act  # type: ignore[attr-defined]  # for the test that holds every route to the table
    return Depends(caller_for)


def market_of(request: Request) -> Market:
    """The market that answers a request."""
    market: Market = request.app.state.market
    return market
