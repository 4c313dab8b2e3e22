"""What a run's tasks used, for the meter: seconds, bytes, and what each table was made from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestration.column_lineage import ModelLineage, Origin
from orchestration.layers import LAYER_OF_SCHEMA
from pricing.cost import task_drivers
from vault.contract import Column
from vault.ledger import CollectedBatch
from vault.metering import PROVENANCE_COLUMNS, TableLineage


def lineage_of_model(columns: Iterable[str], lineage: ModelLineage | None, tables: Iterable[str]) -> TableLineage:
    """What a built table was made from; of no column known where any of its columns, or a condition, is not.

    columns: all of the built table; tables: those that dbt says it reads.
    """
    is_known = lineage is not None and lineage.is_complete
    origins = lineage.columns if lineage is not None and is_known else {}
    return TableLineage(
        {column: _fields(origins[column]) if column in origins else None for column in _no_provenance(columns)},
        _fields(lineage.conditions) if lineage is not None and is_known else (),
        tuple(sorted(tables)),
    )


def tables_above(manifest: Mapping[str, Any], model: str) -> tuple[str, ...]:
    """The tables, 'layer/table', that a model of the manifest reads."""
    found = []
    for key in manifest["nodes"][f"model.jinku.{model}"]["depends_on"]["nodes"]:
        kind, *_, layer, name = key.split(".")
        if kind == "model":
            found.append(f"{manifest['nodes'][key]['fqn'][1]}/{name}")
        elif kind == "source" and layer == "raw":
            found.append(f"raw/{name}")
    return tuple(found)


def lineage_of_raw(columns: Sequence[Column]) -> TableLineage:
    """A raw table is made from nothing that is metered."""
    return TableLineage({column.name: () for column in columns})


def seconds_by_table(seconds: float, tables: Iterable[str], outcomes: Iterable[CollectedBatch]) -> dict[str, float]:
    """The seconds of a collection by raw table: in proportion to the records received, evenly where there were none."""
    received = dict.fromkeys(tables, 0)
    for account in (account for outcome in outcomes for account in outcome.accounts):
        received[account.table] = received.get(account.table, 0) + account.received
    shares = task_drivers(seconds, received if any(received.values()) else list(received))
    return {table: float(share) for table, share in shares.items()}


def _fields(origins: Iterable[Origin]) -> tuple[str, ...]:
    return tuple(
        f"{layer}/{table}.{column}"
        for layer, table, column in origins
        if (layer == "raw" or layer in LAYER_OF_SCHEMA) and column not in PROVENANCE_COLUMNS
    )


def _no_provenance(columns: Iterable[str]) -> list[str]:
    return [column for column in columns if column not in PROVENANCE_COLUMNS]
