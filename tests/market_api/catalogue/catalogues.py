"""A catalogue of many listings, put into the database as they stand after they were listed."""

import json
import random
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.indexing import SEPARATOR
from market_api.catalogue.tables import PRICE_LAST_FEN, listing_words, listings, search_words
from market_api.catalogue.words import filter_word, words_of_text
from market_api.identifiers import new_identifier
from market_api.market import Market
from tests.market_api.builders import NOON
from vault.moments import text_of

FIELDS = ("governance", "development", "livelihood", "innovation")
REGIMES = ("market", "public_guided", "public_free")


def row(number: int, text: str = "", columns: Sequence[str] = (), **changes: Any) -> dict[str, Any]:
    """A listing as its row, the later the higher its number."""
    from datetime import timedelta

    at = NOON + timedelta(seconds=number)
    field, regime = FIELDS[number % 4], REGIMES[number % 3]
    price_fen = changes.get("price_fen", 1000 + number)
    words = {
        *words_of_text(text),
        filter_word("field", changes.get("application_field", field)),
        filter_word("regime", changes.get("regime", regime)),
        *(filter_word("column", name) for name in columns),
    }
    return {
        "listing_id": new_identifier("lst", at, lambda size: number.to_bytes(size, "big")),
        "state": "listed",
        "component": f"component_{number}",
        "release_number": 1,
        "release_id": f"component_{number}@1",
        "seller_id": "par_" + "0" * 28,
        "application_field": field,
        "title_en": f"Title {number % 997}",
        "title_zh": "标题",
        "search_text": SEPARATOR.join(sorted(words)),
        "regime": regime,
        "cost_fen": 1,
        "negotiated_fen": 1000,
        "guide_fen": 1000,
        "price_fen": price_fen,
        "price_order_fen": PRICE_LAST_FEN if price_fen is None else price_fen,
        "terms": "{}",
        "shares": "[]",
        "datasheet_hash": "0" * 64,
        "facts": json.dumps({"description": text[:500]}),
        "rows_id": str(number),
        "concepts": "[]",
        "created_at": text_of(at),
        "changed_at": text_of(at),
        **changes,
    }


def fill(market: Market, rows: Sequence[dict[str, Any]]) -> None:
    """Put listings into the catalogue, with their words."""
    words = sorted((word, each["listing_id"]) for each in rows for word in each["search_text"].split(SEPARATOR))
    with market.engine.begin() as connection:
        connection.execute(sa.insert(listings), list(rows))
        _copy(connection, words)
        known = [{"word": word} for word in sorted({word for word, _ in words})]
        connection.execute(sa.insert(search_words), known)


def many(count: int, vocabulary: Sequence[str], words_each: int = 30) -> Iterator[dict[str, Any]]:
    """Listings whose words are as common as words are: the n-th of the vocabulary 1/n as often as the first."""
    draw = random.Random(7)
    weights = list(accumulate(1 / (place + 1) for place in range(len(vocabulary))))
    for number in range(count):
        text = " ".join(draw.choices(vocabulary, cum_weights=weights, k=words_each))
        price_fen = draw.randrange(1000, 10**7)
        yield row(number, text, [f"column_{number % 499}"], price_fen=price_fen)


def _copy(connection: sa.Connection, words: Sequence[tuple[str, str]]) -> None:
    if connection.dialect.name == "postgresql":
        cursor = connection.connection.cursor()
        with cursor.copy("copy listing_words (word, listing_id) from stdin") as copy:  # type: ignore[attr-defined]
            for pair in words:
                copy.write_row(pair)
        return
    connection.exec_driver_sql(f"insert into {listing_words.name} (word, listing_id) values (?, ?)", list(words))
