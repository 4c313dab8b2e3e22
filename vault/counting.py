"""How often the values of columns, of pairs of columns and of whole records occur: counted by the engine.

What comes back says only how many values occur how often, never which. These are whole numbers, so that entropies are
the same whatever the engine, its threads or the order of the rows. Source: models §2.1.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from vault.discretising import code_name
from vault.ibis_tables import stored_query

GROUPS_MAX = 10_000_000
"""Groups of pairs that are held in one intermediate table."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Frequencies:
    """How many values occur how often: values[i] of them in counts[i] rows each."""

    counts: NDArray[np.int64]
    values: NDArray[np.int64]

    @property
    def rows(self) -> int:
        """The rows that hold a value."""
        return int((self.counts * self.values).sum())

    @property
    def distinct_values(self) -> int:
        """The different values."""
        return int(self.values.sum())

    @property
    def each(self) -> NDArray[np.int64]:
        """One count for each value, ascending."""
        return np.repeat(self.counts, self.values)

    @property
    def plug_in_bits(self) -> float:
        """H = Σ p log2(1/p), in bits: `pricing.entropy.plug_in` without a count for each value."""
        rows = self.rows
        if not rows:
            return 0.0
        return math.fsum(self.values * self.counts * np.log2(rows / self.counts)) / rows


@dataclass(frozen=True)
class PairFrequencies:
    """A pair of columns on the rows where both hold a value: the values of each there, and of both together."""

    one: Frequencies
    other: Frequencies
    joint: Frequencies


def pair_frequencies(codes: ir.Table, codes_max: Sequence[int], rows: int) -> dict[Pair, PairFrequencies]:
    """The frequencies of every pair of columns, by their places i <= j; of a column with itself, those of the column.

    codes: a stored table as `vault.discretising.codes_of` gives it; codes_max: the most codes of each column.
    Source: models §2.1.
    """
    found: dict[Pair, PairFrequencies] = {}
    for pairs in _batches(codes_max, rows):
        with stored_query(codes.get_backend(), _pair_counts(codes, pairs)) as counts:
            parts = _fetched(_sides(counts), 3 * len(pairs))
        found |= {pair: PairFrequencies(*parts[3 * place : 3 * place + 3]) for place, pair in enumerate(pairs)}
    return found


def record_frequencies(codes: ir.Table, width: int) -> Frequencies:
    """The frequencies of whole records, rows with a null left out. Source: models §2.1, as a diagnostic."""
    names = [code_name(place) for place in range(width)]
    complete = codes.filter([codes[name].notnull() for name in names])
    records = complete.group_by(names).agg(count=complete.count())
    told = records.group_by("count").agg(values=records.count()).mutate(part=ibis.literal(0, "int32"))
    return _fetched(told, 1)[0]


def target_codes(codes: ir.Table, others: Sequence[int], target: int) -> tuple[list[int], list[int]]:
    """A number for the record of the other columns and one for the target, of each row `drawn` that has a target.

    Numbers are ranks, so that they hold no value, and sorted, so that the order of the rows does not matter.
    """
    rows = codes.filter(codes.drawn, codes[code_name(target)].notnull())
    record = ibis.dense_rank().over(order_by=[code_name(place) for place in others]) if others else ibis.literal(0)
    ranks = rows.select(record=record, target=ibis.dense_rank().over(order_by=code_name(target)))
    told = ranks.order_by("record", "target").to_pyarrow()
    return told["record"].to_pylist(), told["target"].to_pylist()


def _batches(codes_max: Sequence[int], rows: int) -> Iterator[list[Pair]]:
    """The pairs, as many at once as have at most GROUPS_MAX groups together; at least one."""
    batch: list[Pair] = []
    groups = 0
    for one, other in combinations_with_replacement(range(len(codes_max)), 2):
        most = min(rows, (codes_max[one] + 1) * (codes_max[other] + 1))
        if batch and groups + most > GROUPS_MAX:
            yield batch
            batch, groups = [], 0
        batch.append((one, other))
        groups += most
    if batch:
        yield batch


def _pair_counts(codes: ir.Table, pairs: Sequence[Pair]) -> str:
    """The rows by the two codes of each pair, nulls as a group of their own: columns pair, one, other, count.

    One GROUP BY for each pair, written as the plain SQL that all engines read: Ibis takes half a second to compile a
    hundred of them, and GROUPING SETS over all pairs take DuckDB four times as long to run.
    """
    source = codes.get_backend().compile(codes)
    named = [(code_name(one), code_name(other)) for one, other in pairs]
    return " UNION ALL ".join(
        f"SELECT {place} AS pair, {one} AS one, {other} AS other, COUNT(*) AS count "
        f"FROM ({source}) AS codes GROUP BY {one}, {other}"
        for place, (one, other) in enumerate(named)
    )


def _sides(counts: ir.Table) -> ir.Table:
    """How many values occur how often, by part: three times the pair's place, and 0 for its first column, 1 for its
    second, 2 for both together."""
    both = counts.filter(counts.one.notnull(), counts.other.notnull())
    sides = (
        both.group_by("pair", "one").agg(count=both["count"].sum()),
        both.group_by("pair", "other").agg(count=both["count"].sum()),
        both,
    )
    return ibis.union(
        *(
            side.group_by(part=side.pair * 3 + number, count=side["count"]).agg(values=side.count())
            for number, side in enumerate(sides)
        )
    )


def _fetched(asked: ir.Table, parts: int) -> list[Frequencies]:
    """The frequencies of each part, in the order of their counts, so that sums over them are always the same."""
    told = asked.to_pyarrow()
    part, counts, values = (told[name].to_numpy() for name in ("part", "count", "values"))
    order = np.lexsort((counts, part))
    starts = np.searchsorted(part[order], np.arange(parts + 1))
    return [Frequencies(counts[order[start:end]], values[order[start:end]]) for start, end in pairwise(starts)]
