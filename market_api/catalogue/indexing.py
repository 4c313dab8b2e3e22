"""Keeping the index of words: it holds the words of what is listed now, and of nothing else."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.tables import listing_words, search_words

SEPARATOR = "\n"
"""No word holds it."""


def search_text(words: Sequence[str]) -> str:
    """The words as a listing keeps them."""
    return SEPARATOR.join(words)


def index_words(connection: sa.Connection, listing_id: str, text: str) -> None:
    """Have a listing found by its words, which `search_text` gave."""
    words = sorted(text.split(SEPARATOR))
    known = connection.execute(sa.select(search_words.c.word).where(search_words.c.word.in_(words))).scalars()
    new = sorted(set(words) - set(known))
    if new:  # in order, so that two listings with the same new words wait for each other and not in a circle
        insert = _insert_of(connection.dialect.name)(search_words).on_conflict_do_nothing()
        connection.execute(insert, [{"word": word} for word in new])
    connection.execute(sa.insert(listing_words), [{"word": word, "listing_id": listing_id} for word in words])


def forget_words(connection: sa.Connection, listing_id: str, text: str) -> None:
    """Have a listing not found any more."""
    own = listing_words.c
    words = text.split(SEPARATOR)
    connection.execute(sa.delete(listing_words).where(own.word.in_(words), own.listing_id == listing_id))


def _insert_of(dialect: str) -> Any:
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        return insert_postgresql
    from sqlalchemy.dialects.sqlite import insert as insert_sqlite

    return insert_sqlite
