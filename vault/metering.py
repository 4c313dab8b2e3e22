"""The meter: what every table's tasks took and how many bytes it held, kept for good. Rows are added, never changed.

It holds seconds, bytes and names of columns, no value of the data. Source: models §4.2 (cost that is metered).
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from vault.append_only import cause_of, for_reading, for_writing, never_changed, storage_failure
from vault.errors import JinkuError
from vault.moments import text_of

FILE_NAME = "metering.sqlite"
PROVENANCE_COLUMNS = frozenset({"_batch", "_row", "_collected_at"})
"""Columns that only say where a row came from; they are no fields and carry no cost."""


metadata = sa.MetaData()

lineages = sa.Table(
    "lineages",
    metadata,
    sa.Column("lineage_id", sa.Integer, primary_key=True),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.UniqueConstraint("asset", "sha256"),
)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("task_id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("lineage_id", sa.ForeignKey("lineages.lineage_id"), nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("finished_at", sa.Text, nullable=False),
    sa.Index("tasks_by_time", "finished_at"),
    sa.Index("tasks_by_asset", "asset", "finished_at"),
)

storage = sa.Table(
    "storage",
    metadata,
    sa.Column("observation_id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.Integer, nullable=False),
    sa.Column("measured_at", sa.Text, nullable=False),
    sa.Index("storage_by_time", "measured_at"),
    sa.Index("storage_by_asset", "asset", "measured_at"),
)

never_changed(metadata, "the meter")


@dataclass(frozen=True)
class TableLineage:
    """What a table was made from. Columns are written 'layer/table.column', tables 'layer/table'.

    columns: for each column the ones it is computed from, None where that cannot be told; conditions: the columns that
    decide which rows there are and how they are joined and grouped, on which every column rests; tables: those read.
    """

    columns: Mapping[str, tuple[str, ...] | None]
    conditions: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    @property
    def is_resolved(self) -> bool:
        """Whether the columns are known, and of each what it is made from."""
        return bool(self.columns) and all(origins is not None for origins in self.columns.values())


@dataclass(frozen=True)
class Task:
    """One task that made or extended a table, asset 'layer/table': how long it took, and what it read.

    Raises ValueError for seconds that are negative or no number, and for a time without a zone.
    """

    run_id: str
    asset: str
    seconds: float
    finished_at: datetime
    lineage: TableLineage

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ValueError(f"seconds of {self.asset} must be 0 or more, not {self.seconds}")
        text_of(self.finished_at)


@dataclass(frozen=True)
class StorageObservation:
    """How many bytes a table held at a moment. Raises ValueError for fewer than 0, and for a time without a zone."""

    run_id: str
    asset: str
    size_bytes: int
    measured_at: datetime

    def __post_init__(self) -> None:
        if self.size_bytes < 0:
            raise ValueError(f"size_bytes of {self.asset} must be 0 or more, not {self.size_bytes}")
        text_of(self.measured_at)


@dataclass(frozen=True)
class ComputeUse:
    """The seconds that the tasks of a table took in a period, as long as it had these columns."""

    asset: str
    columns: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Metered:
    """What a period used.

    lineage: of each table as it was last made before the period's end; storage: the observations in the order of their
    record, of each table also the last one before the period.
    """

    compute: tuple[ComputeUse, ...]
    lineage: Mapping[str, TableLineage]
    storage: tuple[StorageObservation, ...]


def record(folder: Path, of_tasks: Iterable[Task], of_storage: Iterable[StorageObservation]) -> None:
    """Add tasks and observations to the meter in a folder, all or nothing; it is made where it is not there.

    Safe for several processes. Raises JinkuError `meter_unusable`, or `disk_full`, `home_unwritable` and `storage` as
    for any file: use that is not metered would be free.
    """
    try:
        with for_writing(folder / FILE_NAME, metadata).begin() as connection:
            for task in of_tasks:
                number = _lineage_id(connection, task.asset, task.lineage)
                row = {"run_id": task.run_id, "asset": task.asset, "seconds": task.seconds}
                finished = text_of(task.finished_at)
                connection.execute(sa.insert(tasks).values(**row, lineage_id=number, finished_at=finished))
            for seen in of_storage:
                row = {**asdict(seen), "measured_at": text_of(seen.measured_at)}
                connection.execute(sa.insert(storage).values(row))
    except (OSError, sa.exc.DBAPIError) as error:
        raise _unusable(error, folder / FILE_NAME) from None


def metered(folder: Path, period_start: datetime, until: datetime) -> Metered:
    """What was used from `period_start` on and before `until`. No lock is taken: a run may be writing.

    Raises JinkuError `nothing_metered` where there is no meter yet, `meter_unusable` where it cannot be read, and
    ValueError for a time without a zone and for a period that ends before it begins.
    """
    if until < period_start:
        raise ValueError(f"the period ends at {until}, before it begins at {period_start}")
    path = folder / FILE_NAME
    if not path.exists():
        raise JinkuError("nothing_metered", "no use has been metered here yet", str(path), "Run `make run` first.")
    start, end = text_of(period_start), text_of(until)
    try:
        with for_reading(path).begin() as connection:
            used = _use(connection, start, end)
            in_force = _lineage_ids(connection, end)
            known = _contents(connection, {*in_force.values(), *(number for _, number, _ in used)})
            return Metered(
                tuple(ComputeUse(asset, tuple(known[number].columns), seconds) for asset, number, seconds in used),
                {asset: known[number] for asset, number in in_force.items()},
                _observations(connection, start, end),
            )
    except sa.exc.DBAPIError as error:
        raise _unusable(error, path) from None


def _lineage_id(connection: sa.Connection, asset: str, lineage: TableLineage) -> int:
    """The number of a lineage, which is kept once however often the same task is run."""
    content = json.dumps(asdict(lineage), sort_keys=True)
    own = {"asset": asset, "sha256": hashlib.sha256(content.encode()).hexdigest()}
    known = connection.execute(sa.select(lineages.c.lineage_id).filter_by(**own)).scalar()
    if known is None:
        added = connection.execute(sa.insert(lineages).values(**own, content=content))
        (known,) = added.inserted_primary_key or (0,)
    return int(known)


def _use(connection: sa.Connection, start: str, end: str) -> Sequence[tuple[str, int, float]]:
    """Seconds by asset and lineage, of the tasks of the period."""
    own = tasks.c
    found = connection.execute(
        sa.select(own.asset, own.lineage_id, sa.func.sum(own.seconds))
        .where(own.finished_at >= start, own.finished_at < end)
        .group_by(own.asset, own.lineage_id)
        .order_by(own.asset, own.lineage_id)
    )
    return [(asset, number, seconds) for asset, number, seconds in found]


def _lineage_ids(connection: sa.Connection, end: str) -> dict[str, int]:
    """By asset the lineage of its last task before the end; the last recorded one, should the clock have gone back."""
    last = sa.select(sa.func.max(tasks.c.task_id)).where(tasks.c.finished_at < end).group_by(tasks.c.asset)
    chosen = sa.select(tasks.c.asset, tasks.c.lineage_id).where(tasks.c.task_id.in_(last)).order_by(tasks.c.asset)
    return dict(connection.execute(chosen).tuples().all())


def _contents(connection: sa.Connection, numbers: set[int]) -> dict[int, TableLineage]:
    found = connection.execute(
        sa.select(lineages.c.lineage_id, lineages.c.content).where(lineages.c.lineage_id.in_(numbers))
    )
    return {number: _lineage_of(content) for number, content in found}


def _lineage_of(content: str) -> TableLineage:
    document: dict[str, Any] = json.loads(content)
    columns = {name: None if each is None else tuple(each) for name, each in document["columns"].items()}
    return TableLineage(columns, tuple(document["conditions"]), tuple(document["tables"]))


def _observations(connection: sa.Connection, start: str, end: str) -> tuple[StorageObservation, ...]:
    own = storage.c
    before = sa.select(sa.func.max(own.observation_id)).where(own.measured_at < start).group_by(own.asset)
    found = connection.execute(
        sa.select(own.run_id, own.asset, own.size_bytes, own.measured_at)
        .where(own.measured_at < end, sa.or_(own.measured_at >= start, own.observation_id.in_(before)))
        .order_by(own.observation_id)
    )
    return tuple(
        StorageObservation(run_id, asset, size_bytes, datetime.fromisoformat(measured_at))
        for run_id, asset, size_bytes, measured_at in found
    )


def _unusable(error: Exception, path: Path) -> JinkuError:
    return storage_failure(error, path) or JinkuError(
        "meter_unusable",
        f"the meter cannot be used: {cause_of(error)}",
        str(path),
        "Restore the file from your backup; use that is not metered would be free.",
    )
