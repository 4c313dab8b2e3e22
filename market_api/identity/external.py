"""Tokens of an external OpenID issuer, where the operator has set one: checked by the keys that the issuer publishes.

The issuer says who somebody is, never what he may do: its subject must be linked to a participant by the operator, and
the scopes are those of the participant's role, at most. Source: OpenID Connect Discovery 1.0, §4.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt

from market_api.identity.tokens import cause_of, check_times, refused
from market_api.permissions import SCOPES
from market_api.problems import Problem
from market_api.settings import MarketSettings
from vault.errors import JinkuError

DISCOVERY = "/.well-known/openid-configuration"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures of a key pair alone: with a shared secret whoever checks could also sign."""

TIMEOUT_SECONDS = 5
KEYS_KEPT_SECONDS = 300
NEEDED = ("iss", "sub", "aud", "exp")
SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
"""OpenID Connect Core 1.0, §2: at most 255 characters of ASCII."""


@dataclass(frozen=True)
class Subject:
    """Whom the issuer vouches for, and the market's scopes that the token asks for."""

    subject: str
    scopes: frozenset[str]


def external_subject(settings: MarketSettings, token: str, at: datetime) -> Subject | None:
    """Whom a token of the external issuer speaks of; None for a token of any other issuer.

    A token without a scope of the market's asks for all of them. Raises Problem `unauthenticated`, and `unavailable`
    where the issuer does not answer.
    """
    if not settings.openid_issuer or _stated_issuer(token) != settings.openid_issuer:
        return None
    content = _content(settings, token)
    check_times(content, at)
    if not SUBJECT.fullmatch(subject := str(content["sub"])):
        raise refused("its subject is malformed")
    asked = frozenset(str(content.get("scope", "")).split()) & frozenset(SCOPES)
    return Subject(subject, asked or frozenset(SCOPES))


def check_issuer(settings: MarketSettings) -> None:
    """Raises JinkuError `market_issuer_open` for an issuer whose keys anybody on the way could exchange."""
    parts = urlsplit(settings.openid_issuer)
    if settings.openid_issuer and parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise JinkuError(
            "market_issuer_open",
            "the external issuer is not reached by https, so its keys cannot be trusted",
            "JINKU_MARKET_OPENID_ISSUER",
            "Give its address with https.",
        )


def _stated_issuer(token: str) -> str | None:
    """The issuer that a token names, before anything of it is believed."""
    try:
        stated = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        return None
    return stated if isinstance(stated, str) else None


def _content(settings: MarketSettings, token: str) -> Mapping[str, Any]:
    try:
        key = _keys_of(settings.openid_issuer).get_signing_key_from_jwt(token)
        return jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm_name] if key.algorithm_name in ALGORITHMS else [],
            audience=settings.openid_audience,
            issuer=settings.openid_issuer,
            options={"require": list(NEEDED), "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except (jwt.PyJWKClientConnectionError, httpx.HTTPError) as error:
        raise Problem("unavailable", "The external OpenID issuer does not answer; try again in a moment.") from error
    except jwt.PyJWTError as error:
        raise refused(cause_of(error)) from error


@lru_cache(maxsize=4)
def _keys_of(issuer: str) -> jwt.PyJWKClient:
    """The issuer's keys, found by its discovery document, kept, and fetched again when they are old or one is new."""
    answer = httpx.get(issuer.rstrip("/") + DISCOVERY, timeout=TIMEOUT_SECONDS, follow_redirects=False)
    answer.raise_for_status()
    document = answer.json()
    address = document.get("jwks_uri")
    if document.get("issuer") != issuer or not isinstance(address, str):
        raise httpx.DecodingError("the discovery document is not this issuer's")
    return jwt.PyJWKClient(address, lifespan=KEYS_KEPT_SECONDS, timeout=TIMEOUT_SECONDS)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
