"""What a run has to do: collect what landed, and build what follows from it, from a changed model or a failed check."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration.declarations import Declarations
from orchestration.erasure import withdrawals_due
from orchestration.layers import LAYER_OF_SCHEMA, RELEASES, VALUATION
from orchestration.security.standing import last_reviews
from vault.landing import scan
from vault.layers import Vault, connect
from vault.ledger import last_collected, tables_of

EXPECTATION = "expectation"
"""Metadata of a check that has an expectation behind it: the hash of the expectation as it was judged."""

COLLECTED_UNTIL = "collected_until"
"""Metadata of a base table: the time of the latest batch that its input held when it was built."""


def assets_to_run(
    definitions: dg.Definitions, storage: dg.DagsterInstance, vault: Vault, known: Declarations
) -> tuple[dg.AssetKey, ...]:
    """Raw tables with files or withdrawals waiting, and every table above them that is not what it would be if built
    now."""
    graph = definitions.resolve_asset_graph()
    with connect(vault, read=("raw",)) as connection:
        collected = {dg.AssetKey(["raw", table]): time for table, time in last_collected(connection).items()}
        withdrawn = withdrawals_due(vault, connection, known.sources, datetime.now(UTC))
    to_run = _raw_tables_to_collect(storage, vault, known, withdrawn)
    built_at: dict[dg.AssetKey, float] = {}
    for key in graph.toposorted_asset_keys:
        if key.path[0] not in (*LAYER_OF_SCHEMA, VALUATION):
            continue
        node = graph.get(key)
        event = storage.get_latest_materialization_event(key)
        materialization = event.asset_materialization if event is not None else None
        if (
            event is None
            or materialization is None
            or (materialization.tags or {}).get("dagster/code_version") != node.code_version
            or any(parent in to_run for parent in node.parent_keys)
            or any(built_at.get(parent, 0.0) > event.timestamp for parent in node.parent_keys)
            or _lags_behind(materialization, [collected[each] for each in node.parent_keys if each in collected])
            or not _have_passed(graph, storage, key)
        ):
            to_run.add(key)
        else:
            built_at[key] = event.timestamp
    to_run |= _to_review(graph, storage, vault, known, to_run, built_at)
    return tuple(sorted(to_run))


def _to_review(
    graph: Any,
    storage: dg.DagsterInstance,
    vault: Vault,
    known: Declarations,
    to_run: set[dg.AssetKey],
    built_at: Mapping[dg.AssetKey, float],
) -> set[dg.AssetKey]:
    """Releases whose component, price, contracts, policy or people's decisions changed since the last review, and those
    whose last review did not come to an end.

    The registry tells when, not Dagster: a component that was refused was reviewed too, and has no materialization.
    """
    reviewed = last_reviews(vault.home, known)
    return {
        key
        for key in graph.toposorted_asset_keys
        if key.path[0] == RELEASES
        and (
            key.path[-1] not in reviewed
            or any(
                parent in to_run or built_at.get(parent, 0.0) > reviewed[key.path[-1]]
                for parent in graph.get(key).parent_keys
            )
            or not _have_passed(graph, storage, key)
        )
    }


def _raw_tables_to_collect(
    storage: dg.DagsterInstance, vault: Vault, known: Declarations, withdrawn: frozenset[str]
) -> set[dg.AssetKey]:
    waiting = {file.source for file in scan(vault.home, known.sources)} | withdrawn
    return {
        key
        for source, contract in known.sources.items()
        for key in [dg.AssetKey(["raw", table]) for table in tables_of(source, contract)]
        if source in waiting or storage.get_latest_materialization_event(key) is None
    }


def _lags_behind(materialization: dg.AssetMaterialization, collected: list[datetime]) -> bool:
    """Whether batches came that the table was built without."""
    if not collected:
        return False
    until = materialization.metadata.get(COLLECTED_UNTIL)
    return until is None or str(until.value) < max(collected).isoformat()


def _have_passed(graph: Any, storage: dg.DagsterInstance, key: dg.AssetKey) -> bool:
    """Whether every check of a table was run as it is declared now, and passed or only warned."""
    specs = [graph.get_check_spec(each) for each in graph.get_check_keys_for_assets({key})]
    keys = [spec.key for spec in specs]
    records: Mapping[dg.AssetCheckKey, Any] = storage.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    for spec in specs:
        record = records.get(spec.key)
        event = record.event.dagster_event if record is not None and record.event is not None else None
        if event is None or event.event_type_value != "ASSET_CHECK_EVALUATION":
            return False
        evaluation = event.asset_check_evaluation_data
        if not evaluation.passed and evaluation.severity != dg.AssetCheckSeverity.WARN:
            return False
        told = evaluation.metadata.get(EXPECTATION)
        if (told.value if told is not None else None) != spec.metadata.get(EXPECTATION):
            return False
    return True
