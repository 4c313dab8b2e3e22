"""The `jinku` command: run, look, land, scaffold. Every failure is one clear line and a non-zero exit status."""

import gc
import os
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from orchestration import vault_command_line
from orchestration.terminal import console, errors
from vault.errors import JinkuError
from vault.home import MARKET_PORT, REPORTS_PORT, home_from

os.environ.setdefault("DO_NOT_TRACK", "1")
warnings.filterwarnings("ignore", message=".*currently in beta.*")  # Dagster's, of no use to the person at the terminal
os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
os.environ.setdefault("MPLCONFIGDIR", str(home_from(os.environ).root / "matplotlib"))  # its font cache, else in ~

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


def main() -> None:
    """Entry point: our own errors become one line."""
    try:
        app()
    except JinkuError as error:
        fail(str(error))
    finally:
        gc.freeze()  # the process ends: sorting through all its objects once more would take it seconds


def fail(message: str) -> NoReturn:
    """Say what is wrong and leave with status 1."""
    errors.print(f"[bold red]error[/] {escape(message)}")
    raise SystemExit(1)


@app.command()
def run(
    data: Annotated[
        Path | None, typer.Option(help="land the real files of this folder instead of the sample city")
    ] = None,
    scale: Annotated[float, typer.Option(help="size of the sample city")] = 1.0,
    seed: Annotated[int, typer.Option(help="seed of the sample city")] = 20180601,
) -> None:
    """Land files, materialize everything that is new, and show what came of it."""
    from orchestration.commands.run import run_city

    raise SystemExit(run_city(console, data, scale, seed))


@app.command()
def up(
    port: Annotated[int, typer.Option(help="port of the UI on loopback")] = 3000,
    reports_port: Annotated[int, typer.Option(help="port of the reports on loopback")] = REPORTS_PORT,
    market_port: Annotated[int, typer.Option(help="port of the market on loopback")] = MARKET_PORT,
) -> None:
    """Dagster's UI and daemon, the reports and the market on loopback, over the same home."""
    from orchestration.commands.up import serve

    raise SystemExit(serve(console, port, reports_port, market_port))


@app.command()
def status() -> None:
    """What landed, what was collected, what is quarantined, what belongs to nobody."""
    from orchestration.commands.look import show_status

    show_status(console)


@app.command()
def sources() -> None:
    """The declared sources with their batches and rows."""
    from orchestration.commands.look import show_sources

    show_sources(console)


@app.command()
def components() -> None:
    """The declared components and products with their rows."""
    from orchestration.commands.look import show_components

    show_components(console)


@app.command()
def show(name: Annotated[str, typer.Argument(help="a source, component or product")]) -> None:
    """One declaration: its contract, columns and present state."""
    from orchestration.commands.look import show_one

    show_one(console, name)


@app.command()
def quality(
    asset: Annotated[str | None, typer.Argument(help="a table, such as base/taxi_trips; all without it")] = None,
    gate: Annotated[bool, typer.Option("--gate", help="exit status 1 when a gate shown is closed")] = False,
) -> None:
    """The quality of every table, or of one: Z, Q, what is wrong, where, and what it costs."""
    from orchestration.commands.quality import show_quality

    raise SystemExit(show_quality(console, asset, gate))


@app.command()
def profile(table: Annotated[str, typer.Argument(help="a built table, such as trip or base/taxi_trips")]) -> None:
    """Propose a suite of expectations from a table's data, as YAML for a steward to edit."""
    from orchestration.commands.quality import propose_suite

    propose_suite(table)


@app.command()
def cost(
    name: Annotated[
        str | None, typer.Argument(help="a component, such as trip_demand_features; all without it")
    ] = None,
) -> None:
    """What this quarter's pools went to, or where each fen of a component's cost price came from."""
    from orchestration.commands.cost import show_cost

    show_cost(console, name, datetime.now(UTC))


@app.command()
def price(
    name: Annotated[str | None, typer.Argument(help="a component; all without it")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="compute prices again from their records; exit status 1 where one differs")
    ] = False,
) -> None:
    """What every component is worth and priced at, or one price step by step, with what would raise it most."""
    from orchestration.commands.price import show_price

    raise SystemExit(show_price(console, name, check))


epoch_commands = typer.Typer()
app.add_typer(epoch_commands, name="epoch")


@epoch_commands.callback(invoke_without_command=True)
def epoch(context: typer.Context) -> None:
    """The market's parameters in force: who approved them, what they are, and why."""
    if context.invoked_subcommand is None:
        from orchestration.commands.epoch import show_epoch

        show_epoch(console, datetime.now(UTC).date())


@epoch_commands.command()
def propose() -> None:
    """Derive the next quarter's parameters from the catalogue, as YAML for a person to approve."""
    from orchestration.commands.epoch import propose_epoch

    propose_epoch(console, datetime.now(UTC))


@app.command()
def land(
    file: Annotated[Path, typer.Argument(help="the file a provider handed over")],
    source: Annotated[str | None, typer.Option(help="the source, where the file's name does not tell")] = None,
) -> None:
    """Put a file into the landing zone."""
    from orchestration.commands.landing import land_file

    land_file(console, file, source)


@app.command()
def new(
    kind: Annotated[str, typer.Argument(help="source, component or product")],
    name: Annotated[str, typer.Argument(help="lower case, digits and underscores")],
) -> None:
    """Scaffold a folder and an SQL file that run as they are."""
    from orchestration.commands.new import scaffold

    scaffold(console, kind, name)


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
def market(context: typer.Context) -> None:
    """The market: serve it, trade in it, pull from it; `jinku market --help` lists its commands."""
    from orchestration.commands.market import become_market

    become_market(context.args or ["--help"])


@app.command()
def trace(
    file: Annotated[Path, typer.Argument(help="a leaked copy: Parquet, CSV or JSON")],
    release: Annotated[
        str | None, typer.Option(help="component or component@number it is of; found by its columns otherwise")
    ] = None,
) -> None:
    """Say whose copy of a component a leaked file is, with its p-value."""
    from orchestration.commands.market import become_market

    become_market(["trace", str(file), *(["--release", release] if release else [])])


vault_command_line.add_to(app)

if __name__ == "__main__":
    main()
