"""The three ways to buy: at the posted price, by negotiation, in an auction."""

import math
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

from market_api.client import Auction, Listing, MarketError, Terms, replayed_awards
from market_api.commands.finding import percent
from market_api.commands.terminal import money
from market_api.demo.cast import Cast
from market_api.demo.goods import Goods
from market_api.demo.stage import Stage
from market_api.demo.telling import figures, heading, must, tell
from market_api.ledger.accounts import MARKET, TAX, balances

STEPS_IN_RESERVE = 400
"""A step of the bids is a power of ten fen, about this part of the reserve."""
LOWER_BID, HIGHER_BID = Fraction(112, 100), Fraction(131, 100)
"""Of the reserve."""


def bought(stage: Stage, cast: Cast, goods: Goods) -> None:
    """A sale at the posted price, and where every fen of it went."""
    heading("3  A sale at the posted price", stage.clock())
    told = cast.navigation.market.price(goods.component).sale
    purchase = cast.navigation.market.buy(goods.component, goods.purposes[-1:], users=3)
    sale = told["price_fen"]
    must(purchase.price_fen == sale, "another price was paid than was seen")
    got = {
        "VAT": _pending_fen(stage, TAX),
        "the market's fee": _pending_fen(stage, MARKET),
        cast.developer.name: _pending_fen(stage, cast.developer.participant_id),
        cast.provider.name: _pending_fen(stage, cast.provider.participant_id),
    }
    stated = (told["vat_fen"], told["fee_fen"], told["seller_fen"], told["providers_fen"])
    must(tuple(got.values()) == stated, "the payment was split otherwise than the price's explanation says")
    must(sum(got.values()) == sale, "the parts of the payment are not the payment")
    tell(f"{cast.navigation.name} buys {goods.component} for {money(sale)}: money and entitlement move at once.")
    words = (
        f"{percent(told['vat_rate'])} on the price without it",
        f"{percent(told['fee_rate'])} of the price without tax",
        f"{percent(told['seller_share'])} of the rest",
        f"{percent(told['providers_share'])} of the rest",
    )
    figures(
        *((who, money(fen), why) for (who, fen), why in zip(got.items(), words, strict=True)),
        ("in all", money(sum(got.values())), "to the fen; pending for seven days, while the sale may be disputed"),
    )


def negotiated(stage: Stage, cast: Cast, goods: Goods) -> None:
    """A negotiation: a band, offers by turns that only come nearer, an agreement, and its payment."""
    heading("4  A negotiation (议价)", stage.clock())
    buyer, seller = cast.logistics.market, cast.developer.market
    talk = buyer.negotiate(goods.component, goods.purposes[-1:], users=10, pulls=24)
    tell(
        f"{cast.logistics.name} wants it for ten users. The band lies around P¹: {money(talk.lowest_fen)} to "
        f"{money(talk.highest_fen)}."
    )
    tell(f"An offer of {money(talk.lowest_fen - 1)} is refused: {_refusal(cast, talk.lowest_fen - 1)}")
    opening, answer = talk.lowest_fen, talk.highest_fen - talk.highest_fen // 20
    nearer = (opening + answer) // 2
    buyer.offer(talk, opening)
    seller.offer(talk, answer)
    buyer.offer(talk, nearer)
    agreed = seller.accept(talk, nearer)
    must(agreed.agreed_fen == nearer and agreed.order_id is not None, "the offer that was accepted was not agreed")
    figures(
        ("buyer", money(opening), "offers"),
        ("seller", money(answer), "answers"),
        ("buyer", money(nearer), "comes nearer"),
        ("seller", money(nearer), "accepts"),
    )
    paid = buyer.pay(str(agreed.order_id))
    must(paid.price_fen == nearer, "another price was paid than was agreed")
    tell(f"Paid: entitlement {paid.entitlement_id}.")


def auctioned(stage: Stage, cast: Cast, listing: Listing, goods: Goods) -> None:
    """A sealed auction at the second price: commitments, reveals, the award, and its replay by a bidder."""
    heading("7  An auction (竞价): sealed bids, second price, 90 days exclusive", stage.clock())
    auction = _announced(stage, cast, listing, goods)
    reserve_fen, deposit_fen = auction.rules["reserve_fen"], auction.rules["deposit_fen"]
    tell(f"Reserve P² = {money(reserve_fen)}, deposit {money(deposit_fen)}; it opens seven days after its notice.")
    stage.let_pass(days=7, hours=1)
    bids = ((cast.navigation, _bid_fen(reserve_fen, LOWER_BID)), (cast.logistics, _bid_fen(reserve_fen, HIGHER_BID)))
    for player, fen in bids:
        player.market.commit(auction.auction_id, fen, _kept(stage, player.name))
    tell(
        "Both bidders hand in the hash of their bid and a secret number; nobody, not even the market, knows an amount."
    )
    stage.let_pass(days=2)
    for player, _ in bids:
        player.market.reveal(_kept(stage, player.name))
    stage.let_pass(days=1)
    (_, lower_fen), (_, higher_fen) = bids
    _awarded(cast, auction.auction_id, lower_fen, higher_fen)


def _announced(stage: Stage, cast: Cast, listing: Listing, goods: Goods) -> Auction:
    opens_at = stage.clock() + timedelta(days=7)
    closes_at = opens_at + timedelta(days=2)
    return cast.developer.market.selling.announce(
        listing.listing_id,
        "sealed_second",
        Terms(goods.purposes[-1:], users=10, exclusive_days=90),
        _step_fen(listing.guide_fen),
        opens_at,
        closes_at,
        closes_at + timedelta(days=1),
    )


def _awarded(cast: Cast, auction_id: str, lower_fen: int, higher_fen: int) -> None:
    """What was revealed, who won at which price, and that anybody comes to the same."""
    winner, loser = cast.logistics, cast.navigation
    record = loser.market.record(auction_id)
    (award,) = record["awards"]
    won, lost = winner.market.entry(auction_id), loser.market.entry(auction_id)
    must(award["bidder"] == won.bidder and won.order_id is not None, "the highest bid did not win")
    must(award["price_fen"] == lower_fen, "the winner does not pay the second price")
    must(replayed_awards(record) == list(record["awards"]), "the award does not follow from the record")
    must(lost.deposit is not None and lost.deposit["state"] == "returned", "the loser's deposit was not returned")
    figures(
        (winner.name, money(higher_fen), f"wins and pays the second price, {money(award['price_fen'])}"),
        (loser.name, money(lower_fen), "loses; its deposit is back"),
    )
    tell(f"{loser.name} replays it from the public record (rules, bids, seed) and comes to the same award.")
    winner.market.pay(str(won.order_id))
    tell(f"{winner.name} pays, its deposit counts, and nobody else buys it for 90 days.")


def _step_fen(reserve_fen: int) -> int:
    return int(10 ** max(0, len(str(reserve_fen // STEPS_IN_RESERVE)) - 1))


def _bid_fen(reserve_fen: int, of_reserve: Fraction) -> int:
    """A part of the reserve as an amount that may be bid."""
    step_fen = _step_fen(reserve_fen)
    return math.ceil(reserve_fen * of_reserve / step_fen) * step_fen


def _refusal(cast: Cast, price_fen: int) -> str:
    """The reason for which an offer is refused."""
    buyer = cast.logistics.market
    talk = next(buyer.negotiations())
    try:
        buyer.offer(talk, price_fen)
    except MarketError as error:
        must(error.code == "offer_refused", f"an offer below the band was refused as {error.code}")
        return error.detail
    must(False, "an offer below the band was taken")
    return ""


def _kept(stage: Stage, name: str) -> Path:
    return stage.folder / f"{name.split()[0].lower()}-bid.json"


def _pending_fen(stage: Stage, owner: str) -> int:
    return stage.market.read(lambda connection: balances(connection, owner))["pending"]
