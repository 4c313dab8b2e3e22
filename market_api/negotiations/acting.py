"""What the parties of a negotiation do. The pure rules of `pricing.negotiation` decide; the state machine moves.

An agreement places its order in the same transaction, for the buyer to pay. The security review and the quality gate
are asked again at each offer and agreement, and at the payment. Source: models §6.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.entitlements.granting import require_not_exclusive
from market_api.market import Market, Transaction
from market_api.negotiations.rebuilding import band_of, listing_of, offers_of, rebuilt, unknown
from market_api.negotiations.tables import negotiations, offers
from market_api.negotiations.waivers import used_waiver
from market_api.one_by_one import one_by_one
from market_api.problems import Problem
from market_api.states import NEGOTIATION, advance, begin, locked
from market_api.trading.orders import Agreement, locked_listing, place
from market_api.trading.parties import require_admitted
from market_api.trading.terms import Terms, require_within, terms_hash
from pricing.clearance import Clearance
from pricing.negotiation import TIME_TO_LIVE, Negotiation, Offer, Party, accepted, as_of, offered, rejected, withdrawn
from vault.moments import text_of

CLEARED = Clearance(safe=True, gate_open=True)
"""What `locked_listing` has found when it returns: it raises where S(X) or the gate do not stand."""


def open_negotiation(transaction: Transaction, buyer_id: str, listing_id: str, asked: Terms) -> str:
    """Open a negotiation about a listing under terms, which may ask for an exclusive window; gives its name.

    Raises Problem `not_permitted` for one's own listing, `invalid_request` for wider terms than offered, `wrong_state`
    where one is open already, the listing is not negotiated or another holds it exclusively, and `not_cleared`.
    """
    listing = locked_listing(transaction, listing_id)
    if buyer_id == listing.seller_id:
        raise Problem("not_permitted", "Nobody negotiates with itself.")
    require_admitted(transaction.connection, [listing.seller_id])
    require_within(asked, Terms.read(json.loads(listing.terms)), exclusive_allowed=True)
    require_not_exclusive(transaction, listing.component, buyer_id, asked)
    band_of(listing)
    _require_no_other(transaction, buyer_id, listing_id)
    values = {
        "negotiation_id": transaction.new_identifier("neg"),
        **{name: getattr(listing, name) for name in COPIED},
        "buyer_id": buyer_id,
        "terms": json.dumps(asked.document()),
        "terms_hash": terms_hash(asked, listing.release_id, listing.datasheet_hash, listing.seller_id),
        "expires_at": text_of(transaction.at + TIME_TO_LIVE),
    }
    told = {name: values[name] for name in ("listing_id", "release_id", "buyer_id", "seller_id", "terms_hash")}
    begin(transaction, NEGOTIATION, negotiations, values, told)
    return str(values["negotiation_id"])


COPIED = (
    "listing_id",
    "release_id",
    "datasheet_hash",
    "seller_id",
    "cost_fen",
    "negotiated_fen",
    "ceiling_fen",
)


def offer(
    transaction: Transaction,
    participant_id: str,
    negotiation_id: str,
    price_fen: int,
    agreed_terms_hash: str,
    waiver_id: str | None = None,
) -> None:
    """Make an offer in one's turn. One that meets or crosses the other's closes at the other's, the earlier, price.

    Raises Problem `not_found`, `wrong_state`, `not_cleared`, and `offer_refused`, which names the rule that it breaks.
    """
    listing, row, party = _with_listing(transaction, participant_id, negotiation_id)
    made = offers_of(transaction.connection, negotiation_id)
    before = rebuilt(row, made)
    used = used_waiver(transaction, negotiation_id, waiver_id, price_fen, before.band)
    now = _not_before(transaction, before)
    after = _decided(lambda: offered(before, Offer(party, price_fen, agreed_terms_hash, now, used), CLEARED))
    transaction.connection.execute(
        sa.insert(offers).values(
            negotiation_id=negotiation_id,
            number=len(made) + 1,
            party=party,
            price_fen=price_fen,
            terms_hash=agreed_terms_hash,
            waiver_id=used,
            made_at=text_of(now),
        )
    )
    told = {"number": len(made) + 1, "party": party, "price_fen": price_fen, "waiver_id": used}
    expires_at = text_of(after.expires_at)
    advance(transaction, NEGOTIATION, negotiations, row, "offer", told, expires_at=expires_at)
    if after.agreed_fen is not None:
        _agree(transaction, listing, row, after.agreed_fen)


def accept(
    transaction: Transaction, participant_id: str, negotiation_id: str, price_fen: int, agreed_terms_hash: str
) -> None:
    """Take the other's standing price. price_fen, agreed_terms_hash: what is accepted, as the party saw it.

    Raises Problem `not_found`, `wrong_state`, `not_cleared`, `price_changed` where another price stands, and
    `offer_refused` where none does or the terms are others.
    """
    listing, row, party = _with_listing(transaction, participant_id, negotiation_id)
    before = rebuilt(row, offers_of(transaction.connection, negotiation_id))
    after = _decided(lambda: accepted(before, party, _not_before(transaction, before), CLEARED))
    if agreed_terms_hash != row.terms_hash:
        raise Problem("offer_refused", "The negotiation is about other terms than these.", "terms_hash")
    if after.agreed_fen is None or after.agreed_fen != price_fen:
        raise Problem("price_changed", f"The price that stands is {after.agreed_fen} fen.", "price_fen")
    _agree(transaction, listing, row, after.agreed_fen)


def reject(transaction: Transaction, participant_id: str, negotiation_id: str) -> None:
    """End it by refusing the other's offer. Raises Problem `not_found`, `wrong_state` and `offer_refused`."""
    row, party = _own(transaction, participant_id, negotiation_id)
    before = rebuilt(row, offers_of(transaction.connection, negotiation_id))
    _decided(lambda: rejected(before, party, _not_before(transaction, before)))
    advance(transaction, NEGOTIATION, negotiations, row, "reject", {"party": party})


def withdraw(transaction: Transaction, participant_id: str, negotiation_id: str) -> None:
    """Leave before an agreement. Raises Problem `not_found` and `wrong_state`."""
    row, party = _own(transaction, participant_id, negotiation_id)
    before = rebuilt(row, offers_of(transaction.connection, negotiation_id))
    _decided(lambda: withdrawn(before, _not_before(transaction, before)))
    advance(transaction, NEGOTIATION, negotiations, row, "withdraw", {"party": party})


def expire_negotiations(market: Market) -> None:
    """End all negotiations in which nothing happened for too long, each in a transaction of its own."""
    own = negotiations.c
    due = sa.select(own.negotiation_id).where(own.state == "open", own.expires_at < text_of(market.clock()))
    names = market.read(lambda connection: connection.execute(due.order_by(own.expires_at)).scalars().all())
    one_by_one(market, "expire_negotiations", names, expire)


def expire(transaction: Transaction, negotiation_id: str) -> None:
    """End a negotiation whose time has passed; nothing where something happened in the last moment."""
    row = locked(transaction, NEGOTIATION, negotiations, negotiation_id)
    if row.state == "open" and _is_expired(transaction, row):
        advance(transaction, NEGOTIATION, negotiations, row, "expire", {})


def _is_expired(transaction: Transaction, row: sa.Row[Any]) -> bool:
    before = rebuilt(row, offers_of(transaction.connection, row.negotiation_id))
    return as_of(before, transaction.at).state == "expired"


def _agree(transaction: Transaction, listing: sa.Row[Any], row: sa.Row[Any], price_fen: int) -> None:
    terms = Terms.read(json.loads(row.terms))
    order = place(transaction, listing, Agreement(row.buyer_id, price_fen, terms, "negotiation", row.negotiation_id))
    told = {"price_fen": price_fen, "order_id": order.order_id, "terms_hash": row.terms_hash}
    advance(
        transaction,
        NEGOTIATION,
        negotiations,
        row,
        "agree",
        told,
        agreed_fen=price_fen,
        order_id=order.order_id,
    )


def _with_listing(
    transaction: Transaction, participant_id: str, negotiation_id: str
) -> tuple[sa.Row[Any], sa.Row[Any], Party]:
    """The listing and the negotiation, locked in this order, and which party the participant is."""
    listing_id = listing_of(transaction.connection, negotiation_id, participant_id)
    listing = locked_listing(transaction, listing_id)
    row, party = _own(transaction, participant_id, negotiation_id)
    require_admitted(transaction.connection, [row.buyer_id, row.seller_id])
    return listing, row, party


def _own(transaction: Transaction, participant_id: str, negotiation_id: str) -> tuple[sa.Row[Any], Party]:
    row = locked(transaction, NEGOTIATION, negotiations, negotiation_id)
    parties: Mapping[str, Party] = {row.buyer_id: "buyer", row.seller_id: "seller"}
    if participant_id not in parties:
        raise unknown(negotiation_id)
    if row.state != "open":
        raise Problem("wrong_state", f"The negotiation is {row.state}; open another one.", state=row.state)
    if _is_expired(transaction, row):
        raise Problem("wrong_state", f"The negotiation expired at {row.expires_at}; open another one.", state="expired")
    return row, parties[participant_id]


def _require_no_other(transaction: Transaction, buyer_id: str, listing_id: str) -> None:
    """Changed terms restart a negotiation, so the one before is left first. Asked with the listing locked."""
    own, now = negotiations.c, text_of(transaction.at)
    live = sa.select(own.negotiation_id).where(
        own.listing_id == listing_id, own.buyer_id == buyer_id, own.state == "open", own.expires_at >= now
    )
    found = transaction.connection.execute(live).scalar()
    if found is not None:
        raise Problem("wrong_state", f"The negotiation {found} is open; withdraw it to negotiate other terms.")


def _not_before(transaction: Transaction, before: Negotiation) -> datetime:
    """When it happens: no earlier than what happened before, also where a clock went back or a lock was waited for."""
    return max(transaction.at, before.last_moment)


def _decided(rule: Callable[[], Negotiation]) -> Negotiation:
    try:
        return rule()
    except ValueError as error:
        raise Problem("offer_refused", f"{error}.") from None
