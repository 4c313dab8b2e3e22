"""Clearance: a component may be traded and pulled only while its signed datasheet says S(X) = 1 and all rights hold.

Asked when it is listed, at every agreement and sale, and at every delivery; never remembered as a yes. What is
remembered is only what follows from a file that has not changed since: that its signature was found good, and what the
gate says of it. Source: models §6, §7.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from market_api.problems import Problem
from market_api.settings import MarketSettings
from vault.errors import JinkuError
from vault.releases.datasheet import DATASHEET, Document, datasheet_hash, time_text
from vault.releases.gate import causes_against
from vault.releases.reading import COMPONENT, NUMBER, read_datasheet, unsigned
from vault.releases.schema import schema_faults
from vault.signing import public_keys_in, verify_signature

DAY = len("2026-01-01")
DATASHEETS_KEPT = 4096
DATASHEET_BYTES_MAX = 1 << 24


@dataclass(frozen=True)
class Signed:
    """A datasheet whose signature was found good. hash: of the whole of it; causes: what the gate has against it."""

    document: Document
    hash: str
    folder: Path
    causes: tuple[str, ...]


def signed_datasheet(settings: MarketSettings, release_id: str) -> Signed:
    """The datasheet of a release, signed by a trusted key. Raises Problem `not_cleared`."""
    component, _, number = release_id.partition("@")
    if not (COMPONENT.fullmatch(component) and NUMBER.fullmatch(number)):
        raise Problem("not_cleared", "There is no release of this name.", "release")
    folder = settings.releases / component / number
    try:
        found = (folder / DATASHEET).stat()
        trust = tuple(_state_of(str(settings.trust)))
    except OSError:
        raise Problem("not_cleared", f"The release {release_id} is not there any more.", "release") from None
    if found.st_size > DATASHEET_BYTES_MAX:
        raise Problem("not_cleared", f"The datasheet of {release_id} is too large to be one.", "release")
    return _verified(folder, settings.trust, release_id, (found.st_ino, found.st_mtime_ns, found.st_size), trust)


def cleared_datasheet(
    settings: MarketSettings, release_id: str, at: datetime, expected_hash: str | None = None
) -> Document:
    """The datasheet of a release that may be traded at a moment. expected_hash: of the one that was listed.

    Raises Problem `not_cleared`, which names every cause.
    """
    signed = signed_datasheet(settings, release_id)
    causes = list(causes_at(signed, at))
    if expected_hash is not None and signed.hash != expected_hash:
        causes.insert(0, "its datasheet is not the one that was listed")
    if causes:
        raise Problem("not_cleared", f"{release_id} may not be traded: {'; '.join(causes)}.", causes=causes)
    return signed.document


def causes_at(signed: Signed, at: datetime) -> Iterator[str]:
    """What speaks against trading a component at a moment: the gate's causes, and rights that ended since."""
    yield from signed.causes
    day = time_text(at)[:DAY]
    for right in signed.document["rights"]:
        if not right["valid_from"] <= day <= right["valid_until"]:
            yield f"the {right['confirmation']} right on '{right['subject']}' is not in force today"


@lru_cache(maxsize=DATASHEETS_KEPT)
def _verified(folder: Path, trust: Path, release_id: str, _state: tuple[int, ...], _trust: tuple[Any, ...]) -> Signed:
    try:
        document: Mapping[str, Any] = read_datasheet(folder)
    except JinkuError as error:
        raise Problem("not_cleared", f"The datasheet of {release_id} cannot be read: {error.what}.") from None
    if schema_faults(document):
        raise Problem("not_cleared", f"The datasheet of {release_id} is not one: {schema_faults(document)[0]}.")
    if not verify_signature(unsigned(document), document["signature"], public_keys_in(trust)):
        raise Problem("not_cleared", f"The datasheet of {release_id} is not signed by a trusted key.")
    if document["release"] != release_id:
        raise Problem("not_cleared", f"What lies there is the datasheet of another release than {release_id}.")
    causes = causes_against(document, document["published_at"])
    return Signed(document, datasheet_hash(document), folder, tuple(causes))


def _state_of(folder: str) -> Iterator[tuple[str, int, int]]:
    """What tells whether the trusted keys are still the same files: each with its inode and the time of its change."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir():
                yield from _state_of(entry.path)
            else:
                state = entry.stat()
                yield entry.path, state.st_ino, state.st_mtime_ns
