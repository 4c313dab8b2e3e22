"""`jinku run`: land, collect, build, and say what came of it."""

import os
import threading
import time
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from expectations.dialect import prepare_great_expectations
from orchestration.city import found_city
from orchestration.commands.landing import land_folder, land_samples
from orchestration.dbt import parsing_ahead
from orchestration.declarations import declarations, refuse_faulty
from orchestration.failures import clear_storage_failures
from orchestration.freshness import assets_to_run
from orchestration.layers import RELEASES
from orchestration.recovery import end_killed_runs, is_held, sole
from orchestration.run_report import AssetRun, RunReport
from orchestration.running import instance, run_job
from vault.home import home_from, prepare
from vault.landing import scan, settled
from vault.layers import Vault


def run_city(console: Console, data: Path | None, scale: float, seed: int) -> int:
    """The exit status: 0 where everything that ran went well and no batch of this run was refused."""
    started = time.monotonic()
    refuse_faulty(declarations())
    prepare(home_from(os.environ))
    with sole(home_from(os.environ), "run"):
        vault = found_city()
        with parsing_ahead(vault.home) as is_first:
            landed = land_folder(vault, data) if data is not None else land_samples(vault, scale, seed)
            origin = f"real files of {data}" if data is not None else f"the sample city (synthetic, scale {scale:g})"
            console.print(f"[bold]Jinku[/] {origin}: {sum(landed.values())} new files of {len(landed)} sources landed")
            _finish_releases(vault)
            _wait_until_settled(vault)
            if is_first:  # seconds of imports that will be needed, while the other process parses
                import_module("orchestration.definitions")
                prepare_great_expectations()
        with clear_storage_failures(vault.home):
            report = _run(console, vault)
    if report is None:
        console.print("[bold green]nothing to do[/]: every table is up to date; `jinku status` shows what came in")
        return 0
    show_report(console, report)
    if RELEASES in {name for name, _ in report.judged}:
        from orchestration.commands.review import show_reviews  # what signs and reviews: only when something was

        console.print()
        show_reviews(console)
    return _closing(console, vault, report, time.monotonic() - started)


def _finish_releases(vault: Vault) -> None:
    """Releases that a killed run left between their record and their place."""
    from vault.releases.publishing import settle  # a second of imports, while the other process parses

    settle(vault)


def _wait_until_settled(vault: Vault) -> None:
    """Files landed a moment ago get their settle time; those still changing after it are left for the next run."""
    waited = [file for file in scan(vault.home, declarations().sources) if file.source is not None]
    seconds = vault.settings.settle_seconds
    if any(not settled(file, time.time_ns(), seconds) for file in waited):
        time.sleep(seconds)


def _run(console: Console, vault: Vault) -> RunReport | None:
    """Run what is not up to date; None where everything is."""
    from orchestration.definitions import defs  # parses the dbt project: only when something runs

    definitions, storage = defs(), instance(vault.home)
    for run_id in end_killed_runs(storage, only_from_terminal=is_held(vault.home, "up")):
        console.print(f"run {run_id} was killed before its end; this one goes on from there")
    to_run = assets_to_run(definitions, storage, vault, declarations())
    if not to_run:
        return None
    threading.Thread(target=prepare_great_expectations, daemon=True).start()  # while the first steps wait for the disk
    job = definitions.resolve_job_def("everything").get_subset(asset_selection=set(to_run))
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<34}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, auto_refresh=console.is_terminal) as progress:
        task = progress.add_task("starting", total=len(job.graph.node_dict))

        def on_step(name: str, is_finished: bool) -> None:
            progress.update(task, description=name, advance=1 if is_finished else 0)

        return run_job(job, storage, on_step)


def show_report(console: Console, report: RunReport) -> None:
    """A line per asset: layer, name, rows, what is new, checks, seconds of its step."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("layer", "asset"):
        table.add_column(name)
    for name in ("rows", "new", "checks", "seconds"):
        table.add_column(name, justify="right")
    previous = ""
    for asset in report.assets:
        table.add_row(
            asset.layer if asset.layer != previous else "",
            asset.name,
            _number(asset.rows),
            _number(asset.new_rows),
            _checks(asset),
            f"{asset.seconds:.1f}",
        )
        previous = asset.layer
    console.print(table)


def _checks(asset: AssetRun) -> str:
    counts = (("red", asset.checks_failed, "failed"), ("yellow", asset.checks_warned, "warned"))
    found = [f"[{colour}]{count} {word}[/]" for colour, count, word in counts if count]
    return ", ".join([*found, f"[green]{asset.checks_passed} passed[/]"]) if asset.checks_passed or found else "none"


def _closing(console: Console, vault: Vault, report: RunReport, seconds: float) -> int:
    for line in report.warnings:
        console.print(f"[yellow]warning[/] {escape(line)}")
    for line in report.failures:
        console.print(f"[bold red]failed[/] {escape(line)}")
    rows = sum(asset.new_rows or 0 for asset in report.assets if asset.layer == "raw")
    verdict = "[bold green]all built[/]" if report.success and not report.failures else "[bold red]not all built[/]"
    console.print(f"{verdict}: {rows:,} new rows collected, {len(report.assets)} assets, {seconds:.1f} s")
    home = os.path.relpath(vault.home.root)
    console.print(
        f"next: `make up` shows the graph; `jinku quality` what is wrong with the data, `jinku status` what is "
        f"quarantined; data and reports lie in {home}"
    )
    refused = any(" batches_accepted" in line for line in report.warnings)
    return 0 if report.success and not report.failures and not refused else 1


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
