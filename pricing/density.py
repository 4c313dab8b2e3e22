"""The density D = h(E): the bits of a component's record, without counting twice what its columns share.

E is the entropy of the best dependence tree (Chow and Liu); `pricing.application` has the one for a declared target.
Sources: white paper, information density; models §2.
"""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from pricing.domain import non_negative, positive, within_unit
from pricing.entropy import Estimator, estimate_by, plug_in, with_nulls

Transform = Literal["michaelis", "identity", "log1p_bits", "exp_saturation"]
"""h. michaelis: E/(E + E0), standard; identity: E, printed; log1p_bits: log2(1 + E); exp_saturation: 1 - 2^(-E/E0)."""
TRANSFORMS: tuple[Transform, ...] = ("michaelis", "identity", "log1p_bits", "exp_saturation")
BOOTSTRAP_HALF_VALUE_BITS = 16.0
"""E0 until a domain has a catalogue: about 8 fields of 2 bits."""

Record = tuple[Hashable | None, ...]
RowCounts = Sequence[tuple[Record, int]]


@dataclass(frozen=True)
class ColumnEntropy:
    """One column: bits H of its non-null rows and the share ρ of rows that are null."""

    name: str
    bits: float
    null_rate: float = 0.0

    def __post_init__(self) -> None:
        non_negative(f"bits of {self.name}", self.bits)
        within_unit(f"null_rate of {self.name}", self.null_rate)

    @property
    def weighted_bits(self) -> float:
        """(1 - ρ) · H."""
        return with_nulls(self.bits, self.null_rate)


@dataclass(frozen=True)
class PairEntropy:
    """Two columns on the rows where both are non-null: the bits of each there, of both together, and ρ of the pair.

    null_rate: share of rows where one of the two is null.
    """

    first: str
    second: str
    first_bits: float
    second_bits: float
    joint_bits: float
    null_rate: float = 0.0

    def __post_init__(self) -> None:
        if self.first == self.second:
            raise ValueError(f"a pair needs two columns, not {self.first} twice")
        for name, bits in (("first", self.first_bits), ("second", self.second_bits), ("joint", self.joint_bits)):
            non_negative(f"{name}_bits of {self.first} and {self.second}", bits)
        within_unit(f"null_rate of {self.first} and {self.second}", self.null_rate)

    @property
    def information_bits(self) -> float:
        """I = max(0, H_i + H_j - H_ij)."""
        return max(0.0, self.first_bits + self.second_bits - self.joint_bits)

    @property
    def weighted_bits(self) -> float:
        """(1 - ρ_ij) · I_ij."""
        return with_nulls(self.information_bits, self.null_rate)


@dataclass(frozen=True)
class RecordEntropy:
    """The entropy of a record by its dependence tree, and what it was made of; all in bits.

    bits: E; tree: the chosen pairs of columns, by name; columns, pairs: what they were chosen from; joint_bits: of the
    whole record where it was counted, for comparison only.
    """

    bits: float
    marginal_sum_bits: float
    tree: tuple[tuple[str, str], ...]
    columns: tuple[ColumnEntropy, ...]
    pairs: tuple[PairEntropy, ...] = field(repr=False)
    joint_bits: float | None = None


def chow_liu(
    columns: Sequence[ColumnEntropy], pairs: Sequence[PairEntropy], joint_bits: float | None = None
) -> RecordEntropy:
    """E = Σ (1 - ρ_i) H_i - Σ_T (1 - ρ_ij) I_ij, T the maximum spanning tree under (1 - ρ_ij) I_ij, in bits.

    Needs every pair of the columns once, in any order. Of equally heavy pairs the first in the columns' order is
    chosen. No column gives 0 bits. Without nulls joint <= E <= Σ H. Raises ValueError for repeated columns, a pair that
    is missing, repeated or of other columns. Source: models §2.1.
    """
    order = _positions(columns)
    by_position = _pairs_by_position(order, pairs)
    heaviest_first = sorted(by_position, key=lambda edge: (-by_position[edge].weighted_bits, edge))
    tree = _spanning(len(order), heaviest_first)
    total = math.fsum(column.weighted_bits for column in columns)
    shared = math.fsum(by_position[edge].weighted_bits for edge in tree)
    return RecordEntropy(
        bits=max(0.0, total - shared),  # estimates of samples need not agree with each other
        marginal_sum_bits=total,
        tree=tuple((columns[first].name, columns[second].name) for first, second in sorted(tree)),
        columns=tuple(columns),
        pairs=tuple(by_position[edge] for edge in sorted(by_position)),
        joint_bits=joint_bits,
    )


def pair_counts_entropy(
    first: str,
    second: str,
    counts: Mapping[tuple[Hashable, Hashable], int],
    rows: int,
    estimator: Estimator = "plug_in",
) -> PairEntropy:
    """The entropies of a pair from its counts; rows: all rows of the table, nulls too.

    counts: rows by the two values, both non-null. Raises ValueError for counts outside their domain, more of them than
    rows, or another estimator. Source: models §2.1, §2.4.
    """
    complete = sum(counts.values())
    if not 0 <= complete <= rows:
        raise ValueError(f"{complete} counted rows of {first} and {second} in a table of {rows}")
    of_first: Counter[Hashable] = Counter()
    of_second: Counter[Hashable] = Counter()
    for (one, other), count in counts.items():
        of_first[one] += count
        of_second[other] += count
    return PairEntropy(
        first,
        second,
        first_bits=estimate_by(estimator, of_first.values()),
        second_bits=estimate_by(estimator, of_second.values()),
        joint_bits=estimate_by(estimator, counts.values()),
        null_rate=_null_rate(complete, rows),
    )


def column_counts_entropy(
    name: str, counts: Sequence[int], rows: int, estimator: Estimator = "plug_in"
) -> ColumnEntropy:
    """The entropy of a column from how often each of its non-null values occurs; rows: all rows of the table.

    Raises ValueError for counts outside their domain, more of them than rows, or another estimator.
    Source: models §2.1, §2.4.
    """
    filled = sum(counts)
    if not 0 <= filled <= rows:
        raise ValueError(f"{filled} counted rows of {name} in a table of {rows}")
    return ColumnEntropy(name, estimate_by(estimator, counts), _null_rate(filled, rows))


def record_entropy(names: Sequence[str], row_counts: RowCounts) -> RecordEntropy:
    """E of a table given as its distinct records with how often each occurs; None is null. Plug-in, in bits.

    The joint entropy beside it is (1 - ρ) · H of the records without any null. Raises ValueError for a record of
    another length, or a count that is negative or no whole number. Source: models §2.1.
    """
    for record, _ in row_counts:
        if len(record) != len(names):
            raise ValueError(f"a record of {len(record)} values for {len(names)} columns")
    rows = sum(count for _, count in row_counts)
    places = range(len(names))
    columns = [
        column_counts_entropy(names[place], list(_counted(row_counts, (place,)).values()), rows) for place in places
    ]
    pairs = [
        pair_counts_entropy(
            names[i], names[j], {(key[0], key[1]): n for key, n in _counted(row_counts, (i, j)).items()}, rows
        )
        for i, j in combinations(places, 2)
    ]
    whole = _counted(row_counts, tuple(places))
    joint = with_nulls(plug_in(whole.values()), _null_rate(sum(whole.values()), rows))
    return chow_liu(columns, pairs, joint)


def density(
    entropy_bits: float,
    transform: Transform = "michaelis",
    half_value_bits: float = BOOTSTRAP_HALF_VALUE_BITS,
) -> float:
    """D = h(E): E/(E + E0) `michaelis`, E `identity`, log2(1 + E) `log1p_bits`, 1 - 2^(-E/E0) `exp_saturation`.

    entropy_bits E: 0 or more; half_value_bits E0: above 0, where the first and last are 1/2. h(0) = 0, concave and
    non-decreasing; without unit and below 1 for these two. Raises ValueError outside the domain or for another h:
    E/E_max is none, since a column more could lower it. Sources: white paper; models §2.5.
    """
    bits = non_negative("entropy_bits", entropy_bits)
    half = positive("half_value_bits", half_value_bits)
    if transform == "michaelis":
        return bits / (bits + half)
    if transform == "identity":
        return float(bits)
    if transform == "log1p_bits":
        return math.log1p(bits) / math.log(2.0)
    if transform == "exp_saturation":
        return -math.expm1(-bits / half * math.log(2.0))
    raise ValueError(f"transform must be one of {', '.join(TRANSFORMS)}, not {transform!r}")


def _positions(columns: Sequence[ColumnEntropy]) -> dict[str, int]:
    order = {column.name: position for position, column in enumerate(columns)}
    if len(order) != len(columns):
        raise ValueError("each column may be given once")
    return order


def _pairs_by_position(order: Mapping[str, int], pairs: Sequence[PairEntropy]) -> dict[tuple[int, int], PairEntropy]:
    found: dict[tuple[int, int], PairEntropy] = {}
    for pair in pairs:
        if pair.first not in order or pair.second not in order:
            raise ValueError(f"the pair of {pair.first} and {pair.second} is not of the columns given")
        first, second = sorted((order[pair.first], order[pair.second]))
        if (first, second) in found:
            raise ValueError(f"the pair of {pair.first} and {pair.second} is given twice")
        found[first, second] = pair
    missing = len(order) * (len(order) - 1) // 2 - len(found)
    if missing:
        raise ValueError(f"{missing} pairs of columns are missing: every pair is needed to choose among them")
    return found


def _spanning(size: int, edges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Kruskal: each edge in its order that joins two parts not yet joined."""
    part = list(range(size))
    chosen = []
    for first, second in edges:
        if part[first] != part[second]:
            joined, kept = part[second], part[first]
            part = [kept if each == joined else each for each in part]
            chosen.append((first, second))
    return chosen


def _counted(row_counts: RowCounts, places: tuple[int, ...]) -> Counter[Record]:
    """How often each combination of values occurs at the places, rows with a null there left out."""
    found: Counter[Record] = Counter()
    for record, count in row_counts:
        values = tuple(record[place] for place in places)
        if None not in values:
            found[values] += count
    return found


def _null_rate(filled: int, rows: int) -> float:
    return (rows - filled) / rows if rows else 0.0
