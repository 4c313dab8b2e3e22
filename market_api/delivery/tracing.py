"""Tracing a leaked file over all that was delivered: which component it is of, and whose copy.

The component is the one whose columns the file has. Every release of it that was delivered is tried, and an accusation
must stand though so many were: each p is taken times the number of releases (Bonferroni). That a file was traced, and
what came of it, is logged. Source: models §8.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import sqlalchemy as sa

from market_api.catalogue.clearance import Signed, signed_datasheet
from market_api.delivery.sources import taken
from market_api.entitlements.tables import deliveries
from market_api.fingerprint.detecting import Evidence, Verdict, detect
from market_api.fingerprint.engine import engine
from market_api.fingerprint.keys import fingerprint_key
from market_api.fingerprint.leaks import open_leak
from market_api.fingerprint.planning import plan
from market_api.fingerprint.probability import p_text
from market_api.identity.tables import participants
from market_api.market import Market
from vault.errors import JinkuError


@dataclass(frozen=True)
class Receiver:
    """Whoever received a release. entitlement_ids: by which; first_at: when for the first time."""

    participant_id: str
    registered_name: str
    entitlement_ids: tuple[str, ...]
    first_at: str


@dataclass(frozen=True)
class Trace:
    """What came of tracing a file. verdict: of the release that it fits best; accused: whom its marks speak against,
    also as so many releases were tried; receivers: all who received that release, by their ids."""

    file_hash: str
    verdict: Verdict
    releases_tried: tuple[str, ...]
    accused: tuple[Evidence, ...]
    receivers: Mapping[str, Receiver]

    def p(self, evidence: Evidence) -> str:
        """How probable it is that chance alone speaks as much for a receiver, whichever release it is of."""
        return p_text(min(0.0, evidence.log10_p + math.log10(len(self.releases_tried))))

    @property
    def outcome(self) -> str:
        """'traced', 'nobody' or 'not_traceable'."""
        return "traced" if self.accused else "nobody" if self.verdict.accused else self.verdict.outcome

    @property
    def reason(self) -> str:
        """In one sentence."""
        if self.verdict.accused and not self.accused:
            return f"its marks do not stand out against chance when {len(self.releases_tried)} releases are tried"
        return self.verdict.reason


def trace(market: Market, leak: Path, scratch: Path, of: str | None = None) -> Trace:
    """Whose copy a file is. scratch: an empty folder, which the caller removes; of: a release such as 'mobility@3', or
    a component with all its releases; found by the file's columns where it is not told.

    Raises JinkuError `nothing_delivered`, `leak_unreadable` and `leak_unrelated`, Problem `not_cleared` where a release
    is not what was signed any more, and OSError.
    """
    delivered = _delivered(market, of)
    with engine(scratch / "engine") as connection:
        component = _component_of(connection, market, leak, delivered)
        releases = sorted(name for name in delivered if name.partition("@")[0] == component)
        verdicts = [_verdict(connection, market, leak, scratch, name, list(delivered[name])) for name in releases]
    best = min(verdicts, key=_strength)
    log10_p_max = best.log10_p_max - math.log10(len(releases))
    accused = tuple(each for each in best.accused if each.log10_p <= log10_p_max)
    found = Trace(_file_hash(leak), best, tuple(releases), accused, delivered[best.release])
    market.act("market", lambda transaction: transaction.log("delivery.trace", best.release, _told(found)))
    return found


def _strength(verdict: Verdict) -> tuple[float, bool]:
    return min((each.log10_p for each in verdict.evidence), default=0.0), verdict.outcome == "not_traceable"


def _delivered(market: Market, of: str | None) -> dict[str, dict[str, Receiver]]:
    """All who received each release. Raises JinkuError `nothing_delivered`."""
    own = deliveries.c
    query = (
        sa.select(
            own.component,
            own.release_number,
            own.participant_id,
            participants.c.registered_name,
            own.entitlement_id,
            sa.func.min(own.begun_at).label("first_at"),
        )
        .join(participants, participants.c.participant_id == own.participant_id)
        .group_by(own.component, own.release_number, own.participant_id, participants.c.registered_name)
        .group_by(own.entitlement_id)
        .order_by(own.entitlement_id)
    )
    found: dict[str, dict[str, Receiver]] = {}
    for row in market.read(lambda connection: connection.execute(query).all()):
        receivers = found.setdefault(f"{row.component}@{row.release_number}", {})
        before = receivers.get(row.participant_id)
        entitlement_ids = (*(before.entitlement_ids if before else ()), row.entitlement_id)
        first_at = min(before.first_at, row.first_at) if before else row.first_at
        receivers[row.participant_id] = Receiver(row.participant_id, row.registered_name, entitlement_ids, first_at)
    chosen = {name: found[name] for name in found if of in (None, name, name.partition("@")[0])}
    if not chosen:
        raise JinkuError(
            "nothing_delivered",
            "nobody has received a copy" + (f" of {of}" if of else ""),
            str(market.settings.folder),
            "A copy is traced in the market that delivered it, under the name of its release.",
        )
    return chosen


def _component_of(
    connection: duckdb.DuckDBPyConnection, market: Market, leak: Path, delivered: Mapping[str, object]
) -> str:
    """The component with the most columns of the file; of several the one with the fewest others."""
    newest: dict[str, Signed] = {}
    for name in sorted(delivered, key=lambda each: int(each.partition("@")[2])):
        newest[name.partition("@")[0]] = signed_datasheet(market.settings, name)
    columns = {name: _columns(signed) for name, signed in newest.items()}
    every = sorted({each for names in columns.values() for each in names})
    there = set(open_leak(connection, leak, every).columns)
    return max(sorted(columns), key=lambda name: (len(there & set(columns[name])), -len(columns[name])))


def _columns(signed: Signed) -> Sequence[str]:
    return [str(each["name"]) for each in signed.document["table"]["columns"]]


def _verdict(
    connection: duckdb.DuckDBPyConnection,
    market: Market,
    leak: Path,
    scratch: Path,
    release_id: str,
    buyers: Sequence[str],
) -> Verdict:
    signed = signed_datasheet(market.settings, release_id)
    files = taken(signed, scratch / f"release-{signed.document['number']}")
    key = fingerprint_key(market.keys.root, signed.document["component"])
    return detect(connection, leak, plan(signed.document), key, buyers, files)


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _told(found: Trace) -> dict[str, object]:
    return {
        "file_hash": found.file_hash,
        "outcome": found.outcome,
        "releases_tried": list(found.releases_tried),
        "accused": [{"participant_id": each.buyer, "p": found.p(each)} for each in found.accused],
    }
