"""Publishing: a component's rows leave the vault as a release, whole and for good, or a refusal stays on record.

The release is written to a draft that nobody else may read, made durable, and signed. Then one transaction puts it on
record and into the black box, and only after that the draft is renamed to its number, which makes it visible: nothing
is ever visible that is not logged. A process that is killed before the transaction leaves a draft that the next one
removes; killed after it, one that the next puts in its place. Either way a release is there whole or not at all.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from vault.black_box.recording import Record, recording
from vault.durable import lock, sync_folder
from vault.errors import JinkuError
from vault.home import Home, storage_error
from vault.layers import Vault
from vault.registry.database import open_registry
from vault.releases.datasheet import DATASHEET, TABLE, Document, completed, datasheet_hash, facts_of, time_text
from vault.releases.evidence import Evidence
from vault.releases.gate import build_causes, causes_against, review_on_record
from vault.releases.page import page_of
from vault.releases.reading import COMPONENT, NUMBER, PAGE, read_datasheet
from vault.releases.register import (
    Refusal,
    Release,
    add_refusal,
    add_release,
    last_release,
    release_by_datasheet,
)
from vault.releases.schema import schema_faults
from vault.releases.table_files import FOLDER_MODE, columns_told, files_told, read_table, seal, write_table
from vault.rights.staleness import StaleMark, stale_components
from vault.signing import sign, signing_key
from vault.snapshot import snapshot_hash

DRAFT, LOCK = ".draft", ".lock"
ACTOR = "jinku"

Disclose = Callable[[Record, str], None]


def _nothing_more(record: Record, release_id: str) -> None:
    """A release with nothing beside it to put on record."""


def publish(
    vault: Vault, evidence: Evidence, table: ir.Table, at: datetime, disclose: Disclose = _nothing_more
) -> Release:
    """Release a component's rows, unless anything speaks against it; the same content as before makes no new release.

    table: the component's rows on an open connection of the vault; disclose: is called with a new release's id inside
    the transaction that puts it on record, for what must stand or fall with it.
    A release that is not new keeps its `published_at`.
    Raises JinkuError `release_refused`, after the refusal was put on record with all of its causes;
    `release_unwritable`, `release_unfaithful`, what `recording` raises and what a full or unwritable disk raises, after
    which there is no release. Source: models §7.
    """
    folder = _component_folder(vault.home, evidence.component)
    with _sole(folder):
        _settle(vault.home, folder)
        facts = facts_of(evidence, snapshot_hash(table), at.astimezone(UTC).date())
        causes = [*causes_against(facts, time_text(at)), *build_causes(evidence, table)]
        with open_registry(vault.home).begin() as connection:
            causes += review_on_record(connection, facts, newest=True)
            last = last_release(connection, evidence.component)
            mark = stale_components(connection).get(evidence.component)
        if causes:
            raise _refused(vault, evidence, causes, at)
        if last is not None and _still_good(last, facts, folder, mark):
            return last
        return _released(vault, evidence, facts, table, folder, at, disclose)


def refuse(vault: Vault, component: str, causes: Sequence[str], at: datetime, run_id: str = "") -> Refusal:
    """Put on record, and into the black box, why a component is not released. `publish` does so by itself.

    Raises ValueError where no cause is given, and JinkuError as `recording` does.
    """
    if not causes:
        raise ValueError("a refusal needs a cause")
    with recording(vault, at) as record:
        entry = record.log("refusal", component, {"causes": list(causes), "run": run_id}, ACTOR)
        refusal = Refusal(component, tuple(causes), run_id, at, entry)
        add_refusal(record.connection, refusal)
    return refusal


def settle(vault: Vault) -> None:
    """Finish what killed processes left: releases on record are put in their place, drafts that are not are removed.

    Every publication settles its own component first; this is for all of them, at the start of a run.
    """
    for path in vault.home.releases.glob(f"*/{DRAFT}"):
        with _sole(path.parent):
            _settle(vault.home, path.parent)


def _still_good(last: Release, facts: Document, folder: Path, mark: StaleMark | None) -> bool:
    """Whether the last release is what a new one would be, is there, and was not marked as stale."""
    is_stale = mark is not None and last.published_at <= mark.marked_at
    is_there = (folder / str(last.number) / DATASHEET).is_file()
    return last.content_hash == facts["hashes"]["content"] and is_there and not is_stale


def _refused(vault: Vault, evidence: Evidence, causes: Sequence[str], at: datetime) -> JinkuError:
    refuse(vault, evidence.component, causes, at, evidence.run_id)
    return JinkuError(
        "release_refused",
        f"{evidence.component} is not released: {'; '.join(causes)}",
        f"components/{evidence.component}",
        "Remove the causes and run again; the refusal is on record.",
    )


def _released(
    vault: Vault, evidence: Evidence, facts: Document, table: ir.Table, folder: Path, at: datetime, disclose: Disclose
) -> Release:
    draft = folder / DRAFT
    try:
        draft.mkdir(mode=0o700)
        written = _written_rows(evidence, facts, table, draft)
        document = _signed(vault, evidence, facts, written, folder, at)
        seal(draft)
        sync_folder(folder)
        with recording(vault, at) as record:
            told = {key: document[key] for key in ("number", "run", "hashes")}
            subject = document["release"]
            entry = record.log("release", subject, {**told, "datasheet_hash": datasheet_hash(document)}, ACTOR)
            release = _on_record(document, evidence, at, entry)
            add_release(record.connection, release)
            disclose(record, release.release_id)
    except BaseException:
        with suppress(Exception):  # what cannot be settled now is settled before the next release
            _settle(vault.home, folder)
        raise
    _settle(vault.home, folder)
    return release


def _written_rows(evidence: Evidence, facts: Document, table: ir.Table, draft: Path) -> dict[str, Any]:
    """Write the rows and tell of what was written, read back from the files.

    Raises JinkuError `release_unfaithful` where the files do not hold what was reviewed.
    """
    write_table(table, evidence.contract.grain, draft, evidence.component)
    written = read_table(table.get_backend(), draft)
    if snapshot_hash(written) != facts["hashes"]["data"]:
        raise JinkuError(
            "release_unfaithful",
            "what was written is not what was reviewed, so nothing was released",
            f"components/{evidence.component}",
            "Run again; where it stays so, cast the columns in the model to plain types.",
        )
    return {"format": "delta", "version": 0, "rows": _rows(written), "columns": columns_told(written)}


def _rows(table: ir.Table) -> int:
    return int(table.count().to_pyarrow().as_py())


def _signed(
    vault: Vault, evidence: Evidence, facts: Document, table: Document, folder: Path, at: datetime
) -> dict[str, Any]:
    """Write the page and the signed datasheet into the draft; the page is among the files that the datasheet states."""
    draft, number = folder / DRAFT, _next_number(vault.home, folder)
    stated = completed(facts, number, at, table, files_told(draft, TABLE))
    (draft / PAGE).write_text(page_of(stated, evidence.radar), "utf-8")
    stated["files"] += files_told(draft, PAGE)
    document = {**stated, "signature": dict(sign(signing_key(vault), stated))}
    if faults := schema_faults(document):
        raise ValueError(f"a datasheet that is none: {'; '.join(faults)}")
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
    (draft / DATASHEET).write_text(text + "\n", "utf-8")
    return document


def _on_record(document: Document, evidence: Evidence, at: datetime, entry: int) -> Release:
    return Release(
        release_id=document["release"],
        component=evidence.component,
        number=document["number"],
        tier=document["tier"],
        rows=document["table"]["rows"],
        content_hash=document["hashes"]["content"],
        data_hash=document["hashes"]["data"],
        datasheet_hash=datasheet_hash(document),
        review_id=document["review"]["review"],
        valuation_id=document["price"]["valuation"],
        run_id=evidence.run_id,
        published_at=at,
        entry=entry,
    )


def _next_number(home: Home, folder: Path) -> int:
    """One more than any number on record or on disk: a number that was once seen is never given again."""
    with open_registry(home).begin() as connection:
        last = last_release(connection, folder.name)
    seen = [int(path.name) for path in folder.iterdir() if NUMBER.fullmatch(path.name)]
    return max([0, *seen, *([] if last is None else [last.number])]) + 1


def _settle(home: Home, folder: Path) -> None:
    """Put the draft of a component in its place if it is on record; remove it if it is not."""
    draft = folder / DRAFT
    if not draft.exists():
        return
    release = _release_of(home, draft)
    if release is not None and not (place := folder / str(release.number)).exists():
        draft.chmod(FOLDER_MODE)
        draft.rename(place)
        sync_folder(folder)
    else:
        shutil.rmtree(draft)


def _release_of(home: Home, draft: Path) -> Release | None:
    try:
        found = datasheet_hash(read_datasheet(draft))
    except (JinkuError, ValueError):
        return None
    with open_registry(home).begin() as connection:
        return release_by_datasheet(connection, found)


def _component_folder(home: Home, component: str) -> Path:
    """The folder of a component's releases, which others may look into. Raises ValueError for a name that is none."""
    if not re.fullmatch(COMPONENT, component):
        raise ValueError(f"no component: {component!r}")
    folder = home.releases / component
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in (home.releases, folder):
            each.chmod(FOLDER_MODE)
            sync_folder(each)
    except OSError as error:
        raise storage_error(error, folder) from None
    return folder


@contextmanager
def _sole(folder: Path) -> Iterator[None]:
    """Be the only one who publishes a component; others wait. What the disk refuses is told as it is everywhere."""
    try:
        with lock(folder / LOCK):
            yield
    except OSError as error:
        raise storage_error(error, folder) from None
