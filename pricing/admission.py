"""Which sealed bids take part: in time, committed to and revealed, by one owner once, and not by the seller.

Sources: Auction Law, art. 36 and 37; models §6.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pricing.auction import SealedBid
from pricing.draw import Order
from pricing.exact import whole_fen

Reason = Literal["late", "withdrawn", "not_a_multiple", "barred", "same_owner"]


@dataclass(frozen=True)
class Submission:
    """A sealed bid as it came in. owner_id: who owns the bidder in the end (beneficial owner)."""

    bid: SealedBid
    owner_id: str
    made_at: datetime
    withdrawn: bool = False


@dataclass(frozen=True)
class Admission:
    """The bids that take part, in the order in which they came, and the ids of the others with the reason."""

    bids: tuple[SealedBid, ...]
    refusals: Mapping[str, Reason]


@dataclass(frozen=True)
class Reveal:
    """What a bidder says it had committed to."""

    bid: SealedBid
    nonce: str


@dataclass(frozen=True)
class Opening:
    """The bids that match their commitments, and the bidders who revealed nothing or something else."""

    bids: tuple[SealedBid, ...]
    forfeiting: tuple[str, ...]


def admitted(
    submissions: Sequence[Submission],
    closes_at: datetime,
    order: Order,
    increment_fen: int = 1,
    barred_owners: Collection[str] = (),
) -> Admission:
    """The bids made before the close, not withdrawn, multiples of the increment, by none who is barred.

    Of several bids of one beneficial owner the highest takes part, of equal ones by the draw: no owner can buy two
    licences or move the price by a straw man. barred_owners: the seller and its affiliates. Raises ValueError for an
    increment below 1 fen. Source: models §6.
    """
    whole_fen("increment_fen", increment_fen, least=1)
    refusals: dict[str, Reason] = {}
    best: dict[str, SealedBid] = {}
    for submission in submissions:
        reason = _reason(submission, closes_at, increment_fen, barred_owners)
        if reason is not None:
            refusals[submission.bid.bid_id] = reason
            continue
        rivals = [bid for bid in (best.get(submission.owner_id), submission.bid) if bid is not None]
        first, *others = sorted(rivals, key=lambda bid: (-bid.amount_fen, order(bid.bid_id)))
        best[submission.owner_id] = first
        refusals.update({bid.bid_id: "same_owner" for bid in others})
    taking_part = {bid.bid_id for bid in best.values()}
    return Admission(tuple(item.bid for item in submissions if item.bid.bid_id in taking_part), refusals)


def bid_commitment(lot_id: str, bidder_id: str, amount_fen: int, nonce: str) -> str:
    """SHA-256 of lot|bidder|amount|nonce in hexadecimal, UTF-8, the amount in fen as digits.

    Raises ValueError for a part that is empty or holds "|": two different bids could then share a commitment.
    Source: models §6.
    """
    parts = (lot_id, bidder_id, str(whole_fen("amount_fen", amount_fen)), nonce)
    if any(not part or "|" in part for part in parts):
        raise ValueError('lot, bidder and nonce must not be empty nor hold "|"')
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def commitment_kept(commitment: str, lot_id: str, bidder_id: str, amount_fen: int, nonce: str) -> bool:
    """Whether a revealed bid is the one committed to. Raises ValueError as `bid_commitment` does. Source: models §6."""
    revealed = bid_commitment(lot_id, bidder_id, amount_fen, nonce)
    return hmac.compare_digest(revealed.encode(), commitment.lower().encode())


def opened(lot_id: str, commitments: Mapping[str, str], reveals: Sequence[Reveal]) -> Opening:
    """The revealed bids that match the commitments by bidder; who does not reveal, or otherwise, forfeits its deposit.

    commitments: by bidder id. Reveals without a commitment do not count. Raises ValueError where a bidder reveals
    twice. Source: models §6.
    """
    revealing = [reveal.bid.bidder_id for reveal in reveals]
    if len(set(revealing)) < len(revealing):
        raise ValueError("a bidder reveals twice")
    kept = tuple(reveal.bid for reveal in reveals if _kept(lot_id, commitments, reveal))
    honest = {bid.bidder_id for bid in kept}
    return Opening(kept, tuple(bidder for bidder in sorted(commitments) if bidder not in honest))


def _kept(lot_id: str, commitments: Mapping[str, str], reveal: Reveal) -> bool:
    bid = reveal.bid
    commitment = commitments.get(bid.bidder_id)
    return commitment is not None and commitment_kept(commitment, lot_id, bid.bidder_id, bid.amount_fen, reveal.nonce)


def _reason(
    submission: Submission, closes_at: datetime, increment_fen: int, barred_owners: Collection[str]
) -> Reason | None:
    if submission.made_at >= closes_at:
        return "late"
    if submission.withdrawn:
        return "withdrawn"
    if submission.bid.amount_fen % increment_fen:
        return "not_a_multiple"
    return "barred" if submission.owner_id in barred_owners else None
