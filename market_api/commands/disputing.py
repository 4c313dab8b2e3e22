"""Disputes at the terminal: opening one, seeing it, saying something to it with evidence, deciding it.

Parties see their own, evaluators those that are open, the operator, who is the arbiter, all of them.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from market_api.client import Dispute, Evidence, Market
from market_api.commands.logins import logged_in
from market_api.commands.terminal import console, fen_of, moment, money, say, table
from vault.errors import JinkuError

EVALUATOR, ARBITER = "evaluator", "operator"

DisputeId = Annotated[str, typer.Argument(metavar="DISPUTE", help="Its id, dsp_….")]
Statement = Annotated[str, typer.Option(help="What you say, in full.")]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", help="A field of the datasheet that was sold, such as quality.scores.completeness."),
]
Entries = Annotated[
    list[int] | None, typer.Option("--entry", help="The index of an entry, as `jinku market dispute entries` lists it.")
]


class Ground(StrEnum):
    """Why an order is contested."""

    NOT_DELIVERED = "not_delivered"
    NOT_AS_DESCRIBED = "not_as_described"
    QUALITY = "quality"
    TERMS = "terms"
    OTHER = "other"


class Outcome(StrEnum):
    """What the arbiter decides."""

    UPHELD = "upheld"
    REJECTED = "rejected"


class Licence(StrEnum):
    """What becomes of the licence."""

    KEEPS = "keeps"
    ENDS = "ends"


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    group = typer.Typer(no_args_is_help=True, help="Disputes about orders: open, see, answer, decide.")
    for name, command in (
        ("open", open_dispute),
        ("list", show_disputes),
        ("show", show_dispute),
        ("entries", show_entries),
        ("evidence", give_evidence),
        ("withdraw", withdraw),
        ("decide", decide),
    ):
        group.command(name)(command)
    app.add_typer(group, name="dispute", rich_help_panel="Trade")


def open_dispute(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="Its id, ord_….")],
    ground: Annotated[Ground, typer.Option(help="Why.")],
    statement: Statement,
    field: Fields = None,
) -> None:
    """Contest an order that you paid, within its term: its money stays pending, its entitlement rests."""
    with logged_in(os.environ) as market:
        sold = market.order(order).document["datasheet_hash"]
        _tell(market.dispute(order, ground.value, statement, _fields(sold, field or ())))


def show_disputes(
    state: Annotated[str | None, typer.Option(help="opened, withdrawn, upheld or rejected.")] = None,
) -> None:
    """Your disputes; for an evaluator those that are open, for the operator all."""
    with logged_in(os.environ) as market:
        found = list(_disputes(market, state))
    shown = table("dispute", "order", "about", "state", "given back", right=("given back",), whole=("dispute", "order"))
    for each in found:
        shown.add_row(each.dispute_id, each.order_id, _words(each.ground), each.state, money(each.refund_fen))
    console.print(shown if found else "no disputes")


def show_dispute(dispute: DisputeId) -> None:
    """A dispute with all that was said to it, and what was decided."""
    with logged_in(os.environ) as market:
        _tell(_dispute(market, dispute))


def show_entries(dispute: DisputeId) -> None:
    """The entries of the black box about the sale, for `--entry` to refer to."""
    with logged_in(os.environ) as market:
        found = list(_entries(market, dispute))
    shown = table("entry", "at", "by", "what", "of", right=("entry",), whole=("of",))
    for each in found:
        shown.add_row(str(each.index), moment(each.at), each.by, each.step or "erased", each.subject)
    console.print(shown if found else "no entries yet")


def give_evidence(dispute: DisputeId, statement: Statement, entry: Entries = None, field: Fields = None) -> None:
    """Say something to an open dispute, with what speaks for it: as its buyer or seller, or as an evaluator."""
    with logged_in(os.environ) as market:
        of_log = _of_log(market, dispute, entry or ())
        sold = _dispute(market, dispute).datasheet_hash if field else None
        references = [*of_log, *_fields(sold, field or ())]
        if market.account().role == EVALUATOR:
            _tell(market.evaluating.say(dispute, statement, references))
        else:
            _tell(market.say(dispute, statement, references))


def withdraw(dispute: DisputeId) -> None:
    """Withdraw your dispute: the sale stands, and cannot be disputed again."""
    with logged_in(os.environ) as market:
        _tell(market.withdraw_dispute(dispute))


def decide(
    dispute: DisputeId,
    outcome: Annotated[Outcome, typer.Argument(metavar="OUTCOME", help="upheld or rejected.")],
    reason: Annotated[str, typer.Option(help="Why; both parties are told.")],
    refund: Annotated[
        str | None, typer.Option(metavar="YUAN", help="Where it is upheld: how much of the price goes back.")
    ] = None,
    licence: Annotated[Licence | None, typer.Option(help="Where it is upheld: whether the buyer keeps it.")] = None,
) -> None:
    """Decide a dispute, once, as the operator: it is upheld with a refund, or rejected, and the sale stands."""
    refund_fen = None if refund is None else fen_of(refund)
    with logged_in(os.environ) as market:
        kept = None if licence is None else licence.value
        _tell(market.operating.decide(dispute, outcome.value, reason, refund_fen, kept))


def _disputes(market: Market, state: str | None) -> Iterator[Dispute]:
    role = market.account().role
    if role == EVALUATOR:
        return (each for each in market.evaluating.disputes() if state in (None, each.state))
    return market.operating.disputes(state) if role == ARBITER else market.disputes(state)


def _dispute(market: Market, dispute_id: str) -> Dispute:
    role = market.account().role
    if role == EVALUATOR:
        return market.evaluating.dispute(dispute_id)
    return market.operating.dispute(dispute_id) if role == ARBITER else market.dispute_of(dispute_id)


def _entries(market: Market, dispute_id: str) -> Iterator[Evidence]:
    is_evaluator = market.account().role == EVALUATOR
    return market.evaluating.entries(dispute_id) if is_evaluator else market.dispute_entries(dispute_id)


def _of_log(market: Market, dispute_id: str, indices: Sequence[int]) -> list[Mapping[str, Any]]:
    """References to entries of the black box. Raises JinkuError `unknown_entry` where one is not about the sale."""
    known = {each.index: each.reference for each in _entries(market, dispute_id)} if indices else {}
    if missing := [index for index in indices if index not in known]:
        raise JinkuError(
            "unknown_entry",
            f"entry {missing[0]} is not about this sale",
            dispute_id,
            f"See `jinku market dispute entries {dispute_id}`.",
        )
    return [known[index] for index in indices]


def _fields(datasheet_hash: str | None, fields: Sequence[str]) -> list[Mapping[str, Any]]:
    """References to fields of the datasheet that was sold."""
    return [{"kind": "datasheet", "datasheet_hash": datasheet_hash, "field": each} for each in fields]


def _tell(dispute: Dispute) -> None:
    say(f"{dispute.dispute_id}  {dispute.state}, about {_words(dispute.ground)} of order {dispute.order_id}")
    if dispute.component is not None:
        say(f"{dispute.component}, sold for {money(dispute.price_fen)}")
    for each in dispute.statements:
        say(f"\n{each['party']}, {moment(each['made_at'])}\n{each['statement']}")
        for reference in each["evidence"]:
            say(f"  {_told(reference)}")
    if dispute.reason is not None:
        say(f"\ndecided: {dispute.reason}")
    if dispute.refund_fen is not None:
        say(f"given back {money(dispute.refund_fen)}; the buyer's licence {_LICENCES[str(dispute.licence)]}")


_LICENCES = {Licence.KEEPS.value: "goes on", Licence.ENDS.value: "has ended"}


def _told(reference: Mapping[str, Any]) -> str:
    if reference["kind"] == "log_entry":
        return f"entry {reference['index']} of the black box"
    return f"datasheet: {reference['field']} is {reference['value']}"


def _words(ground: str) -> str:
    return ground.replace("_", " ")
