"""Listing a release: only from a signed datasheet whose files, rows, review, rights and price all stand up.

Everything of the release is verified before the transaction, as that takes as long as its rows are many; within it the
datasheet is asked once more. A later release of a listed component takes the place of the earlier one, and whoever
holds the component is told what changed. Source: models §4 to §7.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.clearance import Signed, cleared_datasheet, signed_datasheet
from market_api.catalogue.differences import differences_between
from market_api.catalogue.explanation import require_agreement
from market_api.catalogue.facts import listing_facts
from market_api.catalogue.indexing import forget_words, index_words, search_text
from market_api.catalogue.lint import Candidate, concepts_of, rows_id_of, warnings_of
from market_api.catalogue.notices import tell
from market_api.catalogue.offers import (
    Offer,
    Shares,
    agreed_shares,
    require_own,
    require_permitted,
    term_warnings,
)
from market_api.catalogue.prices import AllowedPrices, allowed_prices, posted_price
from market_api.catalogue.reading import listing_document
from market_api.catalogue.revisions import move_on
from market_api.catalogue.tables import PRICE_LAST_FEN, listings
from market_api.catalogue.words import shown, words_of
from market_api.identity.tables import participants
from market_api.market import Market, Transaction
from market_api.problems import Problem
from market_api.rates.tables import rates_on
from market_api.states import LISTING, PARTICIPANT, advance, begin, locked
from market_api.trading.splitting import CALENDAR
from market_api.trading.terms import terms_hash
from vault.releases.datasheet import Document
from vault.releases.verifying import verify

PROBLEMS_TOLD = 5


@dataclass(frozen=True)
class Examined:
    """What came of examining a release: what was signed, or why it may not be listed."""

    signed: Signed | None
    problem: Problem | None


@dataclass(frozen=True)
class _Draft:
    """A listing whose parts were all found good."""

    document: Document
    datasheet_hash: str
    seller_id: str
    offer: Offer
    allowed: AllowedPrices
    price_fen: int | None
    shares: Shares


def examined(market: Market, seller_id: str, release_id: str) -> Examined:
    """Examine a release for its seller: signature, files, rows, hashes, gate. What speaks against it is a value, so
    that a request which comes again gets the answer that it got first. Raises Problem `unavailable`."""
    own = participants.c
    party = sa.select(own.party).where(own.participant_id == seller_id)
    confirmed = market.read(lambda connection: connection.execute(party).scalar_one_or_none())
    try:
        signed = signed_datasheet(market.settings, release_id)
        require_own(signed.document, confirmed)
        _require_whole(market, signed, release_id)
        require_agreement(signed.document)
    except Problem as problem:
        return Examined(None, problem)
    return Examined(signed, None)


def list_release(transaction: Transaction, seller_id: str, offer: Offer, found: Examined) -> Mapping[str, Any]:
    """List an examined release; gives the listing and what the lint has to say.

    Raises Problem `not_permitted`, `not_cleared`, `invalid_request`, `wrong_state` and `no_rate`.
    """
    if found.signed is None:
        raise found.problem or Problem("not_cleared", "The release was not examined.", "release")
    seller = locked(transaction, PARTICIPANT, participants, seller_id)
    if seller.state != "admitted":
        raise Problem("not_permitted", f"Your participant is {seller.state}.")
    document = cleared_datasheet(transaction.market.settings, offer.release, transaction.at, found.signed.hash)
    require_own(document, seller.party)
    earlier = _earlier(transaction, document, seller_id)
    require_permitted(document, offer.terms)
    allowed = allowed_prices(document)
    price_fen = _asked_price(allowed, offer)
    if price_fen != 0:
        rates_on(transaction.at.astimezone(CALENDAR).date(), seller.taxpayer)
    shares = agreed_shares(transaction.connection, document, seller_id, offer)
    draft = _Draft(document, found.signed.hash, seller_id, offer, allowed, price_fen, shares)
    values = _values(transaction, draft)
    warnings = [
        *term_warnings(document, offer.terms, transaction.at),
        *warnings_of(transaction.connection, _candidate(values)),
    ]
    _write(transaction, draft, values, earlier)
    row = locked(transaction, LISTING, listings, values["listing_id"])
    return {**listing_document(row, is_own=True), "warnings": warnings}


def _require_whole(market: Market, signed: Signed, release_id: str) -> None:
    found = verify(signed.folder, market.trusted_keys, expected=release_id)
    if found:
        causes = [each.what for each in found[:PROBLEMS_TOLD]]
        raise Problem(
            "not_cleared", f"{release_id} is not what was signed: {'; '.join(causes)}.", "release", causes=causes
        )


def _earlier(transaction: Transaction, document: Document, seller_id: str) -> sa.Row[Any] | None:
    """The newest listing of the component, locked, which this release may take the place of."""
    own = listings.c
    newest = transaction.connection.execute(
        sa.select(listings)
        .where(own.component == document["component"])
        .order_by(own.release_number.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if newest is None:
        return None
    if newest.release_number >= document["number"]:
        raise Problem(
            "wrong_state",
            f"Release {newest.release_number} of '{document['component']}' was listed before; a later release takes "
            "its place, an earlier or the same one does not.",
            "release",
            state=newest.state,
        )
    if newest.state == "frozen":
        raise Problem(
            "wrong_state",
            f"The listing of release {newest.release_number} is frozen by the regulator; no other is listed meanwhile.",
            "release",
            state=newest.state,
        )
    if newest.state == "listed" and newest.seller_id != seller_id:
        raise Problem(
            "wrong_state",
            "The component is listed by another participant; it has to retire its listing first.",
            "release",
            state=newest.state,
        )
    return newest


def _asked_price(allowed: AllowedPrices, offer: Offer) -> int | None:
    if offer.price == "posted":
        return posted_price(allowed, offer.price_fen)
    if offer.price_fen is not None:
        raise Problem("invalid_request", "A price on request is not posted: leave price_fen out.", "price_fen")
    if allowed.regime == "public_free":
        raise Problem("invalid_request", "Public data that is given free is posted at 0, not on request.", "price")
    return None


def _values(transaction: Transaction, draft: _Draft) -> dict[str, Any]:
    document, allowed, price_fen = draft.document, draft.allowed, draft.price_fen
    contract = document["contract"]
    return {
        "listing_id": transaction.new_identifier("lst"),
        "component": document["component"],
        "release_number": document["number"],
        "release_id": document["release"],
        "seller_id": draft.seller_id,
        "application_field": contract["applicationField"],
        "title_en": shown(contract["title"]["en"]),
        "title_zh": shown(contract["title"]["zh"]),
        "search_text": search_text(words_of(document)),
        "regime": allowed.regime,
        "cost_fen": allowed.cost_fen,
        "negotiated_fen": allowed.negotiated_fen,
        "guide_fen": allowed.guide_fen,
        "ceiling_fen": allowed.ceiling_fen,
        "price_fen": price_fen,
        "price_order_fen": PRICE_LAST_FEN if price_fen is None else price_fen,
        "terms": json.dumps(draft.offer.terms.document()),
        "shares": json.dumps([[receiver, str(share)] for receiver, share in draft.shares]),
        "datasheet_hash": draft.datasheet_hash,
        "facts": json.dumps(listing_facts(document)),
        "rows_id": rows_id_of(document),
        "concepts": json.dumps(concepts_of(document)),
    }


def _candidate(values: Mapping[str, Any]) -> Candidate:
    price_fen = values["price_fen"]
    return Candidate(
        values["component"],
        values["seller_id"],
        values["rows_id"],
        frozenset(json.loads(values["concepts"])),
        values["guide_fen"] if price_fen is None else price_fen,
        price_fen is not None,
    )


def _write(transaction: Transaction, draft: _Draft, values: Mapping[str, Any], earlier: sa.Row[Any] | None) -> None:
    """The new listing in the place of the earlier one, found by its words, and told to whom it concerns."""
    connection, listing_id, component = transaction.connection, values["listing_id"], values["component"]
    changes = None if earlier is None else _changes(transaction, earlier, draft)
    if earlier is not None and earlier.state == "listed":
        advance(transaction, LISTING, listings, earlier, "supersede", {"by": values["release_id"]})
        forget_words(connection, earlier.listing_id, earlier.search_text)
    told = {
        "release": values["release_id"],
        "datasheet_hash": draft.datasheet_hash,
        "seller_id": draft.seller_id,
        "price_fen": draft.price_fen,
        "terms_hash": terms_hash(draft.offer.terms, values["release_id"], draft.datasheet_hash, draft.seller_id),
        "shares": json.loads(values["shares"]),
    }
    try:
        begin(transaction, LISTING, listings, {**values, "changes": changes and json.dumps(changes)}, told)
    except sa.exc.IntegrityError:
        raise Problem(
            "wrong_state", "The component or this release was listed by another at this moment.", "release"
        ) from None
    index_words(connection, listing_id, values["search_text"])
    move_on(connection)
    if changes is not None:
        tell(transaction, "change", component, listing_id, changes, holders=True)
    for receiver, share in draft.shares:
        if receiver != draft.seller_id:  # who shares learns it, so that it can object
            tell(transaction, "share", component, listing_id, {"share": str(share), "of": draft.seller_id}, [receiver])


def _changes(transaction: Transaction, earlier: sa.Row[Any], draft: _Draft) -> dict[str, Any]:
    """The change notice; where the earlier datasheet is not there any more, that is what it says."""
    try:
        before = signed_datasheet(transaction.market.settings, earlier.release_id)
    except Problem as problem:
        return {
            "component": draft.document["component"],
            "from_release": earlier.release_id,
            "to_release": draft.document["release"],
            "unknown": problem.detail,
        }
    return differences_between(before.document, draft.document, earlier.price_fen, draft.price_fen)
