"""Admitting participants, booking funds, issuing enrolment codes and fetching what was cleared, for the operator."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from market_api.commands.logins import logged_in
from market_api.commands.terminal import console, errors, fen_of, moment, money, say, table
from vault.durable import write_private

ParticipantId = Annotated[str, typer.Argument(metavar="PARTICIPANT", help="Its id, par_….")]


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    for name, command in (
        ("participants", show_participants),
        ("admit", admit),
        ("enrolment-code", issue_code),
        ("deposit", deposit),
        ("deposits", show_deposits),
        ("reverse", reverse_deposit),
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


def issue_code(
    participant: ParticipantId,
    reason: Annotated[str, typer.Option(help="How you checked who asks; it is put on record.")],
    hours: Annotated[int, typer.Option(help="How long the code is good, at most 168.")] = 24,
) -> None:
    """Issue a code for who lost all its secrets; printed once, for `jinku market enrol` to read."""
    with logged_in(os.environ) as market:
        issued = market.operating.enrolment_code(participant, reason, hours)
    say(f"client_id      {issued.participant_id}\nenrolment_code {issued.enrolment_code}")
    errors.print(f"good until {moment(issued.expires_at)} UTC, once; hand it over to nobody but whom you checked")


def deposit(
    participant: ParticipantId,
    yuan: Annotated[str, typer.Argument(metavar="YUAN", help="Such as 100000.00.")],
    reference: Annotated[str, typer.Option(help="Of the transfer, as the bank states it; it is booked once.")],
) -> None:
    """Book a transfer that came in."""
    with logged_in(os.environ) as market:
        booked = market.operating.deposit(participant, fen_of(yuan), reference)
    say(f"booked {money(booked.amount_fen)} for {participant}: {booked.deposit_id}")


def show_deposits(participant: ParticipantId) -> None:
    """The transfers that were booked for a participant."""
    with logged_in(os.environ) as market:
        found = list(market.operating.deposits(participant))
    shown = table(
        "deposit", "at", "reference", "amount", "reversed", right=("amount",), whole=("deposit",), wrapped=("reversed",)
    )
    for each in found:
        why = "" if each.reversal is None else f"{moment(each.reversal['at'])}: {each.reversal['reason']}"
        amount, reference = money(each.amount_fen), escape(each.bank_reference)
        shown.add_row(each.deposit_id, moment(each.at), reference, amount, escape(why))
    console.print(shown if found else "none was booked")


def reverse_deposit(
    deposit: Annotated[str, typer.Argument(metavar="DEPOSIT", help="Its id, dep_….")],
    reason: Annotated[str, typer.Option(help="Why it was wrong.")],
) -> None:
    """Take back a deposit that was booked wrongly, while its funds are there; its transfer can be booked again then."""
    with logged_in(os.environ) as market:
        taken_back = market.operating.reverse_deposit(deposit, reason)
    say(f"reversed: {money(taken_back.amount_fen)} are not {taken_back.participant_id}'s any more")


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
        f"{to}: number {document['sequence']}, {len(document['sales'])} sales, {len(document['trades'])} of them "
        "negotiated; put it into `pricing/` of the home"
    )
