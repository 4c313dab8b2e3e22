"""Orders: placed at an agreed price, and settled as delivery versus payment: money and entitlement move in one
transaction, or neither does.

What the receivers earn is pending until the term for disputes has passed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa

from market_api.catalogue.clearance import cleared_datasheet
from market_api.catalogue.tables import listings
from market_api.entitlements.granting import grant, require_not_exclusive
from market_api.ledger.accounts import account_of
from market_api.ledger.holds import hold_and_post
from market_api.ledger.posting import Posting, post
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.states import LISTING, ORDER, advance, draft, locked, write, write_advanced
from market_api.trading.splitting import Line, lines_of
from market_api.trading.tables import orders
from market_api.trading.terms import Terms, terms_hash
from vault.moments import text_of

Origin = Literal["posted", "negotiation", "auction"]
PAY_WITHIN = timedelta(hours=72)
DISPUTE_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class Agreement:
    """What was agreed, and how it came about. origin_id: the listing, negotiation or auction."""

    buyer_id: str
    price_fen: int
    terms: Terms
    origin: Origin
    origin_id: str


def locked_listing(transaction: Transaction, listing_id: str, *, shared: bool = False) -> sa.Row[Any]:
    """A listing that may be traded now, locked. shared: beside other sales that are not exclusive either.

    Raises Problem `not_found`, `wrong_state` and `not_cleared`.
    """
    listing = locked(transaction, LISTING, listings, listing_id, shared=shared)
    if listing.state != "listed":
        raise Problem("wrong_state", f"The listing is {listing.state} and is not traded.", state=listing.state)
    cleared_datasheet(transaction.market.settings, listing.release_id, transaction.at, listing.datasheet_hash)
    return listing


def place(transaction: Transaction, listing: sa.Row[Any], agreed: Agreement) -> sa.Row[Any]:
    """Write an order over a listing that `locked_listing` gave; it is to be paid within PAY_WITHIN.

    Raises Problem `not_permitted` where the buyer is the seller, and `wrong_state` where another holds it exclusively.
    """
    order = _drafted(transaction, listing, agreed)
    write(transaction, orders, order)
    return order


def _drafted(transaction: Transaction, listing: sa.Row[Any], agreed: Agreement) -> sa.Row[Any]:
    if agreed.buyer_id == listing.seller_id:
        raise Problem("not_permitted", "Nobody buys from itself.")
    require_not_exclusive(transaction, listing.component, agreed.buyer_id, agreed.terms)
    hashed = terms_hash(agreed.terms, listing.release_id, listing.datasheet_hash, listing.seller_id)
    values: dict[str, Any] = {
        "order_id": transaction.new_identifier("ord"),
        **{name: getattr(listing, name) for name in COPIED},
        "buyer_id": agreed.buyer_id,
        "origin": agreed.origin,
        "origin_id": agreed.origin_id,
        "price_fen": agreed.price_fen,
        "terms": json.dumps(agreed.terms.document()),
        "terms_hash": hashed,
        "pay_until": text_of(transaction.at + PAY_WITHIN),
    }
    return draft(transaction, ORDER, orders, values, {key: values[key] for key in TOLD})


COPIED = ("listing_id", "release_id", "component", "application_field", "seller_id", "datasheet_hash", "shares")
TOLD = ("listing_id", "release_id", "buyer_id", "seller_id", "origin", "origin_id", "price_fen", "terms_hash")


def settle(transaction: Transaction, order: sa.Row[Any]) -> str:
    """Pay a locked order and grant its entitlement at once; gives the entitlement's name.

    Its listing was locked before it. Raises Problem `wrong_state` where it is not open or its time has passed,
    `not_cleared`, and `funds_missing`.
    """
    if order.state != ORDER.first:
        raise Problem("wrong_state", f"The order is {order.state} and is not to be paid.", state=order.state)
    if order.pay_until < transaction.moment:
        raise Problem("wrong_state", f"The order was to be paid until {order.pay_until}.", state=order.state)
    cleared_datasheet(transaction.market.settings, order.release_id, transaction.at, order.datasheet_hash)
    terms = Terms.read(json.loads(order.terms))
    require_not_exclusive(transaction, order.component, order.buyer_id, terms)
    return _delivered_versus_paid(transaction, order, terms, advance)


def _delivered_versus_paid(
    transaction: Transaction, order: sa.Row[Any], terms: Terms, settled: Callable[..., str]
) -> str:
    """settled: `advance`, or `write_advanced` for an order that was only drafted."""
    lines = lines_of(transaction.connection, order, transaction.at)
    told = [list(line) for line in lines]
    payment_id = transaction.new_identifier("txn") if order.price_fen else None
    entitlement_id = grant(transaction, order, terms)
    settled(
        transaction,
        ORDER,
        orders,
        order,
        "settle",
        {"payment_id": payment_id, "lines": told},
        lines=json.dumps(told),
        payment_id=payment_id,
        settled_at=transaction.moment,
        dispute_until=text_of(transaction.at + DISPUTE_WITHIN),
    )
    if payment_id is not None:  # last, as many others wait for these accounts
        paid = [(account, amount_fen) for account, _, amount_fen in lines]
        hold_and_post(transaction, order.buyer_id, order.order_id, "settlement", paid, payment_id)
    return entitlement_id


def buy(transaction: Transaction, buyer_id: str, listing_id: str, terms: Terms, price_fen: int) -> dict[str, Any]:
    """Order at the posted price and settle at once. price_fen: what the buyer saw; terms: within the listing's.

    Raises Problem `wrong_state` where nothing is posted, `price_changed` where it is another price now, and what
    `place` and `settle` raise.
    """
    listing = locked_listing(transaction, listing_id, shared=terms.exclusive_days == 0)
    if listing.price_fen is None:
        raise Problem("wrong_state", "The listing has no posted price: negotiate, or bid in its auction.")
    if listing.price_fen != price_fen:
        raise Problem(
            "price_changed", f"The price is {listing.price_fen} fen now.", "price_fen", price_fen=listing.price_fen
        )
    order = _drafted(transaction, listing, Agreement(buyer_id, price_fen, terms, "posted", listing_id))
    entitlement_id = _delivered_versus_paid(transaction, order, terms, write_advanced)
    return {"order_id": order.order_id, "entitlement_id": entitlement_id, "price_fen": price_fen}


def pending_lines(lines: Sequence[Line], refunded: Sequence[Line] = ()) -> Mapping[str, int]:
    """What is pending for each owner of an order's lines, in fen. refunded: what of them went back to the buyer."""
    found: dict[str, int] = {}
    for account, _, amount_fen in (*lines, *((account, kind, -amount_fen) for account, kind, amount_fen in refunded)):
        owner = account.removesuffix(":pending")
        found[owner] = found.get(owner, 0) + amount_fen
    return found


def complete(transaction: Transaction, order: sa.Row[Any]) -> None:
    """Once its term for disputes has passed, make what a settled order earned its receivers' own."""
    lines: list[Line] = [tuple(line) for line in json.loads(order.lines or "[]")]
    refunded: list[Line] = [tuple(line) for line in json.loads(order.refund_lines or "[]")]
    moved = [
        Posting(account_of(owner, "pending"), account_of(owner), amount_fen)
        for owner, amount_fen in sorted(pending_lines(lines, refunded).items())
        if amount_fen
    ]
    advance(transaction, ORDER, orders, order, "complete", {})
    if moved:
        post(transaction, "completion", order.order_id, moved)
