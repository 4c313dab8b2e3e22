"""The black box by subject, for the regulator and for the parties of an order, and the regulator's β."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from market_api.client import Market
from market_api.commands.logins import logged_in
from market_api.commands.terminal import console, moment, say, table
from pricing.cost import Ecosystem
from vault.durable import write_private

OVERSEERS = ("regulator", "operator")


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    for name, command in (("log", show_log), ("beta", set_beta), ("betas", show_betas)):
        app.command(name, rich_help_panel="Regulator")(command)


def show_log(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="An order, a participant, a listing, a component.")],
    proofs: Annotated[
        Path | None, typer.Option(help="A folder to write each entry's proof to, for `jinku blackbox check`.")
    ] = None,
) -> None:
    """What the black box holds about one thing; of your own orders, whoever you are."""
    with logged_in(os.environ) as market:
        entries = list(_entries(market, subject))
    shown = table("entry", "at", "actor", "step", "signed", right=("entry",), whole=("actor",))
    for each in entries:
        step = "withheld" if each.get("is_withheld") else (each["payload"] or {}).get("step", "erased")
        signed = "yes" if each["proof"] else "in a few seconds"
        shown.add_row(str(each["index"]), moment(each["at"]), each["actor"], step, signed)
    console.print(shown if entries else "the black box holds nothing about it")
    if proofs is not None:
        _write_proofs(entries, proofs)


def set_beta(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A component, or an application field.")],
    first: Annotated[str, typer.Option("--from", metavar="QUARTER", help="The first quarter, such as 2027q1.")],
    last: Annotated[str, typer.Option("--to", metavar="QUARTER", help="The last quarter.")],
    reason: Annotated[str, typer.Option(help="Why; its sellers are told, and the price says so.")],
    value: Annotated[
        str | None, typer.Option(help="From 0.8 to 1.2; left out: takes back, so that the formula holds again.")
    ] = None,
) -> None:
    """Set β of the guide price for quarters to come."""
    is_field = target in get_args(Ecosystem)
    with logged_in(os.environ) as market:
        told = market.overseeing.set_beta(
            value,
            first,
            last,
            reason,
            component=None if is_field else target,
            field=target if is_field else None,
        )
    what = f"β of {target} is {told['beta']}" if told["beta"] else f"β of {target} is the formula's"
    say(f"{what} from {told['first_epoch']} to {told['last_epoch']}: record {told['record_id']}")


def show_betas() -> None:
    """What was set of β, the first first."""
    with logged_in(os.environ) as market:
        found = list(market.overseeing.betas())
    shown = table("record", "for", "β", "from", "to", "why", right=("β",), wrapped=("why",), whole=("record",))
    for each in found:
        target = each["component"] or each["field"]
        beta = each["beta"] or "formula"
        shown.add_row(each["record_id"], target, beta, each["first_epoch"], each["last_epoch"], each["reason"])
    console.print(shown if found else "nothing was set: the formula holds")


def _entries(market: Market, subject: str) -> Iterator[Mapping[str, Any]]:
    """As the login may see them: of any subject for who oversees, of one's own orders else."""
    if market.account().role in OVERSEERS:
        return market.overseeing.entries_about(subject)
    return market.order_entries(subject)


def _write_proofs(entries: list[Mapping[str, Any]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    proved = [each for each in entries if each["proof"]]
    for each in proved:
        write_private(folder / f"entry-{each['index']}.json", json.dumps(each["proof"], indent=1).encode())
    say(f"{folder}: {len(proved)} proofs, each for `jinku blackbox check`")
