"""`jinku subject`: what is held about a person, and what they may ask for: correction, withdrawal, erasure, reasons.

Who it is about is typed when asked for, or handed over on standard input, never given as an argument: arguments stand
in the shell's history and in the list of processes. It is hashed at the door, and no value of the person is shown.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from getpass import getpass
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.dbt import read_manifest
from orchestration.declarations import Declarations, declarations
from orchestration.erasure import MadeTable, mark_components_stale, tables_made_from
from orchestration.layers import COMPONENTS
from orchestration.names import named, purposes_named
from orchestration.opening import collected_vault
from vault.black_box.recording import recording
from vault.contract import SourceContract, SubjectKey
from vault.errors import JinkuError
from vault.layers import Vault, connect
from vault.ledger import tables_of
from vault.registry.database import open_registry
from vault.rights.consents import ConsentEvent, consents_of, withdraw
from vault.rights.corrections import Correction, corrections_of, request_correction
from vault.rights.holdings import Place, batches_of, lines_of, rows_of
from vault.rights.pseudonyms import pseudonym_of
from vault.rights.receipts import correction_receipt, receipts_of, withdrawal_receipt
from vault.rights.staleness import stale_components
from vault.rights.withholding import load_subjects
from vault.signing import signing_key

BY_SUBJECT = "subject"
"""The actor of what a person asked for at the door; nobody stands in the black box in the clear."""

ASKED = "(select pseudonym from temp.asked)"


@dataclass(frozen=True)
class _Door:
    """A person who came to the door: their pseudonym and the sources that may speak of them."""

    vault: Vault
    known: Declarations
    sources: Mapping[str, SourceContract]
    principal: str

    def made_from(self, source: str) -> tuple[MadeTable, ...]:
        """What was made from a source; nothing before the first run."""
        parsed = self.vault.home.dbt / "target" / "manifest.json"
        return (
            tables_made_from(read_manifest(parsed), tables_of(source, self.sources[source])) if parsed.exists() else ()
        )


def show_subject(console: Console, source: str) -> None:
    """What is held about one person: tables, rows, batches, consents, and the components that used it.

    Raises JinkuError `unknown_name`, `no_subject`, `no_city` and `identifier_missing`.
    """
    door = _door(source)
    held = _table("held in", "rows", "batches")
    with connect(door.vault, read=("raw", "warehouse", "components")) as connection:
        load_subjects(connection, "asked", ("pseudonym",), [(door.principal,)])
        for asset, rows, batches in _held(connection, door):
            held.add_row(asset, f"{rows:,}", str(batches) if batches else "")
    console.print(f"pseudonym [bold]{door.principal}[/]")
    console.print(held if held.row_count else "nothing is held about this person")
    with _registry(door.vault) as registry:
        _show_events(console, consents_of(registry, door.principal))
        _show_corrections(console, corrections_of(registry, door.principal))
        given = len(receipts_of(registry, door.principal))
    console.print(f"{given} receipts given; `jinku subject explain` tells which components used it")


def explain_subject(console: Console, source: str) -> None:
    """Which components were made from what is held about one person, by what right and for which uses.

    Raises JinkuError as `show_subject` does.
    """
    door = _door(source)
    with connect(door.vault, read=("raw", "warehouse", "components")) as connection:
        load_subjects(connection, "asked", ("pseudonym",), [(door.principal,)])
        held = {name for name, contract in door.sources.items() if _rows_in_raw(connection, name, contract)}
    if not held:
        console.print("no source holds a row of this person, so no component was made from one")
        return
    with _registry(door.vault) as registry:
        stale = stale_components(registry)
    used: dict[str, list[str]] = {}
    for name in sorted(held):
        for table in door.made_from(name):
            if table.layer == COMPONENTS:
                used.setdefault(table.name, []).append(name)
    for component, sources in used.items():
        contract = door.known.components[component]
        kind = "a row of its own under a pseudonym" if contract.subject == "person" else "counted among others"
        console.print(f"[bold]{component}[/] {escape(contract.title.en)} ({escape(contract.title.zh)})")
        console.print(f"  made from {', '.join(sources)}; {kind}; {escape(contract.purpose)}")
        console.print(f"  permitted uses: {', '.join(contract.permitted_uses)}; tier {contract.release_tier}")
        for name in sources:
            basis = door.sources[name].legal_basis
            console.print(f"  {name}: {basis.basis}, {escape(basis.reference)}, until {basis.expires}")
        if component in stale:
            console.print(f"  [yellow]stale[/] since {stale[component].marked_at:%F %T}Z: {stale[component].reason}")


def correct_subject(console: Console, source: str, column: str, receipt: Path | None, now: datetime) -> None:
    """Ask the provider to correct one column of a person's rows; what was received is never changed here.

    Raises JinkuError `unknown_column`, and as `show_subject` does.
    """
    door = _door(source)
    contract = door.sources[source]
    known = [each.name for columns in tables_of(source, contract).values() for each in columns]
    if column not in known:
        raise JinkuError(
            "unknown_column",
            f"{source} has no column '{column}'",
            "contract",
            f"Known: {', '.join(sorted(set(known)))}.",
        )
    with recording(door.vault, now) as record:
        request_correction(record, door.principal, source, column, BY_SUBJECT, now)
        document = correction_receipt(record, signing_key(door.vault), door.principal, source, contract, column, now)
    _hand_over(console, document, receipt)
    console.print(f"{escape(contract.provider.name)} is to deliver the corrected value; the latest delivery counts")


def withdraw_subject(
    console: Console, source: str, purposes: Sequence[str], receipt: Path | None, now: datetime
) -> None:
    """Withdraw a person's consent to some purposes of a source, or object to them; it reaches the next run.

    Raises JinkuError `unknown_purpose`, and as `show_subject` does.
    """
    door = _door(source)
    chosen = purposes_named(purposes, source, door.sources[source])
    _withdraw(console, door, {source: chosen}, receipt, now, is_erasure=False)


def erase_subject(console: Console, source: str, everywhere: bool, receipt: Path | None, now: datetime) -> None:
    """Have everything about a person in a source removed, or in every source that may speak of them.

    The next run removes the rows and destroys the received files that hold them; they never come back. Raises
    JinkuError as `show_subject` does.
    """
    door = _door(source)
    chosen = door.sources if everywhere else {source: door.sources[source]}
    purposes = {name: contract.permitted_purposes for name, contract in chosen.items()}
    _withdraw(console, door, purposes, receipt, now, is_erasure=True)
    console.print(
        "received files that hold this person cannot be opened after that; backups made before still hold them"
    )


def _withdraw(
    console: Console,
    door: _Door,
    purposes: Mapping[str, tuple[str, ...]],
    receipt: Path | None,
    now: datetime,
    *,
    is_erasure: bool,
) -> None:
    """On record, releases marked, receipt signed: in one transaction with the black box."""
    with recording(door.vault, now) as record:
        events = {
            name: withdraw(record, door.principal, name, of_source, now, BY_SUBJECT, is_erasure=is_erasure)
            for name, of_source in purposes.items()
        }
        for name in purposes:
            mark_components_stale(record.connection, door.made_from(name), name, now)
        document = withdrawal_receipt(record, signing_key(door.vault), events, door.sources, now)
    _hand_over(console, document, receipt)
    console.print(f"withdrawn from {', '.join(purposes)}; the next `jinku run` removes the rows and all made from them")


def _door(source: str) -> _Door:
    """Ask who it is about, and forget it as soon as the pseudonym is known."""
    known = declarations()
    contract = known.sources[named("source", source, known.sources)]
    if contract.subject is None:
        speaking = ", ".join(name for name, each in known.sources.items() if each.subject is not None)
        raise JinkuError(
            "no_subject", f"{source} speaks of nobody in particular", "contract", f"These sources do: {speaking}."
        )
    vault = collected_vault()
    kind = contract.subject.kind
    with connect(vault, read=("raw",)) as connection:
        principal = pseudonym_of(connection, kind, _identifier(contract.subject))
    same = {
        name: each for name, each in known.sources.items() if each.subject is not None and each.subject.kind == kind
    }
    return _Door(vault, known, same, principal)


def _identifier(subject: SubjectKey) -> str:
    if sys.stdin.isatty():
        return getpass(f"{subject.column} (not shown): ")
    return sys.stdin.readline().strip()


def _held(connection: duckdb.DuckDBPyConnection, door: _Door) -> list[tuple[str, int, int]]:
    """Every table with a row of the person, its rows, and how many batches they came from."""
    found: dict[str, tuple[str, int, int]] = {}
    for source, contract in door.sources.items():
        assert contract.subject is not None
        raw = [Place("raw", "raw", table) for table in tables_of(source, contract)]
        above = [Place(table.layer.database, table.layer.name, table.name) for table in door.made_from(source)]
        for place in [*raw, *above]:
            rows = rows_of(connection, place, contract.subject, ASKED)
            if rows:
                batches = len(batches_of(connection, place, contract.subject, ASKED))
                found[place.asset] = (place.asset, rows, batches)
        for table in tables_of(source, contract):
            lines = lines_of(connection, table, contract.subject, ASKED)
            if lines:
                found[f"quarantine/{table}"] = (f"quarantine/{table}", lines, 0)
    return list(found.values())


def _rows_in_raw(connection: duckdb.DuckDBPyConnection, source: str, contract: SourceContract) -> int:
    assert contract.subject is not None
    subject = contract.subject
    return sum(rows_of(connection, Place("raw", "raw", table), subject, ASKED) for table in tables_of(source, contract))


def _registry(vault: Vault) -> Any:
    return open_registry(vault.home).execution_options(begins_with_write=False).connect()


def _show_events(console: Console, events: Sequence[ConsentEvent]) -> None:
    table = _table("source", "purpose", "consent", "since", "until")
    for event in events:
        state = "erasure asked" if event.is_erasure else event.event_state
        until = f"{event.valid_until:%F}" if event.valid_until else ""
        table.add_row(event.source, event.purpose, state, f"{event.event_time:%F}", until)
    console.print(table if events else "no consent and no withdrawal is on record")


def _show_corrections(console: Console, corrections: Sequence[Correction]) -> None:
    for each in corrections:
        console.print(f"correction of {each.source}.{each.column} asked for on {each.requested_at:%F}")


def _hand_over(console: Console, document: Mapping[str, Any], receipt: Path | None) -> None:
    """The receipt goes to a file where one is named, and to the terminal otherwise."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    if receipt is None:
        console.print(text, markup=False, highlight=False)
        return
    try:
        receipt.write_text(text + "\n", encoding="utf-8")
    except OSError:
        console.print(text, markup=False, highlight=False)
        console.print(f"[yellow]the receipt could not be written to {escape(str(receipt))}[/]; it stands above")
        return
    console.print(f"receipt written to {escape(str(receipt))}")


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, justify="right" if name in ("rows", "batches") else "left", overflow="fold")
    return table
