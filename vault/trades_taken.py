"""Which of the market's signed trades were taken last: by number, hash, time and length of the market's black box.

An older document that was signed once would take prices back to what the market knew then, so it is refused; of two
documents of one number, the second is a fork. Rows are added, never changed.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from vault.append_only import cause_of, for_reading, for_writing, never_changed, storage_failure
from vault.errors import JinkuError
from vault.moments import text_of

FILE_NAME = "trades-taken.sqlite"
HASH_DIGITS = 12
"""Of a hash, as it is told."""

metadata = sa.MetaData()

trades_taken = sa.Table(
    "trades_taken",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document_hash", sa.Text, nullable=False),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.Column("log_size", sa.Integer, nullable=False),
    sa.Column("taken_at", sa.Text, nullable=False),
)

never_changed(metadata, "a record of trades that were taken")

_LAST = sa.select(trades_taken).order_by(trades_taken.c.sequence.desc()).limit(1)


@dataclass(frozen=True)
class Taken:
    """A document of the market's trades. sequence: its number; document_hash: of all but its signature; log_size: how
    many entries the market's black box had when its records were read."""

    sequence: int
    document_hash: str
    made_at: datetime
    log_size: int


def take(folder: Path, where: Path, found: Taken, now: datetime) -> None:
    """Record that a document is priced by from now on; nothing is done for the one that was taken last.

    where: the document's file, for the message. Safe for several processes. Raises JinkuError `trades_outdated` for an
    older one, `trades_forked` for another of the same number or of a market whose log became shorter,
    `trades_record_unusable`, `disk_full` and `home_unwritable`.
    """
    last = last_taken(folder)
    if last is not None and _is_last(last, found, where):
        return
    try:
        with for_writing(folder / FILE_NAME, metadata).begin() as connection:
            row = connection.execute(_LAST).one_or_none()  # again: another process may have taken one meanwhile
            if row is None or not _is_last(_taken(row), found, where):
                connection.execute(
                    sa.insert(trades_taken).values(
                        sequence=found.sequence,
                        document_hash=found.document_hash,
                        made_at=text_of(found.made_at),
                        log_size=found.log_size,
                        taken_at=text_of(now),
                    )
                )
    except (OSError, sa.exc.DBAPIError) as error:
        raise _unusable(error, folder / FILE_NAME) from None


def last_taken(folder: Path) -> Taken | None:
    """What was taken last; None where nothing was yet. Raises JinkuError `trades_record_unusable`."""
    path = folder / FILE_NAME
    if not path.exists():
        return None
    try:
        with for_reading(path).begin() as connection:
            if not sa.inspect(connection).has_table(trades_taken.name):
                return None  # another process is just making it
            row = connection.execute(_LAST).one_or_none()
    except sa.exc.DBAPIError as error:
        raise _unusable(error, path) from None
    return None if row is None else _taken(row)


def require_none_taken(folder: Path, where: Path) -> None:
    """Raises JinkuError `trades_missing` where trades were taken before: without them prices would be those of a market
    that has not opened."""
    if (last := last_taken(folder)) is not None:
        raise JinkuError(
            "trades_missing",
            f"the market's trades number {last.sequence} were taken before, and their file is gone",
            str(where),
            "Fetch them from the market again with `jinku market trades`, and put the file back.",
        )


def _is_last(last: Taken, found: Taken, where: Path) -> bool:
    """Whether it is the one that was taken last. Raises JinkuError for what may not follow that one."""
    if found.sequence < last.sequence:
        raise JinkuError(
            "trades_outdated",
            f"the market's trades are number {found.sequence} of {found.made_at:%Y-%m-%d}, and number {last.sequence} "
            f"of {last.made_at:%Y-%m-%d} was taken already; nothing is priced by older ones",
            str(where),
            "Fetch the newest from the market with `jinku market trades`. Where the market was begun anew, see "
            "docs/operator.md, Trades that are refused.",
        )
    if found.sequence == last.sequence:
        if found.document_hash == last.document_hash:
            return True
        raise _forked(
            f"two documents of the market bear number {found.sequence}: {last.document_hash[:HASH_DIGITS]}…, which was "
            f"taken, and {found.document_hash[:HASH_DIGITS]}…",
            where,
        )
    if found.log_size < last.log_size:
        raise _forked(
            f"number {found.sequence} was made when the market's black box had {found.log_size} entries, and number "
            f"{last.sequence}, which was taken, when it had {last.log_size}",
            where,
        )
    return False


def _forked(what: str, where: Path) -> JinkuError:
    return JinkuError(
        "trades_forked",
        f"{what}: the market was rolled back, or there are two of it; nothing is priced by this one",
        str(where),
        "Have the market's black box verified with `jinku market verify`, and ask the operator which one is true.",
    )


def _taken(row: sa.Row[tuple[object, ...]]) -> Taken:
    return Taken(row.sequence, row.document_hash, datetime.fromisoformat(row.made_at), row.log_size)


def _unusable(error: Exception, path: Path) -> JinkuError:
    return storage_failure(error, path) or JinkuError(
        "trades_record_unusable",
        f"the record of the trades that were taken cannot be used: {cause_of(error)}",
        str(path),
        "Free space or restore the file from your backup; without it an older document could be taken.",
    )
