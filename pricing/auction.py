"""Sealed auctions and the posted price: from frozen bids to who wins and what each pays.

Bids of bidders who want one licence each. Of equal bids the draw decides, never the order of arrival, so a sealed
outcome does not change when the bids come in another order. Sources: white paper, trade by auction; models §6.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pricing.draw import Order
from pricing.exact import whole_fen


@dataclass(frozen=True)
class SealedBid:
    """What a bidder would pay at most, in fen, 0 or more."""

    bid_id: str
    bidder_id: str
    amount_fen: int

    def __post_init__(self) -> None:
        whole_fen("amount_fen", self.amount_fen)


@dataclass(frozen=True)
class Award:
    """One licence, to whom and for what price."""

    bid_id: str
    bidder_id: str
    price_fen: int


@dataclass(frozen=True)
class Outcome:
    """The licences sold, first the first in rank; none where no bid reached the reserve."""

    awards: tuple[Award, ...]

    @property
    def winners(self) -> tuple[str, ...]:
        """Ids of the bidders who won."""
        return tuple(award.bidder_id for award in self.awards)

    @property
    def revenue_fen(self) -> int:
        """What the winners pay together."""
        return sum(award.price_fen for award in self.awards)

    def payment_fen(self, bidder_id: str) -> int:
        """What a bidder pays; a loser pays 0."""
        return sum(award.price_fen for award in self.awards if award.bidder_id == bidder_id)


def ranked(bids: Sequence[SealedBid], reserve_fen: int, order: Order) -> tuple[SealedBid, ...]:
    """The eligible bids, those at the reserve or above: by amount, the highest first, equal ones by the draw.

    Fen. Raises ValueError for a bid id or a bidder that comes twice: one licence each. Source: models §6.
    """
    reaching = _reaching(bids, whole_fen("reserve_fen", reserve_fen))
    return tuple(sorted(reaching, key=lambda bid: (-bid.amount_fen, order(bid.bid_id))))


def first_price(bids: Sequence[SealedBid], reserve_fen: int, order: Order, licences: int = 1) -> Outcome:
    """The highest bids win and each pays its own amount.

    Not truthful: a bidder gains by bidding below its value. For few bidders of whom collusion is feared.
    Fen; licences 1 or more, else ValueError. Source: models §6.
    """
    _check_licences(licences)
    winning = ranked(bids, reserve_fen, order)[:licences]
    return Outcome(tuple(Award(bid.bid_id, bid.bidder_id, bid.amount_fen) for bid in winning))


def uniform_price(bids: Sequence[SealedBid], reserve_fen: int, order: Order, licences: int) -> Outcome:
    """The k highest bids win and all pay max(R, the (k+1)th bid); R where there is no such bid.

    Truthful: no winner's own bid is in its price. Fen; licences k 1 or more, else ValueError. Source: models §6.
    """
    _check_licences(licences)
    eligible = ranked(bids, reserve_fen, order)
    price_fen = eligible[licences].amount_fen if len(eligible) > licences else reserve_fen
    return Outcome(tuple(Award(bid.bid_id, bid.bidder_id, price_fen) for bid in eligible[:licences]))


def second_price(bids: Sequence[SealedBid], reserve_fen: int, order: Order) -> Outcome:
    """The highest bid wins and pays max(R, the second bid). Truthful. Fen. Source: models §6 (Vickrey)."""
    return uniform_price(bids, reserve_fen, order, licences=1)


def posted_price(takers: Sequence[SealedBid], price_fen: int, licences: int | None = None) -> Outcome:
    """Everyone who would pay the posted price gets a licence at that price, the same for all (FRAND).

    takers: in order of arrival, which decides where licences are limited; None is unlimited, as for any data that is
    not exclusive. Fen; licences 1 or more, else ValueError. Sources: white paper, pricing principles; models §6.
    """
    if licences is not None:
        _check_licences(licences)
    willing = _reaching(takers, whole_fen("price_fen", price_fen))
    return Outcome(tuple(Award(bid.bid_id, bid.bidder_id, price_fen) for bid in willing[:licences]))


def _reaching(bids: Sequence[SealedBid], least_fen: int) -> list[SealedBid]:
    for name, ids in (("bid_id", {bid.bid_id for bid in bids}), ("bidder_id", {bid.bidder_id for bid in bids})):
        if len(ids) < len(bids):
            raise ValueError(f"a {name} comes twice among the bids: each bidder has one bid")
    return [bid for bid in bids if bid.amount_fen >= least_fen]


def _check_licences(licences: int) -> None:
    if licences < 1:
        raise ValueError(f"licences must be 1 or more, not {licences}")
