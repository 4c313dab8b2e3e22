"""Invoices and credit notes, and funds that are to be paid out."""

import os
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.markup import escape

from market_api.client import CreditNote, Invoice
from market_api.commands.logins import logged_in
from market_api.commands.terminal import console, fen_of, moment, money, say, table

PayoutId = Annotated[str, typer.Argument(metavar="PAYOUT", help="Its id, pay_….")]


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.command("invoices", rich_help_panel="Participant")(show_invoices)
    group = typer.Typer(no_args_is_help=True, help="Funds that are to be paid out to you.")
    for name, command in (("ask", ask), ("list", show_payouts), ("cancel", cancel), ("reject", reject)):
        group.command(name)(command)
    app.add_typer(group, name="payout", rich_help_panel="Participant")


def show_invoices() -> None:
    """Your invoices, with the credit notes (贷记单) of what was given back."""
    with logged_in(os.environ) as market:
        own = market.account().participant_id
        invoices, notes = list(market.invoices()), {each.order_id: each for each in market.credit_notes()}
    shown = table("number", "", "order", "net", "VAT", "gross", right=("net", "VAT", "gross"), whole=("order",))
    totals = {"bought": [0, 0, 0], "sold": [0, 0, 0]}
    for invoice in invoices:
        side = "bought" if invoice.document["buyer"]["participant_id"] == own else "sold"
        for number, amounts in _vouchers(invoice, notes.get(invoice.order_id)):
            totals[side] = [before + amount for before, amount in zip(totals[side], amounts, strict=True)]
            shown.add_row(number, side, invoice.order_id, *map(money, amounts))
    for side in (side for side, amounts in totals.items() if any(amounts)):
        shown.add_row("in all", side, "", *map(money, totals[side]))
    console.print(shown if invoices else "no invoices yet")


def _vouchers(invoice: Invoice, note: CreditNote | None) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """An invoice and what takes back of it: number, and net, VAT and gross in fen, those of a credit note below 0."""
    yield invoice.number, (invoice.net_fen, invoice.vat_fen, invoice.gross_fen)
    if note is not None:
        yield note.number, (-note.net_fen, -note.vat_fen, -note.gross_fen)


def ask(yuan: Annotated[str, typer.Argument(metavar="YUAN", help="Such as 2546.71.")]) -> None:
    """Ask for funds to be paid out; they are set aside until the operator has transferred them."""
    with logged_in(os.environ) as market:
        asked = market.request_payout(fen_of(yuan))
    say(f"asked for {money(asked.amount_fen)}: {asked.payout_id}")


def show_payouts(
    state: Annotated[str | None, typer.Option(help="requested, paid, rejected or cancelled.")] = None,
) -> None:
    """Your payouts, and why one was rejected."""
    with logged_in(os.environ) as market:
        found = list(market.payouts(state))
    shown = table(
        "payout", "asked at", "amount", "state", "why", right=("amount",), whole=("payout",), wrapped=("why",)
    )
    for each in found:
        asked_at, why = moment(each.created_at), escape(each.reason or "")
        shown.add_row(each.payout_id, asked_at, money(each.amount_fen), each.state, why)
    console.print(shown if found else "no payouts yet")


def cancel(payout: PayoutId) -> None:
    """Take your request back; the amount is yours to spend again."""
    with logged_in(os.environ) as market:
        cancelled = market.cancel_payout(payout)
    say(f"cancelled: {money(cancelled.amount_fen)} are yours to spend again")


def reject(payout: PayoutId, reason: Annotated[str, typer.Option(help="Why; its owner is told.")]) -> None:
    """As the operator, give the amount back to its owner instead of transferring it."""
    with logged_in(os.environ) as market:
        rejected = market.operating.reject_payout(payout, reason)
    say(f"rejected: {money(rejected.amount_fen)} went back to {rejected.participant_id}")
