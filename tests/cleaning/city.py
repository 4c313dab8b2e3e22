"""What becomes of the sample city's planted defects: found by a suite, found by the platform, or unseen."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from expectations.catalogue import columns_named
from expectations.engine import evaluate
from tests.cleaning.flagging import FLAGGED, flag, prepare_flagged
from tests.cleaning.planted import ORIGIN, PLANTED
from tests.cleaning.spoilt_city import base_table
from tests.cleaning.suites import Rule
from vault.contract import Expectation, TableContract

RUN = "cleaning"
MARKS = "memory.main.marks"
"""What base itself says of its rows: asset, _batch, _row, _flags, _copies."""

FATE = "memory.main.fate"


@dataclass(frozen=True)
class Fate:
    """What became of the defects of one kind in one column of a source; an empty column stands for whole rows.

    by_suite: an expectation that speaks of the column fails on the row; by_platform: the column stands in `_flags`, or
    `_copies` counts the row's copies; seen: either.
    """

    source: str
    column: str
    kind: str
    planted: int
    by_suite: int
    by_platform: int
    seen: int


@dataclass(frozen=True)
class Alarms:
    """Rows of one base table that a suite flags: how many, how many of them for a planted defect, and of how many rows.

    A row is flagged rightly where a rule that fails on it speaks of a column with a planted defect.
    """

    asset: str
    rows: int
    flagged: int
    rightly: int
    spoilt: int

    @property
    def precision(self) -> float | None:
        """The share of flagged rows that are flagged rightly."""
        return self.rightly / self.flagged if self.flagged else None

    @property
    def false_alarm_rate(self) -> float:
        """Rows flagged without cause among all rows that hold no planted defect."""
        return (self.flagged - self.rightly) / (self.rows - self.spoilt)


@dataclass(frozen=True)
class FalseAlarm:
    """A rule that fails on rows that nothing flags rightly: its reason in the contract, and how many such rows."""

    asset: str
    reason: str
    rows: int


@dataclass(frozen=True)
class CityFindings:
    """Every planted defect by source, column and kind; every base table with a suite; what is flagged without cause."""

    fates: tuple[Fate, ...]
    alarms: tuple[Alarms, ...]
    false_alarms: tuple[FalseAlarm, ...]


def rules_of(contract: TableContract, columns: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules of a base table; a query speaks of the columns of the table that its text names."""
    return tuple(
        Rule(expectation=each, blames=() if columns_named(each) else _columns_in_query(each, columns))
        for each in contract.expectations
    )


def columns_of(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[str, ...]:
    """The columns of a base table, without those that carry provenance."""
    described = connection.execute(f"describe {base_table(name).qualified_name}").fetchall()
    return tuple(str(row[0]) for row in described if not str(row[0]).startswith("_"))


def city_findings(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], suites: Mapping[str, TableContract]
) -> CityFindings:
    """Judge the suites of base tables, by asset, against the truth of a city that stands in the connection.

    names: all base tables, for what they keep of defects is looked at with a suite and without.
    """
    prepare_flagged(connection)
    judged = [name for name in names if f"base/{name}" in suites]
    for name in judged:
        rules = rules_of(suites[f"base/{name}"], columns_of(connection, name))
        results = evaluate(connection, base_table(name), [rule.expectation for rule in rules], RUN)
        flag(connection, base_table(name), rules, results)
    _lay_out_marks(connection, names)
    _lay_out_fates(connection)
    alarms = tuple(_alarms(connection, name) for name in judged)
    return CityFindings(_fates(connection), alarms, _false_alarms(connection, suites))


def _columns_in_query(expectation: Expectation, columns: tuple[str, ...]) -> tuple[str, ...]:
    query = str(expectation.arguments.get("unexpected_rows_query", ""))
    return tuple(name for name in columns if re.search(rf"\b{name}\b", query))


def _lay_out_marks(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    parts = " union all ".join(
        f"select 'base/{name}' as asset, _batch, _row, _flags, _copies from {base_table(name).qualified_name}"
        for name in names
    )
    connection.execute(f"create or replace table {MARKS} as {parts}")


def _lay_out_fates(connection: duckdb.DuckDBPyConnection) -> None:
    """One line per defect with what saw it. A defect whose row is not in base, being outdated there, is unseen.

    A rule on `_flags` speaks of the columns that the cell names, a rule on `_copies` of the whole row.
    """
    connection.execute(
        f"""
        create or replace table {FATE} as
        with homes as (select distinct raw_table, asset from {ORIGIN}),
        flagged as (
            select asset, raw_column as "column", _batch, _row
            from {FLAGGED} as cells
            inner join {ORIGIN} as origin using (asset)
            where base_column = cells."column"
            union
            select asset, unnest(string_split(_flags, ',')), _batch, _row
            from {FLAGGED} inner join {MARKS} using (asset, _batch, _row)
            where "column" = '_flags'
            union
            select asset, '', _batch, _row from {FLAGGED} where "column" = '_copies'
        )
        select planted.*, homes.asset, flagged._row is not null as by_suite,
            coalesce(
                list_contains(string_split(_flags, ','), planted."column") or (kind = 'duplicate' and _copies > 1),
                false
            ) as by_platform
        from {PLANTED} as planted
        left join homes using (raw_table)
        left join {MARKS} as marks using (asset, _batch, _row)
        left join flagged using (asset, "column", _batch, _row)
        """
    )


def _fates(connection: duckdb.DuckDBPyConnection) -> tuple[Fate, ...]:
    rows = connection.execute(
        f"""
        select source, "column", kind, count(*), count_if(by_suite), count_if(by_platform),
            count_if(by_suite or by_platform)
        from {FATE}
        group by all
        order by all
        """
    ).fetchall()
    return tuple(Fate(*row) for row in rows)


def _alarms(connection: duckdb.DuckDBPyConnection, name: str) -> Alarms:
    row = connection.execute(
        f"""
        with flagged as (select distinct _batch, _row from {FLAGGED} where asset = $asset),
        spoilt as (select _batch, _row, bool_or(by_suite) as rightly from {FATE} where asset = $asset group by all)
        select count(*), count(flagged._row), count_if(flagged._row is not null and rightly), count(spoilt._row)
        from {MARKS}
        left join flagged using (_batch, _row)
        left join spoilt using (_batch, _row)
        where asset = $asset
        """,
        {"asset": f"base/{name}"},
    ).fetchone()
    assert row is not None
    return Alarms(f"base/{name}", *row)


def _false_alarms(connection: duckdb.DuckDBPyConnection, suites: Mapping[str, TableContract]) -> tuple[FalseAlarm, ...]:
    rows = connection.execute(
        f"""
        with rightly as (select distinct asset, _batch, _row from {FATE} where by_suite)
        select asset, rule, count(distinct (_batch, _row))
        from {FLAGGED}
        anti join rightly using (asset, _batch, _row)
        group by all
        order by all
        """
    ).fetchall()
    return tuple(FalseAlarm(asset, suites[asset].expectations[rule].reason, count) for asset, rule, count in rows)
