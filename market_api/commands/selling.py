"""Listing releases and putting them up for auction, for developers."""

import os
from datetime import datetime
from typing import Annotated

import typer

from market_api.commands.logins import logged_in
from market_api.commands.terminal import console, fen_of, moment, money, say, table
from market_api.commands.terms import Days, ExclusiveDays, Pulls, Purposes, Users, terms_of
from vault.errors import JinkuError


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    for name, command in (("list", list_release), ("listings", show_listings), ("announce", announce)):
        app.command(name, rich_help_panel="Developer")(command)


def list_release(
    release: Annotated[str, typer.Argument(help="Such as zone_hourly_mobility@1.")],
    purpose: Purposes,
    share: Annotated[
        list[str] | None,
        typer.Option(metavar="PARTICIPANT=PART", help="Who gets which part of a sale; all is yours without any."),
    ] = None,
    providers_share: Annotated[
        str | None, typer.Option(metavar="PART", help="Instead: shared among the providers as each contributed.")
    ] = None,
    price: Annotated[str | None, typer.Option(metavar="YUAN", help="The posted price; P² otherwise.")] = None,
    on_request: Annotated[bool, typer.Option("--on-request", help="Post no price: negotiate or auction it.")] = False,
    users: Users = 10,
    days: Days = 365,
    pulls: Pulls = 24,
) -> None:
    """List a release of your own component, in the place of an earlier one."""
    terms = terms_of(purpose, users, days, pulls)
    with logged_in(os.environ) as market:
        shares = None if providers_share else dict(map(_share, share or [])) or {market.account().participant_id: "1"}
        listed = market.selling.list_release(
            release,
            terms,
            shares,
            None if price is None else fen_of(price),
            is_posted=not on_request,
            providers_share=providers_share,
        )
    asked = "on request" if listed.price_fen is None else f"at {money(listed.price_fen)}"
    say(f"listed {listed.release} {asked}: {listed.listing_id}")
    for warning in listed.warnings:
        console.print("[yellow]to know[/]", end=" ")
        say(warning)


def show_listings() -> None:
    """Your own listings, whatever their state."""
    with logged_in(os.environ) as market:
        listings = list(market.selling.listings())
    shown = table("listing", "release", "state", "price", "P²", right=("price", "P²"), whole=("listing",))
    for each in listings:
        price = "on request" if each.price_fen is None else money(each.price_fen)
        shown.add_row(each.listing_id, each.release, each.state, price, money(each.guide_fen))
    console.print(shown if listings else "no listings yet")


def announce(
    listing: Annotated[str, typer.Argument(metavar="LISTING", help="Its id, lst_….")],
    purpose: Purposes,
    step: Annotated[str, typer.Option(metavar="YUAN", help="Every bid is a multiple of this.")],
    opens: Annotated[str, typer.Option(help="When bidding begins, such as 2026-12-07T01:00:00Z.")],
    closes: Annotated[str, typer.Option(help="When it ends.")],
    reveals_until: Annotated[str | None, typer.Option(help="Of sealed bids: until when they are revealed.")] = None,
    form: Annotated[
        str, typer.Option(help="english, sealed_first, sealed_second, sealed_uniform or rsop.")
    ] = "english",
    licences: Annotated[int | None, typer.Option(help="How many are sold, where it may be more than one.")] = None,
    users: Users = 10,
    days: Days = 365,
    pulls: Pulls = 24,
    exclusive_days: ExclusiveDays = 0,
) -> None:
    """Announce an auction of your own listing; its reserve is P², and its rules are fixed by this."""
    terms = terms_of(purpose, users, days, pulls, exclusive_days)
    with logged_in(os.environ) as market:
        found = market.selling.announce(
            listing,
            form,
            terms,
            fen_of(step),
            _moment(opens),
            _moment(closes),
            None if reveals_until is None else _moment(reveals_until),
            licences,
        )
    say(f"announced {found.auction_id}: reserve {money(found.rules['reserve_fen'])}, opens {moment(found.stage_until)}")


def _share(text: str) -> tuple[str, str]:
    participant, equals, part = text.partition("=")
    if not equals:
        raise JinkuError("share", f"'{text}' is no share", "command line", "Write it such as par_…=7/10.")
    return participant, part


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise JinkuError(
            "moment", f"'{text}' is no time with a zone", "command line", "Write it such as 2026-12-07T01:00:00Z."
        )
    return at
