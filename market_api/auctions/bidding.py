"""Bidding in an English auction: a limit up to which the house bids, and one sealed limit in the last call.

The standing after the last bid stands in the auction's row, so that a bid costs the same however many came before; the
close replays them all and must come to the same.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.auctions.entering import entered
from market_api.auctions.outcome import Stage, commitment_of
from market_api.auctions.rules import Rules
from market_api.auctions.stages import locked_auction, moment_of, require_stage, rules_of
from market_api.auctions.tables import auctions, bids
from market_api.fields import FEN_MAX
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.states import AUCTION, advance
from pricing.auction import SealedBid
from pricing.draw import drawn_order
from pricing.english import ProxyBid, Standing, after_bid, after_last_call, least_bid
from vault.moments import text_of

NONCE_BYTES = 16


def bid(transaction: Transaction, participant_id: str, auction_id: str, limit_fen: int) -> Mapping[str, Any]:
    """Bid up to a limit, which binds until another exceeds it. The first bid sets the deposit aside.

    Raises Problem `not_found`, `wrong_state` outside the bidding, `not_permitted`, `funds_missing`, and `bid_refused`
    for an amount that breaks a rule.
    """
    auction = locked_auction(transaction, auction_id)
    rules = rules_of(auction)
    if rules.is_sealed:
        raise Problem("wrong_state", "The bids of this auction are sealed: send a commitment, and reveal it later.")
    require_stage(transaction, auction, ("open", "last_call"))
    check_amount(rules, limit_fen)
    bidder = entered(transaction, rules, participant_id)
    take = _take_limit if auction.state == "open" else _take_last_call
    return take(transaction, auction, rules, bidder, limit_fen)


def check_amount(rules: Rules, amount_fen: int) -> None:
    """Raises Problem `bid_refused` for an amount that no bid in this lot may have."""
    if amount_fen > FEN_MAX or amount_fen < rules.reserve_fen:
        raise _refused(f"A bid is {rules.reserve_fen} fen, the reserve, or more, and at most {FEN_MAX} fen.")
    if amount_fen % rules.increment_fen:
        raise _refused(f"A bid is a multiple of {rules.increment_fen} fen.")


def standing_of(auction: sa.Row[Any]) -> Standing:
    """The standing that the row of an English auction keeps, without the names of its bidders."""
    leader = None
    if auction.leader_bid_id is not None:
        leader = SealedBid(auction.leader_bid_id, auction.leader, auction.leader_limit_fen)
    return Standing(
        datetime.fromisoformat(auction.stage_until),
        leader,
        auction.second_fen,
        auction.price_fen or 0,
        auction.extensions,
        auction.last_call_due,
    )


def write_bid(
    transaction: Transaction,
    auction: sa.Row[Any],
    values: Mapping[str, Any],
    at: datetime,
    **changes: Any,
) -> None:
    """Add a bid to the record and note it in the auction's row. values: its columns but number and time."""
    number = auction.bids + 1
    row = {"amount_fen": None, "nonce": None, **values, "number": number, "made_at": text_of(at)}
    transaction.connection.execute(sa.insert(bids), {"auction_id": auction.auction_id, **row})
    told = {name: values[name] for name in ("bid_id", "bidder", "stage", "commitment")}
    advance(transaction, AUCTION, auctions, auction, "bid", told, bids=number, last_bid_at=text_of(at), **changes)


def _take_limit(
    transaction: Transaction, auction: sa.Row[Any], rules: Rules, bidder: str, limit_fen: int
) -> Mapping[str, Any]:
    at, before = moment_of(transaction, auction), standing_of(auction)
    new = ProxyBid(transaction.new_identifier("bid"), bidder, limit_fen, at)
    after = after_bid(before, rules.english, new)
    if after.refusals:
        raise _too_low(before, rules, bidder)
    leader = after.leader
    assert leader is not None  # a bid was taken
    changes = {
        "stage_until": text_of(after.closes_at),
        "leader_bid_id": leader.bid_id,
        "leader": leader.bidder_id,
        "leader_limit_fen": leader.amount_fen,
        "second_fen": after.second_fen,
        "price_fen": after.price_fen,
        "extensions": after.extensions,
        "last_call_due": after.last_call_due,
    }
    write_bid(transaction, auction, _values(transaction, rules, new.bid_id, bidder, limit_fen, "limit"), at, **changes)
    return {
        "bid_id": new.bid_id,
        "auction_id": rules.auction_id,
        "bidder": bidder,
        "limit_fen": limit_fen,
        "is_leading": leader.bidder_id == bidder,
        "price_fen": after.price_fen,
        "stage_until": changes["stage_until"],
    }


def _take_last_call(
    transaction: Transaction, auction: sa.Row[Any], rules: Rules, bidder: str, limit_fen: int
) -> Mapping[str, Any]:
    """One sealed limit of each bidder; nobody learns of it before the close."""
    own, connection = bids.c, transaction.connection
    made = sa.select(own.bid_id, own.stage).where(own.auction_id == rules.auction_id, own.bidder == bidder)
    stages = {row.stage for row in connection.execute(made)}
    if not stages:
        raise _refused("The last call is for those who bid before it.")
    if "last_call" in stages:
        raise _refused("Your bid in the last call stands: each bidder has one.")
    before = standing_of(auction)
    alone = Standing(**{**before.__dict__, "bidders": frozenset([bidder])})
    bid_id = transaction.new_identifier("bid")
    any_order = drawn_order(bid_id.encode())  # of one bid alone nothing is drawn
    if after_last_call(alone, rules.english, [SealedBid(bid_id, bidder, limit_fen)], any_order).refusals:
        raise _too_low(before, rules, bidder)
    at = moment_of(transaction, auction)
    write_bid(transaction, auction, _values(transaction, rules, bid_id, bidder, limit_fen, "last_call"), at)
    return {
        "bid_id": bid_id,
        "auction_id": rules.auction_id,
        "bidder": bidder,
        "limit_fen": limit_fen,
        "stage_until": auction.stage_until,
    }


def _values(
    transaction: Transaction, rules: Rules, bid_id: str, bidder: str, amount_fen: int, stage: Stage
) -> dict[str, Any]:
    """The columns of a bid whose amount the market knows. The nonce keeps the amount out of the black box."""
    nonce = transaction.market.random_bytes(NONCE_BYTES).hex()
    return {
        "bid_id": bid_id,
        "bidder": bidder,
        "stage": stage,
        "commitment": commitment_of(rules.auction_id, bidder, amount_fen, nonce),
        "amount_fen": amount_fen,
        "nonce": nonce,
    }


def _too_low(standing: Standing, rules: Rules, bidder: str) -> Problem:
    least_fen = least_bid(standing, rules.english)
    if standing.leader is not None and standing.leader.bidder_id == bidder:
        least_fen = standing.leader.amount_fen + rules.increment_fen
    return Problem(
        "bid_refused", f"The least that you can bid now is {least_fen} fen.", "limit_fen", least_fen=least_fen
    )


def _refused(cause: str) -> Problem:
    return Problem("bid_refused", cause)
