"""Buying, negotiating, bidding and paying."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from market_api.client import Auction, Entry, Market, Negotiation
from market_api.commands.finding import Name
from market_api.commands.logins import logged_in, login_path
from market_api.commands.terminal import console, fen_of, moment, money, say, table
from market_api.commands.terms import Days, ExclusiveDays, Pulls, Purposes, Users, terms_of
from vault.errors import JinkuError

ENGLISH = "english"

Yuan = Annotated[str, typer.Argument(metavar="YUAN", help="Such as 2546.71.")]
NegotiationId = Annotated[str, typer.Argument(metavar="NEGOTIATION", help="Its id, neg_….")]
AuctionId = Annotated[str, typer.Argument(metavar="AUCTION", help="Its id, auc_….")]
OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="Its id, ord_….")]


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    for name, command in (
        ("buy", buy),
        ("orders", show_orders),
        ("pay", pay),
        ("negotiate", negotiate),
        ("negotiations", show_negotiations),
        ("offer", offer),
        ("accept", accept),
        ("leave", leave),
        ("auctions", show_auctions),
        ("bid", bid),
        ("reveal", reveal),
    ):
        app.command(name, rich_help_panel="Trade")(command)


def buy(
    name: Name,
    purpose: Purposes,
    users: Users = 1,
    days: Days = 365,
    pulls: Pulls = 12,
    at: Annotated[
        str | None, typer.Option(metavar="YUAN", help="The price you have seen; another one refuses.")
    ] = None,
) -> None:
    """Buy at the posted price and pay at once."""
    with logged_in(os.environ) as market:
        price_fen = None if at is None else fen_of(at)
        bought = market.buy(name, price_fen=price_fen, **terms_of(purpose, users, days, pulls).document())
    say(f"bought {name} for {money(bought.price_fen)}: order {bought.order_id}, entitlement {bought.entitlement_id}")
    say(f"next: `jinku market pull {name}`")


def show_orders() -> None:
    """What you bought and sold; until when an order that is placed is to be paid, and one that is settled disputed."""
    with logged_in(os.environ) as market:
        own, orders = market.account().participant_id, list(market.orders())
    shown = table("order", "", "release", "price", "state", "until", right=("price",), whole=("order",))
    for each in orders:
        until = {"placed": each.pay_until, "settled": each.dispute_until}.get(each.state)
        side = "bought" if each.buyer_id == own else "sold"
        shown.add_row(each.order_id, side, each.release_id, money(each.price_fen), each.state, moment(until))
    console.print(shown if orders else "no orders yet")


def pay(order: OrderId) -> None:
    """Pay an order that was negotiated or won."""
    with logged_in(os.environ) as market:
        paid = market.pay(order)
    say(f"paid {money(paid.price_fen)}: entitlement {paid.entitlement_id}")


def negotiate(
    name: Name,
    purpose: Purposes,
    users: Users = 1,
    days: Days = 365,
    pulls: Pulls = 12,
    exclusive_days: ExclusiveDays = 0,
) -> None:
    """Open a negotiation (议价); either party may make the first offer."""
    with logged_in(os.environ) as market:
        _tell(market.negotiate(name, **terms_of(purpose, users, days, pulls, exclusive_days).document()))


def show_negotiations(
    negotiation: Annotated[
        str | None, typer.Argument(metavar="NEGOTIATION", help="One of them; all without it.")
    ] = None,
) -> None:
    """Your negotiations, or one with its offers."""
    with logged_in(os.environ) as market:
        if negotiation is not None:
            _tell(market.negotiation(negotiation))
            return
        found = list(market.negotiations())
    shown = table(
        "negotiation", "release", "state", "band", "agreed", "until", right=("agreed",), whole=("negotiation",)
    )
    for each in found:
        band = f"{money(each.lowest_fen)} to {money(each.highest_fen)}"
        shown.add_row(
            each.negotiation_id, each.release_id, each.state, band, money(each.agreed_fen), moment(each.expires_at)
        )
    console.print(shown if found else "no negotiations yet")


def offer(negotiation: NegotiationId, yuan: Yuan) -> None:
    """Offer a price in your turn; one that meets the other's is an agreement at the other's price."""
    with logged_in(os.environ) as market:
        _tell(market.offer(market.negotiation(negotiation), fen_of(yuan)))


def accept(negotiation: NegotiationId, yuan: Yuan) -> None:
    """Accept what the other party offers; the price is named, so that it is the one you have seen."""
    with logged_in(os.environ) as market:
        _tell(market.accept(market.negotiation(negotiation), fen_of(yuan)))


def leave(negotiation: NegotiationId) -> None:
    """Leave a negotiation, which ends it."""
    with logged_in(os.environ) as market:
        _tell(market.withdraw(market.negotiation(negotiation)))


def show_auctions(
    state: Annotated[str | None, typer.Option(help="announced, open, last_call, revealing, closed, cancelled.")] = None,
) -> None:
    """Auctions (竞价) and their stages."""
    with logged_in(os.environ) as market:
        auctions = list(market.auctions(state))
    shown = table(
        "auction", "release", "form", "state", "until", "reserve", "stands at", right=("reserve", "stands at")
    )
    for each in auctions:
        shown.add_row(
            each.auction_id,
            each.rules["release_id"],
            each.rules["format"].replace("_", " "),
            each.state,
            moment(each.stage_until),
            money(each.rules["reserve_fen"]),
            _stands_at(each),
        )
    console.print(shown if auctions else "no auctions")


def bid(auction: AuctionId, yuan: Yuan) -> None:
    """Bid up to an amount: in an open auction the house bids for you; a sealed bid is handed in, to be revealed."""
    with logged_in(os.environ) as market:
        if market.auction(auction).rules["format"] == ENGLISH:
            _tell_entry(market, market.bid(auction, fen_of(yuan)))
            return
        path = _bid_path(auction)
        with _told_of(path):
            market.commit(auction, fen_of(yuan), path)
    say(f"handed in; {path} keeps what `jinku market reveal {auction}` needs: without it the deposit is lost")


def reveal(auction: AuctionId) -> None:
    """Reveal your sealed bid, once the bidding has ended."""
    with logged_in(os.environ) as market:
        path = _bid_path(auction)
        with _told_of(path):
            _tell_entry(market, market.reveal(path))


def _tell(negotiation: Negotiation) -> None:
    say(
        f"{negotiation.negotiation_id}  {negotiation.release_id}  {negotiation.state}, between "
        f"{money(negotiation.lowest_fen)} and {money(negotiation.highest_fen)}, until {moment(negotiation.expires_at)}"
    )
    for each in negotiation.offers:
        say(f"  {each.number}  {each.party:<6}  {money(each.price_fen)}")
    if negotiation.agreed_fen is not None:
        say(f"agreed at {money(negotiation.agreed_fen)}: the buyer pays order {negotiation.order_id}")


def _tell_entry(market: Market, entry: Entry) -> None:
    auction = market.auction(entry.auction_id)
    leading = {True: "you lead", False: "you do not lead", None: f"it is {auction.state}"}[entry.is_leading]
    deposit = (
        "" if entry.deposit is None else f", deposit {money(entry.deposit['amount_fen'])} {entry.deposit['state']}"
    )
    say(f"{leading}{deposit}; you are {entry.bidder}, until {moment(auction.stage_until)}")
    if auction.price_fen is not None:
        say(f"it stands at {money(auction.price_fen)}")
    if entry.order_id is not None:
        say(f"you won: `jinku market pay {entry.order_id}`")


def _stands_at(auction: Auction) -> str:
    if auction.awards is not None:
        return ", ".join(money(each["price_fen"]) for each in auction.awards) or "not sold"
    return money(auction.price_fen)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Say what is wrong with the file of a sealed bid."""
    try:
        yield
    except FileNotFoundError:
        raise JinkuError(
            "bid_unknown", "no sealed bid is kept", str(path), "Reveal it where it was handed in, with the same login."
        ) from None
    except ValueError as error:
        raise JinkuError("bid_unknown", str(error), str(path), "A bid that was handed in binds.") from None


def _bid_path(auction: str) -> Path:
    """Beside the login: whoever has several has a file for each."""
    login = login_path(os.environ)
    return login.with_name(f"{login.stem}-{auction}.json")
