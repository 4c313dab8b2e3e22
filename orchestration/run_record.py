"""Runs in the black box: their beginning, before anything is done, and their end with how every table was judged."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from vault.black_box.entries import Event
from vault.black_box.recording import recording
from vault.key_use import record_key_use
from vault.layers import Vault

if TYPE_CHECKING:
    from expectations.judging import Judgement

ACTOR = "jinku"


def record_begin(vault: Vault, run: dg.DagsterRun, now: datetime) -> None:
    """Record that a run begins. Raises JinkuError as `recording` does; then the run does not begin."""
    record_key_use(vault, "run", now, ACTOR)
    with recording(vault, now) as record:
        record.log("run", run.run_id, {"state": "begun", "job": run.job_name}, ACTOR)


def record_end(vault: Vault, run: dg.DagsterRun, judgements: Sequence["Judgement"], now: datetime) -> None:
    """Record that a run ends, and the quality of every table that it judged. Raises JinkuError as `recording` does."""
    events = [
        Event(
            "check",
            each.subject.table.asset,
            {
                "run": run.run_id,
                "expectations": len(each.results),
                "not_held": sum(not result.holds for result in each.results),
                "quality": each.vector.quality,
                "gate_closed": each.gate_closed,
            },
            ACTOR,
        )
        for each in judgements
    ]
    with recording(vault, now) as record:
        record.log_many([*events, Event("run", run.run_id, {"state": "ended", "tables": len(events)}, ACTOR)])
