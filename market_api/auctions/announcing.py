"""Announcing an auction: all its rules are fixed and published here, before anybody can bid.

Only what is truly limited, or has no price history, is auctioned, and only in the market's own regime: a guided price
is posted or negotiated. The reserve is P² of the listing. Notice: Auction Law, art. 45. Source: models §6.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from market_api.auctions.rules import Format, Rules
from market_api.auctions.seeds import seed_of
from market_api.auctions.stages import LIVE, locked_auction, require_stage
from market_api.auctions.tables import auctions
from market_api.entitlements.granting import require_not_exclusive
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.states import AUCTION, advance, begin
from market_api.trading.orders import locked_listing
from market_api.trading.terms import Terms, require_within, terms_hash
from pricing.draw import seed_commitment
from pricing.settlement import deposit
from vault.moments import text_of

AHEAD_MAX = timedelta(days=365)
OPEN_MAX = timedelta(days=60)
REVEALS_MAX = timedelta(days=14)
LICENCES_MAX = 10_000


@dataclass(frozen=True)
class Lot:
    """What a seller puts up. licences: 1 where None, without limit in an RSOP; reveals_until: of sealed bids."""

    listing_id: str
    format: Format
    terms: Terms
    increment_fen: int
    opens_at: datetime
    closes_at: datetime
    reveals_until: datetime | None = None
    licences: int | None = None


def announce(transaction: Transaction, seller_id: str, lot: Lot) -> str:
    """Announce an auction of one's own listing; gives its name.

    Raises Problem `not_found`, `not_permitted` for another's listing, `wrong_state` where the listing is not traded or
    not auctioned, another auction of it is under way, or another holds it exclusively, `not_cleared`, and
    `invalid_request`, which names the rule that does not fit.
    """
    listing = locked_listing(transaction, lot.listing_id)
    if listing.seller_id != seller_id:
        raise Problem("not_permitted", "Only the seller of a listing puts it up for auction.")
    if listing.regime != "market" or listing.guide_fen < 1:
        raise Problem("wrong_state", f"The price of this listing is {listing.regime}: it is not auctioned.")
    require_within(lot.terms, Terms.read(json.loads(listing.terms)), exclusive_allowed=True)
    require_not_exclusive(transaction, listing.component, seller_id, lot.terms)
    _require_alone(transaction.connection, lot.listing_id)
    rules = _rules(transaction, listing, lot)
    _check_times(rules, transaction.market.settings.notice_days)
    _check_increment(rules)
    values = {
        "auction_id": rules.auction_id,
        "listing_id": lot.listing_id,
        "seller_id": seller_id,
        "rules": json.dumps(rules.document()),
        "rules_hash": rules.hash,
        "stage_until": text_of(rules.opens_at),
        "bids": 0,
        "extensions": 0,
        "last_call_due": False,
    }
    begin(transaction, AUCTION, auctions, values, {"rules_hash": rules.hash, "rules": rules.document()})
    return rules.auction_id


def withdraw(transaction: Transaction, seller_id: str, auction_id: str) -> None:
    """Take an auction back before it opens; from then on it binds. Raises Problem `not_found` and `wrong_state`."""
    own = auctions.c
    query = sa.select(own.auction_id).where(own.auction_id == auction_id, own.seller_id == seller_id)
    if transaction.connection.execute(query).first() is None:
        raise Problem("not_found", f"There is no auction '{auction_id}' of yours.")
    auction = locked_auction(transaction, auction_id)
    require_stage(transaction, auction, ("announced",))
    cause = "The seller took it back before it opened."
    advance(transaction, AUCTION, auctions, auction, "cancel", {"cause": "withdrawn"}, cause=cause)


def _rules(transaction: Transaction, listing: sa.Row[Any], lot: Lot) -> Rules:
    auction_id = transaction.new_identifier("auc")
    return Rules(
        auction_id=auction_id,
        listing_id=listing.listing_id,
        release_id=listing.release_id,
        datasheet_hash=listing.datasheet_hash,
        seller_id=listing.seller_id,
        format=lot.format,
        licences=_licences(lot),
        reserve_fen=listing.guide_fen,
        increment_fen=lot.increment_fen,
        deposit_fen=deposit(listing.guide_fen),
        announced_at=transaction.at,
        opens_at=lot.opens_at,
        closes_at=lot.closes_at,
        reveals_until=lot.reveals_until,
        terms=lot.terms,
        terms_hash=terms_hash(lot.terms, listing.release_id, listing.datasheet_hash, listing.seller_id),
        seed_commitment=seed_commitment(seed_of(transaction.market.keys, auction_id)),
    )


def _licences(lot: Lot) -> int | None:
    if lot.format == "rsop":
        if lot.licences is not None or lot.terms.exclusive_days:
            raise Problem("invalid_request", "A random sampling auction sells without limit.", "licences")
        return None
    licences = 1 if lot.licences is None else lot.licences
    is_single = lot.format in ("english", "sealed_second") or lot.terms.exclusive_days > 0
    if not 1 <= licences <= (1 if is_single else LICENCES_MAX):
        limit = "one licence" if is_single else f"1 to {LICENCES_MAX} licences"
        raise Problem("invalid_request", f"A lot of this kind is {limit}.", "licences")
    return licences


def _check_times(rules: Rules, notice_days: int) -> None:
    notice = rules.announced_at + timedelta(days=notice_days)
    if not notice <= rules.opens_at <= rules.announced_at + AHEAD_MAX:
        raise _invalid(
            "opens_at", f"It opens {notice_days} days after it is announced or later, and within {AHEAD_MAX.days}."
        )
    if not rules.opens_at < rules.closes_at <= rules.opens_at + OPEN_MAX:
        raise _invalid("closes_at", f"It closes after it opens and within {OPEN_MAX.days} days.")
    if not rules.is_sealed and rules.reveals_until is not None:
        raise _invalid("reveals_until", "An English auction has no reveals.")
    if rules.is_sealed and (
        rules.reveals_until is None or not rules.closes_at < rules.reveals_until <= rules.closes_at + REVEALS_MAX
    ):
        raise _invalid("reveals_until", f"Reveals end after the bidding and within {REVEALS_MAX.days} days of it.")


def _check_increment(rules: Rules) -> None:
    if not 1 <= rules.increment_fen <= rules.reserve_fen:
        raise _invalid("increment_fen", f"A step is 1 fen or more and at most the reserve, {rules.reserve_fen} fen.")


def _require_alone(connection: sa.Connection, listing_id: str) -> None:
    """Asked with the listing locked."""
    own = auctions.c
    query = sa.select(own.auction_id).where(own.listing_id == listing_id, own.state.in_(LIVE))
    found = connection.execute(query).scalar()
    if found is not None:
        raise Problem("wrong_state", f"The auction {found} of this listing is under way.")


def _invalid(field: str, reason: str) -> Problem:
    return Problem("invalid_request", reason, field)
