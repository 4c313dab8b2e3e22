"""Where subjects stand: in which tables, in how many rows, and from which batches. No value of theirs is read out.

A person stands in raw and base by an identifier, in the resource layer by a pseudonym, and in a component of single
subjects by a pseudonym of that component alone.
"""

from dataclasses import dataclass

import duckdb

from vault.contract import SubjectKey
from vault.rights.pseudonyms import component_pseudonym_sql, pseudonym_sql, pseudonyms_in_lines_sql
from vault.sql_names import quoted_name

PROVENANCE = frozenset({"_batch", "_flags"})
"""Columns that tell where a row came from, never of whom it is."""


@dataclass(frozen=True)
class Place:
    """A table of an attached layer."""

    database: str
    schema: str
    name: str

    @property
    def asset(self) -> str:
        """As tables are called elsewhere: 'base/residents'."""
        return f"{self.schema}/{self.name}"

    @property
    def relation(self) -> str:
        """As SQL calls it."""
        return f"{self.database}.{self.schema}.{self.name}"


def rows_of(connection: duckdb.DuckDBPyConnection, place: Place, subject: SubjectKey, pseudonyms: str) -> int:
    """How many rows of a table belong to subjects; `pseudonyms` is a query of them. 0 where the table is not there, or
    holds no column by which a subject could be told."""
    condition = _condition(connection, place, subject, pseudonyms)
    if not condition:
        return 0
    (rows,) = connection.execute(f"select count(*) from {place.relation} where {condition}").fetchone() or (0,)
    return int(rows)


def batches_of(
    connection: duckdb.DuckDBPyConnection, place: Place, subject: SubjectKey, pseudonyms: str
) -> tuple[str, ...]:
    """The batches that the rows of subjects in a table came from; none where the table does not say."""
    condition = _condition(connection, place, subject, pseudonyms)
    if not condition or "_batch" not in _columns(connection, place):
        return ()
    found = connection.execute(f"select distinct _batch from {place.relation} where {condition} order by 1").fetchall()
    return tuple(batch for (batch,) in found)


def lines_of(connection: duckdb.DuckDBPyConnection, table: str, subject: SubjectKey, pseudonyms: str) -> int:
    """How many quarantined lines of a raw table name one of the subjects."""
    lines = (
        f"select distinct place from ({pseudonyms_in_lines_sql(subject.kind, table)}) where pseudonym in {pseudonyms}"
    )
    (count,) = connection.execute(f"select count(*) from ({lines})").fetchone() or (0,)
    return int(count)


def _condition(connection: duckdb.DuckDBPyConnection, place: Place, subject: SubjectKey, pseudonyms: str) -> str:
    """Under which a row is of one of the subjects: by the identifier, by the pseudonym, or by the component's."""
    of_component = f"(select {component_pseudonym_sql(place.name, 'pseudonym')} from {pseudonyms} as known(pseudonym))"
    tests = []
    for column, kind in _columns(connection, place).items():
        quoted = quoted_name(column)
        if column == subject.column:
            tests.append(f"{pseudonym_sql(subject.kind, f'{quoted}::varchar')} in {pseudonyms}")
        elif kind == "VARCHAR" and column not in PROVENANCE:
            tests.append(f"{quoted} in {pseudonyms}")
            if place.schema == "components":
                tests.append(f"{quoted} in {of_component}")
    return " or ".join(f"coalesce({test}, false)" for test in tests)


def _columns(connection: duckdb.DuckDBPyConnection, place: Place) -> dict[str, str]:
    found = connection.execute(
        "select column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ? order by column_index",
        [place.database, place.schema, place.name],
    ).fetchall()
    return dict(found)
