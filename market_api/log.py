"""The market's black box (黑匣子): the vault's form of log, in the market's database, signed by the market.

Entries go in with what they record, in one transaction. The right edge of the tree lies in one row, whose lock orders
all writers, so that an append reads one row and not the tree. Checkpoints are signed every few seconds and at each
stop, in the database and in a file outside it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from market_api.database import in_transaction
from market_api.schema import METADATA
from market_api.settings import MarketSettings
from market_api.statements import insert_later, rows_of, run
from vault.black_box import tables
from vault.black_box.checkpoints import add_line, checkpoint_line, line_at, lines_after, read_line, state_of
from vault.black_box.log import Salted, append_salted, frontier_of
from vault.black_box.merkle import Frontier
from vault.black_box.verification import Problem, PublicKeys, Verified, verify
from vault.black_box.witness import FILE_NAME, Witness, damaged_witness, held_witness, lines_of, quiet_witness
from vault.errors import JinkuError

HASH_BYTES = 32

head = sa.Table(
    "log_head",
    METADATA,
    sa.Column("head_id", sa.Integer, primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)
"""One row: how many entries there are, and the hashes of the tree's right edge, one after the other."""

_LOCKED = sa.select(head.c.size, head.c.hashes).where(head.c.head_id == 1).with_for_update()
_MOVED = sa.update(head).where(head.c.head_id == 1).values(size=sa.bindparam("to"), hashes=sa.bindparam("edge"))


def create(connection: sa.Connection) -> None:
    """Make the log's tables, guarded, and its empty head: what the first migration does."""
    tables.create(connection)
    connection.execute(sa.insert(head).values(head_id=1, size=0, hashes=b""))


def append_events(connection: sa.Connection, events: Sequence[Salted], at: datetime) -> range:
    """Add entries within the transaction, the last thing that it does: it holds all other writers up until it ends.

    Gives their indices. Raises sqlalchemy's DBAPIError.
    """
    ((size, hashes),) = rows_of(connection, _LOCKED, {"head_id_1": 1})
    frontier = Frontier(size, [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)])
    added = append_salted(connection, frontier, events, at, insert_later)
    run(connection, _MOVED, {"to": frontier.size, "edge": b"".join(frontier.hashes), "head_id_1": 1})
    return added


def seal(engine: sa.Engine, settings: MarketSettings, key: Ed25519PrivateKey, at: datetime) -> int:
    """Sign what was logged since the last checkpoint, in the database and then outside it; gives the log's size.

    The witness is held meanwhile, and never states what the database lacks; where a process is killed in between, the
    next call brings it up to date. Raises JinkuError `black_box_broken` where the database was rolled back or lacks
    entries that were logged, which is so found as soon as it is used; `witness_missing`, `witness_damaged` and
    `witness_unwritable`, Problem `unavailable`, and sqlalchemy's DBAPIError.
    """
    is_new = in_transaction(engine, lambda connection: state_of(connection)[0] is None)
    with held_witness(settings.witness, may_begin=is_new) as held:
        stated = _checkpoint_of(held)
        size, lines = in_transaction(engine, lambda connection: _signed(connection, key, at, stated))
        held.catch_up(lines)
    return size


def _signed(
    connection: sa.Connection, key: Ed25519PrivateKey, at: datetime, stated: tuple[int, str] | None
) -> tuple[int, list[str]]:
    """The log's size, and the checkpoints that the witness lacks, a new one among them where there is more to sign."""
    size, hashes = connection.execute(_LOCKED).one()
    if stated is not None and line_at(connection, stated[0]) != stated[1]:
        raise _broken("was rolled back or changed: it lacks a checkpoint that stands outside it")
    before, entries = state_of(connection)
    size_before = 0 if before is None else read_line(before).size
    if entries != size:
        raise _broken("holds other entries than were logged")
    if size > size_before:
        root = Frontier(size, [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]).root
        if not add_line(connection, size_before, size, checkpoint_line(key, size, root, at, before)):
            raise _broken("lacks entries that were logged")
    return int(size), lines_after(connection, 0 if stated is None else stated[0])


def _checkpoint_of(held: Witness) -> tuple[int, str] | None:
    """The size and the line of the last checkpoint outside."""
    if held.last is None:
        return None
    try:
        return read_line(held.last).size, held.last
    except ValueError:
        raise damaged_witness(held.path) from None


def verify_log(connection: sa.Connection, settings: MarketSettings, keys: PublicKeys) -> Verified:
    """Hold the whole log against its signatures, its witness and its head, within a transaction that sees one state.

    What was logged since the last checkpoint is in order where the head says so.
    """
    path = settings.witness / FILE_NAME
    with quiet_witness(path) as size_bytes:
        state_of(connection)  # from here on the transaction reads this state
    lines = None if size_bytes is None else lines_of(path, size_bytes)
    verified = verify(connection, lines, keys, is_copy=False, is_growing=True)
    if verified.problems or _is_head_of(connection, verified.entries):
        return verified
    return replace(verified, problems=(Problem("added", "the log's head is not that of its entries"),))


def _is_head_of(connection: sa.Connection, entries: int) -> bool:
    size, hashes = connection.execute(sa.select(head.c.size, head.c.hashes).where(head.c.head_id == 1)).one()
    return bool(size == entries and hashes == b"".join(frontier_of(connection, entries).hashes))


def _broken(what: str) -> JinkuError:
    return JinkuError(
        "black_box_broken",
        f"the market's black box {what}; it was not signed",
        "the market's database",
        "Keep a copy of the database and of the folder `witness`, and restore the newest backup.",
    )
