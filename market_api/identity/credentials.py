"""Credentials: client secrets, which get tokens, pull tokens, which pull data and do nothing else, and enrolment codes,
which get a client secret once (see `enrolment`).

A secret is shown once, when it is made; what is kept of it is a hash. Two client secrets may be good at the same time,
so that one takes over from the other without a gap.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from market_api.identifiers import RandomBytes
from market_api.identity.hashing import pull_hash, secret_hash
from market_api.identity.tables import credentials, participants
from market_api.market import Market, Transaction
from market_api.paging import page, read_token
from market_api.problems import Problem
from market_api.states import PARTICIPANT, locked
from vault.moments import text_of

SECRET_BYTES = 32
PULL_PREFIX = "jinku_pull_"
CODE_PREFIX = "jinku_enrol_"
CLIENT_SECRETS_MAX = 2
PULL_TOKENS_MAX = 20
PULL_SCOPES = frozenset({"pull"})
USE_NOTED_EVERY = timedelta(hours=1)

Kind = Literal["client_secret", "pull", "enrolment"]
MOST: Mapping[Kind, int] = {"client_secret": CLIENT_SECRETS_MAX, "pull": PULL_TOKENS_MAX, "enrolment": 1}
"""How many of a kind are good at the same time."""


@dataclass(frozen=True)
class Fresh:
    """A secret that was just made, and the hash that is kept of it. Its text form tells nothing."""

    kind: Kind
    secret: str
    hashed: str

    def __repr__(self) -> str:
        return f"Fresh({self.kind})"


def fresh_secret(random_bytes: RandomBytes) -> Fresh:
    """A new client secret. Hashing it takes a while: do it before the transaction."""
    secret = _text(random_bytes)
    return Fresh("client_secret", secret, secret_hash(secret))


def fresh_pull_token(random_bytes: RandomBytes) -> Fresh:
    """A new pull token."""
    token = PULL_PREFIX + _text(random_bytes)
    return Fresh("pull", token, pull_hash(token))


def fresh_enrolment_code(random_bytes: RandomBytes) -> Fresh:
    """A new enrolment code. Hashing it takes a while: do it before the transaction."""
    code = CODE_PREFIX + _text(random_bytes)
    return Fresh("enrolment", code, secret_hash(code))


def add(
    transaction: Transaction,
    participant_id: str,
    fresh: Fresh,
    scopes: frozenset[str],
    expires_at: datetime | None = None,
) -> Mapping[str, Any]:
    """Give a participant another credential, without its secret in the answer.

    Raises Problem `not_found`, and `wrong_state` where it has as many as it may have at once.
    """
    locked(transaction, PARTICIPANT, participants, participant_id)
    most = MOST[fresh.kind]
    if len(_good(transaction, participant_id, fresh.kind)) >= most:
        raise Problem("wrong_state", f"There are {most} of its kind that are good; revoke one of them first.")
    values = {
        "credential_id": transaction.new_identifier("crd"),
        "participant_id": participant_id,
        "kind": fresh.kind,
        "secret_hash": fresh.hashed,
        "scopes": " ".join(sorted(scopes)),
        "created_at": text_of(transaction.at),
        "expires_at": None if expires_at is None else text_of(expires_at),
        "revoked_at": None,
        "last_used_at": None,
    }
    transaction.connection.execute(sa.insert(credentials).values(**values))
    told = {name: values[name] for name in ("credential_id", "kind", "scopes", "expires_at")}
    transaction.log("participant.credential_added", participant_id, told)
    return document(values)


def revoke(transaction: Transaction, participant_id: str, credential_id: str) -> Mapping[str, Any]:
    """End a credential at once. Raises Problem `not_found`, and `wrong_state` for one that ended before and for
    the last client secret, without which no other could be made."""
    locked(transaction, PARTICIPANT, participants, participant_id)
    own = credentials.c
    mine = sa.and_(own.credential_id == credential_id, own.participant_id == participant_id)
    row = transaction.connection.execute(sa.select(credentials).where(mine)).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no credential '{credential_id}' for you.")
    if row.revoked_at is not None:
        raise Problem("wrong_state", "The credential was revoked before.")
    if row.kind == "client_secret" and _good(transaction, participant_id, "client_secret") == [credential_id]:
        raise Problem("wrong_state", "It is the last client secret; make another one first, then revoke this one.")
    at = text_of(transaction.at)
    _end(transaction, participant_id, [credential_id])
    return document({**row._mapping, "revoked_at": at})


def revoke_all(transaction: Transaction, participant_id: str, kind: Kind | None = None) -> list[str]:
    """End all credentials of a participant, which is locked, that have not ended, or those of a kind; gives their
    names."""
    own = credentials.c
    left = sa.select(own.credential_id).where(own.participant_id == participant_id, own.revoked_at.is_(None))
    if kind is not None:
        left = left.where(own.kind == kind)
    names = list(transaction.connection.execute(left.order_by(own.credential_id)).scalars())
    _end(transaction, participant_id, names)
    return names


def credentials_page(connection: sa.Connection, participant_id: str, token: str, size: int) -> Mapping[str, Any]:
    """A page of a participant's credentials, the oldest first, ended ones too."""
    own = credentials.c
    mine = sa.select(credentials).where(own.participant_id == participant_id, own.credential_id > read_token(token))
    rows = connection.execute(mine.order_by(own.credential_id).limit(size + 1)).mappings().all()
    return page(rows, size, lambda row: str(row["credential_id"]), document)


def is_use_noted(at: datetime, last_used_at: str | None) -> bool:
    """Whether a credential's use is on record: it is kept to the hour, so that reading seldom writes."""
    return last_used_at is not None and last_used_at > text_of(at - USE_NOTED_EVERY)


def note_use(market: Market, credential_id: str) -> None:
    """Keep when a credential was last used."""
    noted = sa.update(credentials).where(credentials.c.credential_id == credential_id)
    market.act(
        "market",
        lambda transaction: transaction.connection.execute(noted.values(last_used_at=text_of(transaction.at))),
    )


def profile(public_url: str, credential_id: str, expires_at: datetime) -> dict[str, Any]:
    """A Delta Sharing profile, but for its token. Source: Delta Sharing protocol, profile file format, version 1."""
    until = expires_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "shareCredentialsVersion": 1,
        "endpoint": f"{public_url}/delta-sharing",
        "expirationTime": until,
        "credential_id": credential_id,
    }


def document(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of a credential: all but its hash."""
    told = ("credential_id", "kind", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")
    return {**{name: row[name] for name in told}, "scopes": str(row["scopes"]).split()}


def _end(transaction: Transaction, participant_id: str, credential_ids: Sequence[str]) -> None:
    ended = sa.update(credentials).where(credentials.c.credential_id.in_(credential_ids))
    transaction.connection.execute(ended.values(revoked_at=text_of(transaction.at)))
    for credential_id in credential_ids:
        transaction.log("participant.credential_revoked", participant_id, {"credential_id": credential_id})


def _good(transaction: Transaction, participant_id: str, kind: str) -> list[str]:
    """The credentials of a kind that can be used now."""
    own, at = credentials.c, text_of(transaction.at)
    good = sa.select(own.credential_id).where(
        own.participant_id == participant_id,
        own.kind == kind,
        own.revoked_at.is_(None),
        sa.or_(own.expires_at.is_(None), own.expires_at > at),
    )
    return list(transaction.connection.execute(good).scalars())


def _text(random_bytes: RandomBytes) -> str:
    return base64.urlsafe_b64encode(random_bytes(SECRET_BYTES)).decode().rstrip("=")
