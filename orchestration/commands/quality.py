"""`jinku quality` and `jinku profile`: what the history says of tables, and a suite proposed from a table's data."""

import os
from collections.abc import Mapping, Sequence

import duckdb
from markupsafe import Markup
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from expectations import history
from expectations.engine import TableUnderTest
from expectations.history import Evaluation
from expectations.pages import AssetWords, OverviewLine, overview_of
from expectations.pages_rules import rule_of, rules_of
from expectations.pages_verdict import failure_in_words
from expectations.profile import as_yaml, propose
from expectations.results import ExpectationResult, Status
from orchestration.city import rules_in_force
from orchestration.declarations import declarations
from orchestration.judged_tables import JUDGED_LAYERS
from orchestration.layers import LAYER_OF_SCHEMA
from orchestration.roles import public, recorded_roles
from orchestration.running import instance
from orchestration.words import words_of_contracts
from pricing.quality import DIMENSIONS
from vault.contract import Dimension
from vault.errors import JinkuError
from vault.home import home_from, settings_from
from vault.layers import connect, open_vault

COLOURS: Mapping[Status, str] = {"error": "red", "failed": "yellow", "vacuous": "white", "passed": "green"}
"""Statuses in the order in which they are told."""

ROWS_SHOWN = 3
WIDTH_FOR_DIMENSIONS = 100


def show_quality(console: Console, asset: str | None, gate: bool) -> int:
    """Show all tables or one; 1 where `gate` is asked for and a gate is closed, or nothing was ever judged.

    Raises JinkuError `no_quality` where no table was judged yet, and `unknown_name`.
    """
    home = home_from(os.environ)
    if not (home.quality / history.FILE_NAME).exists():
        raise JinkuError("no_quality", "no table has been judged here yet", str(home.quality), "Run `make run` first.")
    engine = history.open_history(home.quality)
    lines, _ = overview_of(engine, rules_in_force(), words_of_contracts(declarations()))
    chosen = list(lines) if asset is None else [_named(lines, asset)]
    if asset is None:
        _show_all(console, chosen)
    else:
        _show_one(console, chosen[0], history.latest_of_all(engine, [chosen[0].asset])[chosen[0].asset])
    return int(gate and (not chosen or any(line.gate_closed for line in chosen)))


def _named(lines: Sequence[OverviewLine], name: str) -> OverviewLine:
    for line in lines:
        if name in (line.asset, line.asset.rsplit("/", 1)[-1]):
            return line
    known = ", ".join(line.asset for line in lines)
    raise JinkuError("unknown_name", f"no judged table is called '{name}'", "quality", f"Known: {known}.")


def _show_all(console: Console, lines: list[OverviewLine]) -> None:
    has_room = console.width >= WIDTH_FOR_DIMENSIONS
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("table", no_wrap=True)
    for name in ("Q", *(dimension[:4] for dimension in DIMENSIONS if has_room), "failed", "errors"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("gate", no_wrap=True)
    order = [layer.name for layer in JUDGED_LAYERS]
    for line in sorted(lines, key=lambda line: (order.index(line.asset.split("/")[0]), line.asset)):
        counts = [str(line.counts[status] or "") for status in ("failed", "error")]
        dimensions = [_score(line, dimension) for dimension in DIMENSIONS if has_room]
        table.add_row(line.asset, _figure(line.quality), *dimensions, *counts, _gate(line))
    console.print(table)
    closed = [line.asset for line in lines if line.gate_closed]
    console.print(f"{len(lines)} tables, {len(closed)} gates closed" + (f": {', '.join(closed)}" if closed else ""))
    dearest = min(lines, key=lambda line: line.quality or 0.0, default=None)
    if dearest is not None and dearest.fix_first:
        console.print(f"fix first: {dearest.asset}: {_plain(dearest.fix_first)}")


def _show_one(console: Console, line: OverviewLine, evaluation: Evaluation) -> None:
    console.print(f"[bold]{line.asset}[/]  Q {_figure(line.quality)}  gate {_gate(line)}  {line.evaluated_at:%F %T}Z")
    console.print("  ".join(f"{dimension} {_score(line, dimension)}" for dimension in DIMENSIONS))
    if line.fix_first:
        console.print(_plain(line.fix_first))
    rules = rules_of(words_of_contracts(declarations()).get(line.asset, AssetWords()).expectations)
    for status, colour in COLOURS.items():
        for result in evaluation.results:
            if result.status == status:
                rule = rule_of(result, rules)
                words = (rule.reason or "") if rule.queries else _plain(rule.words)  # a query does not tell by itself
                told = f"[{colour}]{status:<7}[/] {result.severity:<8} {result.dimension:<13} {escape(words)}"
                console.print(told + escape(_how_and_where(result)))


def _how_and_where(result: ExpectationResult) -> str:
    """Why it could not be evaluated, or how many rows are at fault and where the first ones stand."""
    if result.cause:
        return f": {result.cause}"
    if result.status != "failed":
        return ""
    rows: dict[str, list[str]] = {}
    for each in result.row_references[:ROWS_SHOWN]:
        rows.setdefault(each.batch, []).append(str(each.row))
    places = [f"{batch} row {', '.join(numbers)}" for batch, numbers in rows.items()]
    more = " ..." if len(result.row_references) > ROWS_SHOWN else ""
    return "".join([f": {failure_in_words(result)}", *(f"; {place}" for place in places), more])


def _score(line: OverviewLine, dimension: Dimension) -> str:
    score = line.scores.get(dimension) if line.scores else 0.0
    return "waived" if score is None else f"{score:.3f}"


def _figure(quality: float | None) -> str:
    return "none" if quality is None else f"{quality:.3f}"


def _gate(line: OverviewLine) -> str:
    return "[bold red]closed[/]" if line.gate_closed else "[green]open[/]"


def _plain(words: str) -> str:
    """Words made for a page, without their marks; soft breaks in names are no part of them."""
    return Markup(words).striptags().replace("\u200b", "")


def propose_suite(name: str) -> None:
    """Print a proposed suite. Raises JinkuError `unknown_name` where no built table is called so."""
    vault = open_vault(home_from(os.environ), settings_from(os.environ))
    with connect(vault, read=("warehouse", "components")) as connection:
        tables = _built_tables(connection)
        table = next((each for each in tables if name in (each.asset, each.name)), None)
        if table is None:
            known = ", ".join(each.asset for each in tables)
            raise JinkuError("unknown_name", f"no built table is called '{name}'", "vault", f"Known: {known}.")
        others = [each for each in tables if each.database == table.database and each.schema != "products"]
        print(as_yaml(table, propose(connection, table, others)), end="")


def _built_tables(connection: duckdb.DuckDBPyConnection) -> list[TableUnderTest]:
    storage = instance(home_from(os.environ))
    components = declarations().components
    found = connection.execute(
        "select database_name, schema_name, table_name from duckdb_tables() where not internal order by all"
    ).fetchall()
    return [
        TableUnderTest(
            f"{schema}/{table}",
            database,
            schema,
            table,
            public(
                {column.name: column.role for column in components[table].columns}
                if schema == "components" and table in components
                else recorded_roles(storage, schema, table)
            ),
        )
        for database, schema, table in found
        if schema in LAYER_OF_SCHEMA
    ]
