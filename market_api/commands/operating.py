"""Admitting participants, booking funds and fetching what was cleared, for the operator."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from market_api.commands.logins import logged_in
from market_api.commands.terminal import console, fen_of, money, say, table
from vault.durable import write_private

ParticipantId = Annotated[str, typer.Argument(metavar="PARTICIPANT", help="Its id, par_….")]


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    for name, command in (
        ("participants", show_participants),
        ("admit", admit),
        ("deposit", deposit),
        ("payouts", show_payouts),
        ("paid", confirm_payout),
        ("trades", write_trades),
    ):
        app.command(name, rich_help_panel="Operator")(command)


def show_participants(
    state: Annotated[str | None, typer.Option(help="applied, admitted, refused, suspended or frozen.")] = None,
) -> None:
    """Who takes part, and who has applied."""
    with logged_in(os.environ) as market:
        found = list(market.operating.participants(state))
    shown = table("participant", "name", "role", "party", "state", whole=("participant",))
    for each in found:
        shown.add_row(each.participant_id, each.registered_name, each.role, each.party or "", each.state)
    console.print(shown if found else "nobody")


def admit(
    participant: ParticipantId,
    party: Annotated[str | None, typer.Option(help="The name under which datasheets know it, once checked.")] = None,
) -> None:
    """Admit an applicant, which opens its accounts."""
    with logged_in(os.environ) as market:
        admitted = market.operating.admit(participant, party)
    say(f"admitted {admitted.registered_name} as {admitted.role.replace('_', ' ')}")


def deposit(
    participant: ParticipantId,
    yuan: Annotated[str, typer.Argument(metavar="YUAN", help="Such as 100000.00.")],
    reference: Annotated[str, typer.Option(help="Of the transfer, as the bank states it; it is booked once.")],
) -> None:
    """Book a transfer that came in."""
    with logged_in(os.environ) as market:
        booked = market.operating.deposit(participant, fen_of(yuan), reference)
    say(f"booked {money(booked['amount_fen'])} for {participant}")


def show_payouts() -> None:
    """Payouts that wait to be transferred."""
    with logged_in(os.environ) as market:
        found = list(market.operating.payouts())
    shown = table("payout", "participant", "amount", right=("amount",), whole=("payout", "participant"))
    for each in found:
        shown.add_row(each.payout_id, each.participant_id, money(each.amount_fen))
    console.print(shown if found else "none waits")


def confirm_payout(
    payout: Annotated[str, typer.Argument(metavar="PAYOUT", help="Its id, pay_….")],
    reference: Annotated[str, typer.Option(help="Of the transfer by which it was paid.")],
) -> None:
    """Record that a payout was transferred."""
    with logged_in(os.environ) as market:
        paid = market.operating.confirm_payout(payout, reference)
    say(f"recorded: {money(paid.amount_fen)} left the market for {paid.participant_id}")


def write_trades(
    until: Annotated[str, typer.Option(metavar="DAY", help="What was cleared before this day, such as 2027-01-01.")],
    to: Annotated[Path, typer.Option(help="The file to write.")] = Path("market-trades.json"),
) -> None:
    """Write what was cleared, signed by the market, for the vault's next prices."""
    with logged_in(os.environ) as market:
        document = market.operating.cleared_trades(until)
    write_private(to, json.dumps(document, ensure_ascii=False, indent=1).encode())
    say(
        f"{to}: {len(document['sales'])} sales, {len(document['trades'])} of them negotiated; put it into "
        "`pricing/` of the home"
    )
