"""Proposes a suite for a table from its data, as YAML for a steward to edit.

Every proposal is marked as one: what the data happen to be is no promise of what they must be. Of a personal column
only its type, its missing share and a generic form are looked at, never a value, a range or a code set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import yaml

from expectations.engine import BATCH_COLUMN, ROW_COLUMN, TableUnderTest
from vault.errors import JinkuError
from vault.sql_names import quoted_name

CODES_AT_MOST = 20
ROWS_BEHIND_A_CODE = 11
"""Fewest rows behind each value of a proposed code set: a rarer value may point at a person."""

NEARLY_ALWAYS = 0.95
REFERENCED_TABLES_AT_MOST = 200
NUMBER_TYPES = ("tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint",
                "decimal", "float", "double")  # fmt: skip
FORMS: tuple[tuple[str, str], ...] = (
    ("digits", r"^[0-9]+$"),
    ("capital letters", r"^[A-Z]+$"),
    ("small letters", r"^[a-z]+$"),
    ("capital letters and digits", r"^[A-Z0-9]+$"),
    ("letters and digits", r"^[A-Za-z0-9]+$"),
    ("letters, digits and dashes", r"^[A-Za-z0-9_-]+$"),
    ("Chinese characters", r"^\p{Han}+$"),
)
"""Generic forms of texts, from narrow to wide. They say what kind of characters stand there, nothing more."""


@dataclass(frozen=True)
class Proposal:
    """One proposed expectation: GX's type and arguments, a severity, and what in the data speaks for it."""

    type: str
    arguments: Mapping[str, Any]
    severity: str
    reason: str
    dimension: str | None = None


@dataclass(frozen=True)
class _ColumnFacts:
    """What was counted of one column. Lowest and highest stay None for a column that is not public."""

    name: str
    type: str
    is_public: bool
    rows: int
    present: int
    distinct: int
    lowest: Any = None
    highest: Any = None


def propose(
    connection: duckdb.DuckDBPyConnection, table: TableUnderTest, others: Sequence[TableUnderTest] = ()
) -> tuple[Proposal, ...]:
    """A suite that the table's data would pass today.

    table.public_columns: the columns whose values may be looked at; all others count as personal.
    others: tables whose keys may be referenced. Raises JinkuError `table_unreadable` where the table cannot be read.
    """
    try:
        facts = _facts(connection, table)
    except duckdb.Error as error:
        raise JinkuError(
            "table_unreadable",
            f"the table cannot be profiled ({type(error).__name__})",
            table.asset,
            "Run the pipeline first, or name a table that exists.",
        ) from None
    proposals = [Proposal("expect_table_row_count_to_be_between", {"min_value": 1}, "critical", "a table without rows")]
    for each in facts:
        proposals += _proposals_of(connection, table, each)
    return (*proposals, *_references(connection, table, facts, others))


def as_yaml(table: TableUnderTest, proposals: Sequence[Proposal]) -> str:
    """The proposals as the `expectations` of a contract, each marked as proposed."""
    entries = []
    for each in proposals:
        entry: dict[str, Any] = {"type": each.type, "arguments": dict(each.arguments), "severity": each.severity}
        if each.dimension:
            entry["dimension"] = each.dimension
        entries.append({**entry, "reason": f"PROPOSED from the data: {each.reason}"})
    head = (
        f"# PROPOSED suite of {table.asset}, from its data as they are now. Edit it: keep what must hold, say why,\n"
        "# set severities and remove the word PROPOSED. Values of personal columns were not looked at.\n"
    )
    return head + yaml.safe_dump({"expectations": entries}, allow_unicode=True, sort_keys=False, width=120)


def _facts(connection: duckdb.DuckDBPyConnection, table: TableUnderTest) -> list[_ColumnFacts]:
    """All counts in one pass; lowest and highest values only of public columns."""
    described = connection.execute(f"describe {table.qualified_name}").fetchall()
    columns = [(str(row[0]), str(row[1]).lower()) for row in described if row[0] not in (BATCH_COLUMN, ROW_COLUMN)]
    parts = ["count(*)"]
    for name, type_name in columns:
        quoted = quoted_name(name)
        has_range = name in table.public_columns and _has_range(type_name)
        parts += [f"count({quoted})", f"count(distinct {quoted})"]
        parts += [f"min({quoted})", f"max({quoted})"] if has_range else ["null", "null"]
    found = connection.execute(f"select {', '.join(parts)} from {table.qualified_name}").fetchone() or ()
    return [
        _ColumnFacts(name, type_name, name in table.public_columns, found[0], *found[1 + 4 * place : 5 + 4 * place])
        for place, (name, type_name) in enumerate(columns)
    ]


def _proposals_of(connection: duckdb.DuckDBPyConnection, table: TableUnderTest, facts: _ColumnFacts) -> list[Proposal]:
    column = {"column": facts.name}
    proposals = [
        Proposal("expect_column_values_to_be_of_type", {**column, "type_": facts.type.upper()}, "critical", "its type")
    ]
    if not facts.present:
        return proposals
    share = facts.present / facts.rows
    if share == 1:
        proposals.append(Proposal("expect_column_values_to_not_be_null", column, "critical", "no value is missing"))
    elif share >= NEARLY_ALWAYS:
        mostly = {**column, "mostly": int(share * 100) / 100}
        proposals.append(Proposal("expect_column_values_to_not_be_null", mostly, "warning", "few values are missing"))
    if facts.distinct == facts.present and facts.rows > 1:
        proposals.append(Proposal("expect_column_values_to_be_unique", column, "critical", "no value stands twice"))
    if facts.is_public and facts.lowest is not None and facts.distinct > 1:
        low, high = _plain(facts.lowest), _plain(facts.highest)
        bounds = {**column, "min_value": low, "max_value": high}
        proposals.append(Proposal("expect_column_values_to_be_between", bounds, "warning", "the range found"))
    elif facts.type == "varchar":
        proposals += _text_proposals(connection, table, facts)
    return proposals


def _text_proposals(
    connection: duckdb.DuckDBPyConnection, table: TableUnderTest, facts: _ColumnFacts
) -> list[Proposal]:
    """A code set where a public column has few values with many rows behind each; else the narrowest generic form."""
    name = quoted_name(facts.name)
    if facts.is_public and facts.distinct <= CODES_AT_MOST:
        grouped = connection.execute(
            f"select {name}, count(*) from {table.qualified_name} where {name} is not null group by 1 order by 1"
        ).fetchall()
        if all(rows >= ROWS_BEHIND_A_CODE for _, rows in grouped):
            codes = {"column": facts.name, "value_set": [code for code, _ in grouped]}
            return [Proposal("expect_column_values_to_be_in_set", codes, "warning", "the codes found")]
    tests = ", ".join(f"coalesce(bool_and(regexp_matches({name}, '{pattern}')), false)" for _, pattern in FORMS)
    holds = connection.execute(f"select {tests} from {table.qualified_name}").fetchone() or ()
    for (words, pattern), is_so in zip(FORMS, holds, strict=True):
        if is_so:
            form = {"column": facts.name, "regex": pattern}
            return [Proposal("expect_column_values_to_match_regex", form, "warning", f"all are {words}")]
    return []


def _references(
    connection: duckdb.DuckDBPyConnection,
    table: TableUnderTest,
    facts: Sequence[_ColumnFacts],
    others: Sequence[TableUnderTest],
) -> list[Proposal]:
    """Columns that another table has as its key under the same name, and whose values are all there."""
    own = {each.name: each for each in facts if each.present}
    proposals = []
    for other in others[:REFERENCED_TABLES_AT_MOST]:
        if other.qualified_name == table.qualified_name:
            continue
        described = {str(row[0]) for row in connection.execute(f"describe {other.qualified_name}").fetchall()}
        for name in sorted(set(own) & described):
            if not _is_reference(connection, table, other, name):
                continue
            quoted = quoted_name(name)
            query = (
                f"select * from {{batch}} where {quoted} is not null "
                f"and {quoted} not in (select {quoted} from {other.qualified_name} where {quoted} is not null)"
            )
            reason = f"every {name} is in {other.asset}"
            arguments = {"unexpected_rows_query": query}
            proposals.append(Proposal("unexpected_rows_expectation", arguments, "warning", reason, "consistency"))
    return proposals


def _is_reference(
    connection: duckdb.DuckDBPyConnection, table: TableUnderTest, other: TableUnderTest, name: str
) -> bool:
    """Whether the column is unique over there and holds every value from here."""
    quoted = quoted_name(name)
    try:
        (is_key,) = connection.execute(
            f"select count({quoted}) = count(distinct {quoted}) and count({quoted}) = count(*) and count(*) > 0 "
            f"from {other.qualified_name}"
        ).fetchone() or (False,)
        if not is_key:
            return False
        (orphans,) = connection.execute(
            f"select count(*) from {table.qualified_name} where {quoted} is not null "
            f"and {quoted} not in (select {quoted} from {other.qualified_name})"
        ).fetchone() or (1,)
    except duckdb.Error:  # the two columns have types that cannot be compared
        return False
    return int(orphans) == 0


def _has_range(type_name: str) -> bool:
    return type_name.startswith((*NUMBER_TYPES, "date", "timestamp"))


def _plain(value: Any) -> Any:
    """A value as YAML writes it: numbers stay numbers, times become ISO text."""
    if isinstance(value, bool | int | float):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return float(value)
