"""Collection (归集): a landed file becomes a batch in raw, or a quarantined batch; its bytes are kept.

Order of the steps, so that a kill at any moment loses and doubles nothing:
bytes kept and synced -> one transaction with rows, quarantine and ledger -> landed file removed.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from vault.contract import SourceContract
from vault.errors import BatchRefused, JinkuError
from vault.formats import ReadableTable, clear, inspector_for, readable_tables
from vault.home import storage_error
from vault.inspection import Inspector
from vault.landing import LandedFile
from vault.layers import Vault, connect
from vault.ledger import CollectedBatch, is_known, later_than_all, record, tables_of
from vault.loading import Account, Batch, load_table
from vault.received import Received, keep


def batch_name(file_name: str, sha256: str) -> str:
    """A batch is keyed by the file's name and its content."""
    return f"{file_name}@{sha256[:12]}"


def file_sha256(path: Path) -> str:
    """The content hash of a landed file, read in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def collect(
    vault: Vault, contract: SourceContract, files: Iterable[LandedFile], collected_at: datetime
) -> Iterator[CollectedBatch]:
    """Collect settled files of one source, one batch each, and give each batch when it is durable.

    A batch that is in the ledger already, and a file that changed meanwhile, give nothing.
    Raises JinkuError where the vault itself fails (disk full, layer busy); never for what is wrong with a file.
    """
    try:
        with connect(vault, write="raw") as connection:
            stamp = later_than_all(connection, collected_at)
            for kept in _kept_ahead(vault, contract, files):
                outcome = _collect_kept(vault, connection, contract, kept, stamp)
                if outcome is not None:
                    yield outcome
    except OSError as error:
        raise storage_error(error, vault.home.root) from None
    except duckdb.OutOfMemoryException:
        raise JinkuError(
            "memory_limit", "the memory limit is too small for this batch", "raw layer", "Raise JINKU_MEMORY_LIMIT."
        ) from None
    except duckdb.Error as error:
        raise JinkuError(
            "storage",
            f"the engine could not write ({type(error).__name__})",
            str(vault.home.layer("raw")),
            "See to the disk's space and run again; what was collected stays.",
        ) from None


@dataclass(frozen=True)
class _Kept:
    """A landed file whose bytes are kept: what was seen of it on the way, or why it cannot be read."""

    file: LandedFile
    inspector: Inspector | None
    refusal: BatchRefused | None
    received: Received


def _kept_ahead(vault: Vault, contract: SourceContract, files: Iterable[LandedFile]) -> Iterator[_Kept]:
    """Keep the bytes of each file; those of the next one while the caller loads this one.

    Hashing, inflating and encrypting leave the interpreter free, so that they use a core which loading does not.
    """
    with ThreadPoolExecutor(max_workers=1) as beside:
        ahead: Future[_Kept] | None = None
        for file in files:
            following = beside.submit(_keep_file, vault, contract, file)
            if ahead is not None:
                yield ahead.result()
            ahead = following
        if ahead is not None:
            yield ahead.result()


def _keep_file(vault: Vault, contract: SourceContract, file: LandedFile) -> _Kept:
    inspector, refusal = _inspector(contract, file)
    received = keep(vault.home, vault.received_key, file.path, inspector.feed if inspector else _pass_over)
    return _Kept(file, inspector, refusal, received)


def _collect_kept(
    vault: Vault, connection: duckdb.DuckDBPyConnection, contract: SourceContract, kept: _Kept, collected_at: datetime
) -> CollectedBatch | None:
    file = kept.file
    assert file.source is not None
    if _changed(file):
        return None
    work = vault.home.work / secrets.token_hex(8)
    work.mkdir(mode=0o700, parents=True)
    try:
        batch = Batch(batch_name(file.path.name, kept.received.sha256), file.source, collected_at)
        outcome = None
        if not is_known(connection, batch):
            try:
                if kept.refusal is not None:
                    raise kept.refusal
                tables = readable_tables(file.source, contract, file.path, kept.inspector, work)
                outcome = _load(connection, contract, batch, tables, kept.received, work)
            except BatchRefused as refused:
                outcome = _quarantine(connection, contract, batch, kept.received, refused)
        if not _changed(file):
            file.path.unlink()
        return outcome
    finally:
        clear(work)


def _inspector(contract: SourceContract, file: LandedFile) -> tuple[Inspector | None, BatchRefused | None]:
    try:
        return inspector_for(contract.reader, file.path.name), None
    except BatchRefused as refused:
        return None, refused


def _load(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    batch: Batch,
    tables: tuple[ReadableTable, ...],
    received: Received,
    work: Path,
) -> CollectedBatch:
    """Rows, quarantine and ledger in one transaction; a second, line-by-line try where quotes are broken."""
    try:
        return _load_once(connection, contract, batch, tables, received, work, line_by_line=False)
    except BatchRefused as refused:
        if tables[0].format != "csv" or refused.reason not in ("unaccounted_rows", "bad_format"):
            raise _counted(refused, tables) from None
    try:
        return _load_once(connection, contract, batch, tables, received, work, line_by_line=True)
    except BatchRefused as refused:
        raise _counted(refused, tables) from None


def _load_once(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    batch: Batch,
    tables: tuple[ReadableTable, ...],
    received: Received,
    work: Path,
    *,
    line_by_line: bool,
) -> CollectedBatch:
    connection.execute("begin transaction")
    try:
        accounts = tuple(
            load_table(connection, table, contract.reader, batch, work, line_by_line=line_by_line) for table in tables
        )
        outcome = CollectedBatch(
            batch.name, batch.source, received.sha256, received.size_bytes, "loaded", None, batch.collected_at, accounts
        )
        record(connection, contract, outcome)
        connection.execute("commit")
        return outcome
    except BaseException:
        connection.execute("rollback")
        raise


def _quarantine(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    batch: Batch,
    received: Received,
    refused: BatchRefused,
) -> CollectedBatch:
    """Enter a refused batch: all its counted records are quarantined, its bytes are kept."""
    accounts = tuple(
        Account(table, refused.records.get(table, 0), 0, refused.records.get(table, 0))
        for table in tables_of(batch.source, contract)
    )
    outcome = CollectedBatch(
        batch.name,
        batch.source,
        received.sha256,
        received.size_bytes,
        "quarantined",
        str(refused),
        batch.collected_at,
        accounts,
    )
    connection.execute("begin transaction")
    record(connection, contract, outcome)
    connection.execute("commit")
    return outcome


def _counted(refused: BatchRefused, tables: tuple[ReadableTable, ...]) -> BatchRefused:
    """The refusal, with the records that were counted before it."""
    return BatchRefused(refused.reason, refused.detail, {table.name: table.records or 0 for table in tables})


def _changed(file: LandedFile) -> bool:
    status = file.path.stat()
    return (status.st_size, status.st_mtime_ns) != (file.size_bytes, file.modified_ns)


def _pass_over(chunk: bytes) -> None:
    """For formats that check themselves."""
