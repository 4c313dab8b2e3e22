"""What happens to a listing after it is listed: its price changes, it is retired, it is frozen and released.

Nothing of it touches what was sold: entitlements stay as they are, and their holders are told.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.clearance import cleared_datasheet
from market_api.catalogue.indexing import forget_words, index_words
from market_api.catalogue.lint import Candidate, warnings_of
from market_api.catalogue.notices import tell
from market_api.catalogue.prices import allowed_prices, posted_price
from market_api.catalogue.reading import listing_document, own_listing
from market_api.catalogue.revisions import move_on
from market_api.catalogue.tables import listings
from market_api.entitlements.tables import entitlements
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.states import LISTING, advance, locked
from vault.moments import text_of
from vault.releases.datasheet import hash_of

DAY_CHARACTERS = len("2026-01-01")
Check = Callable[[Mapping[str, Any]], None]


def change_price(
    transaction: Transaction, seller_id: str, listing_id: str, price_fen: int, check: Check
) -> Mapping[str, Any]:
    """Post another price, which the signed datasheet allows. check: holds the listing, as it stands now, against the
    version that the seller has seen.

    Raises Problem `not_found`, `wrong_state`, `not_cleared`, `invalid_request`, and what `check` raises.
    """
    row = _own(transaction, seller_id, listing_id)
    check(listing_document(row, is_own=True))
    if row.state != "listed":
        raise Problem("wrong_state", f"The listing is {row.state}, so its price stays.", state=row.state)
    document = cleared_datasheet(transaction.market.settings, row.release_id, transaction.at, row.datasheet_hash)
    posted_fen = posted_price(allowed_prices(document), price_fen)
    concepts = frozenset(json.loads(row.concepts))
    candidate = Candidate(row.component, seller_id, row.rows_id, concepts, posted_fen, is_posted=True)
    warnings = warnings_of(transaction.connection, candidate)
    transaction.connection.execute(
        sa.update(listings)
        .where(listings.c.listing_id == listing_id)
        .values(price_fen=posted_fen, price_order_fen=posted_fen, changed_at=text_of(transaction.at))
    )
    transaction.log("listing.price", listing_id, {"from_fen": row.price_fen, "to_fen": posted_fen})
    move_on(transaction.connection)
    return {**listing_document(_now(transaction, listing_id), is_own=True), "warnings": warnings}


def retire(transaction: Transaction, seller_id: str, listing_id: str, reason: str, last_day: date) -> Mapping[str, Any]:
    """Take a listing off sale for good. last_day: until which holders are delivered, not before what was sold ends.

    Raises Problem `not_found`, `wrong_state`, and `invalid_request` for a day that is too early.
    """
    row = _own(transaction, seller_id, listing_id)
    _require_late_enough(transaction, row, last_day)
    told = {"reason_hash": hash_of(reason), "last_day": last_day.isoformat()}
    advance(transaction, LISTING, listings, row, "retire", told, reason=reason, last_day=last_day.isoformat())
    _forget(transaction, row)
    notice = {"release": row.release_id, "reason": reason, "last_day": last_day.isoformat()}
    tell(transaction, "retirement", row.component, listing_id, notice, holders=True)
    return listing_document(_now(transaction, listing_id), is_own=True)


def freeze(transaction: Transaction, listing_id: str, reason: str) -> Mapping[str, Any]:
    """The regulator stops trade and delivery of a listing. Raises Problem `not_found` and `wrong_state`."""
    row = locked(transaction, LISTING, listings, listing_id)
    advance(transaction, LISTING, listings, row, "freeze", {"reason_hash": hash_of(reason)}, reason=reason)
    _forget(transaction, row)
    notice = {"release": row.release_id, "reason": reason}
    tell(transaction, "freeze", row.component, listing_id, notice, [row.seller_id], holders=True)
    return listing_document(_now(transaction, listing_id))


def release(transaction: Transaction, listing_id: str, reason: str) -> Mapping[str, Any]:
    """The regulator lets a frozen listing go on: as listed, or as superseded where a later release is there.

    Raises Problem `not_found` and `wrong_state`.
    """
    row = locked(transaction, LISTING, listings, listing_id)
    event = "release_superseded" if _has_later(transaction, row) else "release"
    state = advance(transaction, LISTING, listings, row, event, {"reason_hash": hash_of(reason)}, reason=reason)
    if state == "listed":
        index_words(transaction.connection, listing_id, row.search_text)
    move_on(transaction.connection)
    notice = {"release": row.release_id, "reason": reason}
    tell(transaction, "release", row.component, listing_id, notice, [row.seller_id], holders=True)
    return listing_document(_now(transaction, listing_id))


def _own(transaction: Transaction, seller_id: str, listing_id: str) -> sa.Row[Any]:
    own_listing(transaction.connection, listing_id, seller_id)
    return locked(transaction, LISTING, listings, listing_id)


def _now(transaction: Transaction, listing_id: str) -> sa.Row[Any]:
    return transaction.connection.execute(sa.select(listings).where(listings.c.listing_id == listing_id)).one()


def _forget(transaction: Transaction, row: sa.Row[Any]) -> None:
    if row.state == "listed":
        forget_words(transaction.connection, row.listing_id, row.search_text)
    move_on(transaction.connection)


def _has_later(transaction: Transaction, row: sa.Row[Any]) -> bool:
    own = listings.c
    later = sa.select(own.listing_id).where(own.component == row.component, own.release_number > row.release_number)
    return transaction.connection.execute(later.limit(1)).first() is not None


def _require_late_enough(transaction: Transaction, row: sa.Row[Any], last_day: date) -> None:
    """What was sold is delivered to its end, so a last day before that would not be true."""
    own, now = entitlements.c, text_of(transaction.at)
    is_sold = (own.component == row.component, own.listing_id == row.listing_id)
    is_held = (own.state.in_(["active", "suspended"]), own.valid_until > now)
    ends = transaction.connection.execute(
        sa.select(sa.func.max(own.valid_until)).where(*is_sold, *is_held)
    ).scalar_one()
    earliest = (ends or now)[:DAY_CHARACTERS]
    if last_day.isoformat() < earliest:
        words = "Licences that were sold hold until" if ends else "It cannot lie in the past; today is"
        raise Problem("invalid_request", f"{words} {earliest}; the last day is not before that.", "last_day")
