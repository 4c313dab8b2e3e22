"""Finding listings: by the beginnings of words, by filters, in one of four orders, page by page.

Words and filters are looked up in one index of words, which holds what is listed now, and nothing else; of what it
gives, listings whose seller may not trade now are left out. Where one of them is rare, its listings are taken and asked
for the others. Where all are common, a few places of the order are walked, which then fill the page; where they do not,
the words are not often together, and the rarest one's listings are taken after all. So little of a hundred thousand
listings is read, by SQLite and PostgreSQL alike. Whether a listing has a word is asked by a subquery that neither of
them turns into a join of everything.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from market_api.catalogue.offered import of_sellers_in_trade
from market_api.catalogue.tables import PRICE_LAST_FEN, listing_words, listings, search_words
from market_api.catalogue.words import asked_words
from market_api.paging import page_token, read_token
from market_api.problems import Problem

Order = Literal["newest", "updated", "price", "title"]
Place = tuple[Any, str]
"""Of an order: its key, and the listing."""

KEYS: dict[Order, sa.Column[Any]] = {
    "newest": listings.c.listing_id,
    "updated": listings.c.changed_at,
    "price": listings.c.price_order_fen,
    "title": listings.c.title_en,
}
WORDS_ASKED_MAX = 12
BEGINNING_CHARACTERS_MIN = 3
"""Shorter words are looked for whole."""
ALTERNATIVES_MAX = 20
"""Words with one beginning, the first of them by the alphabet."""
RARE = 1000
"""Fewer listings than this are taken at once."""
COUNTED_MAX = 20_000
PROBES_MAX = 2000
"""How often places of the order are asked for a word before it is given up."""
NAMED_MAX = 1000
DESCENDING: frozenset[Order] = frozenset({"newest", "updated"})


@dataclass(frozen=True)
class Search:
    """What is asked for. text: whose words are all in the listing, each by its beginning; filters: words such as
    'field:governance'; max_price_fen: of a posted price; updated_since: a time as texts hold it."""

    text: str = ""
    filters: tuple[str, ...] = ()
    max_price_fen: int | None = None
    updated_since: str | None = None
    order: Order = "newest"


def found_page(connection: sa.Connection, asked: Search, token: str, size: int) -> tuple[Sequence[sa.Row[Any]], str]:
    """The listings of a page, and the token of the next one, '' where this is the last.

    Raises Problem `invalid_request` for a token that is none of this order.
    """
    groups = _groups(connection, asked)
    if not all(groups):
        return [], ""
    identifiers = _identifiers(connection, groups, asked, _after(asked.order, token), size + 1)
    wanted = listings.c.listing_id.in_(identifiers[:size])
    rows = connection.execute(sa.select(listings).where(wanted).order_by(*_in_order(asked.order))).all()
    if len(identifiers) <= size:
        return rows, ""
    last = rows[-1]
    return rows, page_token(json.dumps([asked.order, getattr(last, KEYS[asked.order].name), last.listing_id]))


def _groups(connection: sa.Connection, asked: Search) -> list[list[str]]:
    """For each thing that must be found, the words any of which will do; empty where there is none."""
    words = list(dict.fromkeys(asked_words(asked.text)))[:WORDS_ASKED_MAX]
    if asked.text and not words:
        return [[]]  # nothing but signs: nothing has them
    return [*([word] for word in asked.filters), *(_alternatives(connection, word) for word in words)]


def _alternatives(connection: sa.Connection, word: str) -> list[str]:
    """The word itself and known ones that begin with it."""
    if len(word) < BEGINNING_CHARACTERS_MIN:
        return [word]
    own = search_words.c
    beginning = sa.select(own.word).where(own.word >= word, own.word < word + chr(0x10FFFF))
    return list(connection.execute(beginning.order_by(own.word).limit(ALTERNATIVES_MAX)).scalars())


def _identifiers(
    connection: sa.Connection, groups: Sequence[list[str]], asked: Search, after: Place | None, count: int
) -> Sequence[str]:
    """The first listings after a place that have all things, in order."""
    in_order = _in_order(asked.order)
    conditions = (*_conditions(asked), *of_sellers_in_trade(connection), *_places_after(asked.order, after))
    identifiers = sa.select(listings.c.listing_id).where(*conditions)
    if not groups:
        query = identifiers.where(listings.c.state == "listed").order_by(*in_order)
        return connection.execute(query.limit(count)).scalars().all()
    rarest_first, fewest = _by_rarity(connection, groups, RARE)
    if fewest >= RARE:
        found = _along_the_order(connection, rarest_first, identifiers, in_order, count)
        if len(found) == count:
            return found
        rarest_first, _ = _by_rarity(connection, groups, COUNTED_MAX)
    query = identifiers.where(_among_few(connection, rarest_first)).order_by(*in_order)
    return connection.execute(query.limit(count)).scalars().all()


def _by_rarity(connection: sa.Connection, groups: Sequence[list[str]], most: int) -> tuple[list[list[str]], int]:
    """What must be found, the rarest first, and how many listings have that, as far as they are counted."""
    counted = sorted((_count(connection, group, most), group) for group in groups)
    return [group for _, group in counted], counted[0][0]


def _count(connection: sa.Connection, group: list[str], most: int) -> int:
    some = sa.select(listing_words.c.listing_id).where(listing_words.c.word.in_(group)).limit(most).subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()


def _along_the_order(
    connection: sa.Connection,
    groups: Sequence[list[str]],
    identifiers: sa.Select[tuple[str]],
    in_order: Sequence[sa.ColumnElement[Any]],
    count: int,
) -> Sequence[str]:
    """Those of the next few places of the order that have all things."""
    places = PROBES_MAX // max(len(group) for group in groups)
    some = identifiers.where(listings.c.state == "listed").order_by(*in_order).limit(places).subquery()
    found = sa.select(some.c.listing_id).where(*(_has(group, some.c.listing_id) for group in groups))
    return connection.execute(found.limit(count)).scalars().all()


def _among_few(connection: sa.Connection, groups: Sequence[list[str]]) -> sa.ColumnElement[bool]:
    """Whether a listing is one of those that have all things. Those that have the first are asked for the others; few
    that are left are named one by one, as a database might else go through all listings for them."""
    own = listing_words.alias("own").c
    others = [_has(group, own.listing_id) for group in groups[1:]]
    candidates = sa.select(own.listing_id).where(own.word.in_(groups[0]), *others)
    some = connection.execute(candidates.limit(NAMED_MAX + 1)).scalars().all()
    return listings.c.listing_id.in_(candidates if len(some) > NAMED_MAX else sorted(set(some)))


def _has(group: list[str], identifier: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a listing has one of these words."""
    other = listing_words.alias().c
    return (
        sa.select(sa.literal(1))
        .where(other.word.in_(group), other.listing_id == identifier)
        .limit(1)
        .scalar_subquery()
        .is_not(None)
    )


def _in_order(order: Order) -> tuple[sa.ColumnElement[Any], ...]:
    places = (KEYS[order], *([listings.c.listing_id] if order != "newest" else []))
    return tuple(each.desc() if order in DESCENDING else each.asc() for each in places)


def _conditions(asked: Search) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if asked.max_price_fen is not None:
        conditions.append(listings.c.price_order_fen <= asked.max_price_fen)
    if asked.updated_since is not None:
        conditions.append(listings.c.changed_at >= asked.updated_since)
    return conditions


def _places_after(order: Order, after: Place | None) -> list[sa.ColumnElement[bool]]:
    if after is None:
        return []
    key = KEYS[order]
    place = sa.tuple_(key, listings.c.listing_id)
    end = sa.tuple_(sa.literal(after[0], key.type), sa.literal(after[1], sa.Text()))
    return [place < end if order in DESCENDING else place > end]


def _after(order: Order, token: str) -> Place | None:
    """Where the page begins, None for the first. Raises Problem `invalid_request`."""
    if not token:
        return None
    try:
        named, key, identifier = json.loads(read_token(token))
    except (ValueError, TypeError, RecursionError):
        named, key, identifier = "", None, None
    if named != order or not _is_key(order, key) or not _is_key("title", identifier):
        raise Problem("invalid_request", "It is no token that this list gave in this order.", "pageToken")
    return key, identifier


def _is_key(order: Order, key: Any) -> bool:
    """Whether a database takes it for a value of this order."""
    if order == "price":
        return type(key) is int and 0 <= key <= PRICE_LAST_FEN
    return isinstance(key, str) and "\0" not in key and not any("\ud800" <= sign <= "\udfff" for sign in key)
