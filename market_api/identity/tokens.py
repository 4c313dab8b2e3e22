"""Access tokens: JSON Web Tokens that the market signs with Ed25519 and takes back for a quarter of an hour.

A token names a participant, one credential and scopes. What it is worth is decided at each request: see
`authentication`. Sources: RFC 7519, RFC 8037 (EdDSA), RFC 9068 (the profile of access tokens).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from market_api.problems import Problem

AUDIENCE = "jinku-market"
TYPE = "at+jwt"
ALGORITHM = "EdDSA"
TTL_SECONDS = 900
LEEWAY_SECONDS = 30
"""How far two clocks may differ."""

CHARACTERS_MAX = 8_192
REQUIRED = ("iss", "sub", "aud", "exp", "nbf", "jti", "scope", "credential")


@dataclass(frozen=True)
class Claims:
    """What a token of the market says. scopes: those it was issued with."""

    participant_id: str
    credential_id: str
    scopes: frozenset[str]


def issued_token(
    key: Ed25519PrivateKey, issuer: str, claims: Claims, token_id: str, at: datetime, ttl_seconds: int = TTL_SECONDS
) -> str:
    """A signed token, good from `at` on. token_id: its `jti`, new for each."""
    second = int(at.timestamp())
    content = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": claims.participant_id,
        "client_id": claims.participant_id,
        "credential": claims.credential_id,
        "scope": " ".join(sorted(claims.scopes)),
        "jti": token_id,
        "iat": second,
        "nbf": second,
        "exp": second + ttl_seconds,
    }
    return jwt.encode(content, key, algorithm=ALGORITHM, headers={"typ": TYPE})


def read_claims(key: Ed25519PublicKey, issuer: str, token: str, at: datetime) -> Claims:
    """What a token says, once its signature, issuer, audience and times are found right.

    Raises Problem `unauthenticated`, which names the cause.
    """
    content = _signed_content(key.public_bytes_raw(), issuer, token)
    check_times(content, at)
    return Claims(str(content["sub"]), str(content["credential"]), frozenset(str(content["scope"]).split()))


@lru_cache(maxsize=4_096)
def _signed_content(key: bytes, issuer: str, token: str) -> Mapping[str, Any]:
    """A token's content; what does not change with time is checked once for each token."""
    try:
        if jwt.get_unverified_header(token).get("typ") != TYPE:
            raise refused("it is not an access token of this market")
        return jwt.decode(
            token,
            Ed25519PublicKey.from_public_bytes(key),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=issuer,
            options={"require": list(REQUIRED), "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.PyJWTError as error:
        raise refused(cause_of(error)) from error


def check_times(content: Mapping[str, Any], at: datetime) -> None:
    """Raises Problem `unauthenticated` for a token that is not valid yet or any more."""
    moments = [content.get("exp"), content.get("nbf", 0)]
    if not all(
        isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each) for each in moments
    ):
        raise refused("its times are malformed")
    expires, begins = moments
    now = at.timestamp()
    if now >= float(expires or 0) + LEEWAY_SECONDS:
        raise refused("it has expired")
    if now < float(begins or 0) - LEEWAY_SECONDS:
        raise refused("it is not valid yet: compare your clock with the market's")


def expiry_of(token: str) -> datetime:
    """When a token that was taken before expires, without leeway. Raises jwt's PyJWTError for what is no token."""
    return datetime.fromtimestamp(jwt.decode(token, options={"verify_signature": False})["exp"], UTC)


def cause_of(error: jwt.PyJWTError) -> str:
    """Why a token was not taken, without anything of its content."""
    causes: tuple[tuple[type[Exception], str], ...] = (
        (jwt.InvalidAudienceError, "it is meant for another service"),
        (jwt.InvalidIssuerError, "another issuer made it"),
        (jwt.MissingRequiredClaimError, "it lacks a claim that is needed"),
        (jwt.InvalidAlgorithmError, "it is signed by an algorithm that is not taken"),
        (jwt.InvalidSignatureError, "its signature is not right"),
    )
    return next((cause for kind, cause in causes if isinstance(error, kind)), "it is malformed")


def refused(cause: str) -> Problem:
    """The refusal of a token."""
    return Problem("unauthenticated", f"The token was not taken: {cause}. Get a new one from /oauth/token.")
