"""`jinku status`, `sources`, `components` and `show`: looking without changing anything."""

import time

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.declarations import declarations
from orchestration.layers import LAYERS, Layer
from orchestration.opening import collected_vault
from orchestration.tables import facts_of
from vault.contract import Column, ComponentContract, ProductContract, SourceContract
from vault.errors import JinkuError
from vault.landing import scan, settled
from vault.layers import Vault, connect
from vault.ledger import CollectedBatch, batches

NEWEST = 10
COMPONENTS, PRODUCTS = LAYERS[2], LAYERS[3]


def _ledger(vault: Vault) -> tuple[CollectedBatch, ...]:
    with connect(vault, read=("raw",)) as connection:
        return batches(connection)


def show_status(console: Console) -> None:
    """Landing zone, batches, quarantine, and declarations that are wrong."""
    vault, known = collected_vault(), declarations()
    for fault in known.faults:
        console.print(f"[red]declaration[/] {escape(fault)}")
    files = scan(vault.home, known.sources)
    ready = [file for file in files if file.source and settled(file, time.time_ns(), vault.settings.settle_seconds)]
    unknown = [file for file in files if file.source is None]
    ledger = _ledger(vault)
    refused = [batch for batch in ledger if batch.reason]
    console.print(
        f"landing: {len(ready)} complete, {len(files) - len(ready) - len(unknown)} still arriving, "
        f"{len(unknown)} of no known source"
    )
    for file in unknown[:NEWEST]:
        console.print(f"  [yellow]unclaimed[/] {escape(str(file.path.relative_to(vault.home.landing)))}")
    if unknown:
        console.print(f"  known sources: {', '.join(sorted(known.sources))}")
    console.print(
        f"batches: {len(ledger)} collected, {len(refused)} quarantined; rows: "
        f"{sum(b.received for b in ledger):,} received = {sum(b.loaded for b in ledger):,} loaded "
        f"+ {sum(b.quarantined for b in ledger):,} quarantined + {sum(b.withdrawn for b in ledger):,} withdrawn"
    )
    for batch in refused[-NEWEST:]:
        console.print(f"  [red]quarantined[/] {batch.source}: {escape(batch.batch)}: {escape(str(batch.reason))}")


def show_sources(console: Console) -> None:
    """One line per declared source."""
    ledger = _ledger(collected_vault())
    table = Table("source", "title", "provider", "grade", "refresh", box=None, pad_edge=False, header_style="bold")
    for name in ("batches", "received", "loaded", "quarantined"):
        table.add_column(name, justify="right")
    for name, contract in sorted(declarations().sources.items()):
        own = [batch for batch in ledger if batch.source == name]
        table.add_row(
            name,
            f"{contract.title.en} {contract.title.zh}",
            contract.provider.name,
            contract.grade,
            contract.refresh_period,
            str(len(own)),
            f"{sum(batch.received for batch in own):,}",
            f"{sum(batch.loaded for batch in own):,}",
            f"{sum(batch.quarantined for batch in own):,}",
        )
    console.print(table)


def show_components(console: Console) -> None:
    """One line per declared component and product."""
    vault, known = collected_vault(), declarations()
    table = Table("kind", "name", "title", "field", "tier", box=None, pad_edge=False, header_style="bold")
    table.add_column("columns", justify="right")
    table.add_column("rows", justify="right")
    for name, component in sorted(known.components.items()):
        rows = _rows(vault, COMPONENTS, name)
        field, tier = component.application_field, component.release_tier
        table.add_row("component", name, component.title.en, field, tier, str(len(component.columns)), rows)
    for name, product in sorted(known.products.items()):
        rows = _rows(vault, PRODUCTS, name)
        table.add_row("product", name, product.title.en, product.application_field, "", str(len(product.columns)), rows)
    console.print(table)


def show_one(console: Console, name: str) -> None:
    """Contract, columns and state of one declaration. Raises JinkuError `unknown_name`."""
    known = declarations()
    contracts: dict[str, SourceContract | ComponentContract | ProductContract] = {
        **known.sources,
        **known.components,
        **known.products,
    }
    contract = contracts.get(name)
    if contract is None:
        raise JinkuError(
            "unknown_name", f"nothing is called '{name}'", "assets", f"Known: {', '.join(sorted(contracts))}."
        )
    console.print(f"[bold]{name}[/]  {contract.title.en}  {contract.title.zh}\n{contract.description}")
    document = contract.model_dump(by_alias=True, mode="json", exclude={"title", "description", "columns", "tables"})
    for key, value in document.items():
        if value not in (None, [], {}):
            console.print(f"  {key}: {_short(value)}")
    if isinstance(contract, SourceContract) and contract.tables:
        for part in contract.tables:
            console.print(f"[bold]{part.name}[/] ({part.file})")
            console.print(_columns(part.columns))
    else:
        console.print(_columns(contract.columns))
    if not isinstance(contract, SourceContract):
        layer = COMPONENTS if isinstance(contract, ComponentContract) else PRODUCTS
        console.print(f"rows: {_rows(collected_vault(), layer, name)}")


def _short(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(each)}" for key, each in value.items() if each is not None)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _columns(columns: tuple[Column, ...]) -> Table:
    table = Table("column", "type", "role", "unit", "description", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        key = " (key)" if column.primary_key else ""
        table.add_row(column.name + key, column.logical_type, column.role, column.unit or "", column.description)
    return table


def _rows(vault: Vault, layer: Layer, name: str) -> str:
    with connect(vault, read=(layer.database,)) as connection:
        present = connection.execute(
            "select 1 from duckdb_tables() where database_name = ? and schema_name = ? and table_name = ?",
            [layer.database, layer.name, name],
        ).fetchone()
        return f"{facts_of(connection, layer, name).rows:,}" if present else "not built"
