"""The English auction: ascending, each bidder's limit kept and bid for it (proxy), with a soft close.

A bid in the last minutes moves the end, so that nobody wins by being last. After the last extension a sealed last call
is held: a hard end would bring that back. Sources: white paper, trade by auction; Auction Law, art. 36; models §6.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from pricing.auction import Award, Outcome, SealedBid
from pricing.draw import Order
from pricing.exact import whole_fen

Reason = Literal["early", "late", "not_a_multiple", "too_low", "no_earlier_bid"]


@dataclass(frozen=True)
class EnglishRules:
    """Of one lot: reserve and increment in fen, its times, and the soft close."""

    reserve_fen: int
    increment_fen: int
    opens_at: datetime
    closes_at: datetime
    window: timedelta = timedelta(minutes=5)
    extension: timedelta = timedelta(minutes=5)
    most_extensions: int = 24

    def __post_init__(self) -> None:
        whole_fen("reserve_fen", self.reserve_fen)
        whole_fen("increment_fen", self.increment_fen, least=1)
        if self.opens_at.tzinfo is None or self.closes_at.tzinfo is None:
            raise ValueError("opens_at and closes_at need a time zone")
        if self.closes_at <= self.opens_at:
            raise ValueError("closes_at must be after opens_at")
        if min(self.window, self.extension) < timedelta(0) or self.most_extensions < 0:
            raise ValueError("window, extension and most_extensions must be 0 or more")


@dataclass(frozen=True)
class ProxyBid:
    """A limit: up to this the house bids for the bidder. Fen; binding until another bid exceeds it."""

    bid_id: str
    bidder_id: str
    limit_fen: int
    made_at: datetime

    def __post_init__(self) -> None:
        whole_fen("limit_fen", self.limit_fen)
        if self.made_at.tzinfo is None:
            raise ValueError("made_at needs a time zone")


@dataclass(frozen=True)
class Refusal:
    """A bid that was not taken, and why."""

    bid_id: str
    reason: Reason


@dataclass(frozen=True)
class Standing:
    """An English auction as its log leaves it.

    leader: whose limit is the highest; second_fen: the highest limit of another; price_fen: what the leader would pay.
    """

    closes_at: datetime
    leader: SealedBid | None = None
    second_fen: int | None = None
    price_fen: int = 0
    extensions: int = 0
    last_call_due: bool = False
    bidders: frozenset[str] = frozenset()
    refusals: tuple[Refusal, ...] = ()


def english_standing(rules: EnglishRules, bids: Sequence[ProxyBid]) -> Standing:
    """The standing after a log of bids, in the order in which they came.

    The first bid must reach the reserve, a later one the standing price plus the increment, the leader's own its limit
    plus the increment; all are multiples of the increment. The price is max(R, the highest losing limit + increment),
    at most the winner's limit; of equal limits the earlier leads. A bid taken within the window moves the end to its
    time plus the extension; once all extensions are used a last call is due. Raises ValueError for a log that is not
    in order of time and for a bid id that comes twice. Source: models §6.
    """
    if any(later.made_at < earlier.made_at for earlier, later in pairwise(bids)):
        raise ValueError("the log is not in order of time")
    _check_ids([bid.bid_id for bid in bids])
    standing = Standing(rules.closes_at)
    for bid in bids:
        standing = after_bid(standing, rules, bid)
    return standing


def after_bid(standing: Standing, rules: EnglishRules, bid: ProxyBid) -> Standing:
    """The standing after one more bid, no earlier than those before: a refused one is added to its refusals.

    The step that `english_standing` repeats, so that whoever keeps the standing need not read the log again.
    Source: models §6.
    """
    sealed = SealedBid(bid.bid_id, bid.bidder_id, bid.limit_fen)
    reason = _untimely(standing, rules, bid) or _refusal(standing, rules, sealed)
    if reason:
        return _refused(standing, bid.bid_id, reason)
    return _extended(_taken(standing, rules, sealed), rules, bid.made_at)


def after_last_call(standing: Standing, rules: EnglishRules, bids: Sequence[SealedBid], order: Order) -> Standing:
    """The standing after the sealed last call among those who bid before: one limit each, opened all at once.

    Taken from the highest, equal ones by the draw, so their order of arrival does not matter; the leader's limit stands
    against them. Raises ValueError where no last call is due, and for a bidder or bid id that comes twice.
    Source: models §6.
    """
    if not standing.last_call_due:
        raise ValueError("no last call is due: extensions are left")
    _check_ids([bid.bid_id for bid in bids])
    _check_ids([bid.bidder_id for bid in bids])
    for bid in sorted(bids, key=lambda bid: (-bid.amount_fen, order(bid.bid_id))):
        reason: Reason | None = "no_earlier_bid" if bid.bidder_id not in standing.bidders else None
        reason = reason or _refusal(standing, rules, bid)
        standing = _refused(standing, bid.bid_id, reason) if reason else _taken(standing, rules, bid)
    return replace(standing, last_call_due=False)


def english_outcome(standing: Standing) -> Outcome:
    """Who won, and for what: max(R, second + increment), at most the winner's limit; none where nobody bid.

    Raises ValueError while a last call is due. Source: models §6.
    """
    if standing.last_call_due:
        raise ValueError("all extensions are used, so a sealed last call is due before the close")
    if standing.leader is None:
        return Outcome(())
    return Outcome((Award(standing.leader.bid_id, standing.leader.bidder_id, standing.price_fen),))


def english_price(limit_fen: int, second_fen: int | None, reserve_fen: int, increment_fen: int) -> int:
    """What the leader pays: max(R, second + increment), at most its own limit; R where nobody else bid.

    Fen, whole, 0 or more; the limit is R or more and the second no higher than it. Raises ValueError else.
    Source: models §6.
    """
    whole_fen("limit_fen", limit_fen, least=whole_fen("reserve_fen", reserve_fen))
    whole_fen("increment_fen", increment_fen)
    if second_fen is None:
        return reserve_fen
    if whole_fen("second_fen", second_fen) > limit_fen:
        raise ValueError(f"the second limit, {second_fen} fen, is above the first, {limit_fen} fen")
    return min(limit_fen, max(reserve_fen, second_fen + increment_fen))


def least_bid(standing: Standing, rules: EnglishRules) -> int:
    """The least limit that a new bidder's bid must have now, in fen: a multiple of the increment. Source: models §6."""
    least_fen = rules.reserve_fen if standing.leader is None else standing.price_fen + rules.increment_fen
    return -(-least_fen // rules.increment_fen) * rules.increment_fen


def _untimely(standing: Standing, rules: EnglishRules, bid: ProxyBid) -> Reason | None:
    if bid.made_at < rules.opens_at:
        return "early"
    return "late" if bid.made_at >= standing.closes_at else None


def _refusal(standing: Standing, rules: EnglishRules, bid: SealedBid) -> Reason | None:
    if bid.amount_fen % rules.increment_fen:
        return "not_a_multiple"
    least_fen = least_bid(standing, rules)
    if standing.leader is not None and standing.leader.bidder_id == bid.bidder_id:
        least_fen = standing.leader.amount_fen + rules.increment_fen
    return "too_low" if bid.amount_fen < least_fen else None


def _refused(standing: Standing, bid_id: str, reason: Reason) -> Standing:
    return replace(standing, refusals=(*standing.refusals, Refusal(bid_id, reason)))


def _taken(standing: Standing, rules: EnglishRules, bid: SealedBid) -> Standing:
    leader, second_fen = bid, standing.second_fen
    if standing.leader is not None and standing.leader.bidder_id != bid.bidder_id:
        leader = bid if bid.amount_fen > standing.leader.amount_fen else standing.leader
        second_fen = max(second_fen or 0, min(bid.amount_fen, standing.leader.amount_fen))
    price_fen = english_price(leader.amount_fen, second_fen, rules.reserve_fen, rules.increment_fen)
    bidders = standing.bidders | {bid.bidder_id}
    return replace(standing, leader=leader, second_fen=second_fen, price_fen=price_fen, bidders=bidders)


def _extended(standing: Standing, rules: EnglishRules, at: datetime) -> Standing:
    end = at + rules.extension
    in_window = at >= standing.closes_at - rules.window
    if not in_window or end <= standing.closes_at or standing.extensions >= rules.most_extensions:
        return standing
    extensions = standing.extensions + 1
    return replace(standing, closes_at=end, extensions=extensions, last_call_due=extensions == rules.most_extensions)


def _check_ids(ids: Sequence[str]) -> None:
    if len(set(ids)) < len(ids):
        raise ValueError("an id comes twice among the bids")
