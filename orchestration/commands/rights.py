"""`jinku rights`: who may hold, process and operate what; applications, verdicts, lower grades, and consents."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Literal

import duckdb
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.declarations import declarations
from orchestration.names import named, purposes_named
from orchestration.opening import collected_vault
from vault.black_box.recording import recording
from vault.contract import ContractPart, Name, SourceContract, Text
from vault.errors import JinkuError
from vault.layers import connect
from vault.ledger import tables_of
from vault.marked_yaml import YamlFault, read_marked
from vault.registry.database import open_registry
from vault.rights.confirmations import Application, Right, apply, grant, refuse, revoke, rights_on_record
from vault.rights.consents import Consent, give
from vault.rights.grading import downgrade
from vault.rights.pseudonyms import pseudonym_sql
from vault.rights.standard_contracts import Confirmation, standard_contract
from vault.signing import signing_key
from vault.sql_names import quoted_name

Act = Literal["grant", "refuse", "revoke"]
ACTS = {"grant": grant, "refuse": refuse, "revoke": revoke}
COLOURS = {"granted": "green", "applied": "yellow", "not_yet": "yellow"}
PRINCIPALS_TOGETHER = 10_000


class _Asked(ContractPart):
    """An application as a file states it."""

    confirmation: Confirmation
    holder: Text
    subject: Name
    resources: tuple[Name, ...]
    purposes: tuple[Text, ...]
    basis: Text
    valid_from: date
    valid_until: date


def show_rights(console: Console, name: str | None, now: datetime) -> None:
    """Every right on record, or all about one source, component or product."""
    engine = open_registry(collected_vault().home).execution_options(begins_with_write=False)
    with engine.connect() as registry:
        found = rights_on_record(registry, None if name is None else [name])
    if not found:
        console.print("no right is on record; the next run confirms what the declarations state")
        return
    if name is not None:
        for right in found:
            _show_right(console, right, now)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("no", "right", "on", "holder", "state", "until"):
        table.add_column(column, overflow="fold")
    for right in found:
        asked = right.application
        table.add_row(
            str(right.application_id),
            asked.confirmation,
            asked.subject,
            asked.holder,
            _state(right, now),
            _until(asked),
        )
    console.print(table)
    console.print("`jinku rights NAME` shows purposes, resources and terms")


def apply_for_right(console: Console, file: Path, by: str, now: datetime) -> None:
    """Put the application of a YAML file on record. Raises JinkuError `right_file` and `right_incomplete`."""
    try:
        asked = _Asked.model_validate(read_marked(file).value)
    except YamlFault as fault:
        raise _unreadable(file, f"line {fault.line}: {fault}") from None
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors()]
        raise _unreadable(file, "; ".join(lines)) from None
    application = Application(**asked.model_dump())
    with recording(collected_vault(), now) as record:
        number = apply(record, application, by, now)
    contract = standard_contract(application.confirmation)
    console.print(f"application {number} on the terms of {contract.name} ({contract.terms_hash[:12]})")
    console.print(f"next: somebody else decides with `jinku rights grant {number}` or `jinku rights refuse {number}`")


def decide_right(console: Console, act: Act, number: int, reason: str, by: str, now: datetime) -> None:
    """Grant, refuse or revoke.

    Raises JinkuError `right_unknown`, `right_decided`, `right_self_granted` and `right_reason`.
    """
    with recording(collected_vault(), now) as record:
        ACTS[act](record, number, reason, by, now)
    console.print(f"application {number}: {act} by {escape(by)}, {escape(reason)}")


def lower_grade(console: Console, component: str, reason: str, by: str, now: datetime) -> None:
    """Sign and record that a component made from important data is general (GB/T 43697-2024, derived data).

    Raises JinkuError `unknown_name`, `grade_core` and `grade_reason`.
    """
    known = declarations()
    contract = known.components[named("component", component, known.components)]
    sources = [(name, known.sources[name].grade) for name in contract.rights.resources if name in known.sources]
    vault = collected_vault()
    with recording(vault, now) as record:
        downgrade(record, signing_key(vault), component, sources, reason, by, now)
    those = ", ".join(name for name, _ in sources)
    console.print(f"{component} is general from now on, as long as it rests on {those} alone")


def import_consents(
    console: Console,
    source: str,
    file: Path,
    notice: str,
    until: date,
    by: str,
    purposes: Sequence[str],
    separate: bool,
    guardian: bool,
    now: datetime,
) -> None:
    """Record the consents of everyone in a CSV file with a column of identifiers, which are hashed as they are read.

    Raises JinkuError `unknown_name`, `no_subject`, `unknown_purpose`, `consent_file` and `consent_incomplete`.
    """
    known = declarations()
    contract = known.sources[named("source", source, known.sources)]
    chosen = purposes_named(purposes, source, contract)
    end = datetime.combine(until, time.max, UTC)
    consent = Consent(source, chosen, notice, end, separate, guardian, by)
    vault, given = collected_vault(), 0
    with (
        connect(vault, read=("raw",)) as connection,
        recording(vault, now) as record,
    ):
        found = _principals(connection, contract, source, file)
        while together := list(islice(found, PRINCIPALS_TOGETHER)):
            given += give(record, together, consent, now)
    console.print(f"{given:,} consents to {source} on record until {until}; rows delivered from now on are kept")


def _principals(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, source: str, file: Path
) -> Iterator[str]:
    """The pseudonyms of everyone in a file, each once."""
    if contract.subject is None:
        raise JinkuError(
            "no_subject", f"{source} speaks of nobody in particular", "contract", "Declare its subject's column first."
        )
    columns = [each for of_table in tables_of(source, contract).values() for each in of_table]
    header = next(each.header for each in columns if each.name == contract.subject.column)
    quoted = quoted_name(header)
    hashed = pseudonym_sql(contract.subject.kind, quoted)
    rows = f"select distinct {hashed} from read_csv(?, all_varchar = true, header = true) where {hashed} is not null"
    try:
        cursor = connection.execute(rows, [str(file)])
    except duckdb.Error:
        raise JinkuError(
            "consent_file",
            f"it is no CSV file with a column '{header}'",
            str(file),
            "Give a file with one line per person and that header.",
        ) from None
    while together := cursor.fetchmany(PRINCIPALS_TOGETHER):
        yield from (principal for (principal,) in together)


def _show_right(console: Console, right: Right, now: datetime) -> None:
    asked = right.application
    console.print(
        f"[bold]{right.application_id}[/] {asked.confirmation} right on {asked.subject}: {_state(right, now)}"
    )
    console.print(f"  holder {escape(asked.holder)}; from {asked.valid_from} until {_until(asked)}")
    console.print(f"  made from: {', '.join(asked.resources) or 'no source'}; for: {escape(', '.join(asked.purposes))}")
    console.print(f"  basis: {escape(asked.basis)}; terms {right.contract} ({right.terms_hash[:12]})")
    console.print(f"  applied for by {escape(right.applied_by)} at {right.applied_at:%F %T}Z")
    if right.decided_at is not None:
        told = f"{right.verdict} by {escape(right.decided_by)} at {right.decided_at:%F %T}Z: {escape(right.reason)}"
        console.print(f"  {told}")


def _state(right: Right, now: datetime) -> str:
    state = right.state(now.date())
    return f"[{COLOURS.get(state, 'red')}]{state}[/]"


def _until(asked: Application) -> str:
    return "no end" if asked.valid_until == date.max else f"{asked.valid_until}"


def _unreadable(file: Path, cause: str) -> JinkuError:
    return JinkuError(
        "right_file",
        f"the application cannot be read: {cause}",
        str(file),
        "State confirmation, holder, subject, resources, purposes, basis, validFrom and validUntil.",
    )
