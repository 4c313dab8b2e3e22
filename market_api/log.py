"""The market's black box (黑匣子): the vault's form of log, in the market's database, signed by the market.

Entries go in with what they record, in one transaction. The right edge of the tree lies in one row, whose lock orders
all writers, so that an append reads one row and not the tree. Checkpoints are signed every few seconds and at each
stop, in the database and in a file outside it.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from market_api.identifiers import RandomBytes
from market_api.schema import METADATA
from market_api.settings import MarketSettings
from vault.black_box import tables
from vault.black_box.checkpoints import add_line, checkpoint_line, lines_after, read_line, state_of
from vault.black_box.entries import Event
from vault.black_box.log import append
from vault.black_box.merkle import Frontier
from vault.black_box.verification import PublicKeys, Verified, verify
from vault.black_box.witness import FILE_NAME, held_witness, lines_of, quiet_witness

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
_MOVED = sa.update(head).where(head.c.head_id == 1)


def create(connection: sa.Connection) -> None:
    """Make the log's tables, guarded, and its empty head: what the first migration does."""
    tables.create(connection)
    connection.execute(sa.insert(head).values(head_id=1, size=0, hashes=b""))


def append_events(connection: sa.Connection, events: Sequence[Event], at: datetime, random_bytes: RandomBytes) -> range:
    """Add entries within the transaction, the last thing that it does: it holds all other writers up until it ends.

    Gives their indices. Raises ValueError as `vault.black_box.log.append` does, and sqlalchemy's DBAPIError.
    """
    size, hashes = connection.execute(_LOCKED).one()
    frontier = Frontier(size, [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)])
    added = append(connection, frontier, events, at, random_bytes)
    connection.execute(_MOVED, {"size": frontier.size, "hashes": b"".join(frontier.hashes)})
    return added


def seal(connection: sa.Connection, key: Ed25519PrivateKey, at: datetime) -> int:
    """Sign what was logged since the last checkpoint, in the database; gives the log's size.

    Within a writing transaction, which the caller commits before `witness` writes it outside: the witness never states
    what the database lacks, and where a process is killed in between, the next call brings it up to date.
    """
    size, hashes = connection.execute(_LOCKED).one()
    before, _ = state_of(connection)
    size_before = 0 if before is None else read_line(before).size
    if size > size_before:
        root = Frontier(size, [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]).root
        add_line(connection, size_before, size, checkpoint_line(key, size, root, at, before))
    return int(size)


def witness(connection: sa.Connection, settings: MarketSettings) -> None:
    """Write to the witness what checkpoints of the database it lacks. Raises JinkuError as `held_witness` does."""
    last, _ = state_of(connection)
    with held_witness(settings.witness, may_begin=not (settings.witness / FILE_NAME).exists()) as held:
        if held.last == last and not held.unfinished:
            return
        size = 0 if held.last is None else read_line(held.last).size
        held.catch_up(lines_after(connection, size))


def verify_log(connection: sa.Connection, settings: MarketSettings, keys: PublicKeys) -> Verified:
    """Hold the whole log against its signatures and its witness, within a transaction that sees one state."""
    path = settings.witness / FILE_NAME
    with quiet_witness(path) as size_bytes:
        state_of(connection)  # from here on the transaction reads this state
    lines = None if size_bytes is None else lines_of(path, size_bytes)
    return verify(connection, lines, keys, is_copy=False)
