"""Closing: the record decides who won, the winners get orders, and every deposit but theirs ends.

A lot whose component is not cleared at the close, whose listing is frozen, or which cannot be exclusive any more is
cancelled instead, and all deposits go back: no auction closes without S(X) = 1. A listing that its seller retired
meanwhile does not free him: the bids bind both sides. Source: models §6.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from market_api.auctions.bidding import standing_of
from market_api.auctions.deposits import end_deposits
from market_api.auctions.outcome import RecordedBid, awards_of, bids_hash, outcome_of, standing_before_last_call
from market_api.auctions.recording import bids_of
from market_api.auctions.rules import Rules
from market_api.auctions.seeds import seed_of
from market_api.auctions.stages import LIVE, is_over, listing_of, locked_auction, rules_of
from market_api.auctions.tables import auctions, bidders
from market_api.catalogue.clearance import cleared_datasheet
from market_api.catalogue.tables import listings
from market_api.entitlements.granting import require_not_exclusive
from market_api.market import Market, Transaction
from market_api.one_by_one import one_by_one
from market_api.problems import Problem
from market_api.states import AUCTION, LISTING, advance, locked
from market_api.trading.orders import Agreement, place
from market_api.trading.parties import require_admitted
from pricing.auction import Outcome
from pricing.draw import seed_kept
from pricing.english import Standing
from vault.moments import text_of


def close_auctions(market: Market) -> None:
    """Bring every auction whose stage has ended to its next one, or close it; each in a transaction of its own."""
    own = auctions.c
    due = sa.select(own.auction_id).where(own.state.in_(LIVE), own.stage_until <= text_of(market.clock()))
    names = market.read(lambda connection: connection.execute(due.order_by(own.stage_until)).scalars().all())
    one_by_one(market, "close_auctions", names, move_on)


def move_on(transaction: Transaction, auction_id: str) -> None:
    """Bring an auction to the stage that is due, and close or cancel it where that is the last.

    Raises Problem `not_found`, and ValueError where the record contradicts the standing or the seed, so that a record
    that was changed closes nothing.
    """
    listing = locked(transaction, LISTING, listings, listing_of(transaction.connection, auction_id))
    auction = locked_auction(transaction, auction_id)
    if not is_over(transaction, auction):
        return
    rules = rules_of(auction)
    outcome, found = _outcome(transaction, auction, rules)
    winners = _winners(transaction.connection, auction_id, outcome)
    if (cause := _obstacle(transaction, listing, rules, list(winners.values()))) is not None:
        _cancel(transaction, auction, cause)
        return
    order_ids = _place(transaction, listing, rules, outcome, winners)
    unrevealed = [bid.bidder for bid in found if bid.amount_fen is None]
    end_deposits(transaction, auction, outcome.winners, unrevealed)
    _close(transaction, auction, rules, outcome, order_ids, bids_hash(found))


def _outcome(transaction: Transaction, auction: sa.Row[Any], rules: Rules) -> tuple[Outcome, Sequence[RecordedBid]]:
    seed = seed_of(transaction.market.keys, auction.auction_id)
    if not seed_kept(seed, rules.seed_commitment) or rules.hash != auction.rules_hash:
        raise ValueError(f"{auction.auction_id}: the seed or the rules are not those that were announced")
    found = bids_of(transaction.connection, auction.auction_id)
    if not rules.is_sealed:
        _check_standing(auction, standing_before_last_call(rules, found))
    return outcome_of(rules, found, seed), found


def _check_standing(auction: sa.Row[Any], replayed: Standing) -> None:
    kept, leader = standing_of(auction), replayed.leader
    same = (leader, replayed.second_fen, replayed.price_fen, replayed.extensions, replayed.last_call_due)
    if (kept.leader, kept.second_fen, kept.price_fen, kept.extensions, kept.last_call_due) != same:
        raise ValueError(f"{auction.auction_id}: the bids do not give the standing that was kept of them")


def _winners(connection: sa.Connection, auction_id: str, outcome: Outcome) -> Mapping[str, str]:
    """The participants behind the pseudonyms that won."""
    own = bidders.c
    query = sa.select(own.pseudonym, own.participant_id).where(own.auction_id == auction_id)
    everybody = {row.pseudonym: row.participant_id for row in connection.execute(query)}
    return {pseudonym: everybody[pseudonym] for pseudonym in outcome.winners}


def _obstacle(transaction: Transaction, listing: sa.Row[Any], rules: Rules, winners: Sequence[str]) -> Problem | None:
    """What stands against the close; None where nothing does."""
    try:
        if listing.state == "frozen":
            raise Problem("wrong_state", "The listing is frozen.")
        require_admitted(transaction.connection, [rules.seller_id])
        cleared_datasheet(transaction.market.settings, rules.release_id, transaction.at, rules.datasheet_hash)
        for winner in winners:
            require_not_exclusive(transaction, listing.component, winner, rules.terms)
    except Problem as problem:
        return problem
    return None


def _place(
    transaction: Transaction, listing: sa.Row[Any], rules: Rules, outcome: Outcome, winners: Mapping[str, str]
) -> list[str]:
    return [
        place(
            transaction,
            listing,
            Agreement(winners[award.bidder_id], award.price_fen, rules.terms, "auction", rules.auction_id),
        ).order_id
        for award in outcome.awards
    ]


def _close(
    transaction: Transaction,
    auction: sa.Row[Any],
    rules: Rules,
    outcome: Outcome,
    order_ids: Sequence[str],
    hashed: str,
) -> None:
    seed, awards = seed_of(transaction.market.keys, rules.auction_id).hex(), awards_of(outcome)
    told = {
        "rules_hash": auction.rules_hash,
        "seed": seed,
        "bids": auction.bids,
        "bids_hash": hashed,
        "awards": awards,
        "orders": list(order_ids),
    }
    advance(transaction, AUCTION, auctions, auction, "close", told, seed=seed, awards=json.dumps(awards))


def _cancel(transaction: Transaction, auction: sa.Row[Any], cause: Problem) -> None:
    end_deposits(transaction, auction)
    advance(transaction, AUCTION, auctions, auction, "cancel", {"cause": cause.code}, cause=cause.detail)
