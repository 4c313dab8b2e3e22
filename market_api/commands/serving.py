"""What is done on the market's own machine, over its folder and database: serve it, make its first operator, prove that
nothing was lost, trace a leaked copy.

Each command imports what it needs when it runs: the others, which go over the network, begin sooner without it.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from market_api.commands.terminal import say
from market_api.settings import settings_of
from vault.home import MARKET_PORT

LOOPBACK = "127.0.0.1"


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    for name, command in (
        ("serve", serve_market),
        ("operator", make_operator),
        ("verify", verify_market),
        ("trace", trace_file),
        ("demo", show_demo),
    ):
        app.command(name, rich_help_panel="On the market's own machine")(command)


def serve_market(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="The port to listen at.")] = MARKET_PORT,
) -> None:
    """Serve the market that the environment describes."""
    from market_api.market import open_market
    from market_api.server import serve

    serve(open_market(settings_of(os.environ)), host, port)


def make_operator(
    name: Annotated[str, typer.Option(help="Its registered name.")] = "Operator",
    lost: Annotated[str | None, typer.Option(help="An operator that lost all its secrets, by its client id.")] = None,
) -> None:
    """Make the first operator; its id and secret are printed once, for `jinku market login` to read. With --lost, print
    a code instead, for `jinku market enrol`."""
    from market_api.identity.enrolment import code_on_site
    from market_api.identity.participants import first_operator
    from market_api.market import open_market

    market = open_market(settings_of(os.environ))
    if lost is not None:
        say(f"client_id      {lost}\nenrolment_code {code_on_site(market, lost)}")
        return
    participant_id, secret = first_operator(market, name)
    say(f"client_id     {participant_id}\nclient_secret {secret}")


def verify_market() -> None:
    """Whether the ledger adds up to the fen and the black box is what was signed; status 1 where not."""
    from market_api.commands import proving

    raise SystemExit(proving.verify_market())


def trace_file(
    file: Annotated[Path, typer.Argument(help="A leaked copy: Parquet, CSV or JSON.")],
    release: Annotated[
        str | None, typer.Option(help="The component or component@number it is of; found by its columns otherwise.")
    ] = None,
) -> None:
    """Say whose copy of a component a leaked file is, with its p-value."""
    from market_api.commands import tracing

    tracing.trace_file(file, release)


def show_demo() -> None:
    """A market of 18 days, played through in seconds: sale, negotiation, auction, pull, leak and trace."""
    from market_api.demo.story import play
    from market_api.market import utc_now

    play(settings_of(os.environ), utc_now())
