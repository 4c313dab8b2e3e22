"""Gathering the facts of origin from the registry, the ledger, the tables and the received bytes.

What is measured of a source does not depend on the component, so it is measured once for all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import sqlalchemy as sa

from review.origin.facts import BatchFacts, ConsentFacts, OriginFacts, SourceFacts
from vault.black_box.tables import entries
from vault.contract import ComponentContract, SourceContract
from vault.errors import JinkuError
from vault.layers import Vault
from vault.ledger import batches, tables_of, unaccounted_rows
from vault.metering import PROVENANCE_COLUMNS
from vault.received import received_path, restore
from vault.rights.confirmations import in_black_box, rights_on_record
from vault.rights.consents import consents_in_force, withdrawn
from vault.rights.grading import downgrade_on_record
from vault.rights.holdings import Place, rows_of
from vault.rights.tables import shreddings
from vault.rights.withholding import load_subjects, unconsented_counts
from vault.signing import public_keys

NOWHERE = Path("/dev/null")


@dataclass(frozen=True)
class Open:
    """What facts are read through: the vault, a connection to its registry, and one to the engine with the layers
    `raw`, `warehouse` and `components` attached."""

    vault: Vault
    registry: sa.Connection
    engine: duckdb.DuckDBPyConnection


def source_facts(opened: Open, name: str, contract: SourceContract, now: datetime) -> SourceFacts:
    """What is known of one source now. Reads every received byte of it."""
    return SourceFacts(
        contract,
        _unclassified(opened, name, contract),
        _batches(opened, name, contract),
        _consents(opened, name, contract, now),
    )


def origin_facts(
    opened: Open,
    component: str,
    contract: ComponentContract,
    sources: Mapping[str, SourceFacts],
    tables: Sequence[Place],
    now: datetime,
    *,
    signed_off: bool,
) -> OriginFacts:
    """The facts of one component.

    sources: those its rows rest on, by lineage, each as `source_facts` gives it; tables: every table it rests on, its
    own included; signed_off: whether its content was approved by two reviewers.
    """
    rights = rights_on_record(opened.registry, [component, *sources])
    return OriginFacts(
        component=component,
        contract=contract,
        sources=sources,
        rights=rights,
        logged_rights=in_black_box(opened.registry, rights),
        downgrade=downgrade_on_record(opened.registry, component, public_keys(opened.vault.home)),
        withdrawn_rows=_withdrawn_rows(opened, sources, tables),
        signed_off=signed_off,
        now=now,
        latest_on_record=_latest_on_record(opened.registry),
    )


def _latest_on_record(registry: sa.Connection) -> datetime | None:
    """The latest time in the black box, which need not be that of its last entry: the clock may have been moved back
    before that was written."""
    text = registry.execute(sa.select(sa.func.max(entries.c.at))).scalar()
    return None if text is None else datetime.fromisoformat(text)


def _unclassified(opened: Open, name: str, contract: SourceContract) -> tuple[str, ...]:
    """Columns of the raw tables that the contract does not name: what an earlier contract held, or somebody added."""
    found = []
    for table, columns in tables_of(name, contract).items():
        known = {str(column.name) for column in columns} | PROVENANCE_COLUMNS
        present = opened.engine.execute(
            "select column_name from duckdb_columns() "
            "where database_name = 'raw' and schema_name = 'raw' and table_name = ? order by column_index",
            [table],
        ).fetchall()
        found += [f"{table}.{column}" for (column,) in present if column not in known]
    return tuple(found)


def _batches(opened: Open, name: str, contract: SourceContract) -> BatchFacts:
    loaded = [batch for batch in batches(opened.engine, name) if batch.status == "loaded"]
    own = sorted({batch.sha256 for batch in loaded})
    destroyed = set(opened.registry.execute(sa.select(shreddings.c.sha256)).scalars()) & set(own)
    altered, missing = [], []
    for sha256 in own:
        if sha256 in destroyed:
            continue
        if not received_path(opened.vault.home, sha256).exists():
            missing.append(sha256[:12])
        elif not _is_intact(opened.vault, sha256):
            altered.append(sha256[:12])
    unaccounted = sum(unaccounted_rows(opened.engine, table) for table in tables_of(name, contract))
    return BatchFacts(len(loaded), tuple(altered), tuple(missing), len(destroyed), unaccounted)


def _is_intact(vault: Vault, sha256: str) -> bool:
    """Whether the kept bytes still have their hash: they are read to the end and thrown away."""
    try:
        restore(vault.home, vault.received_key, sha256, NOWHERE)
    except JinkuError:
        return False
    return True


def _consents(opened: Open, name: str, contract: SourceContract, now: datetime) -> ConsentFacts | None:
    """Rows in raw that lack a consent asked for, counted anew against the registry; None where no consent is asked."""
    if contract.legal_basis.basis != "consent" or contract.subject is None:
        return None
    found = opened.registry.execute(consents_in_force(name, contract.permitted_purposes, now))
    load_subjects(opened.engine, "consented_now", ("pseudonym", "is_separate", "is_by_guardian"), map(tuple, found))
    counts = unconsented_counts(opened.engine, contract, tables_of(name, contract), now.date())
    return ConsentFacts(*counts)


def _withdrawn_rows(opened: Open, sources: Mapping[str, SourceFacts], tables: Sequence[Place]) -> dict[str, int]:
    """By table, rows of subjects who withdrew from one of the sources; tables without any are left out."""
    found: dict[str, int] = {}
    for name, source in sources.items():
        subject, gone = source.contract.subject, withdrawn(opened.registry, name)
        if subject is None or not gone:
            continue
        load_subjects(opened.engine, "withdrawn_now", ("pseudonym",), ((each,) for each, _ in gone))
        raw = [Place("raw", "raw", table) for table in tables_of(name, source.contract)]
        for place in [*raw, *(each for each in tables if each.schema != "raw")]:
            rows = rows_of(opened.engine, place, subject, "(select pseudonym from temp.withdrawn_now)")
            if rows:
                found[place.asset] = found.get(place.asset, 0) + rows
    return found
