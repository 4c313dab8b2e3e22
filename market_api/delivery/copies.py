"""Copies: what is delivered, below `copies/<entitlement>/<release>/<form>/`, made once and kept while it may be pulled.

A copy is made in a draft folder, made durable, and renamed: it is there whole or not at all, and a process that is
killed leaves a draft that the next one removes. Whoever wants the same copy meanwhile waits for it. Nothing is served
that does not fit its signed manifest: such a copy is made anew.
"""

import logging
import shutil
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from market_api.delivery.failures import told_failures
from market_api.delivery.forms import FORMS
from market_api.delivery.manifests import MANIFEST, CopyFile, Manifest, is_whole, read_manifest, signed_text, told_file
from market_api.delivery.parts import cut, marked_copy
from market_api.delivery.sources import taken
from market_api.entitlements.usable import Permit
from market_api.fingerprint.engine import engine
from market_api.market import Market
from market_api.problems import Problem
from vault.durable import lock, sync_file, sync_folder, write_private
from vault.moments import text_of

PARTS = "parts"
MEMORY_BYTES_MAX = 768 << 20
LOCKS = 64
WAITING_MAX = 16
"""Requests that may wait for a copy at a time: the threads that are left serve what is there already."""
MAKING_MAX = 2

LOG = logging.getLogger("jinku.market")

_waiting = threading.BoundedSemaphore(WAITING_MAX)
_making = threading.BoundedSemaphore(MAKING_MAX)


@dataclass(frozen=True)
class HeldCopy:
    """A copy that is there and may be served."""

    folder: Path
    manifest: Manifest

    def path(self, file: CopyFile) -> Path:
        """Where a file of it lies."""
        return self.folder / file.name


@dataclass(frozen=True)
class _Made:
    """What was written into a draft. rows_omitted, not_traceable: of the fingerprint."""

    files: tuple[CopyFile, ...]
    rows_omitted: int
    not_traceable: str | None


Make = Callable[[Path], _Made]


def parts_copy(market: Market, permit: Permit) -> HeldCopy:
    """The buyer's copy in parts, made where it is not there yet.

    Raises Problem `not_cleared` where the release is not what was signed or its copy does not pass the review, and
    `unavailable` where the disk is full or too many copies are being made.
    """
    return _copy(market, permit, PARTS, lambda draft: _parts(market, permit, draft))


def form_copy(market: Market, permit: Permit, form: str) -> HeldCopy:
    """The same rows as one file of a form, made where it is not there yet. Raises Problem as `parts_copy` does."""
    parts = parts_copy(market, permit)
    return _copy(market, permit, form, lambda draft: _converted(parts, form, draft))


def copy_folder(copies: Path, entitlement_id: str, number: int, form: str) -> Path:
    """Where a copy lies."""
    return copies / entitlement_id / str(number) / form


def held_copy(market: Market, permit: Permit, form: str) -> HeldCopy | None:
    """The copy that is there, None where there is none that fits what is permitted now."""
    folder = copy_folder(market.settings.copies, permit.entitlement_id, permit.number, form)
    manifest = read_manifest(folder, market.keys.signing.public_key())
    if manifest is None or not _fits(manifest, permit, form) or not is_whole(folder, manifest):
        return None
    return HeldCopy(folder, manifest)


@contextmanager
def locked_copies(copies: Path, entitlement_id: str) -> Iterator[None]:
    """Hold the copies of an entitlement against every other thread and process; some entitlements share a lock."""
    folder = copies / ".locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock(folder / str(zlib.crc32(entitlement_id.encode()) % LOCKS)):
        yield


def _fits(manifest: Manifest, permit: Permit, form: str) -> bool:
    told = (manifest.entitlement, manifest.participant, manifest.release, manifest.datasheet, manifest.form)
    asked = (permit.entitlement_id, permit.participant_id, permit.release_id, permit.signed.hash, form)
    return told == asked


def _copy(market: Market, permit: Permit, form: str, make: Make) -> HeldCopy:
    if (found := held_copy(market, permit, form)) is not None:
        return found
    with told_failures(permit.release_id), _turn(), locked_copies(market.settings.copies, permit.entitlement_id):
        if (found := held_copy(market, permit, form)) is not None:
            return found
        with _making:
            _put(market, permit, form, make)
    if (found := held_copy(market, permit, form)) is None:
        raise Problem("unavailable", "The copy was removed as soon as it was made; look at your entitlement.")
    return found


def _put(market: Market, permit: Permit, form: str, make: Make) -> None:
    """Make a copy and put it in its place."""
    place = copy_folder(market.settings.copies, permit.entitlement_id, permit.number, form)
    draft = place.with_name(f".{form}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    if place.exists():
        LOG.warning("a copy did not fit its manifest and is made anew", extra={"subject": permit.entitlement_id})
        shutil.rmtree(place)
    draft.mkdir(mode=0o700, parents=True)
    try:
        made = make(draft)
        write_private(draft / MANIFEST, signed_text(_manifest(market, permit, form, made), market.keys.signing))
        draft.rename(place)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    for folder in (place.parent, place.parent.parent, market.settings.copies):
        sync_folder(folder)


def _parts(market: Market, permit: Permit, draft: Path) -> _Made:
    """Fingerprint, review and cut a release that is what was signed."""
    sources, whole = draft / ".sources", draft / ".whole.parquet"
    with engine(draft / ".scratch", MEMORY_BYTES_MAX) as connection:
        files = taken(permit.signed, sources)
        marked = marked_copy(connection, permit.signed, files, whole, market.keys.root, permit.participant_id)
    parts = cut(whole, draft)
    for each in (sources, draft / ".scratch"):
        shutil.rmtree(each, ignore_errors=True)
    return _Made(_durable(draft, {each.path: each.rows for each in parts}), marked.rows_omitted, marked.not_traceable)


def _converted(parts: HeldCopy, form: str, draft: Path) -> _Made:
    kind, manifest = FORMS[form], parts.manifest
    target = draft / f"data.{kind.suffix}"
    with engine(draft / ".scratch", MEMORY_BYTES_MAX) as connection:
        kind.write(connection, [parts.path(each) for each in manifest.files], target)
    shutil.rmtree(draft / ".scratch", ignore_errors=True)
    return _Made(_durable(draft, {target: manifest.rows}), manifest.rows_omitted, manifest.not_traceable)


def _durable(draft: Path, rows: dict[Path, int]) -> tuple[CopyFile, ...]:
    """Make the files of a draft private and durable; gives what its manifest says of them."""
    for path in rows:
        path.chmod(0o600)
        sync_file(path)
    sync_folder(draft)
    return tuple(told_file(path, count) for path, count in rows.items())


def _manifest(market: Market, permit: Permit, form: str, made: _Made) -> Manifest:
    return Manifest(
        entitlement=permit.entitlement_id,
        participant=permit.participant_id,
        release=permit.release_id,
        datasheet=permit.signed.hash,
        terms=permit.entitlement.terms_hash,
        form=form,
        made_at=text_of(market.clock()),
        rows=sum(each.rows for each in made.files),
        rows_omitted=made.rows_omitted,
        not_traceable=made.not_traceable,
        files=made.files,
    )


@contextmanager
def _turn() -> Iterator[None]:
    """Take a place among those who wait. Raises Problem `unavailable` where there is none."""
    if not _waiting.acquire(blocking=False):
        raise Problem("unavailable", "Many copies are being made just now; nothing was counted. Try again in a moment.")
    try:
        yield
    finally:
        _waiting.release()
