"""Idempotency keys: the same request twice is one effect and one answer.

The key is written first and in the transaction of the effect, so of two that come at once the second waits for the
first and then replays its answer; where the first came to nothing, so did its key. Keys are a participant's own.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from market_api.market import Transaction
from market_api.problems import Problem
from market_api.schema import METADATA
from vault.moments import text_of

KEY = re.compile(r"[\x21-\x7e]{8,128}")
KEPT_DAYS = 90
"""After this a key is forgotten: a request that comes again so late is a new one."""

requests = sa.Table(
    "idempotent_requests",
    METADATA,
    sa.Column("participant_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request_hash", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False, index=True),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Answer:
    """What a request came to. is_replay: it had been answered before."""

    status: int
    document: Mapping[str, Any]
    is_replay: bool = False


def request_hash(method: str, path: str, body: Mapping[str, Any]) -> str:
    """What makes two requests the same: method, path and the values of the body, in whatever order they are written."""
    text = json.dumps([method, path, body], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def checked_key(given: Sequence[str]) -> str:
    """The one value of the header, of those that were given. Raises Problem `key_missing`."""
    if len(given) != 1 or not KEY.fullmatch(given[0]):
        raise Problem(
            "key_missing",
            "Give one header Idempotency-Key, 8 to 128 printable characters without spaces, new for every request.",
            "Idempotency-Key",
        )
    return given[0]


def once(
    transaction: Transaction,
    participant_id: str,
    key: str,
    hashed: str,
    do: Callable[[], tuple[int, Mapping[str, Any]]],
) -> Answer:
    """Do it, or give the answer that the same request got before. Raises Problem `key_reused`, and what `do` raises."""
    connection, own = transaction.connection, requests.c
    mine = sa.and_(own.participant_id == participant_id, own.key == key)
    if not _claim(transaction, participant_id, key, hashed):
        row = connection.execute(sa.select(own.request_hash, own.status, own.answer).where(mine)).one()
        if row.request_hash != hashed:
            raise Problem(
                "key_reused",
                "The same Idempotency-Key came with another request before; take a new key for a new request.",
                "Idempotency-Key",
            )
        return Answer(row.status, json.loads(row.answer), is_replay=True)
    status, document = do()
    connection.execute(
        sa.update(requests).where(mine).values(status=status, answer=json.dumps(document, ensure_ascii=False))
    )
    return Answer(status, document)


def _claim(transaction: Transaction, participant_id: str, key: str, hashed: str) -> bool:
    """Write the key, waiting for whoever is about to; whether it was new."""
    values = {
        "participant_id": participant_id,
        "key": key,
        "request_hash": hashed,
        "at": text_of(transaction.at),
        "status": 0,
        "answer": "",
    }
    dialect = transaction.connection.dialect.name
    insert = _insert_of(dialect)(requests).values(**values).on_conflict_do_nothing().returning(requests.c.key)
    return transaction.connection.execute(insert).first() is not None


def _insert_of(dialect: str) -> Any:
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        return insert_postgresql
    from sqlalchemy.dialects.sqlite import insert as insert_sqlite

    return insert_sqlite
