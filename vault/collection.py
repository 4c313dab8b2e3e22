"""Collection (归集): a landed file becomes a batch in raw, or a quarantined batch; its bytes are kept.

Order of the steps, so that a kill at any moment loses and doubles nothing:
bytes kept and synced -> one transaction with rows, quarantine and ledger -> landed file removed.
"""

import hashlib
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from vault.black_box.recording import recording
from vault.contract import SourceContract
from vault.errors import BatchRefused, JinkuError
from vault.formats import ReadableTable, clear, inspector_for, readable_tables
from vault.home import storage_error
from vault.inspection import Inspector
from vault.landing import LandedFile
from vault.layers import Vault, connect, session
from vault.ledger import CollectedBatch, is_known, later_than_all, record, tables_of
from vault.loading import Account, Batch, load_table
from vault.received import Received, encrypt_kept, keep, may_lie_in_the_clear
from vault.rights.withholding import withhold


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
            claims = _Claims()

            def collect_file(file: LandedFile) -> CollectedBatch | None:
                with session(connection) as own:
                    return _collect_file(vault, own, contract, file, stamp, claims)

            yield from _side_by_side(vault.settings.threads, files, collect_file)
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


def _side_by_side(
    threads: int, files: Iterable[LandedFile], collect_file: Callable[[LandedFile], CollectedBatch | None]
) -> Iterator[CollectedBatch]:
    """As many files at once as the engine has threads: a compressed file keeps one of them busy and no more.

    Outcomes come in the order of the files. Where one file fails, those begun are ended and given before it is raised.
    """
    failure: Exception | None = None
    with ThreadPoolExecutor(max_workers=threads) as pool:
        begun: deque[Future[CollectedBatch | None]] = deque()
        waiting = iter(files)
        while True:
            while failure is None and len(begun) < threads and (file := next(waiting, None)) is not None:
                begun.append(pool.submit(collect_file, file))
            if not begun:
                break
            try:
                outcome = begun.popleft().result()
            except Exception as error:
                failure = failure or error
                continue
            if outcome is not None:
                yield outcome
    if failure is not None:
        raise failure


class _Claims:
    """Batches that some thread is loading: the same file landed at two places is one batch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: set[str] = set()

    def claim(self, batch: Batch) -> bool:
        """Whether the caller is the first to ask for this batch."""
        with self._lock:
            is_first = batch.name not in self._names
            self._names.add(batch.name)
            return is_first


def _collect_file(
    vault: Vault,
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    file: LandedFile,
    collected_at: datetime,
    claims: _Claims,
) -> CollectedBatch | None:
    assert file.source is not None
    work = vault.home.work / secrets.token_hex(8)
    work.mkdir(mode=0o700, parents=True)
    try:
        inspector, refusal = _inspector(contract, file)
        received = keep(
            vault.home,
            vault.received_key,
            file.path,
            inspector.feed if inspector else _pass_over,
            grade=contract.grade,
            encrypt_general=vault.settings.encrypt_general,
        )
        if _changed(file):
            return None
        batch = Batch(batch_name(file.path.name, received.sha256), file.source, collected_at)
        outcome = None
        if claims.claim(batch) and not is_known(connection, batch):
            try:
                if refusal is not None:
                    raise refusal
                tables = readable_tables(file.source, contract, file.path, inspector, work)
                outcome = _load(vault, connection, contract, batch, tables, received, work)
            except BatchRefused as refused:
                outcome = _quarantine(vault, connection, contract, batch, received, refused)
        if not _changed(file):
            file.path.unlink()
        return outcome
    finally:
        clear(work)


def encrypt_as_graded(
    vault: Vault, connection: duckdb.DuckDBPyConnection, sources: Mapping[str, SourceContract]
) -> tuple[str, ...]:
    """Encrypt received bytes that lie in the clear and no longer may: a source's grade rose, or the setting changed.

    connection: one with `raw` attached. Gives their hashes. Raises JinkuError as `vault.received.restore` does.
    """
    encrypt_general = vault.settings.encrypt_general
    strict = [name for name, each in sources.items() if not may_lie_in_the_clear(each.grade, encrypt_general)]
    found = connection.execute("select sha256 from raw.vault.batches where source in (select unnest(?))", [strict])
    try:
        return encrypt_kept(vault.home, vault.received_key, (sha256 for (sha256,) in found.fetchall()))
    except OSError as error:
        raise storage_error(error, vault.home.received) from None


def _inspector(contract: SourceContract, file: LandedFile) -> tuple[Inspector | None, BatchRefused | None]:
    try:
        return inspector_for(contract.reader, file.path.name), None
    except BatchRefused as refused:
        return None, refused


def _load(
    vault: Vault,
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    batch: Batch,
    tables: tuple[ReadableTable, ...],
    received: Received,
    work: Path,
) -> CollectedBatch:
    """Rows, quarantine and ledger in one transaction; a second, line-by-line try where quotes are broken."""
    try:
        return _load_once(vault, connection, contract, batch, tables, received, work, line_by_line=False)
    except BatchRefused as refused:
        if tables[0].format != "csv" or refused.reason not in ("unaccounted_rows", "bad_format"):
            raise _counted(refused, tables) from None
    try:
        return _load_once(vault, connection, contract, batch, tables, received, work, line_by_line=True)
    except BatchRefused as refused:
        raise _counted(refused, tables) from None


def _load_once(
    vault: Vault,
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
        accounts = _without_the_withdrawn(connection, contract, batch, accounts)
        outcome = CollectedBatch(
            batch.name, batch.source, received.sha256, received.size_bytes, "loaded", None, batch.collected_at, accounts
        )
        record(connection, contract, outcome)
        _log(vault, outcome)
        connection.execute("commit")
        return outcome
    except BaseException:
        connection.execute("rollback")
        raise


def _without_the_withdrawn(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, batch: Batch, accounts: tuple[Account, ...]
) -> tuple[Account, ...]:
    """The accounts after the rows of those who are left out were removed from what was just loaded."""
    tables, today = tables_of(batch.source, contract), batch.collected_at.date()
    removed = {each.table: each for each in withhold(connection, batch.source, contract, tables, today, batch.name)}
    return tuple(
        replace(
            account,
            loaded=account.loaded - removed[account.table].loaded,
            quarantined=account.quarantined - removed[account.table].quarantined,
            withdrawn=removed[account.table].rows,
        )
        if account.table in removed
        else account
        for account in accounts
    )


def _quarantine(
    vault: Vault,
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
    try:
        record(connection, contract, outcome)
        _log(vault, outcome)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return outcome


def _log(vault: Vault, outcome: CollectedBatch) -> None:
    """Put a batch into the black box before it is committed: where it cannot be logged it is not collected.

    A process that is killed between the two logs the batch once more when it collects it the next time.
    """
    with recording(vault, outcome.collected_at) as in_black_box:
        told = {
            "sha256": outcome.sha256,
            "bytes": outcome.size_bytes,
            "status": outcome.status,
            "tables": {
                each.table: [each.received, each.loaded, each.quarantined, each.withdrawn] for each in outcome.accounts
            },
        }
        in_black_box.log("collection", f"{outcome.source}@{outcome.sha256[:12]}", told, "jinku")


def _counted(refused: BatchRefused, tables: tuple[ReadableTable, ...]) -> BatchRefused:
    """The refusal, with the records that were counted before it."""
    return BatchRefused(refused.reason, refused.detail, {table.name: table.records or 0 for table in tables})


def _changed(file: LandedFile) -> bool:
    status = file.path.stat()
    return (status.st_size, status.st_mtime_ns) != (file.size_bytes, file.modified_ns)


def _pass_over(chunk: bytes) -> None:
    """For formats that check themselves."""
