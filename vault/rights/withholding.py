"""Withholding: rows of subjects who withdrew, and of those who never agreed where a source rests on consent, are not in
raw, whether they came before the withdrawal or come again after it.

The raw layer knows by itself whom to leave out, so that a file is loaded and cleared of them in one transaction. Every
row left out is counted: received = loaded + quarantined + withdrawn.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice

import duckdb

from vault.contract import Column, SourceContract
from vault.rights.pseudonyms import pseudonym_sql, pseudonyms_in_lines_sql

CONSENT_AGE_YEARS = 14
"""From this age on a person consents for themselves (personal information protection law, article 31)."""

CHUNK = 100_000


@dataclass(frozen=True)
class Withheld:
    """How many rows of a table of a batch were removed from raw, and how many lines from quarantine."""

    batch: str
    table: str
    loaded: int
    quarantined: int

    @property
    def rows(self) -> int:
        """All of them."""
        return self.loaded + self.quarantined


def prepare_withholding(connection: duckdb.DuckDBPyConnection) -> None:
    """Create in the raw layer what is missing: who is left out, who agreed, and what was left out of which batch."""
    connection.execute(
        """
        create table if not exists raw.vault.withdrawn (source varchar, pseudonym varchar, is_erasure boolean);
        create table if not exists raw.vault.consented (
            source varchar, pseudonym varchar, is_separate boolean, is_by_guardian boolean
        );
        create table if not exists raw.vault.withheld (
            source varchar, batch varchar, table_name varchar, pseudonym varchar, rows bigint
        );
        create table if not exists raw.vault.withholding (
            source varchar primary key, state varchar, is_pending boolean
        );
        alter table raw.vault.batch_tables add column if not exists withdrawn bigint default 0;
        """
    )


def load_withdrawn(connection: duckdb.DuckDBPyConnection, source: str, subjects: Iterable[tuple[str, bool]]) -> None:
    """Say anew who is left out of a source, (pseudonym, by erasure); inside the caller's transaction."""
    _replace(connection, "withdrawn", source, ("pseudonym", "is_erasure"), subjects)


def load_consented(
    connection: duckdb.DuckDBPyConnection, source: str, subjects: Iterable[tuple[str, int, int]]
) -> None:
    """Say anew who agreed, (pseudonym, separately, by a guardian); inside the caller's transaction."""
    _replace(connection, "consented", source, ("pseudonym", "is_separate", "is_by_guardian"), subjects)


def load_subjects(
    connection: duckdb.DuckDBPyConnection, name: str, columns: tuple[str, ...], subjects: Iterable[tuple[object, ...]]
) -> None:
    """A temporary table of subjects carried over from the registry: `pseudonym` and truths about them."""
    import pyarrow as pa  # type: ignore[import-untyped]  # only where somebody withdrew or agreed

    kinds = [f"{column} {'varchar' if column == 'pseudonym' else 'boolean'}" for column in columns]
    connection.execute(f"create or replace temp table {name} ({', '.join(kinds)})")
    left = iter(subjects)
    while chunk := list(islice(left, CHUNK)):
        arrived = pa.table([list(values) for values in zip(*chunk, strict=True)], names=list(columns))
        connection.register("arrived", arrived)
        try:
            connection.execute(f"insert into {name} by name select * from arrived")
        finally:
            connection.unregister("arrived")


def withhold(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    contract: SourceContract,
    tables: Mapping[str, tuple[Column, ...]],
    today: date,
    batch: str | None = None,
) -> tuple[Withheld, ...]:
    """Remove the rows and quarantined lines of those who are left out, of one batch or of all; says what was removed.

    Inside the caller's transaction. A table without the subject's column cannot be searched and is left as it is.
    A quarantined line is found by the identifiers among its words, as it was kept out unread.
    """
    if contract.subject is None or not _anyone(connection, source, contract):
        return ()
    connection.execute(
        "create or replace temp table withheld_now "
        "(batch varchar, table_name varchar, pseudonym varchar, is_line boolean, place bigint)"
    )
    for table, columns in tables.items():
        if contract.subject.column in {column.name for column in columns}:
            _find_rows(connection, source, contract, table, {column.name for column in columns}, today, batch)
        _find_lines(connection, source, contract, table, batch)
        connection.execute(
            f"delete from raw.raw.{table} where (_batch, _row) in "
            f"(select (batch, place) from withheld_now where table_name = ? and not is_line)",
            [table],
        )
    connection.execute("delete from raw.vault.quarantine where rowid in (select place from withheld_now where is_line)")
    connection.execute(
        "insert into raw.vault.withheld select ?, batch, table_name, pseudonym, count(*) from withheld_now "
        "group by batch, table_name, pseudonym",
        [source],
    )
    return _booked(connection, source)


def state_of(connection: duckdb.DuckDBPyConnection, source: str) -> tuple[str, bool]:
    """The state of consents that the raw layer was last brought to, and whether something is still to follow it."""
    row = connection.execute(
        "select state, is_pending from raw.vault.withholding where source = ?", [source]
    ).fetchone()
    return (str(row[0]), bool(row[1])) if row is not None else ("0", False)


def set_state(connection: duckdb.DuckDBPyConnection, source: str, state: str, *, is_pending: bool) -> None:
    """Note the state that the raw layer was brought to."""
    connection.execute("insert or replace into raw.vault.withholding values (?, ?, ?)", [source, state, is_pending])


def erased_batches(connection: duckdb.DuckDBPyConnection, source: str) -> tuple[str, ...]:
    """Content hashes of received files that hold, or may hold, somebody who asked for erasure.

    Those are the batches that rows or lines were removed from, and all that were refused whole: nobody can tell whom
    they hold.
    """
    found = connection.execute(
        """
        select distinct batches.sha256
        from raw.vault.batches as batches
        left join raw.vault.withheld as withheld
            on batches.source = withheld.source and batches.batch = withheld.batch
        where batches.source = $source
            and exists (select 1 from raw.vault.withdrawn where source = $source and is_erasure)
            and (
                batches.status = 'quarantined'
                or withheld.pseudonym in (
                    select pseudonym from raw.vault.withdrawn where source = $source and is_erasure
                )
            )
        order by batches.sha256
        """,
        {"source": source},
    ).fetchall()
    return tuple(sha256 for (sha256,) in found)


def unconsented_counts(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    tables: Mapping[str, tuple[Column, ...]],
    today: date,
) -> tuple[int, int, int]:
    """Rows in raw of subjects without any consent, without a separate one, and of minors without their guardian's.

    `consented_now` is a temporary table of who agreed, as `load_subjects` makes it. A row is counted under every
    consent that it lacks and the source asks for.
    """
    assert contract.subject is not None
    totals = [0, 0, 0]
    for table, columns in tables.items():
        names = {str(column.name) for column in columns}
        if contract.subject.column not in names:
            continue
        lacks = (_lacks_consent("_pseudonym"), _lacks_separate(contract), _lacks_guardian(contract, names, today))
        counts = ", ".join(f"count(*) filter ({each})" for each in lacks)
        row = connection.execute(
            f"""
            with rows as (
                select *, {pseudonym_sql(contract.subject.kind, contract.subject.column)} as _pseudonym
                from raw.raw.{table}
            )
            select {counts}
            from rows
            left join temp.consented_now as consented on rows._pseudonym = consented.pseudonym
            """
        ).fetchone() or (0, 0, 0)
        totals = [total + int(count) for total, count in zip(totals, row, strict=True)]
    return totals[0], totals[1], totals[2]


def _lacks_consent(pseudonym: str) -> str:
    return f"({pseudonym} is null or consented.pseudonym is null)"


def _lacks_separate(contract: SourceContract) -> str:
    asked = contract.consent is not None and contract.consent.sensitive == "separate"
    return "(not coalesce(consented.is_separate, false))" if asked else "false"


def _lacks_guardian(contract: SourceContract, columns: set[str], today: date) -> str:
    """Of whom no age is known, a guardian's consent is asked as of a minor."""
    rules = contract.consent
    if rules is None or rules.minors != "guardian" or rules.birth_date not in columns:
        return "false"
    grown = f"try_cast(trim({rules.birth_date}) as date) <= date '{_years_before(today, CONSENT_AGE_YEARS)}'"
    return f"(not (coalesce({grown}, false) or coalesce(consented.is_by_guardian, false)))"


def _booked(connection: duckdb.DuckDBPyConnection, source: str) -> tuple[Withheld, ...]:
    """Move what was removed from the accounts of its batches to their withdrawn rows. A batch that is just being loaded
    has no account yet: its caller writes it."""
    removed = """
        select
            batch,
            table_name,
            count(*) filter (not is_line) as loaded,
            count(*) filter (is_line) as quarantined
        from withheld_now
        group by batch, table_name
    """
    connection.execute(
        f"""
        update raw.vault.batch_tables as accounts
        set loaded = accounts.loaded - removed.loaded,
            quarantined = accounts.quarantined - removed.quarantined,
            withdrawn = coalesce(accounts.withdrawn, 0) + removed.loaded + removed.quarantined
        from ({removed}) as removed
        where accounts.source = ? and accounts.batch = removed.batch and accounts.table_name = removed.table_name
        """,
        [source],
    )
    return tuple(Withheld(*row) for row in connection.execute(f"{removed} order by batch, table_name").fetchall())


def _find_rows(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    contract: SourceContract,
    table: str,
    columns: set[str],
    today: date,
    batch: str | None,
) -> None:
    assert contract.subject is not None
    condition = "rows._pseudonym in (select pseudonym from raw.vault.withdrawn where source = $source)"
    if contract.legal_basis.basis == "consent":
        lacks = (
            _lacks_consent("rows._pseudonym"),
            _lacks_separate(contract),
            _lacks_guardian(contract, columns, today),
        )
        condition = " or ".join((condition, *lacks))
    connection.execute(
        f"""
        insert into withheld_now
        with rows as (
            select *, {pseudonym_sql(contract.subject.kind, contract.subject.column)} as _pseudonym
            from raw.raw.{table}
            where _batch = coalesce($batch, _batch)
        ),
        consented as (select * from raw.vault.consented where source = $source)
        select rows._batch, '{table}', rows._pseudonym, false, rows._row
        from rows
        left join consented on rows._pseudonym = consented.pseudonym
        where coalesce({condition}, false)
        """,
        {"source": source, "batch": batch},
    )


def _find_lines(
    connection: duckdb.DuckDBPyConnection, source: str, contract: SourceContract, table: str, batch: str | None
) -> None:
    assert contract.subject is not None
    connection.execute(
        f"""
        insert into withheld_now
        select batch, '{table}', min(pseudonym), true, place
        from ({pseudonyms_in_lines_sql(contract.subject.kind, table)})
        where batch = coalesce($batch, batch)
            and pseudonym in (select pseudonym from raw.vault.withdrawn where source = $source)
        group by batch, place
        """,
        {"source": source, "batch": batch},
    )


def _anyone(connection: duckdb.DuckDBPyConnection, source: str, contract: SourceContract) -> bool:
    """Whether anybody can be left out at all: most sources need no look at their rows."""
    if contract.legal_basis.basis == "consent":
        return True
    found = connection.execute("select 1 from raw.vault.withdrawn where source = ? limit 1", [source]).fetchone()
    return found is not None


def _replace(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    source: str,
    columns: tuple[str, ...],
    subjects: Iterable[tuple[object, ...]],
) -> None:
    load_subjects(connection, "arriving", columns, subjects)
    connection.execute(f"delete from raw.vault.{table} where source = ?", [source])
    connection.execute(f"insert into raw.vault.{table} by name select ?::varchar as source, * from arriving", [source])


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year - years, day=28)
