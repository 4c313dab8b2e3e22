"""The random sampling optimal price auction (RSOP): each half of the bidders is offered the other half's best price.

For licences without limit and no price history, from about 20 bidders. Truthful, as nobody's bid is in the own price,
and 4.68-competitive at worst. Sources: Goldberg et al., SODA 2001; Alaei et al., EC 2009; models §6.
"""

from collections.abc import Sequence

from pricing.auction import Award, Outcome, SealedBid, ranked
from pricing.draw import Order, Side
from pricing.exact import whole_fen

LEAST_BIDDERS = 20
"""From which the mechanism is advised, not required."""


def monopoly_price(amounts_fen: Sequence[int], reserve_fen: int = 0) -> int | None:
    """The bid b >= R that maximises b · (number of bids >= b), of equal revenues the lowest; None where none is >= R.

    Fen, whole, 0 or more, else ValueError. Source: models §6.
    """
    floor_fen = whole_fen("reserve_fen", reserve_fen)
    amounts = sorted((amount for amount in amounts_fen if whole_fen("amount", amount) >= floor_fen), reverse=True)
    revenues = [(amount * buyers, -amount) for buyers, amount in enumerate(amounts, start=1)]
    return -max(revenues)[1] if revenues else None


def random_sampling(bids: Sequence[SealedBid], reserve_fen: int, side: Side, order: Order) -> Outcome:
    """Each side's bidders may buy at the other side's monopoly price, the reserve where that side has no eligible bid.

    side: 0 or 1 by bidder, drawn by the seed (`drawn_side`). Fen. Raises ValueError for another side, and as `ranked`
    does. Source: models §6.
    """
    eligible = ranked(bids, reserve_fen, order)
    sides = {bid.bidder_id: side(bid.bidder_id) for bid in eligible}
    if not set(sides.values()) <= {0, 1}:
        raise ValueError("a side must be 0 or 1")
    prices = [_price([bid for bid in eligible if sides[bid.bidder_id] == this], reserve_fen) for this in (0, 1)]
    awards = [Award(bid.bid_id, bid.bidder_id, prices[1 - sides[bid.bidder_id]]) for bid in eligible]
    return Outcome(tuple(a for a, bid in zip(awards, eligible, strict=True) if bid.amount_fen >= a.price_fen))


def _price(bids: Sequence[SealedBid], reserve_fen: int) -> int:
    price_fen = monopoly_price([bid.amount_fen for bid in bids], reserve_fen)
    return reserve_fen if price_fen is None else price_fen
