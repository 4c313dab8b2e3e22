"""The ledger of the raw layer: which batches came, what became of every row, and which rows were kept out."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from vault.contract import Column, SourceContract
from vault.loading import Account, Batch
from vault.rights.withholding import prepare_withholding

PROVENANCE = "_batch varchar, _row bigint, _collected_at timestamp"


@dataclass(frozen=True)
class CollectedBatch:
    """What became of one landed file."""

    batch: str
    source: str
    sha256: str
    size_bytes: int
    status: str
    reason: str | None
    collected_at: datetime
    accounts: tuple[Account, ...]

    @property
    def received(self) -> int:
        """Records received, over all tables of the batch."""
        return sum(account.received for account in self.accounts)

    @property
    def loaded(self) -> int:
        """Records now in raw."""
        return sum(account.loaded for account in self.accounts)

    @property
    def quarantined(self) -> int:
        """Records kept out, with their lines."""
        return sum(account.quarantined for account in self.accounts)

    @property
    def withdrawn(self) -> int:
        """Records left out because their subject withdrew or never agreed."""
        return sum(account.withdrawn for account in self.accounts)


def tables_of(source: str, contract: SourceContract) -> dict[str, tuple[Column, ...]]:
    """The raw tables of a source: one by its name, or `source__table` for each table of a zip."""
    if contract.columns:
        return {source: contract.columns}
    return {f"{source}__{table.name}": table.columns for table in contract.tables}


def prepare_ledger(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, SourceContract], pseudonym_key: str
) -> None:
    """Create what is missing in the raw layer: ledger, quarantine, pseudonym key and a table per declared source."""
    connection.execute(
        """
        create schema if not exists raw.raw;
        create schema if not exists raw.vault;
        create table if not exists raw.vault.batches (
            batch varchar, source varchar, file_name varchar, sha256 varchar, size_bytes bigint,
            status varchar, reason varchar, contract_hash varchar, collected_at timestamp,
            primary key (source, batch)
        );
        create table if not exists raw.vault.batch_tables (
            source varchar, batch varchar, table_name varchar, received bigint, loaded bigint, quarantined bigint
        );
        create table if not exists raw.vault.quarantine (
            batch varchar, table_name varchar, line bigint, reason varchar, original varchar
        );
        create table if not exists raw.vault.pseudonym_key (name varchar primary key, key varchar);
        """
    )
    prepare_withholding(connection)
    connection.execute("insert or ignore into raw.vault.pseudonym_key values ('person', ?)", [pseudonym_key])
    for source, contract in sources.items():
        for table, columns in tables_of(source, contract).items():
            _prepare_table(connection, table, columns)


def contract_hash(contract: SourceContract) -> str:
    """Identifies the contract a batch was read by."""
    return hashlib.sha256(contract.model_dump_json().encode()).hexdigest()[:12]


def record(connection: duckdb.DuckDBPyConnection, contract: SourceContract, outcome: CollectedBatch) -> None:
    """Enter a batch and the accounts of its tables; inside the caller's transaction."""
    connection.execute(
        "insert into raw.vault.batches values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            outcome.batch,
            outcome.source,
            outcome.batch.rsplit("@", 1)[0],
            outcome.sha256,
            outcome.size_bytes,
            outcome.status,
            outcome.reason,
            contract_hash(contract),
            outcome.collected_at.replace(tzinfo=None),
        ],
    )
    for account in outcome.accounts:
        connection.execute(
            "insert into raw.vault.batch_tables values (?, ?, ?, ?, ?, ?, ?)",
            [
                outcome.source,
                outcome.batch,
                account.table,
                account.received,
                account.loaded,
                account.quarantined,
                account.withdrawn,
            ],
        )


def later_than_all(connection: duckdb.DuckDBPyConnection, collected_at: datetime) -> datetime:
    """The given time, or a microsecond past the ledger's last one where the clock stands still or went back.

    Tables above raw take what is newer than what they hold: a stamp that went back would pass rows over.
    """
    row = connection.execute("select max(collected_at) from raw.vault.batches").fetchone()
    if row is None or row[0] is None:
        return collected_at
    last: datetime = row[0].replace(tzinfo=UTC)
    return max(collected_at, last + timedelta(microseconds=1))


def last_collected(connection: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """When the latest batch of each raw table was collected; tables without a batch are left out."""
    rows = connection.execute(
        """
        select table_name, max(collected_at)
        from raw.vault.batch_tables
        inner join raw.vault.batches using (source, batch)
        group by table_name
        """
    ).fetchall()
    return dict(rows)


def collection_times(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[datetime, ...]]:
    """When batches of each source were loaded (UTC), oldest first; a collection of many files at once counts once."""
    rows = connection.execute(
        """
        select source, list(distinct collected_at order by collected_at)
        from raw.vault.batches
        where status = 'loaded'
        group by source
        """
    ).fetchall()
    return {source: tuple(time.replace(tzinfo=UTC) for time in times) for source, times in rows}


def is_known(connection: duckdb.DuckDBPyConnection, batch: Batch) -> bool:
    """Whether this very batch has been collected before."""
    found = connection.execute(
        "select 1 from raw.vault.batches where source = ? and batch = ?", [batch.source, batch.name]
    ).fetchone()
    return found is not None


def batches(connection: duckdb.DuckDBPyConnection, source: str | None = None) -> tuple[CollectedBatch, ...]:
    """Every batch of the ledger, oldest first; of one source where it is named."""
    rows = connection.execute(
        """
        select batch, source, sha256, size_bytes, status, reason, collected_at
        from raw.vault.batches
        where source = coalesce(?, source)
        order by collected_at, batch
        """,
        [source],
    ).fetchall()
    accounts: dict[tuple[str, str], list[Account]] = {}
    for name, batch, *counts in connection.execute(
        "select source, batch, table_name, received, loaded, quarantined, coalesce(withdrawn, 0) "
        "from raw.vault.batch_tables order by table_name"
    ).fetchall():
        accounts.setdefault((name, batch), []).append(Account(*counts))
    return tuple(
        CollectedBatch(
            batch=batch,
            source=name,
            sha256=sha256,
            size_bytes=size_bytes,
            status=status,
            reason=reason,
            collected_at=collected_at,
            accounts=tuple(accounts.get((name, batch), ())),
        )
        for batch, name, sha256, size_bytes, status, reason, collected_at in rows
    )


def unaccounted_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """How many rows the ledger and the raw table disagree by, counted anew from the table itself. 0 is right."""
    row = connection.execute(
        f"""
        with booked as (
            select coalesce(sum(received - quarantined - coalesce(withdrawn, 0)), 0) as loaded
            from raw.vault.batch_tables
            where table_name = ?
        ),
        present as (select count(*) as rows from raw.raw.{table})
        select abs(loaded - rows)::bigint from booked, present
        """,
        [table],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _prepare_table(connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[Column, ...]) -> None:
    names = ", ".join(f"{column.name} varchar" for column in columns)
    connection.execute(f"create table if not exists raw.raw.{table} ({names}, {PROVENANCE})")
    present = {
        name
        for (name,) in connection.execute(
            "select column_name from duckdb_columns() "
            "where database_name = 'raw' and schema_name = 'raw' and table_name = ?",
            [table],
        ).fetchall()
    }
    for column in columns:  # a contract may gain columns; those it loses keep what was received
        if column.name not in present:
            connection.execute(f"alter table raw.raw.{table} add column {column.name} varchar")
