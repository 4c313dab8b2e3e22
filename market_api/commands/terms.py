"""Licence terms as the command line takes them."""

from collections.abc import Sequence
from typing import Annotated

import typer

from market_api.trading.terms import Terms
from vault.errors import JinkuError

Purposes = Annotated[list[str], typer.Option("--purpose", help="What the data are for; may be repeated.")]
Users = Annotated[int, typer.Option(help="How many persons use it.")]
Days = Annotated[int, typer.Option(help="How long the licence runs.")]
Pulls = Annotated[int, typer.Option(help="How many times it may be pulled.")]
ExclusiveDays = Annotated[int, typer.Option(help="How long nobody else may buy it.")]


def terms_of(purposes: Sequence[str], users: int, days: int, pulls: int, exclusive_days: int = 0) -> Terms:
    """The terms. Raises JinkuError `terms` where they do not fit together."""
    try:
        return Terms(tuple(sorted(set(purposes))), users, days, exclusive_days, pulls)
    except ValueError as error:
        raise JinkuError("terms", f"the terms do not fit: {error}", "command line", "Correct them.") from None
