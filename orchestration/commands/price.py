"""`jinku price`: what each component is worth and priced at, and one price explained step by step. Reads only."""

import os
from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.declarations import declarations
from orchestration.names import component_named
from orchestration.valuation.explanation import Line, explained
from orchestration.valuation.figures import figure, money, money_change
from orchestration.valuation.findings import findings_in_words
from orchestration.valuation.improvements import Improvement, improvements
from orchestration.valuation.page import valuation_page
from orchestration.valuation.published import latest_prices
from pricing.price_record import differences
from vault.errors import JinkuError
from vault.home import Home, home_from, report_link, settings_from
from vault.valuations import Valuation, valuations_of

GAINS_SHOWN = 5
WORDS_WIDTH, ROOMY_WORDS_WIDTH, ROOMY_WIDTH = 36, 54, 120
"""Of the column of words, in characters; the wider one where the terminal has room."""


def show_price(console: Console, name: str | None, check: bool) -> int:
    """Show all components or explain one; with `check` compute their prices again from their records instead.

    1 where a price does not follow from its facts, else 0. Raises JinkuError `nothing_valued`, `unknown_name` and
    `valuations_unusable`.
    """
    home = home_from(os.environ)
    valuations = latest_prices(home)
    if not valuations:
        where = str(home.pricing)
        raise JinkuError("nothing_valued", "no component has been valued here yet", where, "Run `make run` first.")
    chosen = list(valuations.values()) if name is None else [_named(name, valuations)]
    if check:
        return int(sum(_check(console, valuation) for valuation in chosen) < len(chosen))
    if name is None:
        _show_all(console, chosen)
    else:
        _show_one(console, home, chosen[0])
    return 0


def _named(name: str, valuations: Mapping[str, Valuation]) -> Valuation:
    """Raises JinkuError `unknown_name`, and `nothing_valued` of a component that has no price yet."""
    component = component_named(name, {**declarations().components, **valuations})
    if component not in valuations:
        raise JinkuError("nothing_valued", f"{component} has not been valued yet", "valuation", "Run `make run` first.")
    return valuations[component]


def _check(console: Console, valuation: Valuation) -> bool:
    """Whether the recorded price is the one that its own facts and parameters give; says so."""
    try:
        found = differences(valuation.document)
        verdict = (
            f"does not follow from its facts: {', '.join(found)}" if found else "every step follows from its facts"
        )
    except (KeyError, TypeError, ValueError) as error:
        found, verdict = ("all",), f"its record gives no price: {error}"
    told = f"{valuation.component}, valuation {valuation.valuation_id} of {valuation.valued_at:%F %T}Z: {verdict}"
    console.print(f"{'[bold red]wrong[/]' if found else '[green]right[/]'} {escape(told)}", soft_wrap=True)
    return not found


def _show_all(console: Console, valuations: Sequence[Valuation]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("component", no_wrap=True)
    for name in ("I", "V", "Q", "D", "P¹", "P²"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("regime", no_wrap=True)
    table.add_column("to know", justify="right", no_wrap=True)
    for valuation in sorted(valuations, key=lambda each: (-_index(each), each.component)):
        value, negotiated, guided = (valuation.price[part] for part in ("valuation", "negotiated", "guided"))
        table.add_row(
            valuation.component,
            *(figure(value[name]) for name in ("value_index", "volume", "quality", "density")),
            money(negotiated["price_fen"]),
            "none" if guided is None else money(guided["price_fen"]),
            valuation.document["facts"]["regime"],
            str(len(_to_know(valuation)) or ""),
        )
    console.print(table)
    for valuation in valuations:
        for remark in (*_listed_otherwise(valuation), *_to_know(valuation)):
            console.print(f"[yellow]{valuation.component}[/] {escape(remark)}", soft_wrap=True)
    unpublished = sum(not each.is_published for each in valuations)
    console.print(f"{len(valuations)} components valued; P¹ and P² are those before the regime")
    if unpublished:
        console.print(f"{unpublished} unpublished: the security review has not let their prices out")


def _index(valuation: Valuation) -> float:
    return float(valuation.price["valuation"]["value_index"])


def _to_know(valuation: Valuation) -> tuple[str, ...]:
    return (*valuation.flags, *findings_in_words(valuation))


def _listed_otherwise(valuation: Valuation) -> tuple[str, ...]:
    """What the regime leaves of P¹, where that is not all of it."""
    negotiated, regime = valuation.price["negotiated"], valuation.document["facts"]["regime"]
    if negotiated["listed_fen"] == negotiated["price_fen"]:
        return ()
    return (f"is listed at {money(negotiated['listed_fen'])}: {regime}",)


def _show_one(console: Console, home: Home, valuation: Valuation) -> None:
    last = valuations_of(home.pricing, valuation.component, most=2)
    before = next((each for each in last if each.valuation_id < valuation.valuation_id), None)
    lines = explained(valuation, before)
    console.print(
        f"[bold]{valuation.component}[/]  valued {valuation.valued_at:%F %T}Z  parameters of {valuation.epoch}  "
        + ("[green]published[/]" if valuation.is_published else "[yellow]unpublished[/]")
    )
    for line in lines:
        if line.symbol in ("I", "P¹", "P²") and line.before:
            console.print(f"  {line.symbol} {line.value}, was {line.before}")
    for remark in _to_know(valuation):
        console.print(f"[yellow]to know[/] {escape(remark)}", soft_wrap=True)
    _show_lines(console, lines)
    _show_gains(console, [each for each in improvements(valuation) if each.has_effect][:GAINS_SHOWN])
    page = valuation_page(home.reports, valuation.component)
    if page.is_file():
        console.print(f"page: {page}", soft_wrap=True)
        console.print(
            f"      {report_link(home, settings_from(os.environ), page)} while `jinku up` runs", soft_wrap=True
        )


def _show_lines(console: Console, lines: Sequence[Line]) -> None:
    """A table for each part, all of the same columns."""
    widths = [max(len(line.symbol) for line in lines), max(len(line.value) for line in lines)]
    words_width = ROOMY_WORDS_WIDTH if console.width >= ROOMY_WIDTH else WORDS_WIDTH
    for part, found in groupby(lines, key=lambda line: line.part):
        console.print(f"\n[bold]{part}[/]")
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(width=widths[0], no_wrap=True)
        table.add_column(width=widths[1], no_wrap=True, justify="right")
        table.add_column(width=words_width)
        table.add_column()
        for line in found:
            formula = f"= {escape(line.formula)}" if line.formula else ""
            table.add_row(escape(line.symbol), line.value, escape(line.words), formula)
        console.print(table)


def _show_gains(console: Console, gains: Sequence[Improvement]) -> None:
    if not gains:
        return
    console.print("\n[bold]What would raise the value most[/]")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("one thing better, costs as they are")
    for name in ("I", "P¹", "P²"):
        table.add_column(name, justify="right", no_wrap=True)
    for gain in gains:
        guide = "none" if gain.guide_gain_fen is None else money_change(gain.guide_gain_fen)
        table.add_row(escape(gain.words), figure(gain.value_index), money_change(gain.negotiated_gain_fen), guide)
    console.print(table)
