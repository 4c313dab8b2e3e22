"""Whether a credential and its participant may act now: one question to the database, asked at every request.

It is asked by the driver itself: what SQLAlchemy does around a question takes five times as long as the question.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from market_api.failures import raise_failure
from market_api.identity.tables import credentials, participants
from market_api.market import Market


@dataclass(frozen=True)
class Standing:
    """A participant, and the credential by which it is known; a subject of the external issuer has none of these."""

    participant_id: str
    role: str
    state: str
    credential_id: str | None = None
    scopes: str | None = None
    expires_at: str | None = None
    revoked_at: str | None = None
    last_used_at: str | None = None


_WHO = (participants.c.participant_id, participants.c.role, participants.c.state)
_CREDENTIAL = sa.select(
    *_WHO,
    credentials.c.credential_id,
    credentials.c.scopes,
    credentials.c.expires_at,
    credentials.c.revoked_at,
    credentials.c.last_used_at,
).join(participants, participants.c.participant_id == credentials.c.participant_id)
_VALUE = sa.bindparam("value", type_=sa.Text)

_BY_CLIENT_SECRET = _CREDENTIAL.where(credentials.c.credential_id == _VALUE, sa.text("kind = 'client_secret'"))
_BY_PULL_TOKEN = _CREDENTIAL.where(credentials.c.secret_hash == _VALUE, sa.text("kind = 'pull'"))
_BY_SUBJECT = sa.select(*_WHO).where(participants.c.external_subject == _VALUE)


def of_credential(market: Market, credential_id: str) -> Standing | None:
    """The standing behind a client secret's id. Raises Problem as `Market.read`, as the others do."""
    return _asked(market, _BY_CLIENT_SECRET, credential_id)


def of_pull_token(market: Market, hashed: str) -> Standing | None:
    """The standing behind a pull token's hash."""
    return _asked(market, _BY_PULL_TOKEN, hashed)


def of_subject(market: Market, subject: str) -> Standing | None:
    """The standing of the external issuer's subject."""
    return _asked(market, _BY_SUBJECT, subject)


def _asked(market: Market, question: sa.Select[Any], value: str) -> Standing | None:
    text, is_named = _compiled(market.engine.dialect, question)
    driver = market.engine.dialect.loaded_dbapi
    try:
        connection = market.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(text, {"value": value} if is_named else (value,))
            row = cursor.fetchone()
        finally:
            connection.close()
    except (driver.Error, sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        raise_failure(error, market.engine)
    return None if row is None else Standing(*row)


@lru_cache(maxsize=8)
def _compiled(dialect: sa.Dialect, question: sa.Select[Any]) -> tuple[str, bool]:
    """A question as the driver takes it, and whether its value is named there."""
    return str(question.compile(dialect=dialect)), not dialect.positional
