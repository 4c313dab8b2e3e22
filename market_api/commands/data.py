"""One's data account: what may be pulled, and pulling it."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from market_api.commands.finding import Name
from market_api.commands.logins import logged_in
from market_api.commands.terminal import console, moment, say, table


class Format(StrEnum):
    """In which form data are pulled."""

    PARQUET = "parquet"
    ARROW = "arrow"
    CSV = "csv"
    NDJSON = "ndjson"


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    for name, command in (("entitlements", show_entitlements), ("pull", pull), ("profile", write_profile)):
        app.command(name, rich_help_panel="Data")(command)


def show_entitlements() -> None:
    """What you may pull, how often still, and until when."""
    with logged_in(os.environ) as market:
        entitlements = list(market.entitlements())
    shown = table(
        "entitlement", "release", "state", "pulled", "left", "until", right=("pulled", "left"), whole=("entitlement",)
    )
    for each in entitlements:
        left = "any" if each.pulls_left is None else str(each.pulls_left)
        shown.add_row(
            each.entitlement_id, each.release, each.state, str(each.pulls_used), left, moment(each.valid_until)
        )
    console.print(shown if entitlements else "nothing yet: `jinku market search` shows what there is")


def pull(
    name: Name,
    form: Annotated[Format, typer.Option("--format", help="In which form.")] = Format.PARQUET,
    to: Annotated[
        Path | None, typer.Option(help="The file; NAME with the form's ending in this folder otherwise.")
    ] = None,
    release: Annotated[
        int | None, typer.Option(help="Number of the release; the newest you may pull otherwise.")
    ] = None,
) -> None:
    """Pull the data into a file; it resumes where the connection breaks off."""
    path = to or Path(f"{name}.{form.value}")
    with logged_in(os.environ) as market:
        market.pull(name, path, form.value, release)
    say(f"{path}: {path.stat().st_size:,} bytes")


def write_profile(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("market.share"),
    days: Annotated[int, typer.Option(help="How long it is good.")] = 90,
) -> None:
    """Write a Delta Sharing profile with a pull token of its own, which pulls and does nothing else."""
    with logged_in(os.environ) as market:
        market.profile(file, days)
    say(f"{file} is good for {days} days; whoever has it pulls as you, so only you can read it")
