"""`jinku classify`: what the columns of a source seem to hold, beside what its contract says. People decide."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.declarations import declarations
from orchestration.opening import collected_vault
from review.classification.column_facts import column_facts
from review.classification.proposing import ColumnName, Proposal, propose
from vault.contract import Column, SourceContract
from vault.errors import JinkuError
from vault.layers import connect
from vault.ledger import tables_of

COLOURS: Mapping[str, str] = {
    "sensitive personal": "red",
    "personal": "yellow",
    "enterprise": "yellow",
    "none": "green",
}
NAME_LENGTH_MAX = 58
"""So that a number fits behind it."""

READERS: Mapping[str, str] = {
    ".csv": "read_csv({file}, all_varchar = true, header = true)",
    ".json": "read_json_auto({file})",
    ".ndjson": "read_json_auto({file})",
    ".jsonl": "read_json_auto({file})",
    ".parquet": "read_parquet({file})",
}


def classify(console: Console, source: str, as_yaml: bool, strict: bool) -> int:
    """Show proposals for a declared source, or for a file of one that is not declared yet.

    1 where `strict` is asked for and a column looks more sensitive than it is declared. Raises JinkuError
    `unknown_source` where it is neither, `table_unreadable` for a file that cannot be read, and `no_city`.
    """
    contract = declarations().sources.get(source)
    tables = proposals_of_file(Path(source)) if contract is None else proposals_of_source(source, contract)
    if as_yaml:
        print("".join(_as_yaml(table, proposals, contract) for table, proposals in tables.items()), end="")
    else:
        for table, proposals in tables.items():
            _show(console, table, proposals)
    more_sensitive = [each for proposals in tables.values() for each in proposals if each.looks_more_sensitive]
    return int(strict and bool(more_sensitive))


def proposals_of_source(source: str, contract: SourceContract) -> dict[str, tuple[Proposal, ...]]:
    with connect(collected_vault(), read=("raw",)) as connection:
        return {
            table: _proposed(connection, f"raw.raw.{table}", [_declared(column) for column in columns])
            for table, columns in tables_of(source, contract).items()
        }


def proposals_of_file(path: Path) -> dict[str, tuple[Proposal, ...]]:
    """Of a file that no contract reads yet: UTF-8 text with a header line, JSON or Parquet."""
    known = ", ".join(sorted(declarations().sources))
    ending = Path(path.name.removesuffix(".gz")).suffix
    if not path.is_file():
        raise JinkuError("unknown_source", f"'{path}' is no source and no file", "command line", f"Known: {known}.")
    if ending not in READERS:
        endings = ", ".join(READERS)
        raise JinkuError("table_unreadable", f"no reader for the ending '{ending}'", str(path), f"Known: {endings}.")
    file = "'" + str(path).replace("'", "''") + "'"
    with duckdb.connect(config={"autoinstall_known_extensions": False, "temp_directory": ""}) as connection:
        try:
            connection.execute(f"create temp view landed as select * from {READERS[ending].format(file=file)}")
        except duckdb.Error as error:
            raise JinkuError(
                "table_unreadable",
                f"the file cannot be read as {ending} ({type(error).__name__})",
                str(path),
                "Give it as UTF-8 text, or declare the source with its reader and land the file.",
            ) from None
        headers = [str(row[0]) for row in connection.execute("describe landed").fetchall()]
        names = _names_from(headers)
        texts = ", ".join(f'"{each.header.replace(chr(34), chr(34) * 2)}"::varchar as {each.name}' for each in names)
        return {path.name: _proposed(connection, f"(select {texts} from landed)", names)}


def _proposed(
    connection: duckdb.DuckDBPyConnection, relation: str, names: Sequence[ColumnName]
) -> tuple[Proposal, ...]:
    return propose(names, column_facts(connection, relation, [each.name for each in names]))


def _declared(column: Column) -> ColumnName:
    return ColumnName(column.name, column.header, column.logical_type, column.role)


def _names_from(headers: Sequence[str]) -> list[ColumnName]:
    """Names for headers, each of its own."""
    names: dict[str, str] = {}
    for place, header in enumerate(headers, 1):
        name = _name_from(header, place)
        names[f"{name}_{place}" if name in names else name] = header
    return [ColumnName(name, header) for name, header in names.items()]


def _name_from(header: str, place: int) -> str:
    """A header as a name of ours; `column_3` where nothing of it can stand in one."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", header)
    name = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")[:NAME_LENGTH_MAX]
    return name if re.match(r"[a-z]", name) else f"column_{place}"


def _show(console: Console, table: str, proposals: Sequence[Proposal]) -> None:
    shown = Table(title=table, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in ("column", "declared", "proposed", "sensitivity"):
        shown.add_column(name, no_wrap=True)
    shown.add_column("why")
    for each in proposals:
        role = each.role if each.agrees or each.column.role is None else f"[{_mark(each)}]{each.role}[/]"
        sensitivity = f"[{COLOURS[each.sensitivity]}]{each.sensitivity}[/]"
        shown.add_row(each.column.name, each.column.role or "", role, sensitivity, escape("; ".join(each.reasons)))
    console.print(shown)
    declared = [each for each in proposals if each.column.role is not None]
    differing = [each for each in declared if not each.agrees]
    stricter = [each.column.name for each in differing if each.looks_more_sensitive]
    if declared:
        told = f"{len(declared)} columns, {len(differing)} proposed otherwise; the declared roles stand"
        console.print(
            told + (f"; [bold red]more sensitive than declared: {', '.join(stricter)}[/]" if stricter else "")
        )


def _mark(proposal: Proposal) -> str:
    return "bold red" if proposal.looks_more_sensitive else "yellow"


def _as_yaml(table: str, proposals: Sequence[Proposal], contract: SourceContract | None) -> str:
    """The columns as a block of defs.yaml; a declared role stands, and what is proposed otherwise is said beside it."""
    described = {} if contract is None else {column.name: column for column in _columns(contract, table)}
    lines = [f"# PROPOSED roles of {table}; a declared role stands. Decide, then remove this word.", "columns:"]
    for each in proposals:
        declared = described.get(each.column.name)
        entry: dict[str, object] = {"name": each.column.name}
        if declared is not None:
            entry = declared.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        else:
            if each.column.header != each.column.name:
                entry["physicalName"] = each.column.header
            entry |= {"logicalType": each.logical_type, "role": each.role, "description": "PROPOSED: say what it is"}
        text = yaml.safe_dump(entry, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10_000).strip()
        if not each.agrees:
            lines.append(f"  # proposed: {each.role}, {each.sensitivity}: {'; '.join(each.reasons)}")
        lines.append(f"  - {text}")
    return "\n".join(lines) + "\n"


def _columns(contract: SourceContract, table: str) -> tuple[Column, ...]:
    return next((each.columns for each in contract.tables if table.endswith(f"__{each.name}")), contract.columns)
