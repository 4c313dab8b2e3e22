"""Keyed pseudonyms of subjects, the same as those of the resource layer: hash(key || hash(key || kind || '|' || id)).

An identifier is told at the door and hashed by the engine at once; it stands in no SQL text, no log and no argument of
a command. Letters' case and blanks around it make no difference.
"""

import duckdb

from vault.errors import JinkuError

KEY = "(select max(key) from raw.vault.pseudonym_key where name = 'person')"


def pseudonym_sql(kind: str, identifier: str) -> str:
    """The pseudonym of an SQL expression; null where there is no identifier. `kind` is a word of a contract."""
    known = f"nullif(upper(trim({identifier})), '')"
    return f"sha256({KEY} || sha256({KEY} || '{kind}|' || {known}))"


def component_pseudonym_sql(component: str, pseudonym: str) -> str:
    """The pseudonym that a component alone gives somebody, of an SQL expression for the resource layer's pseudonym."""
    return f"sha256({KEY} || sha256({KEY} || '{component}|' || {pseudonym}))"


def pseudonym_of(connection: duckdb.DuckDBPyConnection, kind: str, identifier: str) -> str:
    """The pseudonym of one identifier; `raw` is attached. Raises JinkuError `identifier_missing` for an empty one."""
    row = connection.execute(f"select {pseudonym_sql(kind, '?::varchar')}", [identifier]).fetchone()
    if row is None or row[0] is None:
        raise JinkuError(
            "identifier_missing",
            "no identifier was given",
            "standard input",
            "Type it when asked, or hand it over on standard input; never as an argument.",
        )
    return str(row[0])


def pseudonyms_in_lines_sql(kind: str, table: str) -> str:
    """The query of (batch, place, pseudonym) of every word of the quarantined lines of a raw table, whatever it is.

    A line was kept out unread: whoever it is of is found by the identifiers among its words. place: the row's id.
    """
    return f"""
        with words as (
            select batch, rowid as place, unnest(list_distinct(list_concat(
                regexp_extract_all(original, '[\\p{{L}}\\p{{N}}]+'),
                regexp_extract_all(original, '[^\\s,;|"]+')
            ))) as word
            from raw.vault.quarantine
            where table_name = '{table}'
        )
        select batch, place, {pseudonym_sql(kind, "word")} as pseudonym from words
    """
