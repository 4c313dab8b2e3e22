"""Comparing a leaked file with every buyer's copy, in the engine: how many bits agree, and which rows are missing.

A row counts once however often it stands in the file; where its copies there carry different bits it says nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from market_api.fingerprint.engine import parquet_sql
from market_api.fingerprint.keys import FingerprintKey, PaddedKey, hmac_sql
from market_api.fingerprint.leaks import Leak
from market_api.fingerprint.marks import DIGEST, MESSAGE, OF_BUYER, bit_of, is_chosen, is_omitted, level_of, row_message
from market_api.fingerprint.planning import MarkedColumn, Plan
from vault.sql_names import quoted_name

MARKS_MAX, OMISSION_ROWS_MAX = 20_000, 10_000
"""What is compared of either channel, that of the smallest digests where there is more: the work is rows times buyers,
and a tenth of it convicts."""

LEAKED, RELEASED = '"#leaked"', '"#released"'


@dataclass(frozen=True)
class BitCounts:
    """How many of the marks that a file has carry the bit of a buyer's copy."""

    marks: int
    matches: int


@dataclass(frozen=True)
class RowCounts:
    """Of a population of chosen rows of the release `drawn` are in the file; of the `omitted` ones, which the buyer's
    copy lacks, `omitted_found`."""

    population: int
    drawn: int
    omitted: int
    omitted_found: int


@contextmanager
def chosen_rows(
    connection: duckdb.DuckDBPyConnection, leak: Leak, plan: Plan, key: FingerprintKey, original: Sequence[Path]
) -> Iterator[int]:
    """The chosen rows of a file, kept by the engine until the end with their bits; how many.

    original: the release, of which other rows are none; all rows count where it is not given.
    """
    of_rows, names = _parameters(key.of_rows), [each for each in plan.columns if each in leak.columns]
    bits = [(place, each) for place, each in enumerate(plan.marked) if each.name in leak.columns]
    try:
        if original:
            keys = ", ".join(quoted_name(each.name) for each in plan.key)
            released = _chosen_sql(plan, f"select {keys} from {parquet_sql(original)}")
            _store(connection, RELEASED, f"{_by_row([])} from ({released}) group by {MESSAGE}", of_rows)
        known = f" where {MESSAGE} in (select {MESSAGE} from {RELEASED})" if original else ""
        told = "".join(f", {_bit(place, each)} as {_at(place)}" for place, each in bits)
        read = f"select *{told} from ({_chosen_sql(plan, leak.select_sql(names))}){known}"
        _store(connection, LEAKED, f"{_by_row(bits)} from ({read}) group by {MESSAGE}", of_rows)
        yield _number(connection, f"select count(*) from {LEAKED}")
    finally:
        connection.execute(f"drop table if exists {LEAKED}")
        connection.execute(f"drop table if exists {RELEASED}")


def compare_bits(
    connection: duckdb.DuckDBPyConnection, leak: Leak, plan: Plan, key: FingerprintKey, buyers: Sequence[str]
) -> dict[str, BitCounts]:
    """Of each buyer, within `chosen_rows`; empty where the file has none of the marked columns."""
    places = [place for place, each in enumerate(plan.marked) if each.name in leak.columns]
    if not places:
        return {}
    marks = " + ".join(f"count({_at(place)})" for place in places)
    matches = " + ".join(f"count(*) filter (where {_at(place)} = {bit_of(OF_BUYER, place)})" for place in places)
    rows = f"select * from {LEAKED} order by {DIGEST} limit {MARKS_MAX // len(places)}"
    query = f"select buyer, {marks}, {matches} from ({_beside_buyers(rows)}) group by buyer"
    found = connection.execute(query, _suspects(key, buyers)).fetchall()
    return {buyer: BitCounts(int(marks), int(matches)) for buyer, marks, matches in found}


def compare_rows(
    connection: duckdb.DuckDBPyConnection, key: FingerprintKey, buyers: Sequence[str]
) -> dict[str, RowCounts]:
    """Of each buyer, within `chosen_rows` of a file beside its release."""
    rows = (
        f"select {MESSAGE}, {MESSAGE} in (select {MESSAGE} from {LEAKED}) as is_found "
        f"from (select * from {RELEASED} order by {DIGEST} limit {OMISSION_ROWS_MAX})"
    )
    omitted = is_omitted(OF_BUYER)
    counts = ", ".join(
        f"count(*) filter (where {condition})" for condition in ("true", "is_found", omitted, f"is_found and {omitted}")
    )
    query = f"select buyer, {counts} from ({_beside_buyers(rows)}) group by buyer"
    found = connection.execute(query, _suspects(key, buyers)).fetchall()
    return {buyer: RowCounts(*map(int, counts)) for buyer, *counts in found}


def _chosen_sql(plan: Plan, source: str) -> str:
    """The rows of a select that are chosen, with their key and digest."""
    keyed = f"select *, {row_message(plan.key)} as {MESSAGE} from ({source})"
    digested = f"select *, {hmac_sql('$inner', '$outer', MESSAGE)} as {DIGEST} from ({keyed})"
    return f"select * from ({digested}) where {is_chosen(DIGEST)}"


def _by_row(bits: Sequence[tuple[int, MarkedColumn]]) -> str:
    """One row for each key: a bit is told where all rows of the key agree on it."""
    places = [_at(place) for place, _ in bits]
    agreed = "".join(f", case when min({each}) = max({each}) then min({each}) end as {each}" for each in places)
    return f"select {MESSAGE}, min({DIGEST}) as {DIGEST}{agreed}"


def _bit(place: int, column: MarkedColumn) -> str:
    lattice = column.lattice
    return lattice.bit_sql(quoted_name(column.name), level_of(DIGEST, place, lattice.levels))


def _beside_buyers(rows: str) -> str:
    """Every row beside every buyer, with the digest that the buyer's copy has of it."""
    suspects = "select unnest($buyers) as buyer, unnest($inners) as of_inner, unnest($outers) as of_outer"
    digest = hmac_sql("of_inner", "of_outer", MESSAGE)
    return f"select *, {digest} as {OF_BUYER} from ({suspects}) cross join ({rows})"


def _suspects(key: FingerprintKey, buyers: Sequence[str]) -> dict[str, list[str] | list[bytes]]:
    padded = [key.of_buyer(each) for each in buyers]
    return {
        "buyers": list(buyers),
        "inners": [each.inner for each in padded],
        "outers": [each.outer for each in padded],
    }


def _store(connection: duckdb.DuckDBPyConnection, name: str, query: str, parameters: dict[str, bytes]) -> None:
    connection.execute(f"create or replace temp table {name} as {query}", parameters)


def _parameters(key: PaddedKey) -> dict[str, bytes]:
    return {"inner": key.inner, "outer": key.outer}


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    (number,) = connection.execute(query).fetchone() or (0,)
    return int(number)


def _at(place: int) -> str:
    return f'"#bit_{place}"'
