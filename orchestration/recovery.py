"""One run at a time from the terminal, and an end to killed runs: their pool slots would be held for ever."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from vault.errors import JinkuError
from vault.home import Home

FROM_TERMINAL = {"jinku/started_by": "terminal"}
UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


@contextmanager
def sole(home: Home, name: str, by: str = "") -> Iterator[int]:
    """Hold the home's lock of this name; the kernel lets go of it when the process ends, however it ends.

    by: the command that others are told, where it is not `jinku NAME`. Gives the lock's file descriptor, to be handed
    to children that outlive a killed parent.
    Raises JinkuError `already_running`.
    """
    path = home.dagster / f"{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = path.read_text() or f"jinku {name}"
        os.close(descriptor)
        raise JinkuError(
            "already_running", f"`{holder}` is at work over this home", str(home.root), "Wait for it or end it."
        ) from None
    try:
        with suppress(OSError):  # a full disk keeps nobody from the lock; another would be told the usual holder
            os.ftruncate(descriptor, 0)
            os.write(descriptor, (by or f"jinku {name}").encode())
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(home: Home, name: str) -> bool:
    """Whether some process holds the lock of this name."""
    try:
        with sole(home, name):
            return False
    except JinkuError:
        return True


def end_killed_runs(storage: dg.DagsterInstance, *, only_from_terminal: bool) -> tuple[str, ...]:
    """Mark unfinished runs as failed and free their pool slots; gives their ids.

    The caller holds the lock of those who could be working on them, so nobody is.
    """
    tags = FROM_TERMINAL if only_from_terminal else None
    ended = []
    for run in storage.get_runs(filters=RunsFilter(statuses=UNFINISHED, tags=tags)):
        storage.report_run_failed(run, "The process of this run was killed; what it had finished stays.")
        storage.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        ended.append(run.run_id)
    return tuple(ended)
