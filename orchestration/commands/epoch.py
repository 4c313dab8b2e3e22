"""`jinku epoch`: the market's parameters in force, and a proposal of the next quarter's for a person to approve."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.epoch_proposal import propose_from_catalogue
from pricing.money import format_fen, round_half_up
from vault.epochs import Epoch, epoch_at
from vault.home import home_from
from vault.quarters import next_quarter, quarter_of


def show_epoch(console: Console, today: date) -> None:
    """The set in force today, its approval and its constants. Raises JinkuError as `epoch_at` does."""
    epoch = epoch_at(today)
    console.print(
        f"[bold]{epoch.name}[/]  version {epoch.parameters.version}  from {epoch.from_day}  "
        f"approved by {escape(epoch.approved_by)} on {epoch.approved_on}  hash {epoch.content_hash[:12]}"
    )
    if epoch.is_carried_over:
        console.print(
            f"[yellow]carried over[/] into {quarter_of(today)}: no newer set has been approved; "
            "the parameters stand still until one is"
        )
    table = Table("constant", "", box=None, pad_edge=False, header_style="bold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("why")
    told = ""
    for symbol, place, value in _constants(epoch):
        reason = _reason(epoch, place)
        table.add_row(place, symbol, value, escape(reason if reason != told else ""))
        told = reason
    for each in epoch.beta_overrides:
        place = f"beta_market of {each.component or each.domain}"
        value = f"{float(each.beta or 0):g}"
        table.add_row(place, "β", value, escape(f"set by the regulator, record {each.record_id}: {each.reason}"))
    console.print(table)


def propose_epoch(console: Console, now: datetime) -> None:
    """Write the next quarter's proposal. Raises JinkuError as `propose_from_catalogue` does."""
    path = propose_from_catalogue(home_from(os.environ), now)
    console.print(f"proposed {next_quarter(quarter_of(now.astimezone(UTC).date()))}: {path}")
    console.print("Nothing is priced with it until a person approves it: docs/operator.md, A new quarter.")


def _constants(epoch: Epoch) -> Iterator[tuple[str, str, str]]:
    """Symbol, place and value with its unit of what moves prices most."""
    price, guide = epoch.parameters.price, epoch.parameters.guide
    for grain, records in epoch.parameters.reference_records.items():
        yield "N_ref", f"reference_records.{grain}", f"{records:,.0f} records"
    yield "E0", "half_value_bits", f"{epoch.parameters.half_value_bits:g} bits"
    for domain, value_fen in price.value_fen.items():
        yield "A_k", f"price.value_fen.{domain}", format_fen(round_half_up(value_fen))
    for ecosystem, adjustment in price.adjustments.items():
        yield "k_y", f"price.adjustments.{ecosystem}", f"{float(adjustment):g}"
    yield "γ", "price.margin", f"{float(price.margin):g}"
    for symbol, name in (("S", "scarcity"), ("T", "timeliness"), ("W", "coverage")):
        yield f"{symbol}_ref", f"guide.reference_{name}", f"{float(getattr(guide, f'reference_{name}')):g}"
    for symbol, name in (("S", "scarcity"), ("T", "timeliness"), ("N", "records"), ("W", "coverage")):
        yield f"a_{symbol}", f"guide.exponent_{name}", f"{float(getattr(guide, f'exponent_{name}')):g}"
    bounds = f"{float(guide.least_beta):g} to {float(guide.most_beta):g}"
    tariffs, months = epoch.tariffs, f"for {epoch.tariffs.period.months} months"
    yield "", "tariffs.storage", f"{format_fen(tariffs.storage.spent_fen)} {months}"
    yield "", "tariffs.compute", f"{format_fen(tariffs.compute.spent_fen)} {months}"
    yield "", "tariffs.governance", f"{format_fen(tariffs.governance.fen_per_hour)} per hour"
    yield "β", "beta_market", f"{float(epoch.beta_market):g} ({bounds})"


def _reason(epoch: Epoch, place: str) -> str:
    """The reason of a value, or of the group it is part of; tariffs carry theirs themselves."""
    if place.startswith("tariffs."):
        return str(getattr(epoch.tariffs, place.removeprefix("tariffs.")).reason)
    return epoch.reasons.get(place) or epoch.reasons[place.rpartition(".")[0]]
