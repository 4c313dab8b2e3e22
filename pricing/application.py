"""The information density of a component for one application: what its record tells about a target, in bits.

Used where a target exists; unlike the entropy of the record it sees through noise. Source: models §2.2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pricing.domain import finite, non_negative
from pricing.entropy import miller_madow

LABEL_PERMUTATIONS = 20

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class TargetInformation:
    """What a record tells about a target: bits (E_app), the target's own bits, and their ratio in [0, 1].

    corrected_bits: Miller-Madow-corrected information; chance_bits: its mean where the labels are permuted.
    """

    bits: float
    target_bits: float
    corrected_bits: float
    chance_bits: float

    @property
    def share(self) -> float:
        """U = I / H(Y), 0 for a target that does not vary."""
        return min(1.0, self.bits / self.target_bits) if self.target_bits > 0 else 0.0


def application_entropy(corrected_bits: float, permuted_bits: Sequence[float], target_bits: float) -> TargetInformation:
    """E_app = max(0, I_MM - mean of I_MM over label permutations): bits of a target's uncertainty removed.

    corrected_bits, permuted_bits: Miller-Madow-corrected, so they may be below 0; target_bits: H(Y), 0 or more.
    Raises ValueError without a permutation or for a value that is not finite. Source: models §2.2.
    """
    if not permuted_bits:
        raise ValueError("at least one permutation is needed to tell information from chance")
    finite("corrected_bits", corrected_bits)
    non_negative("target_bits", target_bits)
    chance = math.fsum(finite("permuted_bits", bits) for bits in permuted_bits) / len(permuted_bits)
    return TargetInformation(max(0.0, corrected_bits - chance), target_bits, corrected_bits, chance)


def target_information(
    record_codes: Sequence[int], target_codes: Sequence[int], seed: int, permutations: int = LABEL_PERMUTATIONS
) -> TargetInformation:
    """E_app of rows given as codes of their record and of their target; the permutations follow from the seed.

    record_codes, target_codes: one whole number per row; permutations: 1 or more. Raises ValueError for
    different lengths or values outside the domain. Source: models §2.2.
    """
    records, targets = _codes("record_codes", record_codes), _codes("target_codes", target_codes)
    if records.shape != targets.shape:
        raise ValueError(f"{len(records)} record codes beside {len(targets)} target codes")
    if permutations < 1:
        raise ValueError(f"permutations must be 1 or more, not {permutations}")
    random = np.random.default_rng(seed)
    observed = _corrected_bits(records, targets)
    permuted = [_corrected_bits(records, random.permutation(targets)) for _ in range(permutations)]
    return application_entropy(observed, permuted, miller_madow(_sizes(targets)))


def _codes(name: str, codes: Sequence[int]) -> Codes:
    """The codes renumbered from 0. Raises ValueError where they are no whole numbers."""
    table = np.asarray(codes)
    if table.ndim != 1 or (len(table) and not np.issubdtype(table.dtype, np.integer)):
        raise ValueError(f"{name} must be one row of whole numbers")
    return np.unique(table, return_inverse=True)[1].astype(np.int64)


def _corrected_bits(records: Codes, targets: Codes) -> float:
    """H(X) + H(Y) - H(X, Y), each Miller-Madow-corrected."""
    pairs = records * (int(targets.max(initial=0)) + 1) + targets
    return miller_madow(_sizes(records)) + miller_madow(_sizes(targets)) - miller_madow(_sizes(pairs))


def _sizes(codes: Codes) -> NDArray[np.int64]:
    return np.unique(codes, return_counts=True)[1]
