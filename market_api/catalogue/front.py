"""In front of the catalogue: the same request of the same client is given the same answer while nothing has changed.

An answer is remembered with what it rested on: the catalogue's revision, and the client's credential and participant as
they stood. Both are asked of the database at every request, in one question; where anything differs, and for whatever
is not remembered, the request goes the long way. So a revocation, a suspension and a change cut in at once, as there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from market_api.catalogue.tables import catalogue_revision
from market_api.identity.standing import Standing
from market_api.identity.tables import credentials, participants
from market_api.identity.tokens import expiry_of
from market_api.market import Market
from market_api.problems import Problem

PREFIX = "/v1/components"
WORTH = (b"authorization", b"accept", b"if-none-match")
"""Headers that an answer may depend on; a request with a body, or that asks for a range, is not remembered."""
NEVER = frozenset({b"content-length", b"transfer-encoding", b"range"})
KEPT_MAX = 4096
KEPT_BYTES_MAX = 64 << 20
"""Of all answers together, and a thousandth of it of one: else a client with many questions fills the memory."""
KEPT_FOR = timedelta(minutes=10)
"""After this the long way is gone once more, which notes that the credential is in use."""
MARK = "kept_front"
"""Where the long way says that its answer rests on nothing but the catalogue's revision and the caller."""

Key = tuple[str, bytes, tuple[bytes, ...]]


@dataclass(frozen=True)
class Mark:
    """What an answer rested on: the catalogue's revision, and the caller as it stood when it was let through."""

    revision: int
    standing: Standing


@dataclass(frozen=True)
class Remembered:
    """An answer, what it rested on, and whose it is. until: from then on it is not given any more."""

    rested_on: tuple[Any, ...]
    credential_id: str
    participant_id: str
    until: datetime
    route: Any
    messages: tuple[Message, ...]


class KeptFront:
    """Stands within the frame, which logs and counts what is answered here like anything else."""

    def __init__(self, app: ASGIApp, market: Market) -> None:
        self._app = app
        self._market = market
        self._remembered: dict[Key, Remembered] = {}
        self._remembered_bytes = 0
        self._waits = market.engine.dialect.name != "sqlite"  # SQLite's readers wait for nobody

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key_of(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        found = self._remembered.get(key)
        if found is not None and await self._stands(found, scope):
            scope["route"] = found.route
            scope["state"]["participant_id"] = found.participant_id
            for message in found.messages:
                await send(message)
            return
        await self._gone_the_long_way(key, scope, receive, send)

    async def _stands(self, found: Remembered, scope: Scope) -> bool:
        if self._market.clock() >= found.until:
            return False
        try:
            if self._waits:
                now = await run_in_threadpool(_asked, self._market, found.credential_id)
            else:
                now = _asked(self._market, found.credential_id)
            if now != found.rested_on:
                return False
            scope["app"].state.limits.count(f"caller {found.participant_id} {found.credential_id}")
        except (Problem, sa.exc.SQLAlchemyError, self._market.engine.dialect.loaded_dbapi.Error):
            return False  # the long way tells what is wrong
        return True

    async def _gone_the_long_way(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def kept_and_sent(message: Message) -> None:
            messages.append(message)
            await send(message)

        await self._app(scope, receive, kept_and_sent)
        if messages and messages[0].get("status") in (200, 304):
            self._remember(key, scope, tuple(messages))

    def _remember(self, key: Key, scope: Scope, messages: tuple[Message, ...]) -> None:
        mark: Mark | None = scope["state"].get(MARK)
        if mark is None or mark.standing.credential_id is None or mark.standing.expires_at is not None:
            return
        token = key[2][0].partition(b" ")[2].strip().decode("latin-1")
        own = mark.standing
        rested_on = (mark.revision, own.role, own.state, own.scopes, own.expires_at, own.revoked_at)
        until = min(expiry_of(token), self._market.clock() + KEPT_FOR)
        size_bytes = sum(len(message.get("body", b"")) for message in messages) + len(key[1])
        if size_bytes > KEPT_BYTES_MAX // 1000:
            return
        self._remembered_bytes += size_bytes
        if len(self._remembered) >= KEPT_MAX or self._remembered_bytes > KEPT_BYTES_MAX:
            self._remembered.clear()
            self._remembered_bytes = size_bytes
        self._remembered[key] = Remembered(
            rested_on, own.credential_id or "", own.participant_id, until, scope.get("route"), messages
        )


def _key_of(scope: Scope) -> Key | None:
    """What tells a request from others; None for one that is always answered the long way."""
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(PREFIX):
        return None
    told = dict.fromkeys(WORTH, b"")
    for name, value in scope["headers"]:
        if name in NEVER:
            return None
        if name in told:
            if told[name]:
                return None
            told[name] = value
    return (scope["path"], scope["query_string"], tuple(told.values())) if told[b"authorization"] else None


@cache
def _question(dialect: sa.Dialect) -> tuple[str, bool]:
    """The catalogue's revision, and a credential and its participant as they stand: all that may change an answer."""
    own = catalogue_revision.c
    number = sa.select(own.number).where(own.revision_id == sa.literal_column("1")).scalar_subquery()
    asked = (
        sa.select(
            sa.func.coalesce(number, sa.literal_column("0")),
            participants.c.role,
            participants.c.state,
            credentials.c.scopes,
            credentials.c.expires_at,
            credentials.c.revoked_at,
        )
        .join(participants, participants.c.participant_id == credentials.c.participant_id)
        .where(credentials.c.credential_id == sa.bindparam("value", type_=sa.Text))
    )
    return str(asked.compile(dialect=dialect)), not dialect.positional


def _asked(market: Market, credential_id: str) -> tuple[Any, ...] | None:
    text, is_named = _question(market.engine.dialect)
    connection = market.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(text, {"value": credential_id} if is_named else (credential_id,))
        row = cursor.fetchone()
    finally:
        connection.close()
    return None if row is None else tuple(row)
