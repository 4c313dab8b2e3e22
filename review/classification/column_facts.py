"""What a sample of a table says of its columns: counts of the engine, no value among them."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from review.classification.check_digits import DATE_DIGITS
from review.classification.patterns import COORDINATE, PATTERNS
from vault.sql_names import quoted_name

ROWS_SAMPLED = 10_000
MISSING_WORDS = ("", "NA", "N/A", "NULL", "null", "None", "nan", "?")
"""What providers write where there is no value."""

CALENDARS = {"months": (1, 12), "days of a month": (1, 31), "hours": (0, 23)}
"""Whole numbers that fill one of these ranges without a gap are parts of dates."""

COMPACT_DATE = f"case when regexp_full_match(v, '{DATE_DIGITS}') then try_strptime(v, '%Y%m%d')::date end"
DATE = f"coalesce(try_cast(v as date), {COMPACT_DATE})"


@dataclass(frozen=True)
class ColumnFacts:
    """Counts of one column.

    present: values that are there; distinct: different ones; kept: by pattern, in the order of PATTERNS, how many keep
    it; latitudes, longitudes: numbers with four decimals or more that may be one; whole, numbers, dates: values that
    can be read so; years: whole numbers that may be years; calendar: which part of dates the values are all of, if any;
    birth_years: over how many years nine in ten of the different dates lie; spread: over how much nine in ten of the
    different numbers do.
    """

    name: str
    rows: int
    present: int
    distinct: int
    kept: tuple[int, ...]
    latitudes: int
    longitudes: int
    whole: int
    numbers: int
    dates: int
    years: int
    calendar: str | None
    birth_years: int
    spread: float

    def share(self, count: int) -> float:
        """A count as a share of the values that are there."""
        return count / self.present if self.present else 0.0


def column_facts(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]
) -> tuple[ColumnFacts, ...]:
    """The counts of the columns of a table whose values are texts.

    Of a large table a sample is counted: of the same table always the same rows, whatever their order.
    """
    names = ", ".join(f"{_cleaned(name)} as c{place}" for place, name in enumerate(columns))
    connection.execute(
        f"create or replace temp table sampled as select {names} "
        f"from (select *, hash(sampled_from) as drawn from {relation} sampled_from order by drawn limit {ROWS_SAMPLED})"
    )
    found = tuple(_facts(connection, place, name) for place, name in enumerate(columns))
    connection.execute("drop table temp.sampled")
    return found


def _cleaned(name: str) -> str:
    quoted = quoted_name(name)
    missing = ", ".join(f"'{word}'" for word in MISSING_WORDS)
    return f"case when trim({quoted}) not in ({missing}) then trim({quoted}) end"


def _facts(connection: duckdb.DuckDBPyConnection, place: int, name: str) -> ColumnFacts:
    whole = "regexp_full_match(v, '-?(0|[1-9][0-9]{0,14})([.]0+)?')"
    conditions = [
        *(pattern.condition for pattern in PATTERNS),
        f"{COORDINATE} 90",
        f"{COORDINATE} 180",
        whole,
        "try_cast(v as double) is not null and not regexp_full_match(v, '-?0[0-9]+.*')",
        f"{DATE} is not null",
        f"{whole} and try_cast(v as double) between 1900 and 2100",
    ]
    counts = ", ".join(f"coalesce(sum(n) filter ({condition}), 0)::bigint" for condition in conditions)
    number = f"case when {whole} then try_cast(v as double) end"
    early, late = (f"quantile_disc({DATE}, {share})" for share in (0.05, 0.95))
    low_end, high_end = (f"quantile_disc(try_cast(v as double), {share})" for share in (0.05, 0.95))
    calendar = " ".join(
        f"when min({number}) = {low} and max({number}) = {high} and count(distinct {number}) = {high - low + 1} "
        f"then '{part}'"
        for part, (low, high) in CALENDARS.items()
    )
    row = connection.execute(
        f"select coalesce(sum(n), 0)::bigint, coalesce(sum(n) filter (v is not null), 0)::bigint, count(v), "
        f"case when count({number}) < count(v) then null {calendar} end, "
        f"coalesce(date_diff('year', {early}, {late}), 0), coalesce({high_end} - {low_end}, 0), {counts} "
        f"from (select c{place} as v, count(*) as n from sampled group by v)"
    ).fetchone()
    assert row is not None
    rows, present, distinct, part, years, spread, *kept = row
    latitudes, longitudes, wholes, numbers, dates, in_years = kept[len(PATTERNS) :]
    return ColumnFacts(
        name=name,
        rows=rows,
        present=present,
        distinct=distinct,
        kept=tuple(kept[: len(PATTERNS)]),
        latitudes=latitudes,
        longitudes=longitudes,
        whole=wholes,
        numbers=numbers,
        dates=dates,
        years=in_years,
        calendar=part,
        birth_years=int(years),
        spread=float(spread),
    )
