"""`jinku cost`: what the period's pools went to, and where each fen of a component's cost came from."""

import os
from collections.abc import Mapping
from datetime import datetime

from rich.console import Console
from rich.table import Table

from orchestration.costs import cost_of_components, period_before, tariffs_in_force
from orchestration.declarations import declarations
from orchestration.names import component_named
from pricing.cost import ACTIVITIES
from pricing.money import format_fen, round_half_up
from vault.costing import REASONS, CostReport, CostStatement, PoolUse, Reason
from vault.home import home_from

NAMES_SHOWN = 5
IN_WORDS: Mapping[Reason, str] = {
    "idle": "idle",
    "unread": "read by nobody",
    "unresolved": "unresolved",
    "product": "products",
}


def show_cost(console: Console, name: str | None, now: datetime) -> None:
    """The cost of the whole period before `now`, as far as it was metered: all components, or all lines of one.

    Raises JinkuError `nothing_metered`, `meter_unusable`, `unknown_name`, and `parameters_missing` without tariffs.
    """
    known = declarations()
    chosen = None if name is None else component_named(name, known.components)
    tariffs = tariffs_in_force(now)
    start = period_before(now, tariffs)
    report = cost_of_components(home_from(os.environ), known, tariffs, start, now)
    console.print(f"the {tariffs.period.months} months from {start:%F} to {now:%F %T}Z, as prices count them")
    if chosen is None:
        _show_all(console, report)
    else:
        _show_one(console, report.components[chosen])


def _show_all(console: Console, report: CostReport) -> None:
    pools = _table("pool", "spent", "components", *IN_WORDS.values(), "used")
    for pool in report.pools:
        reasons = [report.unallocated_fen(pool.activity, reason) for reason in REASONS]
        allocated_fen = report.allocated_fen(pool.activity)
        pools.add_row(pool.activity, *_yuan(pool.spent_fen, allocated_fen, *reasons), _used(pool))
    console.print(pools)
    components = _table("component", *ACTIVITIES, "C_xm", "P'")
    for name, statement in report.components.items():
        fen = [statement.fen_of(activity) for activity in ACTIVITIES]
        components.add_row(name, *_yuan(*fen), *_model_and_price(statement))
    console.print(components)
    for reason in ("unread", "unresolved"):
        _show_names(console, report, reason)
    allocated_fen = sum(report.allocated_fen(activity) for activity in ACTIVITIES)
    of_none_fen = sum(each.fen for each in report.unallocated)
    spent, allocated, of_none = _yuan(report.spent_fen, allocated_fen, of_none_fen)
    console.print(f"{spent} metered = {allocated} of components + {of_none} of none; `jinku cost NAME` has every line")


def _show_names(console: Console, report: CostReport, reason: Reason) -> None:
    fen: dict[str, int] = {}
    for each in report.unallocated:
        if each.reason == reason:
            fen[each.name] = fen.get(each.name, 0) + each.fen
    dearest = sorted(fen, key=lambda name: (-fen[name], name))
    told = ", ".join(f"{name} {format_fen(fen[name])}" for name in dearest[:NAMES_SHOWN])
    more = f" and {len(fen) - NAMES_SHOWN} more" if len(fen) > NAMES_SHOWN else ""
    if told:
        console.print(f"{IN_WORDS[reason]}: {told}{more}")


def _show_one(console: Console, statement: CostStatement) -> None:
    lines = _table("field", *ACTIVITIES, "total")
    for line in sorted(statement.lines, key=lambda line: (-line.total_fen, line.field)):
        lines.add_row(line.field, *_yuan(*(line.by_activity.get(each, 0) for each in ACTIVITIES), line.total_fen))
    lines.add_section()
    of_fields = [statement.fen_of(activity) for activity in ACTIVITIES]
    lines.add_row(f"{len(statement.lines)} fields", *_yuan(*of_fields, statement.fields_cost_fen))
    model, price = _model_and_price(statement)
    lines.add_row("C_xm, the model", "", "", "", "", model)
    lines.add_row("P', the cost price", "", "", "", "", price, style="bold")
    console.print(lines)
    development, run_cost = _yuan(round_half_up(statement.development_fen), statement.run_cost_fen)
    console.print(f"C_xm is {development} of its development and {run_cost} of run cost; P' is for one licence")
    if statement.unresolved:
        tables = ", ".join(statement.unresolved)
        console.print(f"[yellow]incomplete[/]: not built, or it is not known what they are made from: {tables}")


def _model_and_price(statement: CostStatement) -> tuple[str, str]:
    return format_fen(round_half_up(statement.model_cost_fen)), format_fen(round_half_up(statement.cost_price_fen))


def _used(pool: PoolUse) -> str:
    """The share of the capacity, or the hours; of an acquisition there is only money."""
    if pool.capacity is not None:
        return f"{float(pool.used / pool.capacity) * 100:.2g} %"
    return f"{float(pool.used):g} h" if pool.activity == "governance" else ""


def _yuan(*amounts_fen: int) -> list[str]:
    return [format_fen(fen) for fen in amounts_fen]


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table
