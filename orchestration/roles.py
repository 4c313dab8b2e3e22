"""What is on record of a built table: the roles of its columns, which decide what may be shown, and its batch."""

from collections.abc import Mapping, Sequence

import dagster as dg

from vault.contract import PERSONAL_ROLES, SourceContract
from vault.ledger import tables_of

ROLES = "column_roles"
"""Metadata of a built table: the role of each column."""

ONLY_BATCH = "batch"
"""Metadata of a built table: the batch that all its rows come from."""

STRICTEST_FIRST = ("identifier", "quasi_identifier", "sensitive", "free_text", "target", "timestamp", "measure")
ORDINARY = "attribute"
UNKNOWN = "identifier"
"""A column whose origin is not known is treated as the most personal one."""

Origins = Mapping[str, Sequence[tuple[str, str, str]]]
"""For each column the (schema, table, column) it is made from."""

RolesOfTables = Mapping[tuple[str, str], Mapping[str, str]]


def roles_of_columns(columns: Sequence[str], origins: Origins, roles: RolesOfTables) -> dict[str, str]:
    """The role of each column: the strictest of what it is made from.

    columns: all columns of the table; origins: their lineage, empty where the model could not be analysed; roles: of
    the columns of the tables it reads, by (schema, table). A column made from nothing (a count, say) is ordinary.
    """
    return {column: _strictest(origins[column], roles) if column in origins else UNKNOWN for column in columns}


def _strictest(origins: Sequence[tuple[str, str, str]], roles: RolesOfTables) -> str:
    found = {
        roles[schema, table].get(column, UNKNOWN) if (schema, table) in roles else UNKNOWN
        for schema, table, column in origins
    }
    return next((role for role in STRICTEST_FIRST if role in found), ORDINARY)


def raw_roles(sources: Mapping[str, SourceContract]) -> dict[tuple[str, str], dict[str, str]]:
    """Roles in the raw layer, as the contracts say; provenance columns are ordinary, the pseudonym key is no origin."""
    provenance = dict.fromkeys(("_batch", "_row", "_collected_at"), ORDINARY)
    found: dict[tuple[str, str], dict[str, str]] = {("vault", "pseudonym_key"): {"key": ORDINARY, "name": ORDINARY}}
    for source, contract in sources.items():
        for table, columns in tables_of(source, contract).items():
            found["raw", table] = {**provenance, **{str(column.name): str(column.role) for column in columns}}
    return found


def recorded_roles(storage: dg.DagsterInstance, layer: str, table: str) -> dict[str, str]:
    """The roles recorded when a table was last built; none where it was not."""
    value = _recorded(storage, layer, table).get(ROLES)
    return dict(value.value) if value is not None and isinstance(value.value, dict) else {}


def recorded_batch(storage: dg.DagsterInstance, layer: str, table: str) -> str | None:
    """The batch that all rows of a table came from when it was last built; None where they came from several."""
    value = _recorded(storage, layer, table).get(ONLY_BATCH)
    return str(value.value) if value is not None else None


def _recorded(storage: dg.DagsterInstance, layer: str, table: str) -> Mapping[str, dg.MetadataValue[object]]:
    event = storage.get_latest_materialization_event(dg.AssetKey([layer, table]))
    return event.asset_materialization.metadata if event is not None and event.asset_materialization else {}


def public(roles: Mapping[str, str]) -> frozenset[str]:
    """Columns whose figures may be told."""
    return frozenset(column for column, role in roles.items() if role not in PERSONAL_ROLES)
