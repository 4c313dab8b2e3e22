"""Collection as assets: `landing/<source>` with one partition per batch, and the raw tables loaded from them."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.city import City
from orchestration.dbt import manifest, read_manifest
from orchestration.erasure import MadeTable, apply_withdrawals, shred_erased, tables_made_from
from orchestration.failures import RETRY_TRANSIENT, clear_failures
from orchestration.tables import bytes_of
from orchestration.use import lineage_of_raw, seconds_by_table
from vault.collection import collect
from vault.contract import REFRESH_PERIOD_DAYS, Column, SourceContract
from vault.landing import scan, settled
from vault.layers import connect
from vault.ledger import CollectedBatch, contract_hash, tables_of, unaccounted_rows
from vault.metering import StorageObservation, Task, record
from vault.rights.withholding import Withheld

POOL = "duckdb"


def partitions_name(source: str) -> str:
    """The dynamic partitions of a source: its batches."""
    return f"batches_{source}"


def source_definitions(name: str, contract: SourceContract) -> dg.Definitions:
    """The landing asset of a source, its raw tables, and the checks between raw and base."""
    tables = tables_of(name, contract)
    landing = dg.AssetSpec(
        ["landing", name],
        group_name="landing",
        kinds={"file"},
        owners=[contract.owner],
        description=f"Batches of {contract.title.en} as received: one file, one partition.",
        tags=_tags(contract),
        partitions_def=dg.DynamicPartitionsDefinition(name=partitions_name(name)),
    )
    raw_specs = [_raw_spec(name, table, columns, contract) for table, columns in tables.items()]
    checks = [
        check
        for table in tables
        for check in (
            dg.AssetCheckSpec(
                "rows_accounted",
                asset=["raw", table],
                blocking=True,
                description="received = loaded + quarantined + withdrawn, and the table holds exactly the loaded rows",
            ),
            dg.AssetCheckSpec(
                "batches_accepted", asset=["raw", table], description="no batch of this run was quarantined whole"
            ),
        )
    ]

    @dg.multi_asset(
        name=f"collect_{name}", specs=raw_specs, check_specs=checks, pool=POOL, retry_policy=RETRY_TRANSIENT
    )
    def collect_source(context: dg.AssetExecutionContext, city: City) -> Iterator[dg.MaterializeResult]:
        started = time.monotonic()
        with clear_failures():
            removed = _follow_withdrawals(city, name, contract)
            outcomes = []
            for outcome in _collect(context, city, name, contract):
                outcomes.append(outcome)
                _announce(context, outcome)
            if outcomes and contract.subject is not None:
                shred_erased(city.vault(), name, datetime.now(UTC))
        seconds = time.monotonic() - started
        with clear_failures(), connect(city.vault(), read=("raw",)) as connection:
            results, sizes_bytes = [], {}
            for table in tables:
                (rows,) = connection.execute(f"select count(*) from raw.raw.{table}").fetchone() or (0,)
                missing = unaccounted_rows(connection, table)
                results.append(_materialized(contract, table, rows, missing, outcomes, removed))
                sizes_bytes[table] = bytes_of(connection, f"raw.raw.{table}")
        yield from results  # first: what was collected is checked and on record, whatever becomes of the meter
        with clear_failures():
            _meter(context, city, tables, seconds_by_table(seconds, tables, outcomes), sizes_bytes)

    return dg.Definitions(assets=[landing, collect_source])


def _collect(
    context: dg.AssetExecutionContext, city: City, name: str, contract: SourceContract
) -> Iterator[CollectedBatch]:
    vault = city.vault()
    ready, waiting = [], 0
    for file in scan(vault.home, city.sources):
        if file.source == name:
            if settled(file, time.time_ns(), vault.settings.settle_seconds):
                ready.append(file)
            else:
                waiting += 1
    if waiting:
        context.log.info(f"{waiting} files of {name} are still being written and were left alone")
    yield from collect(vault, contract, ready, datetime.now(UTC))


def _follow_withdrawals(city: City, name: str, contract: SourceContract) -> tuple[Withheld, ...]:
    """Before anything is collected: whoever withdrew leaves the source and all that was made from it."""

    def made_from() -> tuple[MadeTable, ...]:
        return tables_made_from(read_manifest(manifest(city.home, city.declarations)), tables_of(name, contract))

    return apply_withdrawals(city.vault(), name, contract, made_from, datetime.now(UTC))


def _meter(
    context: dg.AssetExecutionContext,
    city: City,
    tables: Mapping[str, tuple[Column, ...]],
    seconds: Mapping[str, float],
    sizes_bytes: Mapping[str, int],
) -> None:
    """Record what the collection of each raw table took, and how many bytes the table holds after it."""
    now, run_id = datetime.now(UTC), context.run.run_id
    tasks = [Task(run_id, f"raw/{name}", seconds[name], now, lineage_of_raw(tables[name])) for name in tables]
    storage = [StorageObservation(run_id, f"raw/{name}", sizes_bytes[name], now) for name in tables]
    record(city.home.metering, tasks, storage)


def _announce(context: dg.AssetExecutionContext, outcome: CollectedBatch) -> None:
    """Record the batch as a partition of the landing asset."""
    context.instance.add_dynamic_partitions(partitions_name(outcome.source), [outcome.batch])
    context.log_event(
        dg.AssetMaterialization(["landing", outcome.source], partition=outcome.batch, metadata=batch_metadata(outcome))
    )
    if outcome.reason:
        context.log.info(f"{outcome.batch} was quarantined: {outcome.reason}")  # the check batches_accepted warns


def batch_metadata(outcome: CollectedBatch) -> Mapping[str, dg.MetadataValue]:
    """What is shown of one batch."""
    return {
        "status": dg.MetadataValue.text(outcome.status),
        "reason": dg.MetadataValue.text(outcome.reason or "none"),
        "bytes": dg.MetadataValue.int(outcome.size_bytes),
        "sha256": dg.MetadataValue.text(outcome.sha256),
        "received": dg.MetadataValue.int(outcome.received),
        "loaded": dg.MetadataValue.int(outcome.loaded),
        "quarantined": dg.MetadataValue.int(outcome.quarantined),
        "withdrawn": dg.MetadataValue.int(outcome.withdrawn),
    }


def _materialized(
    contract: SourceContract,
    table: str,
    rows: int,
    missing: int,
    outcomes: list[CollectedBatch],
    removed: tuple[Withheld, ...],
) -> dg.MaterializeResult:
    refused = [outcome for outcome in outcomes if outcome.reason]
    accounts = [account for outcome in outcomes for account in outcome.accounts if account.table == table]
    withdrawn = sum(account.withdrawn for account in accounts) + sum(
        each.rows for each in removed if each.table == table
    )
    balanced = missing == 0 and all(account.balances for account in accounts)
    return dg.MaterializeResult(
        asset_key=["raw", table],
        metadata={
            "dagster/row_count": rows,
            "new_batches": len(outcomes),
            "batches": dg.MetadataValue.json([outcome.batch for outcome in outcomes]),
            "new_rows": sum(account.loaded for account in accounts),
            "quarantined_rows": sum(account.quarantined for account in accounts),
            "withdrawn_rows": withdrawn,
            "bytes": sum(outcome.size_bytes for outcome in outcomes),
            "contract_hash": contract_hash(contract),
        },
        check_results=[
            dg.AssetCheckResult(
                asset_key=["raw", table],
                check_name="rows_accounted",
                passed=balanced,
                metadata={
                    "received": sum(account.received for account in accounts),
                    "loaded": sum(account.loaded for account in accounts),
                    "quarantined": sum(account.quarantined for account in accounts),
                    "withdrawn": sum(account.withdrawn for account in accounts),
                    "rows_unaccounted": missing,
                },
            ),
            dg.AssetCheckResult(
                asset_key=["raw", table],
                check_name="batches_accepted",
                passed=not refused,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={outcome.batch: outcome.reason or "" for outcome in refused},
            ),
        ],
    )


def _raw_spec(name: str, table: str, columns: tuple[Column, ...], contract: SourceContract) -> dg.AssetSpec:
    schema = dg.TableSchema(
        columns=[dg.TableColumn(column.name, "varchar", description=column.description) for column in columns]
    )
    return dg.AssetSpec(
        ["raw", table],
        deps=[["landing", name]],
        group_name="raw",
        kinds={"duckdb"},
        owners=[contract.owner],
        description=f"{contract.title.en} ({contract.title.zh}), values as received. {contract.description}",
        tags=_tags(contract),
        metadata={"dagster/column_schema": schema, "dagster/table_name": f"raw.raw.{table}"},
        freshness_policy=freshness(contract.refresh_period),
    )


def freshness(refresh_period: str) -> dg.FreshnessPolicy | None:
    """Stale when the promised period and half of it again have passed; static data never goes stale."""
    days = REFRESH_PERIOD_DAYS[refresh_period]
    return None if days is None else dg.FreshnessPolicy.time_window(fail_window=timedelta(days=1.5 * days))


def _tags(contract: SourceContract) -> dict[str, str]:
    return {"grade": contract.grade, "category": contract.category, "refresh": contract.refresh_period}
