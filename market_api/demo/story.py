"""The play from its beginning to its end."""

from datetime import datetime
from time import monotonic

from market_api.commands.terminal import console
from market_api.demo.cast import admitted, listed
from market_api.demo.closing import paid_out, proven
from market_api.demo.data import leaked, pulled
from market_api.demo.goods import chosen_goods
from market_api.demo.sales import auctioned, bought, negotiated
from market_api.demo.stage import a_stage
from market_api.demo.telling import tell
from market_api.settings import MarketSettings


def play(settings: MarketSettings, at: datetime) -> None:
    """Play it over the releases that the settings name, from a moment on.

    Raises JinkuError `releases_unfit` and `demo_failed`, MarketError, and httpx.TransportError.
    """
    began = monotonic()
    with a_stage(settings, at) as stage:
        posted, on_request = chosen_goods(stage)
        cast = admitted(stage, posted)
        try:
            listing = listed(stage, cast, posted, on_request)
            stage.let_pass(minutes=20)
            bought(stage, cast, posted)
            stage.let_pass(hours=2)
            negotiated(stage, cast, posted)
            copy = pulled(stage, cast, posted)
            stage.let_pass(hours=20)
            leaked(stage, cast, posted, copy)
            auctioned(stage, cast, listing, on_request)
            paid_out(stage, cast)
            proven(stage, cast)
        finally:
            cast.close()
        days = (stage.clock() - at).days
    console.print(f"\n[bold]{days} days of a market in {monotonic() - began:.0f} seconds[/]")
    tell("`make up` starts one of your own; docs/app-developer.md goes on from here.")
