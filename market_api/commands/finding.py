"""Finding components, and why they cost what they cost."""

import os
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Annotated

import typer
from rich.markup import escape

from market_api.client import Component, Preview, Price, PriceStep
from market_api.commands.logins import logged_in
from market_api.commands.terminal import console, fen_of, moment, money, say, table

FOUND_MAX = 50
EFFECTS_SHOWN = 5
FIGURES = 6

Name = Annotated[str, typer.Argument(help="A component, such as zone_hourly_mobility.")]


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    for name, command in (("search", search), ("show", show), ("price", price)):
        app.command(name, rich_help_panel="Catalogue")(command)


def search(
    words: Annotated[list[str] | None, typer.Argument(help="Words, each by its beginning; all without any.")] = None,
    field: Annotated[str | None, typer.Option(help="governance, development, livelihood or innovation.")] = None,
    column: Annotated[str | None, typer.Option(help="The name of a column it must have.")] = None,
    max_price: Annotated[str | None, typer.Option(metavar="YUAN", help="Of a posted price.")] = None,
) -> None:
    """What is listed now."""
    most_fen = None if max_price is None else fen_of(max_price)
    with logged_in(os.environ) as market:
        found = market.search(" ".join(words or ()), field=field, column=column, max_price_fen=most_fen)
        listed = list(islice(found, FOUND_MAX + 1))
    shown = table("component", "title", "field", "rows", "price", "P¹", "P²", right=("rows", "price", "P¹", "P²"))
    for each in listed[:FOUND_MAX]:
        guide = money(each.guide_fen) if each.price_fen != 0 else "–"
        negotiated = money(each.negotiated_fen) if each.price_fen != 0 else "–"
        shown.add_row(
            each.component,
            each.title_en,
            each.application_field,
            f"{each.rows:,}",
            _asked(each),
            negotiated,
            guide,
        )
    console.print(shown if listed else "nothing is listed that fits")
    if len(listed) > FOUND_MAX:
        say(f"and more; these are the first {FOUND_MAX}")


def show(name: Name) -> None:
    """What a component is: terms, facts, columns, and rows that are made up from its datasheet."""
    with logged_in(os.environ) as market:
        component, preview = market.component(name), market.preview(name)
    _show_facts(component)
    _show_columns(preview)
    say(f"the last column is made up from the datasheet; `jinku market price {name}` explains the price")


def price(
    name: Name,
    at: Annotated[
        str | None, typer.Option(metavar="YUAN", help="A price to be taken apart; the posted one otherwise.")
    ] = None,
) -> None:
    """Why it costs what it costs, step by step; what moves it most; who gets what of a sale."""
    with logged_in(os.environ) as market:
        told = market.price(name, None if at is None else fen_of(at))
    posted = told.prices["posted_fen"]
    console.print(
        f"[bold]{escape(told.release)}[/]  {escape(told.regime.replace('_', ' '))}, parameters of {told.epoch}, valued "
        f"{moment(told.valued_at)}; " + ("on request" if posted is None else f"posted at [bold]{money(posted)}[/]")
    )
    for flag in told.flags:
        console.print(f"[yellow]to know[/] {escape(flag)}", soft_wrap=True)
    for title, steps in _parts(told.steps):
        console.print(f"\n[bold]{title}[/]")
        shown = table("symbol", "value", "words", right=("value",), wrapped=("words",), headed=False)
        for step in steps:
            shown.add_row(*_cells(step))
        console.print(shown)
    _show_ways(told)
    _show_effects(told)
    _show_sale(told)


def _asked(component: Component) -> str:
    if component.price_fen is None:
        return "on request"
    return money(component.price_fen) if component.price_fen else "free"


def _show_facts(component: Component) -> None:
    terms, facts = component.terms, component.document
    console.print(f"[bold]{escape(component.title_en)}[/]  {escape(component.title_zh)}  {component.release}")
    say(str(facts["description"]))
    if not facts["trade"]["is_open"]:
        console.print(f"[yellow]not traded now[/] {escape(facts['trade']['notice'])}", soft_wrap=True)
    shown = table("what", "told", wrapped=("told",), headed=False)
    pulls = "any number of pulls" if terms.pulls is None else f"{terms.pulls} pulls"
    shown.add_row("price", _asked(component))
    shown.add_row("one row is", " × ".join(facts["grain"]))
    shown.add_row("rows", f"{component.rows:,}; Q {facts['quality']:.3f}; I {facts['information_value']:.3f}")
    shown.add_row("offered for", ", ".join(terms.purposes))
    shown.add_row("at most", f"{terms.users:,} users, {terms.term_days:,} days, {pulls}")
    shown.add_row("sold by", str(facts.get("seller_name", component.seller_id)))
    shown.add_row("rights until", str(facts["rights_until"]))
    console.print(shown)


def _show_columns(preview: Preview) -> None:
    shown = table("column", "type", "unit", "description", "such as", wrapped=("description",))
    first = preview.rows[0] if preview.rows else {}
    for each in preview.schema["columns"]:
        shown.add_row(
            each["name"],
            each["logical_type"],
            each.get("unit", ""),
            escape(each["description"]),
            escape(str(first.get(each["name"], ""))),
        )
    console.print(shown)


PARTS = (
    ("Information value", "I"),
    ("Cost and negotiated price", "P¹"),
    ("Guide price", "P²"),
)
"""The parts of an explanation, each with the symbol of its last step."""


def _parts(steps: Sequence[PriceStep]) -> Iterator[tuple[str, list[PriceStep]]]:
    rest = list(steps)
    for title, last in PARTS:
        place = next((place for place, step in enumerate(rest) if step.symbol == last), None)
        if place is not None:
            yield title, rest[: place + 1]
            rest = rest[place + 1 :]
    if rest:
        yield "Further", rest


def _cells(step: PriceStep) -> tuple[str, str, str]:
    words = escape(step.words) + (f"\n[dim]{escape(step.formula)}[/]" if step.formula else "")
    return escape(step.symbol), step_figure(step), words


def step_figure(step: PriceStep) -> str:
    """The value of a step as people read it: money in yuan, other numbers with six figures that count."""
    if step.value is None:
        return "none"
    number = Decimal(step.value)
    if step.unit == "fen":
        return money(round(number))
    text = f"{number:,.0f}" if number == number.to_integral_value() else f"{float(number):.{FIGURES}g}"
    return text if step.unit == "1" else f"{text} {step.unit}{'s' if number != 1 else ''}"


def _show_ways(told: Price) -> None:
    console.print("\n[bold]Ways to buy[/]")
    if (posted := told.prices["posted_fen"]) is not None:
        say(f"at the posted price of {money(posted)}")
    if told.negotiation is not None:
        say(f"by negotiation: {told.negotiation['words']}")
    if told.regime == "market":
        say(f"in an auction of its seller's: {told.auction['words']} That is {money(told.auction['reserve_fen'])}.")


def _show_effects(told: Price) -> None:
    console.print("\n[bold]What moves it most[/]")
    shown = table("a tenth less of", "", "P¹ is lower by", "P² is lower by", right=("P¹ is lower by", "P² is lower by"))
    for each in told.effects[:EFFECTS_SHOWN]:
        shown.add_row(each.symbol, each.name, money(each.negotiated_fen), money(each.guide_fen))
    console.print(shown)


def _show_sale(told: Price) -> None:
    sale = told.sale
    console.print("\n[bold]Who gets what of a sale[/]")
    if "unknown" in sale:
        say(str(sale["unknown"]))
        return
    shown = table("who", "what", "amount", right=("amount",), headed=False)
    rows = (
        ("VAT", f"{percent(sale['vat_rate'])} on the price without it", "vat_fen"),
        ("the market's fee", f"{percent(sale['fee_rate'])} of the price without tax", "fee_fen"),
        ("the seller", f"{percent(sale['seller_share'])} of the rest", "seller_fen"),
        ("the providers", f"{percent(sale['providers_share'])} of the rest", "providers_fen"),
    )
    for who, what, part in rows:
        shown.add_row(who, what, money(sale[part]))
    shown.add_row("", "in all", money(sale["price_fen"]))
    console.print(shown)


def percent(share: str) -> str:
    """A share as people write it."""
    return f"{(Decimal(share) * 100).normalize():f} %"
