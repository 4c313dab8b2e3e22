"""Who may bid: not the seller, nobody who earns a share of the sale, nobody of the same owner as these, and of bidders
of one owner only the first. Source: models §6.
"""

import json
from typing import Any

import sqlalchemy as sa

from market_api.auctions.deposits import take_deposit
from market_api.auctions.rules import Rules
from market_api.auctions.seeds import pseudonym_of
from market_api.auctions.tables import bidders
from market_api.catalogue.tables import listings
from market_api.identity.tables import participants
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.trading.parties import require_admitted
from vault.moments import text_of


def entered(transaction: Transaction, rules: Rules, participant_id: str) -> str:
    """The pseudonym of a bidder; at its first bid it is admitted and its deposit set aside. With the auction locked.

    Raises Problem `wrong_state` while the listing is frozen or its seller may not trade, `not_permitted` where it may
    not bid, `funds_missing`.
    """
    listing = _listing(transaction.connection, rules)
    own, connection = bidders.c, transaction.connection
    mine = sa.select(own.pseudonym).where(own.auction_id == rules.auction_id, own.participant_id == participant_id)
    known: str | None = connection.execute(mine).scalar()
    return known or _enter(transaction, rules, listing, participant_id)


def _enter(transaction: Transaction, rules: Rules, listing: sa.Row[Any], participant_id: str) -> str:
    owner = _require_outside(transaction.connection, listing, participant_id)
    own, connection = bidders.c, transaction.connection
    same = sa.select(own.pseudonym).where(own.auction_id == rules.auction_id, own.owner == owner)
    if connection.execute(same).first() is not None:
        raise Problem("not_permitted", "A participant of the same owner bids already: an owner bids once.")
    values = {
        "auction_id": rules.auction_id,
        "participant_id": participant_id,
        "owner": owner,
        "pseudonym": pseudonym_of(transaction.market.keys, rules.auction_id, participant_id),
        "hold_id": take_deposit(transaction, rules.auction_id, participant_id, rules.deposit_fen),
        "deposit_fen": rules.deposit_fen,
        "entered_at": text_of(transaction.at),
    }
    connection.execute(sa.insert(bidders).values(**values))
    transaction.log("auction.enter", rules.auction_id, {"bidder": values["pseudonym"]})
    return str(values["pseudonym"])


def _listing(connection: sa.Connection, rules: Rules) -> sa.Row[Any]:
    own = listings.c
    query = sa.select(own.state, own.seller_id, own.shares).where(own.listing_id == rules.listing_id)
    listing = connection.execute(query).one()
    if listing.state == "frozen":
        raise Problem("wrong_state", "The listing is frozen and takes no bids.", state=listing.state)
    require_admitted(connection, [listing.seller_id])
    return listing


def _require_outside(connection: sa.Connection, listing: sa.Row[Any], participant_id: str) -> str:
    """The owner of a bidder that has no part in the sale. Raises Problem `not_permitted` for one that has."""
    inside = {listing.seller_id, *(receiver for receiver, _ in json.loads(listing.shares))}
    own = participants.c
    query = sa.select(own.participant_id, own.beneficial_owner).where(own.participant_id.in_([participant_id, *inside]))
    owners: dict[str, str | None] = {row.participant_id: row.beneficial_owner for row in connection.execute(query)}
    owner = owners.get(participant_id)
    if participant_id in inside or (owner is not None and owner in {owners.get(name) for name in inside}):
        raise Problem("not_permitted", "Who earns a share of the sale, or belongs to one who does, may not bid.")
    return owner or participant_id
