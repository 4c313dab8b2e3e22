"""From frequencies to bits: exact for a population, estimated by how much of it a sample covers.

Source: models §2.4.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from pricing.density import ColumnEntropy, PairEntropy, RecordEntropy, chow_liu
from pricing.entropy import (
    COVERAGE_FOR_MILLER_MADOW,
    COVERAGE_UNDERSAMPLED,
    Basis,
    Estimator,
    estimate_by,
    good_turing_coverage,
    with_nulls,
)
from vault.counting import Frequencies, Pair, PairFrequencies


@dataclass(frozen=True)
class Whole:
    """What the counts stand for: a table of so many rows, counted itself or by a sample of measured_rows."""

    basis: Basis
    rows: int
    measured_rows: int

    def coverage(self, frequencies: Frequencies) -> float:
        """The share of the whole that the values counted make up: 1 for a population, Good and Turing's Ĉ else."""
        return 1.0 if self.basis == "population" else good_turing_coverage(frequencies.each)

    def estimator(self, frequencies: Frequencies) -> Estimator:
        """Plug-in for a population; for a sample Miller-Madow where coverage is 0.9 or more, else Chao-Shen."""
        if self.basis == "population":
            return "plug_in"
        return "miller_madow" if self.coverage(frequencies) >= COVERAGE_FOR_MILLER_MADOW else "chao_shen"

    def undersampled(self, frequencies: Frequencies) -> bool:
        """Whether too little is covered to rely on."""
        return frequencies.rows > 0 and self.coverage(frequencies) < COVERAGE_UNDERSAMPLED

    def bits(self, frequencies: Frequencies, estimator: Estimator) -> float:
        """The entropy by an estimator; of a sample at most log2 of the rows of the whole."""
        if estimator == "plug_in":
            return frequencies.plug_in_bits
        return min(estimate_by(estimator, frequencies.each), math.log2(self.rows))

    def null_rate(self, frequencies: Frequencies) -> float:
        """ρ: the share of the rows counted that hold no value."""
        return (self.measured_rows - frequencies.rows) / self.measured_rows


def record_entropy_of(
    names: Sequence[str], counted: Mapping[Pair, PairFrequencies], records: Frequencies, whole: Whole
) -> RecordEntropy:
    """The entropy of a record by its dependence tree, from the frequencies of its columns and of all their pairs.

    The joint entropy beside it is (1 - ρ) · H of the records without any null. Source: models §2.1.
    """
    columns = [_column_entropy(name, counted[place, place].joint, whole) for place, name in enumerate(names)]
    pairs = [
        _pair_entropy(names[one], names[other], counted[one, other], whole)
        for one, other in combinations(range(len(names)), 2)
    ]
    joint = with_nulls(whole.bits(records, whole.estimator(records)), whole.null_rate(records))
    return chow_liu(columns, pairs, joint)


def undersampled_pairs(
    names: Sequence[str], counted: Mapping[Pair, PairFrequencies], tree: Sequence[tuple[str, str]], whole: Whole
) -> list[tuple[str, str]]:
    """The pairs of the tree that are covered too little to rely on."""
    place = {name: position for position, name in enumerate(names)}
    return [(one, other) for one, other in tree if whole.undersampled(counted[place[one], place[other]].joint)]


def _column_entropy(name: str, frequencies: Frequencies, whole: Whole) -> ColumnEntropy:
    bits = whole.bits(frequencies, whole.estimator(frequencies))
    return ColumnEntropy(name, bits, whole.null_rate(frequencies))


def _pair_entropy(first: str, second: str, counted: PairFrequencies, whole: Whole) -> PairEntropy:
    """All three by the estimator that the rarest covered, the joint one, calls for: their biases then cancel in I."""
    estimator = whole.estimator(counted.joint)
    return PairEntropy(
        first,
        second,
        first_bits=whole.bits(counted.one, estimator),
        second_bits=whole.bits(counted.other, estimator),
        joint_bits=whole.bits(counted.joint, estimator),
        null_rate=whole.null_rate(counted.joint),
    )
