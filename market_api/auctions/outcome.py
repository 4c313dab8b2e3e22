"""From the record of an auction to its outcome: rules, bids and the seed decide, and nothing else.

Source: models §6.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from market_api.auctions.rules import Rules
from pricing.auction import Outcome, SealedBid, first_price, second_price, uniform_price
from pricing.draw import Order, drawn_order, drawn_side
from pricing.english import ProxyBid, Standing, after_last_call, english_outcome, english_standing
from pricing.sampling_auction import random_sampling
from vault.moments import text_of
from vault.signing import canonical

Stage = Literal["limit", "sealed", "last_call"]


@dataclass(frozen=True)
class RecordedBid:
    """A bid as the record has it. bidder: a pseudonym; amount_fen and nonce: None where it was never revealed."""

    bid_id: str
    number: int
    bidder: str
    stage: Stage
    commitment: str
    made_at: datetime
    amount_fen: int | None
    nonce: str | None

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return {**self.__dict__, "made_at": text_of(self.made_at)}


def commitment_of(auction_id: str, bidder: str, amount_fen: int, nonce: str) -> str:
    """SHA-256 of 'lot|bidder|amount|nonce', as hex. bidder: its pseudonym in this lot, so that nobody can copy a bid,
    and everybody can check the record; amount in fen, decimal; nonce: 32 hex digits or more."""
    return hashlib.sha256(f"{auction_id}|{bidder}|{amount_fen}|{nonce}".encode()).hexdigest()


def is_kept(auction_id: str, bid: RecordedBid) -> bool:
    """Whether amount and nonce are those that the bid is committed to; so is a bid that was never revealed."""
    if bid.amount_fen is None or bid.nonce is None:
        return bid.amount_fen is None and bid.nonce is None
    return commitment_of(auction_id, bid.bidder, bid.amount_fen, bid.nonce) == bid.commitment


def outcome_of(rules: Rules, bids: Sequence[RecordedBid], seed: bytes) -> Outcome:
    """Who wins and what each pays. bids: in the order of their numbers.

    Raises ValueError for a bid that is not what it was committed to, and as the functions of `pricing` do.
    """
    if changed := [bid.bid_id for bid in bids if not is_kept(rules.auction_id, bid)]:
        raise ValueError(f"the bid {changed[0]} is not what it was committed to")
    order = drawn_order(seed)
    if rules.format == "english":
        return english_outcome(_standing_at_close(rules, bids, order))
    sealed = _sealed(bids, "sealed")
    if rules.format == "rsop":
        return random_sampling(sealed, rules.reserve_fen, drawn_side(seed), order)
    if rules.format == "sealed_first":
        return first_price(sealed, rules.reserve_fen, order, rules.licences or 1)
    if rules.format == "sealed_uniform":
        return uniform_price(sealed, rules.reserve_fen, order, rules.licences or 1)
    return second_price(sealed, rules.reserve_fen, order)


def standing_before_last_call(rules: Rules, bids: Sequence[RecordedBid]) -> Standing:
    """The standing of an English auction after all its open bids."""
    limits = [
        ProxyBid(bid.bid_id, bid.bidder, bid.amount_fen, bid.made_at)
        for bid in bids
        if bid.stage == "limit" and bid.amount_fen is not None
    ]
    return english_standing(rules.english, limits)


def _standing_at_close(rules: Rules, bids: Sequence[RecordedBid], order: Order) -> Standing:
    standing = standing_before_last_call(rules, bids)
    if not standing.last_call_due:
        return standing
    return after_last_call(standing, rules.english, _sealed(bids, "last_call"), order)


def awards_of(outcome: Outcome) -> list[dict[str, Any]]:
    """The awards as plain values, in the order of their rank."""
    return [
        {"bid_id": award.bid_id, "bidder": award.bidder_id, "price_fen": award.price_fen} for award in outcome.awards
    ]


def bids_hash(bids: Sequence[RecordedBid]) -> str:
    """The hash of all bids as they stand at the close: SHA-256 over canonical JSON (RFC 8785)."""
    return hashlib.sha256(canonical({"bids": [bid.document() for bid in bids]})).hexdigest()


def _sealed(bids: Sequence[RecordedBid], stage: Stage) -> list[SealedBid]:
    return [
        SealedBid(bid.bid_id, bid.bidder, bid.amount_fen)
        for bid in bids
        if bid.stage == stage and bid.amount_fen is not None
    ]
