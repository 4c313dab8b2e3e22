"""The token endpoint: a client's id and secret for an access token. Source: RFC 6749, §2.3.1, §4.4, §5.

Whoever asks, the same number of hashes is made, so the time of an answer does not tell which ids there are.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote_plus

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from market_api.callers import market_of
from market_api.identifiers import IDENTIFIER
from market_api.identity.credentials import CLIENT_SECRETS_MAX, is_use_noted, note_use
from market_api.identity.hashing import is_secret
from market_api.identity.tables import credentials, participants
from market_api.identity.tokens import TTL_SECONDS, Claims, issued_token
from market_api.market import Market
from market_api.permissions import scopes_of
from market_api.web.rate_limit import OPEN
from vault.moments import text_of

FORM = "application/x-www-form-urlencoded"
PARAMETERS_MAX = 20
TOKEN_ID_BYTES = 16
SCOPE = re.compile(r"[a-z_]+( [a-z_]+)*")
NEVER_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}

router = APIRouter(tags=["tokens"])


@dataclass(frozen=True)
class Client:
    """Who asks for a token, once its secret was found right."""

    participant_id: str
    role: str
    state: str
    reason: str
    credential_id: str
    scopes: frozenset[str]
    last_used_at: str | None


class Refused(Exception):
    """Why there is no token. error: a code of RFC 6749, §5.2; description: of printable ASCII, as it demands."""

    def __init__(self, error: str, description: str, **further: str) -> None:
        super().__init__(error, description)
        self.document = {"error": error, "error_description": description, **further}
        self.status = 401 if error == "invalid_client" else 400


async def _body(request: Request) -> bytes:
    return await request.body()


_FORM_SCHEMA = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": ["client_credentials"]},
        "client_id": {"type": "string"},
        "client_secret": {"type": "string"},
        "scope": {"type": "string", "description": "Scopes with spaces between; all where none is named"},
    },
    "example": {"grant_type": "client_credentials", "client_id": "par_…", "client_secret": "…"},
}


@router.post(
    "/oauth/token",
    dependencies=[OPEN],
    openapi_extra={"requestBody": {"required": True, "content": {FORM: {"schema": _FORM_SCHEMA}}}},
)
def token(request: Request, body: Annotated[bytes, Depends(_body)]) -> Response:
    """An access token for a client's id and secret, given by HTTP Basic or in the form; good for 15 minutes."""
    market = market_of(request)
    try:
        form = _form(request.headers.get("Content-Type", ""), body)
        answer = _issued(market, _client(market, form, request.headers.get("Authorization")), form.get("scope"))
    except Refused as refused:
        headers = dict(NEVER_STORED)
        if refused.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="jinku-market"'
        return JSONResponse(refused.document, refused.status, headers)
    return JSONResponse(answer, headers=NEVER_STORED)


def _form(content_type: str, body: bytes) -> Mapping[str, str]:
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise Refused("invalid_request", f"Send the parameters as {FORM}.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS_MAX)
    except ValueError:
        raise Refused("invalid_request", "The form cannot be read.") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise Refused("invalid_request", "A parameter comes twice.")
    if "grant_type" not in form:
        raise Refused("invalid_request", "The parameter grant_type is missing.")
    if form["grant_type"] != "client_credentials":
        raise Refused("unsupported_grant_type", "The market grants client_credentials alone.")
    return form


def _client(market: Market, form: Mapping[str, str], authorization: str | None) -> Client:
    """Whoever asks, by its secret and its state."""
    client_id, secret = _id_and_secret(form, authorization)
    client = client_of(market, client_id, secret)
    if client is None:
        raise Refused("invalid_client", "The client id and secret do not fit, or the secret was revoked.")
    if client.state != "admitted":
        told = f"The participant is {client.state}, so it gets no token."
        raise Refused("unauthorized_client", told, state=client.state, reason=client.reason)
    return client


def _id_and_secret(form: Mapping[str, str], authorization: str | None) -> tuple[str, str]:
    if authorization is None:
        return form.get("client_id", ""), form.get("client_secret", "")
    if "client_secret" in form:
        raise Refused("invalid_request", "Give the secret by HTTP Basic or in the form, not by both.")
    scheme, _, given = authorization.partition(" ")
    try:
        text = base64.b64decode(given.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    client_id, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Refused("invalid_client", "The header Authorization is not of the form of HTTP Basic.")
    if form.get("client_id", unquote_plus(client_id)) != unquote_plus(client_id):
        raise Refused("invalid_request", "The header and the form name different clients.")
    return unquote_plus(client_id), unquote_plus(secret)


def client_of(market: Market, client_id: str, secret: str) -> Client | None:
    """The client with this id and secret, in whatever state; None where there is none."""
    rows = _candidates(market, client_id) if IDENTIFIER.fullmatch(client_id) else []
    hashes = [row.secret_hash for row in rows] + [None] * (CLIENT_SECRETS_MAX - len(rows))
    fits = [is_secret(hashed, secret) for hashed in hashes]
    found = next((row for row, is_right in zip(rows, fits, strict=False) if is_right), None)
    if found is None:
        return None
    scopes = frozenset(found.scopes.split()) & scopes_of(found.role)
    return Client(
        participant_id=found.participant_id,
        role=found.role,
        state=found.state,
        reason=found.reason,
        credential_id=found.credential_id,
        scopes=scopes,
        last_used_at=found.last_used_at,
    )


def _candidates(market: Market, client_id: str) -> list[Any]:
    """The client's secrets that are good now."""
    who, own = participants.c, credentials.c
    query = (
        sa.select(
            who.participant_id,
            who.role,
            who.state,
            who.reason,
            own.credential_id,
            own.secret_hash,
            own.scopes,
            own.last_used_at,
        )
        .join(credentials, own.participant_id == who.participant_id)
        .where(who.participant_id == client_id, own.kind == "client_secret", own.revoked_at.is_(None))
        .where(sa.or_(own.expires_at.is_(None), own.expires_at > text_of(market.clock())))
        .order_by(own.credential_id)
        .limit(CLIENT_SECRETS_MAX)
    )
    return list(market.read(lambda connection: connection.execute(query).all()))


def _issued(market: Market, client: Client, scope: str | None) -> dict[str, Any]:
    """The token, for the scopes that were asked for, all of the client's where none was."""
    asked = client.scopes
    if scope is not None:
        if not SCOPE.fullmatch(scope):
            raise Refused("invalid_scope", "The scope is malformed: names with one space between.")
        asked = frozenset(scope.split())
    if asked - client.scopes:
        raise Refused("invalid_scope", f"This client may ask for: {' '.join(sorted(client.scopes))}.")
    if not is_use_noted(market.clock(), client.last_used_at):
        note_use(market, client.credential_id)
    claims = Claims(client.participant_id, client.credential_id, asked)
    token_id = market.random_bytes(TOKEN_ID_BYTES).hex()
    signed = issued_token(market.keys.tokens, market.settings.public_url, claims, token_id, market.clock())
    return {
        "access_token": signed,
        "token_type": "Bearer",
        "expires_in": TTL_SECONDS,
        "scope": " ".join(sorted(asked)),
    }
