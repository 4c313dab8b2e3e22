"""Who calls: from the header Authorization to a participant who may act now.

A token alone proves nothing: each request looks up its credential and its participant, so that a revocation or a
suspension cuts off the next one.
"""

from collections.abc import Callable
from datetime import datetime

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from market_api.callers import Caller, market_of
from market_api.identity.credentials import PULL_PREFIX, is_use_noted, note_use
from market_api.identity.external import external_subject
from market_api.identity.hashing import pull_hash
from market_api.identity.standing import Standing, of_credential, of_pull_token, of_subject
from market_api.identity.tokens import CHARACTERS_MAX, read_claims, refused
from market_api.market import Market
from market_api.permissions import scopes_of
from market_api.problems import Problem
from market_api.web.rate_limit import count_caller, count_refusal
from vault.moments import text_of

Find = Callable[[Market, str, datetime], tuple[Standing, frozenset[str]]]
"""From a token to the standing of whom it names, and the scopes that it holds."""

EXTERNAL = "external"
"""Stands for a credential where the external OpenID issuer vouches for the participant."""


def authenticated(request: Request) -> Caller:
    """The participant whose access token the request bears, of the market or of the external OpenID issuer.

    Raises Problem `unauthenticated`, `rate_limited`, `unavailable`.
    """
    return _noted(*_counted(request, _by_access_token))


async def authenticated_soon(request: Request) -> Caller:
    """As `authenticated`, without a thread of its own on SQLite, whose readers wait for nobody: the look is shorter
    than the way to a thread and back. What may have to wait is done in one: asking a server, noting a use."""
    market = market_of(request)
    if market.engine.dialect.name != "sqlite" or market.settings.openid_issuer:
        return await run_in_threadpool(authenticated, request)
    caller, standing = _counted(request, _by_access_token)
    if not _is_noted(caller, standing):
        await run_in_threadpool(_noted, caller, standing)
    return caller


def pull_credential(request: Request) -> Caller:
    """The participant whose pull token, that of a Delta Sharing profile, the request bears; it may pull alone.

    Raises Problem `unauthenticated`, `rate_limited`, `unavailable`.
    """
    return _noted(*_counted(request, _by_pull_token))


def bears_pull_token(request: Request) -> bool:
    """Whether the request bears what looks like a pull token."""
    return request.headers.get("Authorization", "")[7:].strip().startswith(PULL_PREFIX)


def _by_access_token(market: Market, token: str, at: datetime) -> tuple[Standing, frozenset[str]]:
    if (vouched := external_subject(market.settings, token, at)) is not None:
        standing = of_subject(market, vouched.subject)
        if standing is None:
            raise refused("its subject is not linked to a participant; ask the operator")
        return standing, vouched.scopes
    claims = read_claims(market.keys.tokens.public_key(), market.settings.public_url, token, at)
    standing = of_credential(market, claims.credential_id)
    if standing is None or standing.participant_id != claims.participant_id:
        raise refused("its credential is not there")
    return standing, claims.scopes & frozenset((standing.scopes or "").split())


def _by_pull_token(market: Market, token: str, at: datetime) -> tuple[Standing, frozenset[str]]:
    standing = of_pull_token(market, pull_hash(token))
    if standing is None:
        raise Problem("unauthenticated", "The pull token is not known here; take the profile that the market gave you.")
    return standing, frozenset((standing.scopes or "").split())


def _counted(request: Request, find: Find) -> tuple[Caller, Standing]:
    """Look the caller up; whoever fails is counted by address, whoever succeeds by credential."""
    market = market_of(request)
    at = market.clock()
    try:
        standing, scopes = find(market, _bearer(request), at)
        _check(standing, at)
    except Problem as problem:
        if problem.code == "unauthenticated":
            count_refusal(request)
        raise
    participant_id, credential_id = standing.participant_id, standing.credential_id or EXTERNAL
    count_caller(request, f"{participant_id} {credential_id}")
    request.state.participant_id, request.state.standing = participant_id, standing
    permitted = scopes & scopes_of(standing.role)
    return Caller(participant_id, standing.role, permitted, credential_id, market, request), standing


def _noted(caller: Caller, standing: Standing) -> Caller:
    """The caller, once the use of its credential is on record."""
    if not _is_noted(caller, standing):
        note_use(caller.market, caller.credential_id)
    return caller


def _is_noted(caller: Caller, standing: Standing) -> bool:
    return caller.credential_id == EXTERNAL or is_use_noted(caller.market.clock(), standing.last_used_at)


def _bearer(request: Request) -> str:
    given = request.headers.getlist("Authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > CHARACTERS_MAX:
        raise Problem("unauthenticated", "Give the header Authorization: Bearer with a token from /oauth/token.")
    return token


def _check(standing: Standing, at: datetime) -> None:
    """Raises Problem `unauthenticated` where the credential or its participant may not act now."""
    if standing.state != "admitted":
        told = f"The participant is {standing.state}; /oauth/token tells the reason."
        raise Problem("unauthenticated", told, state=standing.state)
    if standing.revoked_at is not None:
        raise Problem("unauthenticated", "The credential was revoked; use another one.")
    if standing.expires_at is not None and standing.expires_at <= text_of(at):
        raise Problem("unauthenticated", "The credential has expired; make a new one.")
