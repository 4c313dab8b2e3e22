"""`jinku trace`: whose copy a leaked file is, told with what speaks for it."""

import tempfile
from pathlib import Path

from market_api.commands.machine import standing_market
from market_api.commands.terminal import console, moment, say, table
from market_api.delivery.tracing import Trace, trace
from market_api.fingerprint.detecting import Evidence


def trace_file(file: Path, of: str | None) -> None:
    """Trace a file and tell what came of it. of: its release or component. Raises as `trace` does."""
    market = standing_market()
    with tempfile.TemporaryDirectory(prefix="jinku-trace-") as scratch:
        found = trace(market, file, Path(scratch), of)
    _show(found)


def _show(found: Trace) -> None:
    """Who it was, or that it was nobody, beside all who received the release."""
    verdict = found.verdict
    if found.accused:
        for each in found.accused:
            name = found.receivers[each.buyer].registered_name
            say(f"traced to {name} ({each.buyer}): p = {found.p(each)}, {_marks(each)}")
    else:
        say(f"{'nobody' if found.outcome == 'nobody' else 'not traceable'}: {found.reason}")
    say(
        f"{verdict.release}: {verdict.chosen_rows:,} rows of the file may carry marks; an accusation needs "
        f"p below {10**verdict.log10_p_max:.1e}"
    )
    if verdict.evidence:
        _show_receivers(found)


def _show_receivers(found: Trace) -> None:
    shown = table(
        "who received it",
        "participant",
        "since",
        "marks that agree",
        "p",
        right=("marks that agree", "p"),
        whole=("participant",),
    )
    for each in found.verdict.evidence:
        receiver = found.receivers[each.buyer]
        shown.add_row(receiver.registered_name, each.buyer, moment(receiver.first_at), _marks(each), found.p(each))
    console.print(shown)


def _marks(each: Evidence) -> str:
    told = []
    if each.bits is not None:
        told.append(f"{each.bits.matches:,} of {each.bits.marks:,}")
    if each.rows is not None:
        told.append(f"{each.rows.omitted_found:,} of {each.rows.omitted:,} rows that its copy lacks")
    return ", ".join(told) or "none"
