"""A withdrawal reaches the next run: the subject's rows leave raw, and what was made from them is made anew.

Each step may be repeated, and a withdrawal counts as done only after the last, so that a kill at any moment leaves it
to the next run. The steps: rows out of raw and its accounts -> every table made from them dropped -> dependent releases
marked stale -> received bytes of erased subjects destroyed -> done.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import sqlalchemy as sa

from orchestration.layers import COMPONENTS, LAYER_OF_SCHEMA, Layer
from vault.black_box.recording import recording
from vault.contract import SourceContract
from vault.layers import Vault, connect
from vault.ledger import tables_of
from vault.moments import text_of
from vault.received import received_path, shred
from vault.received_keys import is_shredded
from vault.registry.database import open_registry
from vault.rights.consents import consent_state, consents_in_force, withdrawn
from vault.rights.staleness import mark_stale
from vault.rights.tables import shreddings
from vault.rights.withholding import (
    Withheld,
    erased_batches,
    load_consented,
    load_withdrawn,
    set_state,
    state_of,
    withhold,
)

REASON = "a subject withdrew"
ERASURE = "a subject asked for erasure"


@dataclass(frozen=True)
class MadeTable:
    """A table above raw: its layer and its name."""

    layer: Layer
    name: str


@dataclass(frozen=True)
class _Wanted:
    """Where the consents to a source stand: a text for the whole, who withdrew, and who agreed where that is asked."""

    state: str
    withdrawn: Sequence[tuple[str, bool]]
    consented: Sequence[tuple[str, int, int]]


def withdrawals_due(
    vault: Vault, raw: duckdb.DuckDBPyConnection, sources: Mapping[str, SourceContract], now: datetime
) -> frozenset[str]:
    """The sources whose raw tables do not follow the consents on record yet. raw: a connection with `raw` attached."""
    with _reading(vault).connect() as registry:
        return frozenset(
            name
            for name, contract in sources.items()
            if contract.subject is not None
            and state_of(raw, name) != (consent_state(registry, name, contract, now), False)
        )


def apply_withdrawals(
    vault: Vault, source: str, contract: SourceContract, made_from: Callable[[], Sequence[MadeTable]], at: datetime
) -> tuple[Withheld, ...]:
    """Bring the raw tables of a source, and all that was made from them, to the consents on record.

    made_from: gives the tables made from the source, as `tables_made_from` does; asked only where rows were removed.
    Gives what was removed from raw. Raises JinkuError where a layer is busy, or the registry or the black box cannot be
    written; the next run goes on from there.
    """
    if contract.subject is None:
        return ()
    with _reading(vault).connect() as registry:
        wanted = _wanted(registry, source, contract, at)
    with connect(vault, write="raw") as connection:
        state, is_pending = state_of(connection, source)
        if (state, is_pending) == (wanted.state, False):
            return ()
        removed = _withheld(connection, source, contract, wanted, is_pending, at)
    if removed or is_pending:
        made = made_from()
        _drop(vault, made)
        _mark(vault, source, removed, made, at)
    shred_erased(vault, source, at)
    with connect(vault, write="raw") as connection:
        set_state(connection, source, wanted.state, is_pending=False)
    return removed


def shred_erased(vault: Vault, source: str, at: datetime) -> tuple[str, ...]:
    """Destroy the received bytes of every batch that holds, or may hold, somebody who asked for erasure.

    Called after a collection as well: another file may hold them. Gives the content hashes.
    """
    with connect(vault, read=("raw",)) as connection:
        holding = erased_batches(connection, source)
    kept = (each for each in holding if received_path(vault.home, each).exists())
    due = tuple(each for each in kept if not is_shredded(vault.home, each))
    for sha256 in due:
        with recording(vault, at) as record:
            known = sa.select(shreddings.c.sha256).where(shreddings.c.sha256 == sha256)
            if record.connection.execute(known).first() is None:
                row = {"sha256": sha256, "reason": ERASURE, "shredded_at": text_of(at)}
                record.connection.execute(sa.insert(shreddings).values(row))
            record.log("key_use", sha256, {"use": "shred", "source": source, "reason": ERASURE}, "jinku")
        shred(vault.home, vault, sha256)  # on record before it is done: a kill between leaves it to the next run
    return due


def tables_made_from(manifest: Mapping[str, Any], raw_tables: Iterable[str]) -> tuple[MadeTable, ...]:
    """Every model of dbt's manifest that rests on one of the raw tables, directly or through other models."""
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    below = {f"source.jinku.raw.{table}" for table in raw_tables}
    while True:
        found = {key for key, node in models.items() if below & set(node["depends_on"]["nodes"])} - below
        if not found:
            break
        below |= found
    made = [MadeTable(LAYER_OF_SCHEMA[models[key]["fqn"][1]], models[key]["name"]) for key in below & set(models)]
    return tuple(sorted(made, key=lambda each: (each.layer.name, each.name)))


def _reading(vault: Vault) -> sa.Engine:
    return open_registry(vault.home).execution_options(begins_with_write=False)


def _wanted(registry: sa.Connection, source: str, contract: SourceContract, at: datetime) -> _Wanted:
    consented: Sequence[tuple[str, int, int]] = ()
    if contract.legal_basis.basis == "consent":
        found = registry.execute(consents_in_force(source, contract.permitted_purposes, at))
        consented = [(principal, separate, guardian) for principal, separate, guardian in found]
    return _Wanted(consent_state(registry, source, contract, at), withdrawn(registry, source), consented)


def _withheld(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    contract: SourceContract,
    wanted: _Wanted,
    is_pending: bool,
    at: datetime,
) -> tuple[Withheld, ...]:
    """Rows, accounts and the list of who is left out, in one transaction; what follows is noted as still to be done."""
    connection.execute("begin transaction")
    try:
        load_withdrawn(connection, source, wanted.withdrawn)
        load_consented(connection, source, wanted.consented)
        removed = withhold(connection, source, contract, tables_of(source, contract), at.date())
        set_state(connection, source, "", is_pending=is_pending or bool(removed))
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("checkpoint raw")  # else what was deleted would stay in the file
    return removed


def _drop(vault: Vault, made: Sequence[MadeTable]) -> None:
    for database in sorted({table.layer.database for table in made}):
        if not vault.home.layer(database).exists():
            continue
        with connect(vault, write=database) as connection:
            for table in made:
                if table.layer.database == database:
                    connection.execute(f"drop table if exists {database}.{table.layer.name}.{table.name}")
            connection.execute(f"checkpoint {database}")  # else what was dropped would stay in the file


def mark_components_stale(registry: sa.Connection, made: Sequence[MadeTable], source: str, at: datetime) -> list[str]:
    """Mark the releases of every component among the tables made from a source; gives the components."""
    components = [table.name for table in made if table.layer == COMPONENTS]
    for component in components:
        mark_stale(registry, component, f"{REASON} from {source}", at)
    return components


def _mark(vault: Vault, source: str, removed: Sequence[Withheld], made: Sequence[MadeTable], at: datetime) -> None:
    with recording(vault, at) as record:
        components = mark_components_stale(record.connection, made, source, at)
        told = {"rows": sum(each.loaded for each in removed), "lines": sum(each.quarantined for each in removed)}
        record.log("consent", source, {"applied": told, "stale": components}, "jinku")
